"""Effects, mediation, indices and gains."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DatasetUnavailable, InsufficientData, ModelError
from xmresearch.sem.catalogue import model_text, shipped_models
from xmresearch.sem.fitting import fit
from xmresearch.sem.syntax import parse_model
from xmresearch.sem.tables import diagram, loadings, paths, side_by_side
from xmresearch.sem.total_effects import effects, mediation
from xmresearch.sem.what_if import gains, indices
from xmresearch.studies.sem.population import population_fit, with_population

CHAIN = "y ~ b*m + c*x\nm ~ a*x\nz ~ d*y\nab := a*b\nwhole := a*b + c"


@pytest.fixture(scope="module")
def chained():
    """x -> m -> y -> z with planted paths .5, .6, .2 and .7, raw."""
    rng = np.random.default_rng(12)
    x = rng.normal(size=2000)
    m = 0.5 * x + rng.normal(size=2000)
    y = 0.6 * m + 0.2 * x + rng.normal(size=2000)
    z = 0.7 * y + rng.normal(size=2000)
    return pd.DataFrame({"x": x, "m": m, "y": y, "z": z})


@pytest.fixture(scope="module")
def mobi():
    try:
        return load_dataset("mobi")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


def test_effects_are_those_that_the_text_defines(chained):
    """The second method: `:=` with lavaan's delta-method errors."""
    fitted = fit(CHAIN, chained)
    table = effects(fitted).table.set_index(["cause", "outcome"])
    defined = fitted.estimates.set_index("label")
    assert table.loc[("x", "y"), "indirect_raw"] == pytest.approx(defined.loc["ab", "est"], rel=1e-9)
    assert table.loc[("x", "y"), "total_raw"] == pytest.approx(defined.loc["whole", "est"], rel=1e-9)
    assert table.loc[("x", "y"), "indirect"] == pytest.approx(defined.loc["ab", "std_all"], rel=1e-9)
    assert table.loc[("x", "z"), "total_raw"] == pytest.approx(defined.loc["whole", "est"] * defined.loc["d", "est"])
    assert np.isnan(table.loc[("m", "y"), "indirect"])
    assert np.isnan(table.loc[("x", "z"), "direct"])
    assert ("z", "x") not in table.index


def test_planted_effects_lie_in_their_intervals(chained):
    fitted = fit(CHAIN, chained)
    sd = chained.std()
    table = effects(fitted).table.set_index(["cause", "outcome"])
    for pair, truth in {("x", "y"): 0.5, ("x", "z"): 0.35, ("m", "z"): 0.42}.items():
        row = table.loc[pair]
        assert row["total_lower"] < truth * sd[pair[0]] / sd[pair[1]] < row["total_upper"]


def test_mediation_is_the_product_along_the_chain(chained):
    fitted = fit(CHAIN, chained)
    found = mediation(fitted, [["x", "m", "y"], ["x", "m", "y", "z"]]).table
    value = fitted.estimates.set_index("label")["est"]
    assert found["indirect_raw"].tolist() == pytest.approx([value["ab"], value["ab"] * value["d"]], rel=1e-9)
    assert found["share_of_total"].iloc[0] == pytest.approx(value["ab"] / value["whole"], rel=1e-9)
    assert mediation(fitted, []) is None
    with pytest.raises(ModelError, match="no path from 'm' to 'z'"):
        mediation(fitted, [["x", "m", "z"]])
    with pytest.raises(ModelError, match="has no mediator"):
        mediation(fitted, [["x", "m"]])


def test_bootstrap_and_delta_method_agree(chained):
    delta, boot = effects(fit(CHAIN, chained)).table, effects(fit(CHAIN, chained, bootstrap=800, seed=4)).table
    widths = [(t["total_upper"] - t["total_lower"]).to_numpy() for t in (delta, boot)]
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.12)


def test_effects_need_regressions_and_one_group(schools, hs):
    assert effects(fit(hs, schools)) is None
    with pytest.raises(ModelError, match="one group"):
        effects(fit(hs + "\nvisual ~ speed", schools, group="school"))


