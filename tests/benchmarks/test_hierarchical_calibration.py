"""Simulation-based calibration of the hierarchical models, and coverage where branches are clustered. Run with 'make bench'."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.causal.cell_likelihood import cutpoints
from xmresearch.causal.designs import did
from xmresearch.causal.families import measures
from xmresearch.causal.hierarchical import answer_scores
from xmresearch.causal.hierarchical_density import Prior, State
from xmresearch.causal.hierarchical_effects import unit_effects
from xmresearch.causal.hierarchical_problem import pose
from xmresearch.causal.panel import Panel
from xmresearch.inference.mode import mode
from xmresearch.inference.nuts import draw
from xmresearch.sufficient.cells import Cells

REPLICATIONS = 500
UNITS, PERIODS, ROWS = 12, 4, 25
PRIOR = Prior(effect=0.5, level=0.5, period=0.3, distance=0.3)
BASES = {
    "gaussian": np.empty(0), "count": np.array([0.7]), "bernoulli": np.array([0.2]),
    "ordinal": np.array([-1.2, -0.5, 0.2, 1.0]), "nps": np.linspace(-1.6, 1.4, 10),
}  # fmt: skip
QUANTITIES = ("effect_mean", "effect_sd", "shock_sd", "level", "unit_effect", "overall")
CHAINS, DRAWS, TUNE, THIN = 2, 250, 250, 10


def from_prior(family: str, rng: np.random.Generator) -> State:
    """Draw parameters from the prior, with leading shape (1,)."""
    base = BASES[family]
    treated = np.arange(UNITS) < UNITS // 2
    effect, spread, shock = (
        np.array([v])
        for v in (
            PRIOR.effect * rng.standard_normal(), PRIOR.spread * abs(rng.standard_normal()),
            PRIOR.shock * abs(rng.standard_normal()),
        )
    )  # fmt: skip
    extra = np.empty((1, 0))
    if family == "gaussian":
        extra = np.log(np.abs(PRIOR.residual * rng.standard_t(4, (1, 1))))
    elif len(base) > 1:
        extra = np.log(np.diff(base)) + PRIOR.distance * rng.standard_normal((1, len(base) - 1))
    period = np.concatenate([np.zeros((1, 1)), PRIOR.period * rng.standard_normal((1, PERIODS - 1))], axis=1)
    own = treated * (effect + spread * rng.standard_normal(UNITS)) + shock * rng.standard_normal(UNITS)
    return State(PRIOR.level * rng.standard_normal((1, UNITS)), period, extra, effect, spread, shock, own[None])


def responses(family: str, state: State, rng: np.random.Generator) -> pd.DataFrame:
    """Rows that the parameters give."""
    unit, time = (np.repeat(a.ravel(), ROWS) for a in np.indices((UNITS, PERIODS)))
    eta = state.level[0, unit] + state.period[0, time] + (time >= PERIODS // 2) * state.change[0, unit]
    if family == "gaussian":
        y = eta + np.exp(state.extra[0, 0]) * rng.standard_normal(len(eta))
    elif family == "count":
        y = rng.poisson(np.exp(BASES[family][0] + eta)).astype(float)
    else:
        cuts = cutpoints(state.extra, BASES[family])[0]
        y = np.searchsorted(cuts, eta + rng.standard_normal(len(eta))).astype(float)
    return pd.DataFrame({"unit": unit, "time": time, "arm": unit < UNITS // 2, "y": y})


def rank(family: str, seed: int) -> dict[str, float] | None:
    """Return the share of draws below each true quantity; None where some answer was never given."""
    rng = np.random.default_rng([seed, len(family)])
    truth = from_prior(family, rng)
    frame = responses(family, truth, rng)
    counted = family in ("ordinal", "nps")
    if counted and frame["y"].nunique() <= len(BASES[family]):
        return None
    if frame["y"].nunique() < 2:
        return None
    cells = Cells.of(frame, outcome="y", unit="unit", time="time", treated="arm", counts=counted)
    panel = Panel.of(cells, family, treated_from=PERIODS // 2)
    posed = pose(panel, PRIOR, BASES[family], (0.0, 1.0))
    centre, spread = mode(posed.density, posed.problem, posed.start)
    x, _ = draw(posed.density, posed.problem, centre, spread, draws=DRAWS, tune=TUNE, chains=CHAINS, seed=seed)
    found = posed.density.read(x[:, ::THIN], posed.problem)
    state = State(*(a.reshape(a.shape[0] * a.shape[1], *a.shape[2:]) for a in found))
    scores = answer_scores(family, measures(family, panel.categories))
    rows = np.ones(len(posed.problem.unit))
    given = {"link": posed.density.link, "problem": posed.problem, "scores": scores, "rows": rows}
    drawn = unit_effects(state=state, rng=np.random.default_rng([seed, 1]), **given)
    # the truth's own effects, given its changes, are a draw from the same conditional distribution
    true = unit_effects(state=truth, rng=np.random.default_rng([seed, 2]), **given)
    pairs = {
        "effect_mean": (truth.effect, state.effect), "effect_sd": (truth.spread, state.spread),
        "shock_sd": (truth.shock, state.shock), "level": (truth.level[:, 0], state.level[:, 0]),
        "unit_effect": (true.unit[:, 0, 0], drawn.unit[:, 0, 0]), "overall": (true.overall[:, 0], drawn.overall[:, 0]),
    }  # fmt: skip
    return {name: float((sample < value).mean()) for name, (value, sample) in pairs.items()}


@pytest.mark.benchmark
@pytest.mark.parametrize("family", list(BASES))
def test_ranks_are_uniform(family):
    rows, seed = [], 0
    while len(rows) < REPLICATIONS:
        one = rank(family, seed)
        rows += [] if one is None else [one]
        seed += 1
    ranks = pd.DataFrame(rows)[list(QUANTITIES)]
    draws = CHAINS * DRAWS // THIN
    jittered = (ranks * draws + np.random.default_rng(0).random(ranks.shape)) / (draws + 1)
    table = pd.DataFrame({
        "KS p": [stats.kstest(jittered[c], "uniform").pvalue for c in QUANTITIES],
        "mean rank": ranks.mean(), "coverage 95": ((jittered > 0.025) & (jittered < 0.975)).mean(),
    }, index=list(QUANTITIES))  # fmt: skip
    print(f"\n{family}: {REPLICATIONS} of {seed} simulated data sets\n{table.round(3).to_string()}")
    assert table["KS p"].min() > 0.001
    assert table.loc["overall", "coverage 95"] == pytest.approx(0.95, abs=0.02)


def branches(family: str, seed: int) -> tuple[pd.DataFrame, float]:
    """20 branches with levels and shocks of intra-class correlation .05 each; an effect of .4 SD; and what it is in answers."""
    rng = np.random.default_rng([seed, 77])
    sd = np.sqrt(0.05 / 0.95)
    on = np.arange(20) < 10
    mean = rng.normal(0, sd, (20, 1)) + rng.normal(0, sd, (20, 2))
    unit, time = (np.repeat(a.ravel(), 25) for a in np.indices((20, 2)))
    after = on[unit] & (time == 1)
    noise = rng.standard_normal(len(unit))
    cuts = BASES["ordinal"]
    if family == "gaussian":
        y, truth = mean[unit, time] + 0.4 * after + noise, 0.4
    else:
        y = 1.0 + np.searchsorted(cuts, mean[unit, time] + 0.4 * after + noise)
        late = mean[on, 1][:, None]
        truth = float((stats.norm.sf(cuts - late - 0.4) - stats.norm.sf(cuts - late)).sum(axis=1).mean())
    return pd.DataFrame({"unit": unit, "time": time, "arm": on[unit], "y": y}), truth


@pytest.mark.benchmark
@pytest.mark.parametrize("family", ["gaussian", "ordinal"])
def test_intervals_cover_where_branches_are_clustered(family):
    hits, errors, sds = [], [], []
    for seed in range(REPLICATIONS):
        frame, truth = branches(family, seed)
        found = did(
            frame, outcome="y", unit="unit", time="time", treated="arm", treated_from=1, family=family,
            kind="hierarchical", draws=800, tune=300, chains=2, seed=seed,
        ).effect  # fmt: skip
        hits.append(found["ci_lower"] <= truth <= found["ci_upper"])
        errors.append(found["estimate"] - truth)
        sds.append(found["sd"])
    print(f"\n{family}, 20 branches, ICC .05: coverage {np.mean(hits):.3f}, bias {np.mean(errors):+.4f}, "
          f"error SD {np.std(errors):.4f}, posterior SD {np.mean(sds):.4f}")  # fmt: skip
    assert 0.93 <= np.mean(hits) <= 0.97
