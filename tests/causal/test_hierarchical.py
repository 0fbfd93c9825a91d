"""Hierarchical models: gradient, brute force over a grid, other coordinates, planted truth, wrong designs."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from xmresearch.causal.cell_likelihood import cell_estimates
from xmresearch.causal.designs import did, refit
from xmresearch.causal.hierarchical_density import HierarchicalDensity, Prior, Problem, State
from xmresearch.causal.hierarchical_effects import unit_effects
from xmresearch.causal.hierarchical_problem import pose
from xmresearch.causal.panel import Panel
from xmresearch.causal.two_by_two import two_by_two
from xmresearch.errors import InsufficientData, ModelError, ParamsError
from xmresearch.inference.mode import mode
from xmresearch.inference.nuts import convergence, draw
from xmresearch.sufficient.cells import Cells

UNITS, PERIODS = 24, 6
CUTS = np.array([-1.2, -0.5, 0.2, 1.0])


def responses(
    rows: int, *, effect: float = 0.4, spread: float = 0.25, shock: float = 0.1, seed: int = 0, staggered: bool = False
) -> tuple[pd.DataFrame, np.ndarray]:
    """Answers of 24 branches in 6 months, half of them treated; and the branches' true effects (latent)."""
    rng = np.random.default_rng(seed)
    treated = np.arange(UNITS) < UNITS // 2
    first = np.where(treated, np.where(staggered & (np.arange(UNITS) % 2 == 1), 4, 3), PERIODS)
    turn = np.where(treated, first, 3)
    effects = treated * (effect + spread * rng.standard_normal(UNITS))
    change = effects + shock * rng.standard_normal(UNITS)
    mean = 0.3 * rng.standard_normal((UNITS, 1)) + 0.1 * rng.standard_normal(PERIODS)
    mean = mean + (np.arange(PERIODS) >= turn[:, None]) * change[:, None]
    unit, time = (np.repeat(a.ravel(), rows) for a in np.indices(mean.shape))
    latent = mean[unit, time] + rng.standard_normal(len(unit))
    frame = pd.DataFrame(
        {"branch": unit, "month": time + 1, "first": np.where(treated, first + 1, 0)[unit], "y": latent}
    )
    answer = 1 + np.searchsorted(CUTS, latent)
    rate = np.exp(0.5 + mean[unit, time])
    return frame.assign(
        stars=answer, good=(answer >= 4).astype(int), likely=np.clip(np.rint(5 + 2 * latent), 0, 10),
        visits=rng.poisson(rate),
    ), effects  # fmt: skip


OUTCOMES = {"gaussian": "y", "bernoulli": "good", "ordinal": "stars", "nps": "likely", "count": "visits"}


def fitted(frame: pd.DataFrame, family: str = "gaussian", **settings):
    given = {"unit": "branch", "time": "month", "cohort": "first", "kind": "hierarchical", "draws": 2000} | settings
    return did(frame, outcome=OUTCOMES[family], family=family, **given)


def fitted_panel(frame: pd.DataFrame, family: str = "gaussian") -> Panel:
    counts = family in ("ordinal", "nps")
    return Panel.of(
        Cells.of(frame, outcome=OUTCOMES[family], unit="branch", time="month", cohort="first", counts=counts), family
    )


@pytest.fixture(scope="module")
def found():
    """Every family's result on the same branches, and the branches' true effects."""
    frame, effects = responses(60)
    return {family: fitted(frame, family) for family in OUTCOMES}, effects


@pytest.mark.parametrize(("link", "answers", "extras"), [
    ("identity", 0, 1), ("log", 0, 0), ("probit", 2, 0), ("probit", 3, 1), ("probit", 5, 3), ("probit", 11, 9),
])  # fmt: skip
def test_gradient_equals_differences(link, answers, extras):
    rng = np.random.default_rng(answers)
    unit, time = (a.ravel() for a in np.indices((6, 5)))
    if link == "identity":
        data, base = np.column_stack([np.full(30, 20.0), rng.normal(size=30), rng.chisquare(19, 30)]), np.empty(0)
    elif link == "log":
        data, base = np.column_stack([np.full(30, 20.0), rng.poisson(40.0, 30)]), np.array([0.7])
    else:
        data = rng.multinomial(20, np.ones(answers) / answers, 30).astype(float)
        base = np.linspace(-1.5, 1.5, answers - 1)
    problem = Problem(
        data, unit, time, (time >= 2).astype(float), (np.arange(6) < 3).astype(float), rng.normal(0, 0.1, 6),
        np.append(0.0, rng.uniform(1, 100, 5)), rng.normal(size=(6, 5)), base, np.array(Prior()),
    )  # fmt: skip
    density = HierarchicalDensity(link, 6, 5, extras)
    x = 0.3 * rng.standard_normal(density.q)
    slope = density(x, problem)[1]
    step = 1e-6 * np.eye(density.q)
    expected = [(density(x + d, problem)[0] - density(x - d, problem)[0]) / 2e-6 for d in step]
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-5 * np.abs(slope).max())