def test_feedback_has_total_effects(chained):
    """A loop: total effects are the Leontief inverse."""
    fitted = fit("y ~ m + 0.3*z\nz ~ 0.2*y + x\nm ~~ x", chained)
    table = effects(fitted).table.set_index(["cause", "outcome"])
    direct = fitted.estimates.query("op == '~'").set_index(["rhs", "lhs"])["est"]
    whole = direct["m", "y"] / (1 - 0.3 * 0.2)
    assert table.loc[("m", "y"), "total_raw"] == pytest.approx(whole, rel=1e-9)


def test_mobile_phone_index_is_the_known_one(mobi):
    """ECSI, equal weights: 71.97 (the noted figure of the mobile phone survey)."""
    fitted = fit(model_text("ecsi"), mobi)
    found = indices(fitted, mobi, ["satisfaction", "CUSCO"], dict.fromkeys(mobi, (1, 10)))
    assert f"{found.of('satisfaction')['index']:.2f}" == "71.97"
    by_hand = 100 * (mobi[["CUSA1", "CUSA2", "CUSA3"]].mean(axis=1) - 1) / 9
    assert found.table["estimate"].iloc[0] == pytest.approx(by_hand.mean())
    half = 1.969537 * by_hand.std() / np.sqrt(len(mobi))
    assert found.table["ci_upper"].iloc[0] == pytest.approx(by_hand.mean() + half)
    assert found.table["estimate_weighted"].iloc[1] == pytest.approx(found.table["estimate"].iloc[1])


def test_gains_by_hand_and_by_simulation():
    """Raise the driver's items by d on average in new data of the same model, and see where the outcome's index goes."""
    rng = np.random.default_rng(3)

    def survey(shift, n=200_000):
        f = rng.normal(size=n) + shift
        g = 0.5 * f + 0.6 * rng.normal(size=n)
        x = 5 + np.column_stack([f, 0.8 * f, 0.6 * f]) + 0.5 * rng.normal(size=(n, 3))
        y = 6 + np.column_stack([g, 1.5 * g]) + 0.5 * rng.normal(size=(n, 2))
        return pd.DataFrame(np.column_stack([x, y]), columns=["x1", "x2", "x3", "y1", "y2"])

    now = survey(0.0)
    scales = {"x1": (1, 9), "x2": (1, 9), "x3": (1, 9), "y1": (0, 10), "y2": (1, 11)}
    fitted = fit("f =~ x1 + x2 + x3\ng =~ y1 + y2\ng ~ f", now)
    row = gains(fitted, now, ["g"], scales, shifts={"f": 0.4}).table.iloc[0]
    then = survey(0.4 / 0.8)
    moved = 100 * ((then["y1"] - now["y1"].mean()).mean() / 10 + (then["y2"] - now["y2"].mean()).mean() / 10) / 2
    assert then[["x1", "x2", "x3"]].mean().mean() - now[["x1", "x2", "x3"]].mean().mean() == pytest.approx(
        0.4, abs=0.01
    )
    assert row["index_change"] == pytest.approx(moved, abs=0.15)
    assert row["index_change_lower"] < 100 * 0.5 * 0.5 * 1.25 / 10 < row["index_change_upper"]
    assert (row["mean"], row["room"]) == pytest.approx((5, 4), abs=0.02)


def test_gains_scale_with_the_shift(chained):
    scales = dict.fromkeys(chained, (-5, 5))
    fitted = fit(CHAIN, chained)
    one, two = (gains(fitted, chained, ["z"], scales, shifts=s).tidy("z") for s in (0.5, 1.0))
    np.testing.assert_allclose(2 * one["index_change"], two["index_change"])
    assert one["driver"].tolist() == ["y", "m", "x"]
    with pytest.raises(ModelError, match="'w' is in no regression"):
        gains(fitted, chained, ["z"], scales, shifts={"w": 1.0})
    with pytest.raises(ModelError, match="Nothing in the model drives x"):
        gains(fitted, chained, ["x"], scales)


def test_an_index_needs_rows(chained):
    fitted = fit(CHAIN, chained)
    with pytest.raises(InsufficientData, match="too few for an index"):
        indices(fitted, chained.assign(z=np.nan), ["z"], {"z": (-5, 5)})
    with pytest.raises(ModelError, match="measures no construct 'q'"):
        indices(fitted, chained, ["q"], {})


