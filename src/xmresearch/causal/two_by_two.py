"""Two arms, before and after: closed forms, iid draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.causal.cohort_means import CohortMeans, before_and_after, observation_weights
from xmresearch.causal.concerns import Concern, unsettled
from xmresearch.causal.draws import effect_rows, overall_effect, stretch, welch_df
from xmresearch.causal.families import Measure, measures
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import FEW_UNITS, DidResult
from xmresearch.causal.two_by_two_nuts import sample_arms
from xmresearch.causal.within import within_posterior
from xmresearch.causal.within_effects import before_after_change
from xmresearch.errors import InsufficientData, ModelError, ParamsError
from xmresearch.inference.nuts import Convergence
from xmresearch.inference.threads import on_one_thread

Array = NDArray[np.float64]
VARIANCES = ("pooled", "unequal")
OVERDISPERSED = 1.5
JEFFREYS, UNIFORM_TOTAL = 0.5, 1.0
_SIGN = np.array([[1.0, -1.0], [-1.0, 1.0]])


@on_one_thread
def two_by_two(
    panel: Panel,
    *,
    clustered: bool | None = None,
    variance: str = "pooled",
    prior_scale: float | None = None,
    weight: str = "units",
    within: bool = False,
    inference: str = "exact",
    smallest: float = 0.0,
    confidence: float = 0.95,
    draws: int = 4000,
    seed: int = 0,
    chosen: str = "asked for",
) -> DidResult:
    """Compare the change in the treated arm with the change in the other.

    Parameters
    ----------
    panel : Panel
        One adoption date; further periods are collapsed to before and after.
    clustered : bool, optional
        True: units' means before and after are the observations. False: rows are. Left out: clustered unless each arm
        has one unit.
    variance : str
        Of rows in family gaussian, not clustered: 'pooled' (one variance) or 'unequal' (one per arm and time).
    prior_scale : float, optional
        Prior SD of the effect in standard deviations of the outcome, for rows in family gaussian with pooled variance; flat
        if left out, where the interval is that of least squares.
    weight : str
        Clustered: 'units' or 'rows' count equally.
    within : bool
        Clustered, where some units lack some periods: estimate by two-way fixed effects (unit, period, and treated from the date
        on) instead of means before and after. Where every unit is seen in every period, both are the same.
    inference : str
        Of rows: 'exact' (closed form) or 'nuts' (the same posterior sampled in PyMC).
    smallest : float
        Smallest effect worth acting on.
    confidence : float
        Of the intervals.
    draws : int
        Independent posterior draws.
    seed : int
        Of the draws.
    chosen : str
        Why this kind.

    Returns
    -------
    DidResult
        Further measures of ordinal and nps outcomes (mean, top box) are further rows of level 'overall'.

    Raises
    ------
    ModelError
        Units were treated at several times.
    ParamsError
        An option has no such value, or does not apply.
    InsufficientData
        An arm is not seen before or not after.

    Notes
    -----
    Rows: Normal-inverse-gamma (gaussian), Beta-binomial with Jeffreys' prior (bernoulli), Dirichlet-multinomial with a prior
    worth one answer (ordinal, nps), Gamma-Poisson with Jeffreys' prior (count). Clustered, every family is the mean of unit
    means (see `CohortMeans`).

    References
    ----------
    Gelman, A. et al. (2013). Bayesian Data Analysis (3rd ed.), chapters 2 and 3. CRC Press.
    """
    if len(panel.cohorts) != 1:
        raise ModelError("Units were treated at several times, which is no 2x2 comparison.", "Use kind 'staggered'.")
    _require_options(panel, variance, prior_scale)
    arms = (panel.treated, ~panel.treated)
    fewest, most = sorted(int(a.sum()) for a in arms)
    grouped = most > 1 if clustered is None else clustered
    if grouped and most < 2:
        raise InsufficientData("Each arm has one unit, so the interval cannot be clustered.", "Use cluster='none'.")
    rng = np.random.default_rng(seed)
    if grouped and inference == "nuts":
        raise ParamsError(
            "Clustered intervals of kind 'two_by_two' have a closed form only.", "Use kind 'hierarchical'."
        )
    rows, first, scale_df, facts = [], np.empty(0), np.nan, panel.facts | {"control": "never", "base": "all"}
    concerns = list(panel.concerns)
    for measure in measures(panel.family, panel.categories):
        part = panel.scored(measure)
        if grouped:
            estimate, sample, own_df = (_by_change if within else _by_unit)(part, weight, draws, rng)
            scale_df = scale_df if len(first) else own_df
        elif inference == "nuts":
            sample, quality = _sampled(part, variance, prior_scale, draws, seed)
            estimate, facts = float(sample.mean()), facts if len(first) else facts | quality._asdict()
            concerns += [] if len(first) else unsettled(quality)
        else:
            estimate, sample = _by_row(part, variance, prior_scale, draws, rng)
        first = first if len(first) else sample
        n = int(arms[0].sum()) if grouped else int(panel.n[arms[0]].sum())
        start = panel.periods.labels[int(panel.cohorts[0])]
        keys = {"measure": measure.name, "cohort": start, "n": n}
        rows.append(effect_rows("overall", sample[:, None], np.array([estimate]), confidence, keys=keys))
    if grouped and fewest < FEW_UNITS:
        concerns.append(Concern("few_units", {"units": fewest}))
    if grouped and fewest == 1:
        concerns.append(Concern("one_unit", {"arm": "The treated arm" if arms[0].sum() == 1 else "The untreated arm"}))
    if not grouped:
        reason = "each arm has one unit" if most == 1 else "it was asked not to be"
        concerns.append(Concern("unclustered", {"reason": reason}))
        if panel.family == "count" and (ratio := _dispersion(panel)) > OVERDISPERSED:
            concerns.append(Concern("overdispersed", {"ratio": ratio}))
    table = pd.concat(rows, ignore_index=True)
    how = panel.clustered if grouped else f"not clustered ({int(panel.n.sum())} rows as independent)"
    return DidResult(
        "two_by_two", panel.family, panel.outcome, str(table.loc[0, "measure"]),
        overall_effect(table.iloc[0], first, panel.outcome_sd, smallest), table, first, np.empty((draws, 0)), (), how,
        chosen, tuple(concerns), facts | {"df": float(scale_df)}, confidence,
    )  # fmt: skip


def _require_options(panel: Panel, variance: str, prior_scale: float | None) -> None:
    if variance not in VARIANCES:
        raise ParamsError(f"There is no variance '{variance}'.", "Valid names: 'pooled', 'unequal'.")
    if prior_scale is None:
        return
    if panel.family != "gaussian" or variance != "pooled":
        raise ParamsError("prior_scale applies to family 'gaussian' with pooled variance.", "Leave it out.")
    if not prior_scale > 0:
        raise ParamsError(f"prior_scale is {prior_scale:g}.", "Give a positive number, or leave it out.")


def _by_unit(panel: Panel, weight: str, draws: int, rng: np.random.Generator) -> tuple[float, Array, float]:
    """Return estimate, draws and degrees of freedom with unit means as the observations."""
    value, size = before_and_after(panel, weight)
    means = CohortMeans.of(value, size, panel.start, panel.clusters)
    _require_seen(means.size)
    sample = means.draw(draws, rng)
    change = sample[..., 1] - sample[..., 0]
    estimate = np.array([(means.mean[0, 1] - means.mean[0, 0]) - (means.mean[1, 1] - means.mean[1, 0])])
    df = welch_df(means.parts(np.array([[[-1.0, 1.0], [1.0, -1.0]]]))[:, 0], means.df)
    sample = stretch((change[:, 0] - change[:, 1])[:, None], estimate, df, rng)
    return float(estimate[0]), sample[:, 0], float(df[0])


def _by_change(panel: Panel, weight: str, draws: int, rng: np.random.Generator) -> tuple[float, Array, float]:
    """Return estimate, draws and degrees of freedom from changes within units."""
    change, each = before_after_change(panel, weight), observation_weights(panel, weight)
    found = within_posterior([change], panel.value, each, panel.start, np.ones(1, dtype=bool), panel.clusters)
    df = welch_df(found.parts(np.eye(1)), found.df)
    sample = stretch(found.draw(draws, rng), found.estimate, df, rng)
    return change.estimate, sample[:, 0], float(df[0])


def _require_seen(size: Array) -> None:
    """Refuse a table of arm (treated, untreated) by time with an empty cell."""
    if not (size > 0).all():
        arm, time = np.argwhere(size <= 0)[0]
        raise InsufficientData(
            f"The {'treated' if arm == 0 else 'untreated'} arm has no row {'after' if time else 'before'} treatment starts."
        )


def _by_row(
    panel: Panel, variance: str, prior_scale: float | None, draws: int, rng: np.random.Generator
) -> tuple[float, Array]:
    """Return estimate and draws with rows as the observations."""
    sign, n, mean, scatter = _pooled(panel)
    for each in n:
        _require_seen(each[:, ::-1])
    if panel.family == "gaussian":
        if variance == "pooled":
            return _gaussian(float((sign * mean).sum()), n, scatter, prior_scale, draws, rng)
        if n.min() < 2:
            raise InsufficientData("A variance per arm and time needs two rows in each.", "Use variance='pooled'.")
        scale = np.sqrt(scatter / (n - 1) / n)
        sample = mean + scale * rng.standard_t(n - 1, (draws, *n.shape))
    elif panel.family == "bernoulli":
        hits = n * mean
        sample = rng.beta(hits + JEFFREYS, n - hits + JEFFREYS, (draws, *n.shape))
        mean = (hits + JEFFREYS) / (n + 2 * JEFFREYS)
    elif panel.family == "count":
        sample = rng.gamma(n * mean + JEFFREYS, 1 / n, (draws, *n.shape))
        mean = mean + JEFFREYS / n
    else:
        return _categorical(panel, draws, rng)
    return float((sign * mean).sum()), (sign * sample).sum(axis=(1, 2, 3))


def _pooled(panel: Panel) -> tuple[Array, Array, Array, Array]:
    """Return sign, rows, mean and scatter by side, arm (treated, untreated) and time (after, before), each of shape (P, 2, 2)."""
    start, sides = int(panel.cohorts[0]), panel.sides or (panel,)
    out = np.zeros((3, len(sides), 2, 2))
    for k, side in enumerate(sides):
        for i, arm in enumerate((panel.treated, ~panel.treated)):
            for j, span in enumerate((slice(start, None), slice(0, start))):
                out[:, k, i, j] = _pool(side, arm, span)
    return np.array([_SIGN, -_SIGN])[: len(sides)], out[0], out[1], out[2]


def _pool(panel: Panel, arm: NDArray[np.bool_], span: slice) -> tuple[float, float, float]:
    """Return effective rows, mean and scatter of some units' periods as one."""
    n, value, scatter, size = (
        np.nan_to_num(a[arm, span])
        for a in (panel.counted, panel.value, panel.scatter, observation_weights(panel, "rows"))
    )
    total = float(size.sum())
    if not total:
        return 0.0, 0.0, 0.0
    each = size / np.where(n > 0, n, 1.0)  # what an effective row weighs
    rows, mean = total**2 / float((size * each).sum()), float((size * value).sum() / total)
    return rows, mean, float((each * scatter + size * (value - mean) ** 2).sum()) * rows / total