def by_grid(problem: Problem, units: int, periods: int) -> dict[str, float]:
    """Integrate the normal model: everything but three SDs in closed form, these on a grid."""
    n, y, scatter = problem.data.T
    prior = Prior(*problem.prior)
    cells = np.arange(len(y))
    x = np.zeros((len(y), 2 * units + periods))
    x[cells, problem.unit] = 1
    x[cells, units + problem.time] = 1
    x[cells, units + periods + problem.unit] = problem.after
    level = np.concatenate([np.full(units, prior.level**2), [0.0], np.full(periods - 1, prior.period**2)])
    fixed = (x[:, : units + periods] * level) @ x[:, : units + periods].T
    late = x[:, units + periods :]
    pull = late @ problem.treated
    grid = {
        "shock": np.linspace(0.005, 0.6, 40), "spread": np.linspace(0.005, 0.9, 40),
        "sigma": np.exp(np.linspace(-0.06, 0.06, 9)),
    }  # fmt: skip
    rows = []
    for sigma in grid["sigma"]:
        base = fixed + np.diag(sigma**2 / n)
        inside = -(n - 1).sum() * np.log(sigma) - scatter.sum() / (2 * sigma**2)
        inside += -2.5 * np.log1p(sigma**2 / (4 * prior.residual**2))
        for shock in grid["shock"]:
            for spread in grid["spread"]:
                own = late * (shock**2 + problem.treated * spread**2)
                root = np.linalg.cholesky(base + own @ late.T)
                a, b = (np.linalg.solve(root, v) for v in (y, pull))
                precision = float(b @ b) + prior.effect**-2
                centre = float(a @ b) / precision
                value = inside - np.log(np.diag(root)).sum() - 0.5 * float(a @ a) + 0.5 * precision * centre**2
                value += -0.5 * np.log(precision) - 0.5 * (shock**2 / prior.shock**2 + spread**2 / prior.spread**2)
                rows.append((value + np.log(sigma), shock, spread, centre, 1 / precision))
    value, shock, spread, centre, variance = np.array(rows).T
    weight = np.exp(value - value.max())
    weight /= weight.sum()
    mean = weight @ centre
    return {
        "effect_mean": mean, "effect_mean_sd": np.sqrt(weight @ (variance + centre**2) - mean**2),
        "shock_sd": weight @ shock, "shock_sd_sd": np.sqrt(weight @ shock**2 - (weight @ shock) ** 2),
        "effect_sd": weight @ spread, "effect_sd_sd": np.sqrt(weight @ spread**2 - (weight @ spread) ** 2),
    }  # fmt: skip


def test_normal_outcomes_against_a_grid():
    frame, _ = responses(8, seed=4)
    result = fitted(frame, draws=4000)
    expected = by_grid(pose(result.panel, Prior()).problem, UNITS, PERIODS)
    rows = result.tidy("parameter").set_index("measure")
    for name in ("effect_mean", "shock_sd", "effect_sd"):
        sd = expected[f"{name}_sd"]
        ess = min(result.facts["ess_bulk"], 1000)
        assert rows.loc[name, "estimate"] == pytest.approx(expected[name], abs=3 * sd / np.sqrt(ess)), name
        assert rows.loc[name, "sd"] == pytest.approx(sd, rel=0.08), name


@pytest.mark.parametrize("family", ["ordinal", "count"])
def test_other_coordinates_give_the_same_posterior(family):
    """The non-centred form, which the coordinates become without the data's own estimates, is a second method."""
    frame, _ = responses(10, seed=7)
    result = fitted(frame, family)
    posed = pose(result.panel, Prior())
    plain = posed.problem._replace(information=np.zeros(UNITS))
    centre, spread = mode(posed.density, plain, posed.start)
    x, stats = draw(posed.density, plain, centre, spread, draws=500, tune=400, chains=2, seed=5)
    state, quality = posed.density.read(x, plain), convergence(x, stats)
    rows = result.tidy("parameter").set_index("measure")
    for name, sample in (("effect_mean", state.effect), ("effect_sd", state.spread), ("shock_sd", state.shock)):
        error = rows.loc[name, "sd"] * np.sqrt(1 / quality.ess_bulk + 1 / result.facts["ess_bulk"])
        assert abs(sample.mean() - rows.loc[name, "estimate"]) < 3.5 * error, name


