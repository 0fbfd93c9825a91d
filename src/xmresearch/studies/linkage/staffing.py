"""Staff and results of branches: scores, employee net promoter score, and the chain over customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from xmresearch.data.cell_values import key_texts
from xmresearch.errors import DataError, brief
from xmresearch.linkage.moments_by_branch import BranchMoments, branch_moments
from xmresearch.linkage.service_chain import ProfitChain, profit_chain
from xmresearch.metrics.net_scores import net_counts, net_score
from xmresearch.studies.linkage.opening import LinkageData
from xmresearch.studies.linkage.params import LinkageParams, Staff

SCORE = "staff_score"
"""Column of the mean of the items."""


def staff_rows(params: LinkageParams, data: LinkageData) -> pd.DataFrame | None:
    """Return staff's rows with codes for no answer blank, and the mean of the items for those who answered all."""
    if data.staff is None or params.staff is None:
        return None
    settings = params.staff
    rows = data.staff.copy()
    numbers = [*settings.items, *([settings.recommend] if settings.recommend else [])]
    for column in numbers:
        if not pd.api.types.is_numeric_dtype(rows[column]):
            raise DataError(f"staff: column '{brief(column)}' does not hold numbers.", "Name columns of numbers.")
        rows[column] = rows[column].astype("float64").mask(rows[column].isin(settings.missing_codes))
    rows = rows[rows[settings.branch].notna()]
    return rows.assign(
        **{
            SCORE: rows[settings.items].mean(axis=1, skipna=False),
            settings.branch: key_texts(rows[settings.branch], settings.branch),
        }
    )


def advocacy(params: LinkageParams, staff: pd.DataFrame) -> dict[str, float] | None:
    """Return the employee net promoter score with its interval; None where it is not asked for or answered by too few."""
    if params.staff is None or params.staff.recommend is None:
        return None
    answers = staff[params.staff.recommend].to_numpy(dtype="float64")
    if np.isfinite(answers).sum() < params.min_cell:
        return None
    found = net_score(*net_counts(answers), confidence=params.confidence).tidy().iloc[0]
    return {
        "enps": float(found["nps"]),
        "enps_lower": float(found["lower"]),
        "enps_upper": float(found["upper"]),
        "enps_n": int(np.isfinite(answers).sum()),
    }


def branch_results(params: LinkageParams, data: LinkageData) -> pd.Series | None:
    """Return the mean result of each branch, by its name; None where there are none."""
    if data.results is None or params.results is None:
        return None
    rows = data.results.dropna(subset=[params.results.branch])
    if not pd.api.types.is_numeric_dtype(rows[params.results.value]):
        raise DataError(
            f"results: column '{brief(params.results.value)}' does not hold numbers.", "Name a column of numbers."
        )
    values = rows[params.results.value].astype("float64")
    return values.groupby(key_texts(rows[params.results.branch], params.results.branch)).mean().dropna()


def chain_of(
    params: LinkageParams, settings: Staff, moments: BranchMoments, staff: pd.DataFrame, results: pd.Series
) -> ProfitChain:
    """Put staff, customers and results of the branches that have all three in a chain."""
    scores = staff.dropna(subset=[SCORE])
    own = branch_moments(scores.assign(same=scores[SCORE]), settings.branch, SCORE, "same")
    common = sorted(set(own.branches) & set(moments.branches) & set(results.index))
    a = own.only(np.isin(own.branches, common))
    b = moments.only(np.isin(moments.branches, common))
    errors = [m.sxx.sum() / max(m.n.sum() - len(m.n), 1) / m.n for m in (a, b)]
    return profit_chain(
        a.x, b.x, results[common].to_numpy(), staff_error=errors[0], customers_error=errors[1], confidence=params.confidence,
        draws=params.draws, seed=params.seed,
    )  # fmt: skip