def _gaussian(
    effect: float, n: Array, scatter: Array, prior_scale: float | None, draws: int, rng: np.random.Generator
) -> tuple[float, Array]:
    """Draw from the Normal-inverse-gamma posterior with one variance."""
    spread, df = float((1 / n).sum()), float(n.sum() - n.size)
    if df < 1:
        raise InsufficientData(
            f"A variance needs more than {n.size} rows.", "Give rows, not means, or several units per arm."
        )
    total = float(scatter.sum())
    if prior_scale is not None:
        shrink = prior_scale**2 / (prior_scale**2 + spread)
        total, df = total + effect**2 / (prior_scale**2 + spread), df + 1
        effect, spread = effect * shrink, spread * shrink
    scale = np.sqrt(total / df * spread)
    return effect, effect + scale * rng.standard_t(df, draws)


def _categorical(panel: Panel, draws: int, rng: np.random.Generator) -> tuple[float, Array]:
    """Draw a score of Dirichlet-multinomial answers."""
    estimate, sample = 0.0, np.zeros(draws)
    for side, turn in zip(panel.sides or (panel,), (1.0, -1.0), strict=False):
        alphas, levels = _shares(side, panel.measure)
        for sign, alpha in zip(turn * _SIGN.ravel(), alphas, strict=True):
            estimate += sign * float(levels @ alpha / alpha.sum())
            sample += sign * (rng.dirichlet(alpha, draws) @ levels)
    return estimate, sample


