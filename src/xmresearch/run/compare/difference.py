"""What differs between two runs of one study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import ParamsError
from xmresearch.run.compare.figures import side_by_side, without_partner
from xmresearch.run.compare.pairing import Pairing, codebooks_differ, pairing
from xmresearch.run.compare.recorded import RecordedRun, Said, title_of
from xmresearch.run.compare.settings import settings_changed

ABSENT = "absent"


@dataclass(frozen=True, repr=False)
class Difference(Shown):
    """Two runs, and what differs.

    Attributes
    ----------
    before, after : RecordedRun
        The two.
    figures : DataFrame
        Headline figures that both have, with their changes; see `side_by_side`.
    alone : dict of str to list of str
        Labels of figures that one of them has.
    pairing : Pairing
        How respondents belong together.
    claims : DataFrame
        One row per claim of either: claim, state_before, state_after, verdict_before, verdict_after (a key of words, '' where it is not
        settled), said_before, said_after.
    settings : DataFrame
        See `settings_changed`.
    items : list of str or None
        Items whose scale, kind, dimension or direction differs; None where that could not be examined.
    """

    before: RecordedRun
    after: RecordedRun
    figures: pd.DataFrame
    alone: dict[str, list[str]]
    pairing: Pairing
    claims: pd.DataFrame
    settings: pd.DataFrame
    items: list[str] | None

    @property
    def meaning(self) -> list[str]:
        """Settings that give figures another meaning."""
        changed = self.settings[self.settings["effect"] == "effect_meaning"]
        return [s for s in changed["setting"] if s != "codebook"]

    @property
    def same_code(self) -> bool:
        """Whether both were made by the same code and versions."""
        return all(self.before.manifest.get(k) == self.after.manifest.get(k) for k in ("code", "lock", "versions"))

    def _head(self) -> dict[str, Any]:
        return {
            "before": self.before.key,
            "after": self.after.key,
            "figures": len(self.figures),
            "pairing": self.pairing.case,
        }

    def tidy(self) -> pd.DataFrame:
        """Return the headline figures with their changes."""
        return self.figures


def difference(before: RecordedRun, after: RecordedRun) -> Difference:
    """Find what differs between two runs.

    Parameters
    ----------
    before, after : RecordedRun
        Of one study, the earlier first.

    Returns
    -------
    Difference

    Raises
    ------
    ParamsError
        The runs are of different studies.
    """
    if before.study.name != after.study.name:
        raise ParamsError(
            f"The runs are of different studies: '{before.study.name}' and '{after.study.name}'.",
            "Only runs of one study can be compared.",
        )
    pairs = pairing(before, after)
    return Difference(
        before, after, side_by_side(before, after, pairs.correlation), without_partner(before, after), pairs,
        _claims(before, after), settings_changed(before.params, after.params, after.study.params), codebooks_differ(before, after),
    )  # fmt: skip


def _claims(before: RecordedRun, after: RecordedRun) -> pd.DataFrame:
    """Set the claims of both side by side, in the order of the later run."""
    nothing = Said(ABSENT, "", "")
    rows = []
    for name in dict.fromkeys([*after.claims, *before.claims]):
        then, now = before.claims.get(name, nothing), after.claims.get(name, nothing)
        rows.append({
            "claim": name, "state_before": _state(then), "state_after": _state(now), "verdict_before": _verdict(then),
            "verdict_after": _verdict(now), "said_before": then.words, "said_after": now.words,
            "claim_title": title_of(name, after.study, after.lang, after, before),
        })  # fmt: skip
    states = ["state_before", "state_after", "verdict_before", "verdict_after"]
    return pd.DataFrame(rows, columns=["claim", *states, "said_before", "said_after", "claim_title"])


def _state(said: Said) -> str:
    return ABSENT if said.state == ABSENT else f"state_{said.state}"


def _verdict(said: Said) -> str:
    return f"verdict_{said.verdict}" if said.state == "settled" else ""
