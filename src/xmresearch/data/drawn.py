"""How a survey's respondents were drawn, from the columns that say so, with all that is wrong in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.data.sampling_params import SamplingParams
from xmresearch.disclosure import telling
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, Problems, XMError, brief

LEAST_CLUSTERS = 2
SHARES_SUM = 1e-3
"""How far shares of a margin may be from adding up to 1."""
TOTALS_APART = 1e-6
"""How far, as a share, counts of two margins may be from adding up to the same."""
POPULATION = "(population)"
"""Column for sizes of strata that the params give."""
_SHOWN = 5


@dataclass(frozen=True, repr=False)
class Drawn(Shown):
    """How respondents were drawn.

    Attributes
    ----------
    params : SamplingParams
        What was given.
    frame : DataFrame
        One row per respondent kept: strata, clusters and the columns of margins as text, sizes of the population as numbers,
        under their names in the data; sizes by stratum under `POPULATION`.
    """

    params: SamplingParams
    frame: pd.DataFrame

    @property
    def population(self) -> str | None:
        """Column with the sizes of the population."""
        given = self.params.population
        return POPULATION if isinstance(given, dict) else given


def category_labels(given: pd.Series) -> pd.Series:
    """Return values as stripped text, whole numbers without a point; blank ones are missing.

    Parameters
    ----------
    given : Series
        Any values.

    Returns
    -------
    Series
        Of text.
    """
    whole = pd.api.types.is_float_dtype(given) and (given.dropna() % 1 == 0).all()
    return (given.astype("Int64") if whole else given).astype("string").str.strip().replace("", pd.NA)


def read_drawn(kept: pd.DataFrame, params: SamplingParams, problems: Problems) -> Drawn | None:
    """Read the columns that say how respondents were drawn; collect what is wrong with each of them.

    Parameters
    ----------
    kept : DataFrame
        The rows kept; its index counts the rows of the data from 0. Columns that are not there are left to the caller to refuse.
    params : SamplingParams
        What they are.
    problems : Problems
        Gets an error for everything that is wrong.

    Returns
    -------
    Drawn or None
        None where nothing was given, or something is wrong.
    """
    if not params.given:
        return None
    before = len(problems.errors)
    columns: dict[str, pd.Series] = {}
    for key, name in params.columns.items():
        if name not in kept.columns:
            continue
        if key == "sampling.population":
            with problems.step():
                columns[name] = _sizes(kept[name], name)
            continue
        texts = category_labels(kept[name])
        with problems.step():
            if key.startswith("sampling.margins."):
                _check_margin(texts, name, params.margins[name], problems)
            else:
                _require_known(texts, key, name)
            columns[name] = texts
    _check_totals(params.margins, problems)
    if all(name in columns for key, name in params.columns.items() if not key.startswith("sampling.margins.")):
        _check_units(columns, kept.index, params, problems)
    if len(problems.errors) > before or any(name not in columns for name in params.columns.values()):
        return None
    if isinstance(params.population, dict) and params.strata:
        columns[POPULATION] = columns[params.strata].map(params.population).astype(float)
    frame = pd.DataFrame(columns, index=kept.index).reset_index(drop=True)
    return Drawn(params, frame)


def _row(wrong: pd.Series) -> int:
    return int(wrong.index[int(wrong.to_numpy().argmax())]) + 1


def _require_known(texts: pd.Series, key: str, name: str) -> None:
    blank = texts.isna()
    if blank.any():
        what = "a cluster; one who was drawn alone has a cluster of their own" if "clusters" in key else "a stratum"
        raise DataError(
            f"{key}: column '{name}' is blank in {int(blank.sum())} row(s), first in data row {_row(blank)}.",
            f"Every respondent needs {what}.",
        )
    if "clusters" in key and texts.nunique() < LEAST_CLUSTERS:
        raise InsufficientData(
            f"{key}: column '{name}' has a single cluster; standard errors need at least {LEAST_CLUSTERS}.",
            "Leave it out, or name another column.",
        )


def _sizes(given: pd.Series, name: str) -> pd.Series:
    sizes = pd.to_numeric(given, errors="coerce").astype(float)
    wrong = ~(np.isfinite(sizes) & (sizes > 0))
    if wrong.any():
        row = _row(wrong)
        raise DataError(
            f"sampling.population: column '{name}', data row {row}: '{brief(given.loc[row - 1])}' is not above 0 "
            f"({int(wrong.sum())} such row(s)).",
            "Give the number of clusters (of people, where people were drawn) in each stratum.",
        )
    return sizes


def _check_margin(texts: pd.Series, name: str, wanted: Mapping[str, float], problems: Problems) -> None:
    """Collect all that is wrong with one margin: blanks, categories on one side only, and amounts."""
    key, blank, sizes = f"sampling.margins.{name}", texts.isna(), texts.value_counts()
    found: list[XMError] = []
    if blank.any():
        found.append(DataError(
            f"{key}: the column is blank in {int(blank.sum())} row(s), first in data row {_row(blank)}; they have no target.",
            "Leave these rows out by data.where, or give their answers a category of their own.",
        ))  # fmt: skip
    unknown = {str(v): int(n) for v, n in sorted(sizes.items()) if v not in wanted}
    if unknown:
        found.append(DataError(
            f"{key}: no target for {len(unknown)} categories of the data: {telling(unknown)}.",
            f"Name all categories; named are {', '.join(repr(brief(k)) for k in [*wanted][:8])}.",
        ))  # fmt: skip
    empty = [v for v in wanted if v not in sizes.index]
    if empty:
        found.append(DataError(
            f"{key}: nobody in the data is in {', '.join(repr(brief(v)) for v in empty[:_SHOWN])}.",
            "No weight can stand for people of whom there is none: put that category together with another.",
        ))  # fmt: skip
    amounts = np.array([*wanted.values()])
    if not (np.isfinite(amounts) & (amounts > 0)).all():
        found.append(DataError(f"{key}: a share or count is not above 0.", "Leave out categories without anybody."))
    elif are_shares(wanted) and abs(amounts.sum() - 1) > SHARES_SUM:
        found.append(DataError(f"{key}: the shares add up to {amounts.sum():g}, not 1.", "Correct the shares."))
    problems.errors.extend(found)


def are_shares(wanted: Mapping[str, float]) -> bool:
    """Say whether a margin holds shares rather than counts: none of them is above 1.

    Parameters
    ----------
    wanted : mapping of str to float
        By category.

    Returns
    -------
    bool
    """
    return max(wanted.values()) <= 1


def _check_totals(margins: Mapping[str, Mapping[str, float]], problems: Problems) -> None:
    """Collect an error where counts of two margins are of different populations."""
    totals = {name: sum(wanted.values()) for name, wanted in margins.items() if not are_shares(wanted)}
    first = next(iter(totals), "")
    for name, total in totals.items():
        if abs(total - totals[first]) > TOTALS_APART * abs(totals[first]):
            problems.errors.append(
                DataError(
                    f"sampling.margins: the counts of '{first}' add up to {totals[first]:g}, those of '{name}' to {total:g}.",
                    "All margins must be of the same population: correct them, or give shares.",
                )
            )


def _check_units(columns: Mapping[str, pd.Series], rows: pd.Index, params: SamplingParams, problems: Problems) -> None:
    """Collect what is wrong with clusters in strata, and with their sizes."""
    strata = columns[params.strata] if params.strata else pd.Series("", index=rows)
    named = columns[params.clusters] if params.clusters else pd.Series(np.arange(len(rows)), index=rows)
    with problems.step():
        if params.strata and params.clusters and not params.nest:
            across = strata.groupby(named).nunique()
            across = across[across > 1]
            if len(across):
                told = _first(named[named.isin(across.index)].value_counts().to_dict())
                raise DataError(
                    f"sampling.clusters: {len(across)} cluster(s) of '{params.clusters}' lie in several strata of '{params.strata}': "
                    f"{told}.",
                    "If the same name means another cluster in another stratum, set sampling.nest to true.",
                )
    people = strata.value_counts()
    drawn = named.groupby(strata).nunique()
    sizes = _stratum_sizes(columns, params, strata, drawn, people, problems)
    alone = drawn[(drawn == 1) & ~(sizes.reindex(drawn.index) == 1)]
    if params.lonely == "fail" and len(alone) and params.strata:
        unit = "cluster" if params.clusters else "respondent"
        problems.errors.append(
            DataError(
                f"sampling.strata: {len(alone)} of {len(drawn)} strata of '{params.strata}' have a single {unit}, which shows no "
                f"variance: {_first({str(v): int(people[v]) for v in alone.index})}.",
                "Put small strata together with similar ones, or set sampling.lonely to adjust, average or remove.",
            )
        )


def _first(sizes: Mapping[str, int]) -> str:
    """Name the first of several groups, as far as they may be named."""
    return f"{telling(dict([*sizes.items()][:_SHOWN]))}{'; ...' if len(sizes) > _SHOWN else ''}"


def _stratum_sizes(
    columns: Mapping[str, pd.Series], params: SamplingParams, strata: pd.Series, drawn: pd.Series, people: pd.Series,
    problems: Problems,
) -> pd.Series:  # fmt: skip
    """Return how many sampling units each stratum has in the population (NaN if unknown); collect what is wrong with them."""
    unknown = pd.Series(np.nan, index=drawn.index)
    given = params.population
    if given is None:
        return unknown
    if isinstance(given, dict):
        lacking = {str(v): int(people[v]) for v in drawn.index if v not in given}
        spare = [name for name in given if name not in drawn.index]
        if lacking:
            problems.errors.append(
                DataError(
                    f"sampling.population: no size for {len(lacking)} strata of '{params.strata}': {telling(lacking)}.",
                    f"Named are {', '.join(repr(brief(k)) for k in [*given][:8])}.",
                )
            )
        if spare:
            problems.errors.append(
                DataError(
                    f"sampling.population: nobody in the data is in {', '.join(repr(brief(v)) for v in spare[:_SHOWN])} of "
                    f"'{params.strata}'.",
                    "A stratum without respondents is not covered by the sample: leave it out, and say so.",
                )
            )
        if lacking or spare:
            return unknown
        sizes = pd.Series(given, dtype=float)
    else:
        by = columns[given].groupby(strata)
        several = by.nunique()
        several = several[several > 1]
        if len(several):
            where = f": {telling({str(v): int(people[v]) for v in several.index})}" if params.strata else ""
            problems.errors.append(
                DataError(f"sampling.population: column '{given}' has several values in a stratum{where}.", "A stratum has one size.")
            )  # fmt: skip
            return unknown
        sizes = by.first()
    if (sizes <= 1).all():
        return pd.Series(np.where(sizes == 1, 1.0, np.nan), index=sizes.index)
    over = drawn[drawn > sizes.reindex(drawn.index)]
    if len(over):
        where = f" of {telling({str(v): int(people[v]) for v in over.index})}" if params.strata else ""
        problems.errors.append(
            DataError(
                f"sampling.population: the sample has more units than the population{where}.",
                "Give the number of clusters (of people, where people were drawn) in each stratum.",
            )
        )
    return pd.Series(np.where(sizes == drawn.reindex(sizes.index), 1.0, np.nan), index=sizes.index)