def test_what_is_shown_is_what_was_fitted(schools, hs):
    fitted = fit(hs + "\ntextual ~ visual\nx1 ~~ x4", schools)
    standardised = fitted.standardized.set_index(["lhs", "op", "rhs"])
    for row in loadings(fitted).itertuples():
        theirs = standardised.loc[(row.construct, "=~", row.item)]
        assert (row.std_all, row.ci_lower) == pytest.approx((theirs["est"], theirs["ci_lower"]), abs=1e-9)
    assert paths(fitted)[["outcome", "cause"]].to_numpy().tolist() == [["textual", "visual"]]
    assert ("x1", "~~", "x4") in set(diagram(fitted)[["lhs", "op", "rhs"]].itertuples(index=False, name=None))
    assert side_by_side({"a": fitted}).table["cfi"].iloc[0] == fitted.measures["cfi"]


def test_verdicts_follow_the_usual_bounds(schools, hs, chained):
    assert side_by_side({"a": fit(hs, schools)}).verdict == "poor"
    assert side_by_side({"a": fit(CHAIN, chained)}).verdict == "good"


def test_population_values_stand_beside_estimates(hall):
    text = model_text("servqual_satisfaction")
    whole = population_fit(text, hall.population)
    assert whole.measures["srmr"] < 0.005
    table = with_population(
        loadings(fit(text, hall.frame, missing="fiml")), loadings(whole), ["construct", "item"], "std_all"
    )
    assert table["covered"].mean() > 0.8
    assert population_fit(text, None) is None
    assert with_population(table, None, ["construct", "item"], "std_all") is table


def test_shipped_models_parse(hall, mobi):
    assert shipped_models() == ("acsi", "ecsi", "servqual", "servqual_satisfaction")
    for name in shipped_models():
        assert parse_model(model_text(name))
    assert fit(model_text("acsi"), mobi).converged
    assert fit(model_text("servqual"), hall.frame).measures["cfi"] > 0.9
    with pytest.raises(ModelError, match="no shipped model 'ecsy'.*Did you mean 'ecsi'"):
        model_text("ecsy")
    assert model_text("f =~ x1 + x2 + x3") == "f =~ x1 + x2 + x3"


