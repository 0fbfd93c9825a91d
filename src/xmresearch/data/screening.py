"""Screen respondents by declared rules, and log what each rule did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answers import Conversion, merged, to_numbers
from xmresearch.data.codebook import RATED, Codebook
from xmresearch.data.durations import read_durations
from xmresearch.data.numerals import require_settled
from xmresearch.data.response_patterns import irv, repeated_rows, straight_lines
from xmresearch.data.screening_params import Screening
from xmresearch.display import Shown
from xmresearch.errors import DataError, Problems

MIN_BATTERY = 6
"""Fewest items by whose answers respondents are judged: fewer are alike by chance."""


@dataclass(frozen=True, repr=False)
class ScreeningLog(Shown):
    """What screening found and did.

    Attributes
    ----------
    received : int
        Respondents in the file.
    kept : int
        Respondents that the analysis uses.
    rules : DataFrame
        One row per rule, in the order applied (rows without any entry first, where there are some): rule, setting, action, flagged, removed, remaining.
    missing_share : float
        Share of blank answers among the items of the respondents kept.
    """

    received: int
    kept: int
    rules: pd.DataFrame
    missing_share: float


def numeric_items(
    frame: pd.DataFrame, codebook: Codebook, problems: Problems, doubts: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, tuple[Conversion, ...]]:
    """Turn the items into numbers; reverse-keyed ones are not recoded here.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    codebook : Codebook
        Columns that are not in the frame are left out.
    problems : Problems
        Gets a DataError for every column with an answer that is no number and no word whose number is beyond doubt.
    doubts : mapping of str to str, optional
        Columns whose numbers can be read in two ways, with both; they are refused.

    Returns
    -------
    items : DataFrame
        float64, one column per item; blanks are NaN.
    conversions : tuple of Conversion
        How words became numbers, items read alike together; empty where there were only numbers.
    """
    there = [column for column in codebook.columns if column.name in frame.columns]
    names: list[str] = []
    converted: list[Conversion] = []
    numbers = np.empty((len(there), len(frame)))
    for column in there:
        with problems.step():
            require_settled(doubts or {}, [column.name])
            read, found = to_numbers(frame[column.name], column)
            numbers[len(names)] = read
            names.append(column.name)
            if found is not None:
                converted.append(found)
    return pd.DataFrame(numbers[: len(names)].T, index=frame.index, columns=names, copy=False), merged(converted)


def require_in_range(items: pd.DataFrame, codebook: Codebook, problems: Problems) -> pd.DataFrame:
    """Collect an error for every column with answers outside its scale, and blank those.

    Parameters
    ----------
    items : DataFrame
        As for `out_of_range`.
    codebook : Codebook
        The scales.
    problems : Problems
        Gets the errors.

    Returns
    -------
    DataFrame
        The items without them.
    """
    bad = out_of_range(items, codebook)
    for k in np.flatnonzero(bad.any(axis=0)).tolist():
        column, row = codebook.column(str(items.columns[k])), int(bad[:, k].argmax())
        problems.errors.append(
            DataError(
                f"Column '{column.name}', data row {row + 1}: {items.iloc[row, k]:g} is outside the scale "
                f"{column.scale.minimum:g}-{column.scale.maximum:g} ({int(bad[:, k].sum())} such answer(s) in this column).",
                "Correct the codebook's scale, or set screening.out_of_range.action to blank or drop.",
            )
        )
    return items.mask(bad) if bad.any() else items


def out_of_range(items: pd.DataFrame, codebook: Codebook) -> NDArray[np.bool_]:
    """Mark the answers outside the scale of their item.

    Parameters
    ----------
    items : DataFrame
        Shape (n, number of items).
    codebook : Codebook
        The scales.

    Returns
    -------
    ndarray of bool
        Same shape as `items`; blanks are never marked.
    """
    found = np.zeros(items.shape, dtype=bool, order="F")
    for k, name in enumerate(items.columns):
        scale, answers = codebook.column(name).scale, items[name].to_numpy()
        if (
            np.fmin.reduce(answers, initial=np.inf) < scale.minimum
            or np.fmax.reduce(answers, initial=-np.inf) > scale.maximum
        ):
            found[:, k] = (answers < scale.minimum) | (answers > scale.maximum)
    return found


def _all_different(texts: pd.Series) -> bool:
    """Whether no text occurs twice, in less than half the time of `Series.is_unique`."""
    import polars as pl

    return pl.from_pandas(texts).n_unique() == len(texts)


def _columns(items: pd.DataFrame, names: list[str]) -> NDArray[np.float64]:
    """Return the answers to some items, shape (n, names), without a copy where they stand beside one another."""
    at = items.columns.get_indexer(names)
    values: NDArray[np.float64] = items.to_numpy()
    return values[:, at[0] : at[-1] + 1] if at.size and (np.diff(at) == 1).all() else values[:, at]


def screened_items(codebook: Codebook) -> tuple[list[str], list[list[str]]]:
    """Return the items that screening judges respondents by, and the batteries among them.

    Parameters
    ----------
    codebook : Codebook
        Of the survey.

    Returns
    -------
    items : list of str
        Expectations, minimums and perceptions; where none of them is a battery, the outcomes too; never none.
    batteries : list of list of str
        At least six items of one kind and scale, in the order asked.
    """
    batteries = [codebook.names(kind) for kind in RATED if len(codebook.names(kind)) >= MIN_BATTERY]
    items = [name for kind in RATED for name in codebook.names(kind)]
    if batteries:
        return items, batteries
    outcomes = codebook.select("outcome")
    scales = dict.fromkeys((c.scale.minimum, c.scale.maximum) for c in outcomes)
    alike = [[c.name for c in outcomes if (c.scale.minimum, c.scale.maximum) == scale] for scale in scales]
    return items + [c.name for c in outcomes] or [c.name for c in codebook.columns], [
        block for block in alike if len(block) >= MIN_BATTERY
    ]


def screen(
    frame: pd.DataFrame,
    items: pd.DataFrame,
    codebook: Codebook,
    rules: Screening,
    *,
    id_column: str | None = None,
    duration_column: str | None = None,
) -> tuple[pd.DataFrame, NDArray[np.bool_], ScreeningLog]:
    """Apply every rule in turn.

    Parameters
    ----------
    frame : DataFrame
        The survey as read.
    items : DataFrame
        Its items as numbers, from `numeric_items`.
    codebook : Codebook
        Scales and batteries.
    rules : Screening
        What each rule does.
    id_column, duration_column : str, optional
        Respondent identifier; length of the interview in seconds.

    Returns
    -------
    items : DataFrame
        As given, with answers outside their scale blanked (their respondents are kept or dropped as the rule says).
    keep : ndarray of bool
        Shape (n,): the respondents to analyse.
    log : ScreeningLog

    Raises
    ------
    DataError
        An identifier repeats though that is an error; a duration is no number. Answers outside their scale are for
        `require_in_range` to refuse.
    """
    n = len(items)
    keep = np.ones(n, dtype=bool)
    entries: list[dict[str, object]] = []

    def apply(rule: str, setting: str, action: str, found: NDArray[np.bool_], drops: bool) -> None:
        nonlocal keep
        flagged = found & keep
        removed = int(flagged.sum()) if drops else 0
        if drops:
            keep = keep & ~found
        entries.append(
            {"rule": rule, "setting": setting, "action": action, "flagged": int(flagged.sum()), "removed": removed,
             "remaining": int(keep.sum())}
        )  # fmt: skip

    blank = np.isnan(items.to_numpy())
    unanswered = blank.sum(axis=1)
    empty = unanswered == items.shape[1]
    empty[empty] = frame.loc[empty].isna().all(axis=1).to_numpy()
    if empty.any():
        apply("empty_row", "", "drop", empty, True)
    bad = out_of_range(items, codebook)
    wrong = bad.any(axis=1) if bad.any() else np.zeros(n, dtype=bool)
    items = items.mask(bad) if wrong.any() else items
    apply("out_of_range", "", rules.out_of_range.action, wrong, rules.out_of_range.action == "drop")

    if id_column is not None:
        ids = frame[id_column].astype("string").str.strip()
        known = keep & ids.notna().to_numpy()
        again = np.zeros(n, dtype=bool)
        if not _all_different(ids[known]):
            again[known] = ids[known].duplicated(keep="first").to_numpy()
        if again.any() and rules.duplicate_ids.action == "error":
            row = int(np.flatnonzero(again)[0])
            first = int(np.flatnonzero(known & (ids == ids.iloc[row]).to_numpy(bool, na_value=False))[0]) + 1
            raise DataError(
                f"Column '{id_column}', data row {row + 1}: the identifier of row {first} occurs more than once "
                f"({int(again.sum())} repeated row(s) in all).",
                "Remove the repeats, or set screening.duplicate_ids.action to keep_first or flag.",
            )
        apply("duplicate_ids", id_column, rules.duplicate_ids.action, again, rules.duplicate_ids.action == "keep_first")

    rated, blocks = screened_items(codebook)
    values = _columns(items, rated)
    blanks = np.isnan(values).sum(axis=1) if wrong.any() or values.shape != blank.shape else unanswered
    if rated and rules.missing.action != "off":
        apply("missing", f"> {rules.missing.max_share:.0%}", rules.missing.action,
              blanks / len(rated) > rules.missing.max_share, rules.missing.action == "drop")  # fmt: skip
    if duration_column is not None and rules.too_fast.action != "off":
        seconds = read_durations(frame[duration_column], duration_column)
        shortest = rules.too_fast.seconds_per_item * len(rated)
        apply(
            "too_fast", f"< {shortest:g} s", rules.too_fast.action, seconds < shortest, rules.too_fast.action == "drop"
        )
    if blocks and rules.long_string.action != "off":
        lines = straight_lines([_columns(items, block) for block in blocks], rules.long_string.share, MIN_BATTERY)
        apply("long_string", f">= {rules.long_string.share:.0%}", rules.long_string.action,
              lines, rules.long_string.action == "drop")  # fmt: skip
    if len(rated) >= MIN_BATTERY and rules.irv.action != "off":
        apply("irv", f"< {rules.irv.minimum:g}", rules.irv.action, irv(values) < rules.irv.minimum,
              rules.irv.action == "drop")  # fmt: skip
    if items.shape[1] >= MIN_BATTERY and rules.duplicate_rows.action != "off":
        again = repeated_rows(items) & (blanks < len(rated))
        apply("duplicate_rows", "", rules.duplicate_rows.action, again, rules.duplicate_rows.action == "drop")

    log = ScreeningLog(
        received=n,
        kept=int(keep.sum()),
        rules=pd.DataFrame(entries),
        missing_share=float(blanks[keep].mean() / len(rated)) if rated and keep.any() else float("nan"),
    )
    return items, keep, log
