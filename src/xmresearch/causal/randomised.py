"""A/B tests and staged roll-outs."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.causal.experiment_arms import Rows, exact_draws, mean_draws
from xmresearch.causal.experiment_result import ExperimentResult
from xmresearch.causal.families import FAMILIES, LARGEST, MAX_ANSWERS, Measure, measures
from xmresearch.errors import DataError, InsufficientData, ParamsError, nearest
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
BETTER = ("higher", "lower")


@on_one_thread
def experiment(
    data: pd.DataFrame,
    *,
    outcome: str,
    arm: str,
    control: Any,
    family: str = "gaussian",
    covariate: str | None = None,
    stage: str | None = None,
    cluster: str | None = None,
    expected_shares: Mapping[Any, Any] | None = None,
    smallest: float = 0.0,
    better: str = "higher",
    confidence: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
) -> ExperimentResult:
    """Compare the arms of a randomised experiment.

    Parameters
    ----------
    data : DataFrame
        One row per respondent. Rows without an outcome or arm are left out and counted.
    outcome, arm : str
        Columns.
    control : object
        The arm to compare with.
    family : {'gaussian', 'bernoulli', 'ordinal', 'nps', 'count'}
        Of the outcome. ordinal reports the mean and the top box; nps takes 0 to 10 and reports the net promoter score, the
        mean and the top box.
    covariate : str, optional
        Column measured before assignment, taken out of the outcome (CUPED).
    stage : str, optional
        Column of the stage of a staged roll-out. While the shares change, outcomes may drift; arms are then compared within
        stages, which count by their share of respondents. Stages that lack an arm are left out and counted.
    cluster : str, optional
        Column of what was assigned where that is more than one row: a person, a branch. Intervals are then clustered.
    expected_shares : mapping, optional
        Planned share of each arm, or with `stage` a mapping of stages to these. Numbers of rows (clusters) are tested
        against them. Shares need not sum to one.
    smallest : float
        Smallest effect worth acting on, in units of the main measure.
    better : {'higher', 'lower'}
        Which outcomes are better.
    confidence : float
        Level of the intervals. A decision is taken by the two-sided interval at this level, corrected for the number of arms
        compared with the control (Bonferroni).
    draws : int
        Posterior draws.
    seed : int
        Of the draws.

    Returns
    -------
    ExperimentResult
        With neither covariate nor cluster the posterior is exact (see `exact_draws`); with one, means have independent
        Student t posteriors in every family. Several arms are each compared with the control, without a correction.

    Raises
    ------
    DataError
        A column is missing, the outcome is outside its family, a covariate is missing or constant, or a cluster is in
        several arms.
    InsufficientData
        There are fewer than two arms, no stage has all, or an arm has too few rows or clusters.
    ParamsError
        `family`, `better`, a level or the shares are wrong.

    References
    ----------
    Deng, A., Xu, Y., Kohavi, R. & Walker, T. (2013). Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data. WSDM, 123-132.

    Fabijan, A. et al. (2019). Diagnosing sample ratio mismatch in online controlled experiments. KDD, 2156-2164.

    Kruschke, J. K. (2018). Rejecting or accepting parameter values in Bayesian estimation. Advances in Methods and Practices
    in Psychological Science, 1(2), 270-280.
    """
    _require_options(family, better, confidence, smallest)
    names = [c for c in (outcome, arm, covariate, stage, cluster) if c is not None]
    for name in names:
        if name not in data.columns:
            raise DataError(f"There is no column '{name}'.", nearest(name, data.columns))
    given = data.loc[data[arm].notna(), names]
    arms = _arms(given[arm], control)
    srm_p = _mismatch(given, arm, arms, stage, cluster, expected_shares)
    missing = given[outcome].isna().to_numpy()
    attrition = np.array([np.bincount(missing[given[arm] == a], minlength=2) for a in arms])
    attrition_p = float(stats.chi2_contingency(attrition).pvalue) if attrition.sum(axis=0).min() > 0 else np.nan
    answered = given[~missing]
    rows, alone = _rows(answered, outcome, arm, arms, stage, cluster, covariate)
    _require_family(rows.y, outcome, family)
    categories = np.unique(rows.y)
    reported = measures(family, categories)
    rng, method = np.random.default_rng(seed), "exact" if cluster is None and covariate is None else "means"
    reduction = np.nan
    if method == "exact":
        samples = exact_draws(rows, family, reported, categories, draws, rng)
    else:
        found = [mean_draws(rows, _score(rows.y, m, categories), draws, rng) for m in reported]
        samples = [sample for sample, _ in found]
        reduction = float(1 - found[0][1][0] / found[0][1][1]) if covariate is not None else np.nan
    effects = pd.concat(
        [
            _effects(sample, arms, m.name, _score(rows.y[rows.arm == 0], m, categories), smallest, better, confidence)
            for m, sample in zip(reported, samples, strict=True)
        ],
        ignore_index=True,
    )
    inside = rows.y - (np.bincount(rows.cell, rows.y) / np.bincount(rows.cell))[rows.cell]
    return ExperimentResult(
        effects, _table(rows, arms, samples[0], better), samples[0], family, reported[0].name, method,
        "not clustered" if cluster is None else f"clustered by {cluster}", control, srm_p, attrition_p, reduction,
        float((inside**2).mean() / rows.y.mean()) if family == "count" else np.nan, len(rows.weight), len(rows.y),
        len(data) - len(answered), alone, smallest, better, confidence,
    )  # fmt: skip


def _effects(
    sample: Array, arms: list[Any], measure: str, base: Array, smallest: float, better: str, confidence: float
) -> pd.DataFrame:
    """Return the effects of one measure."""
    difference, tail = sample[:, 1:] - sample[:, :1], (1 - confidence) / 2
    low, high = np.quantile(difference, [tail, 1 - tail], axis=0)
    above, below = (difference > smallest).mean(axis=0), (difference < -smallest).mean(axis=0)
    least, most = np.quantile(difference, [tail / difference.shape[1], 1 - tail / difference.shape[1]], axis=0)
    estimate, sd = difference.mean(axis=0), float(base.std(ddof=1)) if len(base) > 1 else np.nan
    within = 1 - above - below
    rises, falls = least > smallest, most < -smallest
    good, bad = (rises, falls) if better == "higher" else (falls, rises)
    choices = [good, bad, (least > -smallest) & (most < smallest)]
    with np.errstate(invalid="ignore", divide="ignore"):
        standardised, relative = estimate / sd, estimate / sample[:, 0].mean()
    return pd.DataFrame({
        "arm": arms[1:], "measure": measure, "estimate": estimate, "sd": difference.std(axis=0, ddof=1), "ci_lower": low,
        "ci_upper": high, "standardised": standardised, "relative": relative,
        "p_positive": (difference > 0).mean(axis=0), "p_above": above, "p_within": within, "p_below": below,
        "decision": np.select(choices, ["better", "worse", "equivalent"], "undecided"),
    })  # fmt: skip


def _table(rows: Rows, arms: list[Any], sample: Array, better: str) -> pd.DataFrame:
    value = sample if better == "higher" else -sample
    top = value.max(axis=1, keepdims=True)
    return pd.DataFrame({
        "arm": arms, "n": np.bincount(rows.arm, minlength=len(arms)), "clusters": rows.clusters(),
        "mean": sample.mean(axis=0), "sd": sample.std(axis=0, ddof=1), "p_best": (value == top).mean(axis=0),
        "expected_loss": (top - value).mean(axis=0),
    })  # fmt: skip


def _score(y: Array, measure: Measure, categories: Array) -> Array:
    return y if measure.score is None else np.asarray(measure.score[np.searchsorted(categories, y)], dtype=np.float64)


def _arms(column: pd.Series, control: Any) -> list[Any]:
    """Return the arms, the control first and the others in order."""
    arms = sorted(pd.unique(column), key=str)
    if control not in arms:
        raise DataError(f"There is no arm '{control}'.", nearest(control, arms))
    if len(arms) < 2:
        raise InsufficientData(f"There is no arm but '{control}'.", "An experiment takes two.")
    return [control, *(a for a in arms if a != control)]


def _rows(
    data: pd.DataFrame, outcome: str, arm: str, arms: list[Any], stage: str | None, cluster: str | None, x: str | None
) -> tuple[Rows, int]:
    """Return the rows of the stages that have every arm, and how many others there are."""
    everyone = len(data)
    if stage is not None:
        present = data.groupby(stage)[arm].nunique()
        data = data[data[stage].isin(present.index[present == len(arms)])]
    present_arms = [a for a in arms if (data[arm] == a).any()]
    if len(present_arms) < len(arms):
        raise InsufficientData(
            "No stage has every arm." if stage is not None else f"Arms {arms} are not all answered.",
            "Compare the arms that ran together, without stages or with fewer arms.",
        )
    columns = [outcome] if x is None else [outcome, x]
    for name in columns:
        if not pd.api.types.is_numeric_dtype(data[name]):
            raise DataError(f"Column '{name}' is not numeric.", "Code the answers as numbers.")
    values = data[columns].to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise DataError(
            f"{(~np.isfinite(values)).any(axis=1).sum()} row(s) lack a finite outcome or covariate.",
            "Fill the covariate in before, say with its mean, or leave it out.",
        )
    code = np.zeros(len(data), dtype=np.int64) if stage is None else pd.factorize(data[stage], sort=True)[0]
    groups = None if cluster is None else pd.factorize(data[cluster])[0]
    if groups is not None:
        if (groups < 0).any():
            raise DataError(f"{(groups < 0).sum()} row(s) lack a value of '{cluster}'.", "Every row has a cluster.")
        many = data.groupby(cluster)[arm].nunique()
        if (many > 1).any():
            raise DataError(
                f"A cluster of '{cluster}' is in several arms.", "A cluster is what was assigned to an arm as a whole."
            )
    covariate = None if x is None else values[:, 1]
    if covariate is not None and float(np.ptp(covariate)) == 0:
        raise DataError(f"Covariate '{x}' is constant.", "Leave it out.")
    which = pd.Categorical(data[arm], categories=arms).codes.astype(np.int64)
    weight = np.bincount(code) / len(code)
    rows = Rows(values[:, 0], which, code, tuple(str(a) for a in arms), weight, groups, covariate)
    return rows, everyone - len(data)


def _mismatch(
    data: pd.DataFrame,
    arm: str,
    arms: list[Any],
    stage: str | None,
    cluster: str | None,
    shares: Mapping[Any, Any] | None,
) -> float:
    """Return the p value of the sample-ratio test, summed over stages."""
    if shares is None:
        return float("nan")
    parts: list[tuple[Any, pd.DataFrame]] = [(None, data)]
    staged = stage is not None and all(isinstance(s, Mapping) for s in shares.values())
    if staged:
        parts = list(data.groupby(stage))
    statistic, df = 0.0, 0
    for name, part in parts:
        if staged and name not in shares:
            raise ParamsError(f"expected_shares lacks stage '{name}'.", nearest(name, shares))
        wanted = shares[name] if staged else shares
        if set(wanted) != set(arms) or not all(isinstance(v, Real) and float(v) >= 0 for v in wanted.values()):
            raise ParamsError(f"expected_shares is {dict(wanted)}.", f"Give each of {arms} a share of zero or more.")
        planned = np.array([float(wanted[a]) for a in arms])
        units = part if cluster is None else part.drop_duplicates([cluster, arm])
        seen = np.array([int((units[arm] == a).sum()) for a in arms])
        if seen[planned == 0].any():
            return 0.0
        used = planned > 0
        expected = planned[used] / planned.sum() * seen.sum()
        statistic += float(((seen[used] - expected) ** 2 / expected).sum())
        df += int(used.sum()) - 1
    return float(stats.chi2.sf(statistic, df)) if df else 1.0


def _require_options(family: str, better: str, confidence: float, smallest: float) -> None:
    for name, valid in ((family, FAMILIES), (better, BETTER)):
        if name not in valid:
            raise ParamsError(f"There is no '{name}' here.", nearest(name, valid))
    if not 0.5 < confidence < 1 or not smallest >= 0:
        raise ParamsError(
            f"confidence is {confidence:g}, smallest {smallest:g}.",
            "One lies between 0.5 and 1, the other is not negative.",
        )


def _require_family(y: Array, outcome: str, family: str) -> None:
    """Refuse outcomes outside their family, or that never vary."""
    low, high, whole = float(y.min()), float(y.max()), bool((y == np.round(y)).all())
    if low == high:
        raise DataError(f"Outcome '{outcome}' is {low:g} in every row.", "Choose an outcome that varies.")
    fits = {
        "gaussian": True, "bernoulli": whole and low >= 0 and high <= 1, "count": whole and low >= 0,
        "nps": whole and low >= 0 and high <= LARGEST, "ordinal": whole and len(np.unique(y)) <= MAX_ANSWERS,
    }[family]  # fmt: skip
    if not fits:
        raise DataError(
            f"Outcome '{outcome}' holds values from {low:g} to {high:g}, which family '{family}' does not have.",
            "bernoulli: 0 and 1; count: whole, not negative; nps: whole, 0 to 10; ordinal: whole, few; else gaussian.",
        )