def test_tables_do_not_depend_on_hashing(root):
    """Two processes with different PYTHONHASHSEED."""
    import os
    import subprocess
    import sys

    script = """
import numpy as np, pandas as pd
from xmresearch.sem.fitting import fit
from xmresearch.sem.followup import modification_indices
from xmresearch.sem.total_effects import effects
from xmresearch.sem.pls_fit import pls
rng = np.random.default_rng(1)
f = rng.normal(size=(300, 1))
frame = pd.DataFrame(f * .8 + .6 * rng.normal(size=(300, 6)), columns=list("abcdef"))
text = "one =~ a + b + c\\ntwo =~ d + e + f\\ntwo ~ one\\na ~~ d\\nb ~~ e"
fitted = fit(text, frame, estimator="MLR")
for t in (fitted.estimates, fitted.measures, modification_indices(fitted), effects(fitted).table,
          pls("one =~ a + b + c\\ntwo =~ d + e + f\\ntwo ~ one", frame).tidy()):
    print(t.to_csv(float_format="%.12g"))
"""
    printed = [
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert printed[0] == printed[1]
    assert "one,=~,a" in printed[0]


def _second_order(n, seed):
    """Planted: Q, measured by A, B and C, drives SAT by .8, which V does not (as cases/sem/second_order_gain.py)."""
    rng = np.random.default_rng(seed)
    q = rng.normal(size=n)
    v = 0.2 * q + rng.normal(size=n)
    factors = {k: 0.85 * q + 0.53 * rng.normal(size=n) for k in "abc"}
    s = 0.8 * q + 0.6 * rng.normal(size=n)
    return pd.DataFrame({
        f"{k}{j}": np.clip(np.round(4 + 1.2 * (0.85 * z + 0.5 * rng.normal(size=n))), 1, 7)
        for k, z in (*factors.items(), ("v", v), ("s", s)) for j in (1, 2, 3)
    })  # fmt: skip


SECOND = "A =~ a1+a2+a3\nB =~ b1+b2+b3\nC =~ c1+c2+c3\nV =~ v1+v2+v3\nSAT =~ s1+s2+s3\nSQ =~ A+B+C\n"


def test_a_second_order_driver_leads():
    """Planted .8; .82 [.78, .87] by lavaan's standardizedSolution of the same rows."""
    rows = _second_order(600, 5)
    fitted, scales = fit(SECOND + "SAT ~ SQ + V", rows), dict.fromkeys(rows, (1.0, 7.0))
    first = effects(fitted).of("SAT").iloc[0]
    assert (first["cause"], *first[["total", "total_lower", "total_upper"]].round(2)) == ("SQ", 0.82, 0.78, 0.87)
    table = gains(fitted, rows, ["SAT"], scales, shifts=0.5)
    assert table.tidy("SAT")["driver"].iloc[0] == "SQ"
    assert set(table.table["driver"]) == {"SQ", "V"}
    row = table.tidy("SAT").iloc[0]
    items = [f"{k}{j}" for k in "abc" for j in (1, 2, 3)]
    assert row["mean"] == pytest.approx(rows[items].to_numpy().mean())
    e = fitted.estimates.set_index(["lhs", "op", "rhs"])["est"]
    step = 0.5 / np.mean([e["SQ", "=~", k] * e[k, "=~", f"{k.lower()}{j}"] for k in "ABC" for j in (1, 2, 3)])
    change = e["SAT", "~", "SQ"] * step * np.mean([e["SAT", "=~", f"s{j}"] for j in (1, 2, 3)])
    assert row["change"] == pytest.approx(change)
    alone = gains(fit(SECOND.replace("V =~ v1+v2+v3\n", "") + "SAT ~ SQ", rows), rows, ["SAT"], scales, shifts=0.5)
    assert alone.tidy("SAT")["index_change_lower"].iloc[0] > 0
    index = indices(fitted, rows, ["SQ"], scales).of("SQ")
    assert index["index"] == pytest.approx(100 * (rows[items].to_numpy().mean() - 1) / 6)


def test_the_gain_of_a_second_order_driver_is_what_moving_it_does():
    """A second method: rows of the same world with SQ moved, whose answers then differ by what the model says."""
    n = 200_000
    rng = np.random.default_rng(1)
    q, e = rng.normal(size=n), rng.normal(size=(n, 12))

    def answers(moved):
        z = q + moved
        factors = [0.9 * z + 0.4 * e[:, 0], 0.7 * z + 0.6 * e[:, 1], 0.8 * z + 0.5 * e[:, 2]]
        columns = {
            f"{k}{j}": w * f for k, f in zip("abc", factors, strict=True) for j, w in ((1, 1), (2, 0.8), (3, 1.2))
        }
        s = 0.6 * z + 0.7 * e[:, 3]
        return pd.DataFrame(columns | {f"s{j}": w * s for j, w in ((1, 1), (2, 0.9), (3, 1.1))})

    noise = 0.5 * rng.normal(size=(n, 12))
    now, then = answers(0.0) + noise, answers(0.4) + noise
    model = SECOND.replace("V =~ v1+v2+v3\n", "") + "SAT ~ SQ"
    gain = float((then - now).iloc[:, :9].to_numpy().mean())
    found = gains(fit(model, now), now, ["SAT"], dict.fromkeys(now, (-5.0, 5.0)), shifts=gain).tidy("SAT").iloc[0]
    assert found["change"] == pytest.approx(float((then - now).iloc[:, 9:].to_numpy().mean()), rel=0.01)


def test_effects_run_through_constructs_that_measure_others():
    rows = _second_order(600, 5)
    table = effects(fit(SECOND + "SAT ~ A\nSQ ~ V", rows)).table.set_index(["cause", "outcome"])
    assert ("V", "SAT") in table.index
    assert np.isnan(table.loc[("V", "SAT"), "direct"])
    assert table.loc[("V", "SAT"), "indirect"] == pytest.approx(table.loc[("V", "SAT"), "total"])
    assert not (table.index.get_level_values("outcome") == "A").any()
