"""Answers that a file of a statistics package declares to be missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.errors import brief

_NO_ANSWER = re.compile(
    r"missing|no answer|not (answered|asked|applicable|stated|available|reached)|refus|declin|don.?t know|do not know|unknown|unsure|"
    r"prefer not|skip|invalid|(?<!\w)(dk|n/?a|nr|na/dk|iap)(?!\w)|keine (angabe|antwort)|wei(ß|ss) nicht|fehlend|verweigert|geen (antwort|opgave)|"
    r"weet niet|onbekend|sans r[ée]ponse|ne sait pas|no (sabe|contesta)|缺失|未(回)?答|无(回)?答|没有回答|不知道|不清楚|不适用|拒绝|拒答|跳过|跳答",
    re.IGNORECASE,
)


def blank_declared(
    given: pd.Series, ranges: Sequence[Mapping[str, Any]], tagged: bool, labels: Mapping[Any, str]
) -> tuple[pd.Series, int, list[str]]:
    """Blank what is declared missing.

    Parameters
    ----------
    given : Series
        A column.
    ranges : sequence of mapping
        Each with lo and hi, both inclusive: codes that mean no answer.
    tagged : bool
        Whether its blanks may hold a letter, as Stata's .a to .z do.
    labels : mapping
        Labels of its codes.

    Returns
    -------
    column : Series
        Without them.
    count : int
        How many there were.
    notes : list of str
        One where a code that looks like an answer is declared missing.
    """
    if tagged and not pd.api.types.is_numeric_dtype(given):
        letters = given.map(lambda v: isinstance(v, str))
        return pd.to_numeric(given.mask(letters)), int(letters.sum()), []
    if not ranges:
        return given, 0, []
    text = not pd.api.types.is_numeric_dtype(given)
    if text:
        codes = {str(r["lo"]).strip() for r in ranges}
        blank = given.map(lambda v: isinstance(v, str) and v.strip() in codes).to_numpy(dtype=bool)
    else:
        number = given.to_numpy()
        blank = np.zeros(len(given), dtype=bool)
        for r in ranges:
            if not isinstance(r["lo"], str):
                blank |= (number >= r["lo"]) & (number <= r["hi"])
    kept = given.mask(blank)
    doubtful = (
        [] if text else [c for c in np.unique(given.to_numpy()[blank]) if _may_answer(float(c), kept, labels, ranges)]
    )
    notes = []
    if doubtful:
        shown = ", ".join(f"{c:g}" for c in doubtful[:5]) + (", ..." if len(doubtful) > 5 else "")
        notes.append(
            f"'{brief(given.name)}': the file declares {shown} missing, which may be an answer; it was left blank. "
            "If it is one, take it out of the missing values in SPSS."
        )
    return kept, int(blank.sum()), notes


def _may_answer(code: float, kept: pd.Series, labels: Mapping[Any, str], ranges: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a code is labelled as an answer, or stands among or next to those that are."""
    if code in labels:
        return _NO_ANSWER.search(str(labels[code])) is None
    declared = [r for r in ranges if not isinstance(r["lo"], str)]
    answers = [
        float(c) for c in labels if not isinstance(c, str) and not any(r["lo"] <= c <= r["hi"] for r in declared)
    ]
    if answers:
        return min(answers) <= code <= max(answers) + 1
    return bool(kept.min() < code < kept.max())
