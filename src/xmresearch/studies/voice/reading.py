"""What is read of the rows: texts that say something, whose they are, and what was set aside and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.panel import PanelData
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, brief
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.verbatims.languages import language_of
from xmresearch.verbatims.text_record import TextRecord, record_texts
from xmresearch.verbatims.texts import ADDRESS, as_texts, simplified

REPEATED_BY = 3
"""People who wrote the same advertisement, or the same long text, from whom on it counts as nobody's own words."""
LONG = 60.0
"""Letters, a Chinese character as two and a half of them, from which on a text that several wrote alike is no chance."""
LONGEST = 5000
"""Characters that are read of a text."""
FEWEST_TEXTS = 50
"""Texts that say something, below which there is no study."""
_WORDS = re.compile(r"[^\W_]")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_NONE = frozenset({"none", "n/a", "na", "nil", "no", "无", "没有", "没", "暂无", "nothing", "-"})
REASONS = ("blank", "no_words", "no_answer", "by_default", "advertisement", "copied", "said_twice")


@dataclass(frozen=True, repr=False)
class Verbatims(Shown):
    """Texts that are analysed, one row each.

    Attributes
    ----------
    rows : DataFrame
        text (as it was written), read (normalised, simplified characters), language, and what the params name of who, date, rating,
        touchpoint, sentiment, themes, themes_again.
    aside : DataFrame
        Texts that were set aside: reason and n, in the order in which they were looked for; and those that are read in part (cut).
    received : int
        Rows of the file.
    record : TextRecord
        What there is among all of them: languages, lengths, emoji, repeats.
    """

    rows: pd.DataFrame
    aside: pd.DataFrame
    received: int
    record: TextRecord

    @property
    def people(self) -> NDArray[Any]:
        """Who wrote each text, shape (n,)."""
        return np.asarray(self.rows["who"])

    def column(self, name: str) -> pd.Series | None:
        """Return a column where the params name one."""
        return self.rows.get(name)

    def put_aside(self) -> dict[str, int] | None:
        """Return how many rows say nothing or are read in part; None where all are read whole."""
        return None if self.aside.empty else {"rows": int(self.aside["n"].sum())}

    def among(self) -> pd.DataFrame:
        """Return what there is among all texts that were received: what, n and share."""
        table = self.record.tidy()
        return table[(table["n"] > 0) & ~table["what"].isin(["texts", "usable", "blank"])].assign(
            what=lambda t: "among_" + t["what"]
        )

    def tidy(self) -> pd.DataFrame:
        """Return what was set aside, by reason."""
        return self.aside

    def summary(self) -> dict[str, Any]:
        """Return how many texts of how many people are analysed, in which languages, and how many were set aside."""
        counts = self.rows["language"].value_counts()
        return {
            "n": len(self.rows), "people": int(self.rows["who"].nunique()), "received": self.received,
            "aside": self.received - len(self.rows), "chinese": int(counts.get("zh", 0)), "english": int(counts.get("en", 0)),
            "mixed": int(counts.get("mixed", 0)), "others": int(counts.get("other", 0)),
        }  # fmt: skip


def read_verbatims(params: VoiceParams, data: PanelData) -> Verbatims:
    """Set aside what says nothing, and bring columns into one form.

    Parameters
    ----------
    params : VoiceParams
        Of the study.
    data : PanelData
        As opened.

    Returns
    -------
    Verbatims

    Raises
    ------
    DataError
        A text is none, or a rating is no number.
    InsufficientData
        Too few texts say something.
    """
    use = {column: key for key, column in params.columns().items()}
    frame = pd.DataFrame(data.rows)[list(use)].rename(columns=use)
    given = as_texts(frame["text"])
    cut = sum(len(t) > LONGEST for t in given)
    read = simplified(_ended(t[:LONGEST]) for t in given)
    who = _who(frame)
    record = record_texts([t[:LONGEST] for t in given], customers=who.tolist())
    by_default = record.rows["default_praise"] | record.rows["default_nothing"]
    reason = _reasons(read, who, by_default.to_numpy(), params.shortest)
    kept = np.flatnonzero(reason == "")
    counts = {r: int((reason == r).sum()) for r in REASONS} | {"cut": cut}
    if len(kept) < FEWEST_TEXTS:
        raise InsufficientData(
            f"{len(kept)} of {len(given)} texts say something; a study of verbatims takes {FEWEST_TEXTS}.",
            "Check that 'text' names the column of what people wrote.",
        )
    rows = pd.DataFrame(
        {"text": [given[i] for i in kept.tolist()], "read": [read[i] for i in kept.tolist()], "who": who[kept]}
    )
    rows["language"] = [language_of(t) for t in rows["read"]]
    for key in ("touchpoint", "sentiment", "themes", "themes_again"):
        if key in frame:
            rows[key] = frame[key].iloc[kept].map(_word).to_numpy()
    if "rating" in frame:
        rows["rating"] = _numbers(frame["rating"], params.rating or "").iloc[kept].to_numpy()
    if "date" in frame:
        rows["date"] = pd.to_datetime(frame["date"].iloc[kept], errors="coerce").dt.tz_localize(None).to_numpy()
    aside = pd.DataFrame(
        {"reason": [f"aside_{r}" for r, n in counts.items() if n], "n": [n for n in counts.values() if n]}
    )
    return Verbatims(rows, aside, len(given), record)


