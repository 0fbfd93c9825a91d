"""What visitors of a simulated government service hall write: Chinese and English texts with planted themes and complaints."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

THEMES = ("waiting", "staff", "website", "papers", "fees", "parking", "signs")
TOUCHPOINTS = ("counter", "website", "phone", "kiosk")
LABELS = {
    "counter": ("Counter", "服务窗口"), "website": ("Website", "网站"), "phone": ("Phone line", "热线电话"), "kiosk": ("Self-service kiosk", "自助机"),
}  # fmt: skip
FIRST_DAY, DAYS, CHANGED = pd.Timestamp("2025-01-01"), 364, pd.Timestamp("2025-07-01")
"""Texts are of a year; on 1 July new counters open, and a new website that asks for a face scan."""
COMPLAINS = np.array([0.24, 0.12, 0.10, 0.09, 0.05, 0.06, 0.04])
PRAISES = np.array([0.04, 0.22, 0.05, 0.04, 0.03, 0.02, 0.03])
# times as often at counter, website, phone and kiosk as in all
_AT = np.array([
    [1.2, 0.2, 1.5, 0.6], [1.2, 0.3, 1.6, 0.3], [0.3, 4.0, 0.6, 0.5], [1.1, 1.3, 0.6, 0.8], [1.0, 1.0, 1.0, 1.0], [1.3, 0.1, 0.2, 1.2],
    [1.1, 0.3, 0.2, 1.8],
])  # fmt: skip
_AFTER = np.array([0.55, 1.0, 1.7, 1.0, 1.0, 1.0, 1.0])
COSTS = np.array([1.1, 1.3, 0.8, 0.7, 0.5, 0.3, 0.2])
"""What a complaint of each theme takes from the rating, of five."""
WHERE = (0.55, 0.2, 0.12, 0.13)
FACE, TRADITIONAL, CHINESE, SECOND_TEXT, RATED = 0.06, 0.06, 0.6, 0.2, 0.85
LABELLED, CODED, SLIP = 600, 400, 0.04
"""Texts whose sentiment, and whose themes, people told; and how often one of them slips."""
ODD = 0.02


class HallVoice:
    """Texts of visitors, with declared truth.

    Parameters
    ----------
    texts : int
        In all; about one in six is somebody's second.
    seed : int
        The same seed gives the same rows; each block of columns has a stream of its own.
    """

    def __init__(self, texts: int, seed: int) -> None:
        self.texts, self.seed = texts, seed

    def _stream(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    @cached_property
    def _design(self) -> dict[str, NDArray[Any]]:
        rng, n = self._stream("design"), self.texts
        customer = np.arange(n)
        second = np.flatnonzero(rng.random(n) < SECOND_TEXT)
        second = second[second > 0]
        customer[second] = rng.integers(0, second)
        return {
            "customer": customer,
            "where": rng.choice(len(TOUCHPOINTS), n, p=WHERE),
            "day": rng.integers(0, DAYS + 1, n),
        }

    @cached_property
    def _chances(self) -> NDArray[np.float64]:
        """Return the chance that each text complains of each theme, shape (n, themes)."""
        after = self._design["day"] >= (CHANGED - FIRST_DAY).days
        chance = COMPLAINS * _AT.T[self._design["where"]] * np.where(after[:, None], _AFTER, 1.0)
        return np.asarray(np.minimum(chance, 0.9))

    def rows(self) -> pd.DataFrame:
        """Return one row per text: text, customer, date, touchpoint, rating, sentiment, themes, themes_again (what people told of some)."""
        rng, n, design = self._stream("texts"), self.texts, self._design
        complains = rng.random((n, len(THEMES))) < self._chances
        praises = ~complains & (rng.random(complains.shape) < PRAISES)
        late = design["day"] >= (CHANGED - FIRST_DAY).days
        face = late & (design["where"] == TOUCHPOINTS.index("website")) & (rng.random(n) < FACE * 5)
        chinese = rng.random(n) < CHINESE
        texts = [
            _text(rng, "zh" if zh else "en", np.flatnonzero(bad), np.flatnonzero(good), scan=scan)
            for zh, bad, good, scan in zip(chinese.tolist(), complains, praises, face.tolist(), strict=True)
        ]
        traditional = chinese & (rng.random(n) < TRADITIONAL)
        odd = rng.random(n) < ODD
        negative = complains.any(axis=1) | face
        frame = pd.DataFrame(
            {"text": _in_traditional(texts, traditional), "customer": [f"c{c:07d}" for c in design["customer"]]}
        )
        frame.loc[odd, "text"] = rng.choice(_phrases()["odd"], int(odd.sum()))
        frame["date"] = FIRST_DAY + pd.to_timedelta(design["day"], unit="D")
        frame["touchpoint"] = np.array(TOUCHPOINTS, dtype=object)[design["where"]]
        felt = 4.6 - complains @ COSTS - 0.6 * face + 0.2 * praises.sum(axis=1) + rng.normal(0, 0.7, n)
        frame["rating"] = np.where(rng.random(n) < RATED, np.clip(np.rint(felt), 1, 5), np.nan)
        told = ~odd & (rng.permutation(n) < LABELLED)
        label = np.where(negative ^ (rng.random(n) < SLIP), "negative", "positive")
        frame["sentiment"] = pd.Series(label, dtype=object).where(told, None)
        coded = ~odd & (rng.permutation(n) < CODED)
        spoken = complains | praises
        for column in ("themes", "themes_again"):
            given = spoken ^ (rng.random(spoken.shape) < SLIP / 4)
            words = [";".join(THEMES[j] for j in np.flatnonzero(row)) or "none" for row in given]
            frame[column] = pd.Series(words, dtype=object).where(coded, None)
        return frame

    def truth(self) -> pd.DataFrame:
        """Return the expected share of people who complain of each theme, given where and when they wrote: theme, truth."""
        customer, never = self._design["customer"], np.log1p(-self._chances)
        people, who = np.unique(customer, return_inverse=True)
        whole = np.zeros((len(people), len(THEMES)))
        np.add.at(whole, who, never)
        return pd.DataFrame({"theme": THEMES, "truth": (1 - np.exp(whole)).mean(axis=0)})


def _text(rng: np.random.Generator, language: str, bad: NDArray[Any], good: NDArray[Any], *, scan: bool) -> str:
    said = _phrases()[language]
    pick = rng.integers(0, 1_000_000, len(bad) + len(good) + 4).tolist()
    complaints = [said[THEMES[j]]["bad"] for j in bad.tolist()] + ([said["face"]] if scan else [])
    praise = [said[THEMES[j]]["good"] for j in good.tolist()]
    down = [options[pick.pop() % len(options)] for options in complaints]
    up = [options[pick.pop() % len(options)] for options in praise]
    if not down and not up:
        return str(said["general"][pick.pop() % len(said["general"])])
    stop, turn = ("。", "，但是") if language == "zh" else (". ", ", but ")
    opening = said["openings"][pick.pop() % len(said["openings"])]
    return str(opening + turn.join(part for part in (stop.join(up), stop.join(down)) if part))


def _in_traditional(texts: list[str], chosen: NDArray[np.bool_]) -> list[str]:
    from opencc import OpenCC

    converter = OpenCC("s2t")
    return [converter.convert(t) if c else t for t, c in zip(texts, chosen.tolist(), strict=True)]


@cache
def _phrases() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((Path(__file__).parent / "service_hall_voice.yml").read_text("utf-8"))
    return found
