"""Monte Carlo intervals of indirect effects."""

import time

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import ModelError
from xmresearch.sem.fitting import fit
from xmresearch.sem.simulated_intervals import monte_carlo
from xmresearch.sem.total_effects import effects, mediation

CHAIN = "m ~ a*x\ny ~ b*m + c*x\nab := a*b"


def small(n, seed, a=0.3, b=0.3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    m = a * x + rng.normal(size=n)
    return pd.DataFrame({"x": x, "m": m, "y": b * m + 0.1 * x + rng.normal(size=n)})


@pytest.mark.parametrize("name", ["mobi_obs_mediation", "mobi_mediation"])
def test_intervals_are_those_of_a_million_draws(name, reference):
    """reference/sem2/NAME_montecarlo.csv: N(coef, vcov) of lavaan 0.6-14, 1e6 draws; at 40 000 draws a bound's sd is .0134 se, a skewed one's more."""
    models = pd.read_csv(reference / "sem2/models_b.csv").set_index("name")["model"]
    known = pd.read_csv(reference / f"sem2/{name}_montecarlo.csv").set_index("parameter")
    data = pd.read_csv(reference.parent / "sem/mobi.csv")
    found = monte_carlo(fit(models[f"{name}_ML"], data), draws=40_000, seed=3).table.set_index("name")
    for parameter, row in known.iterrows():
        ours = found.loc[parameter]
        assert ours["est"] == pytest.approx(row["est"], rel=1e-6)
        assert ours["delta_se"] == pytest.approx(row["delta_se"], rel=1e-6)
        assert ours["se"] == pytest.approx(row["mc_se"], rel=0.015)
        for bound in ("lower", "upper"):
            assert abs(ours[f"ci_{bound}"] - row[f"mc_{bound}"]) < 4 * 0.0134 * row["mc_se"] * 1.5


@pytest.mark.parametrize("name", ["mobi_mediation_ML", "mobi_mediation_MLR", "mobi_obs_mediation_ML"])
def test_defined_effects_and_their_delta_errors_are_lavaans(name, reference):
    """reference/sem2/NAME_par.csv and NAME_fit.csv, by lavaan 0.6-14."""
    models = pd.read_csv(reference / "sem2/models_b.csv").set_index("name")["model"]
    known = pd.read_csv(reference / f"sem2/{name}_par.csv", keep_default_na=False).set_index(["lhs", "op", "rhs"])
    found = fit(models[name], pd.read_csv(reference.parent / "sem/mobi.csv"), estimator=name.rsplit("_", 1)[1])
    for row in found.estimates.itertuples():
        key = (row.lhs, row.op, row.rhs.replace(" ", ""))
        theirs = known.loc[key if key in known.index else (row.rhs, row.op, row.lhs)]
        for ours, column in ((row.est, "est"), (row.se, "se"), (row.std_all, "std.all")):
            assert ours == pytest.approx(float(theirs[column]), rel=1e-6, abs=1e-6), row
    measures = pd.read_csv(reference / f"sem2/{name}_fit.csv").set_index("measure")["value"].dropna()
    shared = [m for m in found.measures.index if m in measures.index]
    assert len(shared) >= 46
    for m in shared:
        assert found.measures[m] == pytest.approx(measures[m], rel=1e-6, abs=1e-6), m


@pytest.mark.parametrize("blanks", [False, True])
def test_the_bootstrap_gives_the_same_skewed_interval(blanks):
    """The second method, and with FIML the first alone: an interval about the planted .09 that reaches further up than down."""
    data = small(300, 5)
    if blanks:
        data.loc[::7, "m"] = np.nan
    fitted = fit(CHAIN, data, missing="fiml" if blanks else "listwise")
    found = monte_carlo(fitted).table.iloc[0]
    assert found["ci_upper"] - found["est"] > 1.05 * (found["est"] - found["ci_lower"])
    assert found["ci_lower"] < 0.09 < found["ci_upper"]
    if not blanks:
        boot = fit(CHAIN, data, bootstrap=1000, seed=1).estimates.set_index("label").loc["ab"]
        for bound in ("ci_lower", "ci_upper"):
            assert abs(found[bound] - boot[bound]) < 0.25 * found["se"]


def test_mediation_and_effects_take_monte_carlo_intervals_and_agree():
    fitted = fit(CHAIN, small(120, 8))
    chain = mediation(fitted, [["x", "m", "y"]]).table.iloc[0]
    effect = effects(fitted).table.set_index(["cause", "outcome"]).loc[("x", "y")]
    assert (chain["indirect_lower"], chain["indirect_upper"]) == (effect["indirect_lower"], effect["indirect_upper"])
    up, down = chain["indirect_upper"] - chain["indirect"], chain["indirect"] - chain["indirect_lower"]
    assert up > 1.05 * down
    again = mediation(fitted, [["x", "m", "y"]]).table.iloc[0]
    assert again["indirect_lower"] == chain["indirect_lower"]


def test_two_thousand_draws_take_under_fifty_milliseconds():
    fitted = fit(CHAIN, small(300, 5))
    taken = []
    for _ in range(5):
        start = time.process_time()
        monte_carlo(fitted, draws=2000)
        taken.append(time.process_time() - start)
    assert min(taken) < 0.05


def test_fixed_and_exogenous_labels_are_read_as_in_the_table():
    fitted = fit(
        "m ~ a*x\ny ~ b*m + 0.1*x + c*x\nx ~~ v*x\nab := a*b\nscaled := a*sqrt(v)\nwhole := ab + c", small(200, 2)
    )
    table = fitted.estimates.set_index("lhs").loc[["ab", "scaled", "whole"]]
    found = monte_carlo(fitted, draws=200).table
    assert found["est"].to_list() == pytest.approx(table["est"].to_list(), rel=1e-12)
    assert found["delta_se"].to_list() == pytest.approx(table["se"].to_list(), rel=1e-6)


def test_what_cannot_be_drawn_is_told():
    with pytest.raises(ModelError, match="defines no quantity"):
        monte_carlo(fit("m ~ x", small(100, 1)))
    with pytest.raises(ModelError, match="99 is too few"):
        monte_carlo(fit(CHAIN, small(100, 1)), draws=99)