def codes_of(column: pd.Series | None, names: Sequence[str]) -> tuple[NDArray[np.int64], pd.DataFrame] | None:
    """Return which texts people coded, and the themes that they gave them.

    Parameters
    ----------
    column : Series or None
        Themes parted by ';' or '；' or ','; 'none' for none; blank where nobody coded.
    names : sequence of str
        Of the themes.

    Returns
    -------
    (ndarray of int, DataFrame of bool) or None
        Positions of the coded texts, and one column per theme; None where none is coded.

    Raises
    ------
    DataError
        A code is no theme of the codeframe.
    """
    if column is None or not column.notna().any():
        return None
    at = np.flatnonzero(column.notna().to_numpy())
    found = np.zeros((len(at), len(names)), dtype=bool)
    place = {name: j for j, name in enumerate(names)}
    for i, cell in enumerate(column.iloc[at]):
        for word in filter(None, (part.strip() for part in re.split("[;；,，|]", str(cell)))):
            if word.lower() in _NONE:
                continue
            if word not in place:
                raise DataError(
                    f"The code '{brief(word)}' is no theme of the codeframe.", f"Themes: {', '.join(names)}."
                )
            found[i, place[word]] = True
    return at, pd.DataFrame(found, columns=list(names))


def _ended(text: str) -> str:
    """Keep lines apart: normalising makes one line of them."""
    return re.sub(r"(?<=[^\s。！？.!?；;，,])[ \t]*[\r\n]+", "。 " if _HAN.search(text) else ". ", text)


def _who(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Number who wrote each row; a blank is somebody else each."""
    n = len(frame)
    if "customer" not in frame:
        return np.arange(n, dtype=np.int64)
    codes = np.asarray(pd.factorize(frame["customer"])[0], dtype=np.int64)
    blank = codes < 0
    codes[blank] = codes.max(initial=-1) + 1 + np.arange(int(blank.sum()))
    return codes


def _reasons(
    read: Sequence[str], who: NDArray[np.int64], by_default: NDArray[np.bool_], shortest: int
) -> NDArray[np.object_]:
    """Return why each text is set aside; '' where it is not."""
    texts = pd.Series(read, dtype=object)
    letters = texts.map(lambda t: len(_WORDS.findall(t)))
    weight = letters + 1.5 * texts.map(lambda t: len(_HAN.findall(t)))
    by = pd.Series(who).groupby(texts).transform("nunique")
    many = (by >= REPEATED_BY).to_numpy()
    advertises = texts.str.contains(f"{ADDRESS}|加微信|加v信", regex=True).to_numpy()
    twice = pd.DataFrame({"text": texts, "who": who}).duplicated().to_numpy()
    marks = [
        (texts == "").to_numpy(), (letters == 0).to_numpy(),
        texts.str.strip(" .。!！").isin(_NONE).to_numpy() | (letters < shortest).to_numpy(), by_default,
        many & advertises, many & (weight >= LONG).to_numpy(), twice,
    ]  # fmt: skip
    return np.asarray(np.select(marks, list(REASONS), default=""), dtype=object)


def _word(cell: object) -> str | None:
    """Return a cell as text; a whole number without decimals; None where it is blank."""
    if cell is None or cell is pd.NA or cell != cell:
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip() or None


def _numbers(column: pd.Series, name: str) -> pd.Series:
    try:
        return pd.to_numeric(column).astype(float)
    except (TypeError, ValueError):
        raise DataError(
            f"rating: column '{name}' holds what is no number.", "Name a numeric column, or leave rating out."
        ) from None