@pytest.mark.parametrize("family", list(OUTCOMES))
def test_chains_settle_and_units_are_told_apart(found, family):
    results, effects = found
    result = results[family]
    status = result.diagnostics().set_index("check")["status"]
    assert (status[["ess_bulk", "ess_tail", "divergences"]] == "pass").all()
    assert result.facts["rhat"] < 1.02
    units = result.tidy("unit")
    assert np.corrcoef(units["estimate"], effects[: UNITS // 2])[0, 1] > 0.6
    assert result.effect["p_positive"] > 0.99
    further = result.tidy("next_unit").iloc[0]
    assert further["sd"] > result.effect["sd"]


def test_further_units_and_the_prior_are_in_units_of_the_outcome(found):
    result = found[0]["gaussian"]
    mean, spread = (result.tidy("parameter").set_index("measure").loc[name] for name in ("effect_mean", "effect_sd"))
    further = np.sqrt(mean["sd"] ** 2 + spread["estimate"] ** 2 + spread["sd"] ** 2)
    prior = np.sqrt(Prior().effect ** 2 + Prior().spread ** 2 / (UNITS // 2))
    sd = result.effect["outcome_sd"]
    assert result.tidy("next_unit").iloc[0]["sd"] / sd == pytest.approx(further, rel=0.08)
    assert result.prior_draws.std() / sd == pytest.approx(prior, rel=0.06)


def test_a_change_is_split_between_shock_and_effect():
    """Moments of an effect given the change, against those of the joint normal distribution of both."""
    frame, _ = responses(2)
    problem = pose(fitted_panel(frame), Prior()).problem
    size, change = 40_000, np.linspace(-1, 1, UNITS)
    same = np.ones(size)
    state = State(
        np.zeros((size, UNITS)), np.zeros((size, PERIODS)), np.zeros((size, 1)), 0.2 * same, 0.3 * same, 0.4 * same,
        np.tile(change, (size, 1)),
    )  # fmt: skip
    rng = np.random.default_rng(1)
    drawn = unit_effects("identity", state, problem, np.ones((1, 1)), None, rng).unit[..., 0]
    effect = 0.2 + 0.3 * rng.standard_normal(4_000_000)
    both = np.cov(effect, effect + 0.4 * rng.standard_normal(len(effect)))
    slope = both[0, 1] / both[1, 1]
    np.testing.assert_allclose(drawn.mean(axis=0), 0.2 + slope * (change[: UNITS // 2] - 0.2), atol=0.01)
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(both[0, 0] - slope * both[0, 1]), rtol=0.02)


def test_mean_effect_agrees_with_the_clustered_closed_form(found):
    """The closed form's effect is that of all such branches, as the parameter's is; the overall one is on these branches."""
    for family, result in found[0].items():
        plain = two_by_two(result.panel).effect
        assert result.effect["estimate"] == pytest.approx(plain["estimate"], abs=0.6 * plain["sd"]), family
        assert result.effect["sd"] < 1.1 * plain["sd"], family
    normal = found[0]["gaussian"]
    everywhere = normal.tidy("parameter").set_index("measure").loc["effect_mean", "sd"] * normal.effect["outcome_sd"]
    assert everywhere == pytest.approx(two_by_two(normal.panel).effect["sd"], rel=0.2)


def test_latent_effects_become_changes_of_answers(found):
    """The mean answer's change by simulation from the latent model, at the posterior means."""
    result = found[0]["ordinal"]
    table = result.tidy("overall").set_index("measure")["estimate"]
    assert table.index.tolist() == ["mean", "top_box"]
    effects = found[1][: UNITS // 2]
    shift = effects.mean()
    expected = (special.ndtr(shift - CUTS) - special.ndtr(-CUTS)).sum()
    assert table["mean"] == pytest.approx(expected, abs=3 * result.effect["sd"])
    likely = found[0]["nps"].tidy("overall")["measure"].tolist()
    assert likely == ["nps", "mean", "top_box"]


def test_units_of_the_outcome_do_not_matter():
    """A power of two leaves every digit as it is, and so every draw; a thousand does not, and chains part at the last digit."""
    frame, _ = responses(10, seed=2)
    first, doubled, second = (fitted(frame.assign(y=k * frame["y"]), draws=400).effect for k in (1, 1024, 1000))
    assert first["standardised"] == pytest.approx(doubled["standardised"], abs=1e-9)
    assert doubled["estimate"] == pytest.approx(1024 * first["estimate"], rel=1e-9)
    error = first["sd"] / np.sqrt(400)
    assert second["estimate"] / 1000 == pytest.approx(first["estimate"], abs=4 * error)
    assert second["sd"] / 1000 == pytest.approx(first["sd"], rel=0.15)


def test_staggered_adoption_and_one_row_per_cell():
    frame, effects = responses(60, staggered=True, seed=3)
    result = fitted(frame, "ordinal")
    assert result.tidy("unit")["cohort"].nunique() == 2
    assert np.corrcoef(result.tidy("unit")["estimate"], effects[: UNITS // 2])[0, 1] > 0.6
    cells = frame.groupby(["branch", "month", "first"], as_index=False)["y"].mean()
    alone = fitted(cells, draws=1600, prior_scale=4.0)  # cell means vary less than rows, and so does their prior
    rows = fitted(frame, draws=1600)
    assert alone.effect["estimate"] == pytest.approx(rows.effect["estimate"], abs=0.3 * rows.effect["sd"])


def test_posterior_is_labelled(found):
    tree = found[0]["gaussian"].posterior
    assert tree["posterior"]["unit_effect"].dims == ("chain", "draw", "treated_unit")
    assert tree["posterior"]["unit_effect"].coords["treated_unit"].to_numpy().tolist() == list(range(UNITS // 2))
    assert {"diverging", "energy"} <= set(tree["sample_stats"].data_vars)
    effect = tree["posterior"]["effect"].to_numpy().ravel()
    np.testing.assert_array_equal(effect, found[0]["gaussian"].draws)


def test_prior_matters_where_it_should(found):
    result = found[0]["gaussian"]
    wide, narrow = (refit(result, prior_scale=k, draws=800) for k in (2.0, 0.02))
    assert narrow.effect["estimate"] < 0.3 * wide.effect["estimate"]
    assert narrow.prior_draws.std() < 0.05 * wide.prior_draws.std()
    assert wide.effect["estimate"] == pytest.approx(result.effect["estimate"], abs=0.5 * result.effect["sd"])


def test_anticipation_leaves_periods_out():
    frame, _ = responses(30, seed=6)
    early = (frame["first"] > 0) & (frame["month"] == frame["first"] - 1)
    frame["y"] += 3.0 * early
    spoilt, mended = (fitted(frame, draws=800, anticipation=k).effect["estimate"] for k in (0, 1))
    assert spoilt < mended - 0.3


def test_rows_weigh_units_by_their_rows_after_treatment():
    frame, _ = responses(10, staggered=True, seed=3)
    units, rows = (fitted(frame, draws=200, tune=100, weight=w) for w in ("units", "rows"))
    each = rows.tidy("unit")
    months = PERIODS + 1 - each["cohort"]
    assert months.nunique() == 2
    assert rows.effect["estimate"] == pytest.approx(np.average(each["estimate"], weights=months), abs=1e-12)
    assert units.effect["estimate"] == pytest.approx(each["estimate"].mean(), abs=1e-12)


def test_units_that_are_not_seen_on_both_sides_are_left_out():
    frame, _ = responses(10, seed=1)
    frame["branch"] = UNITS - 1 - frame["branch"]  # treated ones last
    never_after = (frame["branch"] == 12) & (frame["month"] >= 4)
    only_anticipating = (frame["branch"] == UNITS - 1) & (frame["month"] != 3)
    result = fitted(frame[~(never_after | only_anticipating)], draws=200, tune=100, anticipation=1)
    assert result.tidy("unit")["unit"].tolist() == list(range(13, UNITS - 1))
    assert {c.kind: c.facts["units"] for c in result.concerns if c.kind == "one_sided_units"} == {"one_sided_units": 2}
    assert result.facts["treated_units"] == UNITS // 2 - 2
    with pytest.raises(InsufficientData, match="both before treatment and after"):
        fitted(frame[(frame["first"] == 0) | (frame["month"] < 4)])


def test_nobody_untreated_once_the_early_ones_are_left_out():
    frame, _ = responses(3, staggered=True)
    frame = frame[frame["first"] > 0]
    early = frame.assign(first=np.where(frame["first"] == 4, 1, 5))
    with pytest.raises(InsufficientData, match="nothing says what would have happened"):
        fitted(early)


def test_tiny_prior_scales_have_a_start():
    panel, prior = fitted_panel(responses(3)[0]), Prior()
    for k in (1e-3, 1e-6, 1e-9):
        posed = pose(panel, prior._replace(effect=prior.effect * k, spread=prior.spread * k))
        assert np.isfinite(posed.density(posed.start, posed.problem)[0])


@pytest.mark.parametrize("total", [0.0, 1.0, 30.0, 30_000.0, 3e7])
def test_rates_far_from_the_pooled_one_are_found(total):
    eta, weight = cell_estimates("log", np.array([[10.0, total]]), np.empty(0), np.array([0.0]))
    # the wide prior's pull, N(0, 5), balances the likelihood's slope
    assert total - 10 * np.exp(eta[0]) == pytest.approx(eta[0] / 25, abs=1e-6)
    assert weight[0] == pytest.approx(10 * np.exp(eta[0]))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"chains": 1}, ParamsError, "at least 2 chains"),
        ({"prior_scale": 0.0}, ParamsError, "prior_scale is 0"),
        ({"weight": "people"}, ParamsError, "no weight 'people'"),
        ({"inference": "exact"}, ParamsError, "sampled by NUTS"),
    ],
)
def test_wrong_settings(settings, error, message):
    frame, _ = responses(3)
    with pytest.raises(error, match=message):
        fitted(frame, **settings)


def test_designs_that_cannot_differ():
    frame, _ = responses(3)
    with pytest.raises(InsufficientData, match="at least two treated"):
        fitted(frame[(frame["branch"] == 0) | (frame["branch"] >= 12)])
    many = pd.concat([frame.assign(branch=frame["branch"] + 100 * k) for k in range(20)])
    with pytest.raises(ModelError, match="480 units are too many"):
        fitted(many)


@pytest.mark.parametrize("family", list(OUTCOMES))
def test_exact_and_nuts_agree_for_rows(family):
    frame, _ = responses(20, seed=9)
    given = {"kind": "two_by_two", "cluster": "none", "treated": list(range(12)), "treated_from": 4, "unit": "branch",
             "time": "month", "outcome": OUTCOMES[family], "family": family, "draws": 4000}  # fmt: skip
    exact, sampled = did(frame, **given), did(frame, inference="nuts", **given)
    error = sampled.effect["sd"] / np.sqrt(sampled.facts["ess_bulk"])
    assert abs(sampled.effect["estimate"] - exact.effect["estimate"]) < 3 * error
    assert sampled.effect["sd"] == pytest.approx(exact.effect["sd"], rel=0.05)
    assert sampled.facts["rhat"] < 1.01
    assert sampled.facts["divergences"] == 0


def test_exact_and_nuts_agree_under_a_prior():
    frame, _ = responses(5, seed=9)
    given = {"kind": "two_by_two", "cluster": "none", "treated": list(range(12)), "treated_from": 4, "unit": "branch",
             "time": "month", "outcome": "y", "prior_scale": 0.05, "draws": 4000}  # fmt: skip
    exact, sampled = did(frame, **given), did(frame, inference="nuts", **given)
    error = sampled.effect["sd"] / np.sqrt(sampled.facts["ess_bulk"])
    assert abs(sampled.effect["estimate"] - exact.effect["estimate"]) < 3 * error
    assert sampled.effect["sd"] == pytest.approx(exact.effect["sd"], rel=0.05)


def test_nuts_where_there_is_only_a_closed_form():
    frame, _ = responses(3)
    with pytest.raises(ParamsError, match="closed form only"):
        fitted(frame, kind="two_by_two", cohort=None, treated=list(range(12)), treated_from=4, inference="nuts")
    with pytest.raises(ParamsError, match="has a closed form"):
        fitted(frame, kind="event_study", inference="nuts")
    given = {"kind": "two_by_two", "cluster": "none", "cohort": None, "treated": list(range(12)), "treated_from": 4}
    with pytest.raises(InsufficientData, match="rows that differ"):
        fitted(frame.assign(y=1.0 * ((frame["branch"] < 12) & (frame["month"] > 3))), inference="nuts", **given)
