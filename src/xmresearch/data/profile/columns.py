"""What each column of a file seems to be, with the ground of the guess."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
import pandas as pd

from xmresearch.data.answers import fitting_scales, is_no_answer, plain_word
from xmresearch.data.formats.table import Table
from xmresearch.data.profile.guess import Guess
from xmresearch.data.profile.naming import says
from xmresearch.display import Shown
from xmresearch.identifiers.columns import Recognised

Kind = Literal[
    "empty", "personal", "identifier", "weight", "duration", "date", "status", "option", "several", "constant", "rating",
    "choice", "yes_no", "number", "text",
]  # fmt: skip
MOST_ANSWERS = 11
"""Different answers that an item can have at most; more are numbers or text."""
MOST_CHOICES = 40
MOST_RATING = 100.0
SAMPLE = 4000
_PERSONAL = frozenset({"ip", "email", "name", "phone", "location", "external_id", "device"})
_ROLES: dict[str, Kind] = {
    "id": "identifier", "duration": "duration", "started": "date", "submitted": "date", "weight": "weight",
    "status": "status", "finished": "status", "progress": "status", "language": "status", "channel": "status",
    "preview": "status", "comment": "text",
}  # fmt: skip
_DATE = re.compile(
    r"^\s*(\d{4}[-/.年]\s?\d{1,2}([-/.月]\s?\d{1,2}日?)?([T\s].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T\s].*)?"
    r"|\d{1,2}[-\s][A-Za-z]{3,9}[-\s,]+\d{4}.*|\d{4}-?[Qq][1-4]|[A-Za-z]{3,9}\s\d{1,2},?\s\d{4}.*)\s*$"
)
_CODED_ANSWER = re.compile(r"^[aA]\d{1,2}$|^\d{1,2}\s*[-–—=:.、)(]\s*\D")


@dataclass(frozen=True, repr=False)
class ColumnProfile(Shown):
    """One column.

    Attributes
    ----------
    name : str
        As the reader gives it.
    question : str
        Its wording, where the file has it.
    kind : Guess
        What it is, one of `Kind`.
    answered, levels : int
        Cells that are not blank, and how many different ones there are.
    """

    name: str
    question: str
    kind: Guess
    answered: int
    levels: int

    @property
    def text(self) -> str:
        """Its question, or its name where there is none."""
        return self.question or self.name


def profile_column(
    table: Table, name: str, options: frozenset[str], joined: frozenset[str], known: Recognised | None = None
) -> ColumnProfile:
    """Say what a column seems to be.

    Parameters
    ----------
    table : Table
        As read.
    name : str
        Of the column.
    options, joined : frozenset of str
        Columns that hold one option of a question with several answers, and those that hold all of them.
    known : Recognised, optional
        Why it counts as one that tells who somebody is.

    Returns
    -------
    ColumnProfile
    """
    given = table.frame[name]
    values = given.dropna()
    if values.dtype == object:
        values = values.map(str)
    question = table.questions.get(name, "")
    levels = int(values.nunique())

    def found(kind: Kind, why: str, doubt: str = "") -> ColumnProfile:
        return ColumnProfile(name, question, Guess(kind, why, doubt), len(values), levels)

    role = table.roles.get(name)
    if role in _PERSONAL:
        return found("personal", f"the tool's column of this name ({role})")
    if known is not None:
        return found("personal", f"it tells who somebody is ({known.kind}, by its {known.ground})")
    if values.empty:
        return found("empty", "no cell is filled")
    if role in _ROLES:
        return found(_ROLES[role], f"the tool's column of this name ({role})")
    if name in options:
        return found("option", "an option of a question with several answers")
    if name in joined:
        return found("several", "several answers in one cell")
    if pd.api.types.is_datetime64_any_dtype(values):
        return found("date", "dates")
    if levels == 1:
        dated = not pd.api.types.is_numeric_dtype(values) and _DATE.match(str(values.iloc[0])) is not None
        return found("date", "written as dates") if dated else found("constant", "every filled cell is the same")
    if says(name, "duration") and _numeric_or_digits(values):
        return found("duration", "its name")
    kind, why, doubt = (
        _numbers(values, name, levels) if pd.api.types.is_numeric_dtype(values) else _texts(values, name, levels)
    )
    return found(kind, why, doubt)


def _numeric_or_digits(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) or bool(values.astype(str).str.contains(r"\d").mean() > 0.9)


def _numbers(values: pd.Series, name: str, levels: int) -> tuple[Kind, str, str]:
    if pd.api.types.is_bool_dtype(values):
        return "yes_no", "true and false", ""
    numbers = cast("pd.Series", values.astype("float64"))
    whole = bool((numbers % 1 == 0).all())
    if says(name, "weight") and bool((numbers >= 0).all()):
        bad = int((numbers <= 0).sum())
        return "weight", "its name, and no number below zero", f"{bad} weight(s) are zero" if bad else ""
    if says(name, "identifier") and whole and levels > MOST_ANSWERS:
        return "identifier", "its name", ""
    if whole and levels == len(numbers) and levels >= 10 and _counts_up(numbers):
        return "identifier", "whole numbers, none twice, that count the rows", ""
    if whole and levels == len(numbers) and levels >= 30 and float(numbers.min()) > 1e6:
        return "identifier", "long whole numbers, none twice", ""
    if whole and bool(numbers.between(1900, 2100).all()) and (levels > 2 or says(name, "time")):
        return "date", "years", ""
    low, high = float(numbers.min()), float(numbers.max())
    if whole and levels == 2 and low >= 0 and high - low == 1 and high <= 2:
        return "yes_no", f"{low:g} and {high:g} only", ""
    if whole and levels <= MOST_ANSWERS and low >= 0 and high <= MOST_ANSWERS:
        return "rating", f"whole numbers {low:g}-{high:g}", ""
    if whole and levels <= MOST_CHOICES and levels * 5 <= len(numbers) and not 0 <= high - low <= 20:
        return "choice", f"{levels} different whole numbers", ""
    return "number", "numbers", ""


def _counts_up(numbers: pd.Series) -> bool:
    steps = np.diff(np.sort(numbers.to_numpy()))
    return bool((steps == 1).mean() > 0.5)


def _texts(values: pd.Series, name: str, levels: int) -> tuple[Kind, str, str]:
    texts = values.astype(str).str.strip()
    sample = texts.iloc[:: max(1, len(texts) // SAMPLE)]
    if sample.str.match(_DATE).mean() > 0.95:
        return "date", "written as dates", ""
    longest = float(sample.str.len().quantile(0.9))
    if levels <= MOST_ANSWERS + 4:
        plain = [plain_word(t) for t in texts.unique()]
        told = [re.sub(r"^[a-z]\s*[.、):]\s*(?=\S)", "", w) for w in plain if not is_no_answer(w)]
        for words in ([w for w in plain if not is_no_answer(w)], told):
            if len(words) >= 2 and (scales := fitting_scales(words)):
                if set(scales) == {"yes_no"}:
                    return "yes_no", "yes and no", ""
                return "rating", f"words of the scale of {next(n for n in scales if n != 'yes_no')}", ""
        if len(told) >= 3 and all(_CODED_ANSWER.match(t) for t in texts.unique()):
            return "rating", "answer codes", ""
    if says(name, "identifier") and levels > MOST_ANSWERS:
        return "identifier", "its name", ""
    unique = levels / len(texts)
    if (
        unique > 0.9
        and levels >= 10
        and longest <= 40
        and not sample.str.contains(r"[\s，。,]").mean() > 0.2
        and sample.str.contains(r"\d").mean() > 0.9
    ):
        return "identifier", "codes, hardly one twice", ""
    if levels <= MOST_CHOICES and (levels * 3 <= len(texts) or levels <= 3):
        return "choice", f"{levels} different texts", ""
    return "text", "many different texts" if unique > 0.3 else f"{levels} different texts", ""