def _shares(panel: Panel, measure: Measure) -> tuple[Array, Array]:
    """Return the Dirichlet posterior's parameters by arm and time, shape (4, L), and what each level contributes, (L,)."""
    start, score = int(panel.cohorts[0]), measure.score
    if panel.counts is None or score is None:
        raise ModelError(f"Family '{panel.family}' needs counts per answer.")
    levels, code = np.unique(score, return_inverse=True)
    each = observation_weights(panel, "rows") / np.where(panel.counted > 0, panel.counted, 1.0)
    given = []
    for arm in (panel.treated, ~panel.treated):
        for span in (slice(start, None), slice(0, start)):
            weighted = (panel.counts[arm, span] * each[arm, span, None]).sum(axis=(0, 1))
            rows = _pool(panel, arm, span)[0] / max(weighted.sum(), 1e-300)
            given.append(np.bincount(code, weighted * rows, len(levels)))
    return np.array(given) + UNIFORM_TOTAL / len(levels), levels


def _sampled(
    panel: Panel, variance: str, prior_scale: float | None, draws: int, seed: int
) -> tuple[Array, Convergence]:
    """Return draws by NUTS of the posterior that `_by_row` draws from its closed form."""
    if variance != "pooled":
        raise ParamsError("A variance per arm and time has a closed form only.", "Use variance='pooled'.")
    if panel.sides:
        raise ParamsError("Triple differences have a closed form only.", "Leave inference out.")
    n, mean, scatter = (a[0].ravel() for a in _pooled(panel)[1:])
    _require_seen(n.reshape(2, 2)[:, ::-1])
    levels = np.array([0.0, 1.0])
    if panel.family == "gaussian":
        model, counts = "normal", np.column_stack([n, mean, scatter])
        if n.sum() <= 4 or not scatter.any():
            raise InsufficientData(
                "A variance needs more than four rows, and rows that differ.", "Give rows, not means."
            )
    elif panel.family == "count":
        model, counts = "poisson", np.column_stack([n * mean + JEFFREYS, n])
    elif panel.family == "bernoulli":
        model, counts = "binomial", np.column_stack([n * (1 - mean) + JEFFREYS, n * mean + JEFFREYS])
    else:
        model = "multinomial"
        counts, levels = _shares(panel, panel.measure)
    return sample_arms(model, counts, levels, prior_scale=prior_scale, draws=draws, seed=seed)


def _dispersion(panel: Panel) -> float:
    """Return the variance of counts over their mean, within arm and time."""
    _, n, mean, scatter = _pooled(panel)
    return float(scatter.sum() / max(float(((n - 1) * mean).sum()), 1e-300))
