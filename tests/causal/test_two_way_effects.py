"""Two-way fixed effects equal R's with weights, clusters above the unit, two-way clusters and few clusters."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import xmresearch as xm
from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, InsufficientData, ModelError, ParamsError

EXACT = {"rtol": 1e-6}


def two_way(frame, **settings):
    return xm.causal.two_way_effects(frame, **settings).tidy().iloc[0]


@pytest.fixture(scope="module")
def panel(reference):
    """40 branches x 8 waves of did2/panel_data.csv."""
    frame = pd.read_csv(reference / "did2" / "panel_data.csv")
    return frame.assign(start=frame["start"].where(frame["start"] > 0))


@pytest.fixture(scope="module")
def counties(reference):
    """R did's county employment, with its population as weights."""
    frame = pd.read_csv(reference.parent / "causal" / "mpdta.csv").rename(columns={"first.treat": "first"})
    return frame.assign(state=frame["countyreal"] // 1000, population=np.exp(frame["lpop"]))


PANEL = {"outcome": "y", "unit": "id", "time": "t", "treated": "D"}
COUNTIES = {"outcome": "lemp", "unit": "countyreal", "time": "year", "cohort": "first"}
CASES = {
    "mpdta unweighted cluster county": {}, "mpdta weights exp(lpop) cluster county": {"weights": "population"},
    "mpdta unweighted cluster state": {"cluster": "state"},
    "mpdta weights exp(lpop) cluster state": {"weights": "population", "cluster": "state"},
    "panel balanced unweighted cluster id": {}, "panel balanced weights n cluster id": {"weights": "n"},
    "panel balanced weights n cluster region": {"weights": "n", "cluster": "region"},
    "panel unbalanced unweighted cluster id": {}, "panel unbalanced weights n cluster id": {"weights": "n"},
    "panel complete ids only unweighted cluster id": {}, "panel complete ids only weights n cluster id": {"weights": "n"},
}  # fmt: skip


def rows_of(case, panel, counties):
    """The rows of a case of the reference, and the columns."""
    if case.startswith("mpdta"):
        return counties, COUNTIES
    kept = panel if "balanced " in case and "unbalanced" not in case else panel[panel["dropped"] == 0]
    if "complete" in case:
        kept = kept[kept.groupby("id")["t"].transform("size") == 8]
    return kept, PANEL


@pytest.mark.parametrize("case", CASES)
def test_weighted_regressions_equal_sandwich(case, reference, panel, counties):
    """did2/twfe.csv: lm with unit and period dummies and R's sandwich 3.0.2."""
    expected = pd.read_csv(reference / "did2" / "twfe.csv").set_index("case").loc[case]
    frame, columns = rows_of(case, panel, counties)
    for correction, name in (("cr0", "CR0"), ("cr1", "CR1_Gonly"), ("all", "CR1_K_all"), ("nested", "CR1_K_nested")):
        found = two_way(frame, **columns, **CASES[case], correction=correction)
        np.testing.assert_allclose(found["estimate"], expected["estimate"], **EXACT)
        np.testing.assert_allclose(found["se"], expected[f"se_{name}"], **EXACT)
    interval = expected[["lower_CR1_nested", "upper_CR1_nested"]].to_numpy(dtype=float)
    np.testing.assert_allclose(found[["ci_lower", "ci_upper"]].to_numpy(dtype=float), interval, **EXACT)


@pytest.mark.parametrize(("shape", "cluster"), [("balanced", "id"), ("balanced", "region"), ("unbalanced", "id")])
def test_few_clusters_equal_clubsandwich(shape, cluster, reference, panel):
    """did2/clubsandwich.csv: clubSandwich 0.5.8's coef_test with Satterthwaite's degrees of freedom."""
    table = pd.read_csv(reference / "did2" / "clubsandwich.csv").set_index(["panel", "cluster", "type"])
    frame = panel if shape == "balanced" else panel[panel["dropped"] == 0]
    expected = table.loc[(shape, cluster, "CR2")]
    found = two_way(frame, **PANEL, cluster=cluster, correction="cr2")
    np.testing.assert_allclose(
        found[["estimate", "se"]].to_numpy(dtype=float), expected[["estimate", "se"]].to_numpy(dtype=float), **EXACT
    )
    np.testing.assert_allclose(found["df"], expected["df_satterthwaite"], rtol=1e-6)
    np.testing.assert_allclose(found["p_value"], expected["p"], rtol=1e-5)


@pytest.mark.parametrize("case", ["panel balanced", "panel balanced weights n", "panel unbalanced", "mpdta"])
def test_two_way_clusters_equal_sandwich(case, reference, panel, counties):
    """did2/two_way_cluster.csv: Cameron, Gelbach & Miller by unit and period, R's sandwich 3.0.2."""
    expected = pd.read_csv(reference / "did2" / "two_way_cluster.csv").set_index("case").loc[case]
    frame, columns = rows_of(case + " ", panel, counties)
    weights = {"weights": "n"} if "weights" in case else {}
    for correction, name in (("cr0", "no_adjust"), ("each", "each_G"), ("smallest", "min_G")):
        found = two_way(frame, **columns, **weights, cluster=[columns["unit"], columns["time"]], correction=correction)
        np.testing.assert_allclose(found["estimate"], expected["estimate"], **EXACT)
        np.testing.assert_allclose(found["se"], expected[f"se_{name}"], **EXACT)


@pytest.mark.parametrize(
    ("name", "weights"), [("mpdta_unweighted", None), ("mpdta_weighted", "population"), ("panel_unweighted", None)]
)
def test_event_studies_equal_sandwich(name, weights, reference, panel, counties):
    """did2/event_study_*.csv: relative time cut to -4 .. 3, base -1; joint Wald test of the leads with CR0."""
    expected = pd.read_csv(reference / "did2" / f"event_study_{name}.csv")
    frame, columns = (counties, COUNTIES) if name.startswith("mpdta") else (panel, PANEL | {"cohort": "start"})
    columns = {k: v for k, v in columns.items() if k != "treated"}
    for correction, column in (("cr0", "se_CR0"), ("nested", "se_CR1_nested")):
        result = xm.causal.two_way_effects(frame, **columns, weights=weights, window=(-4, 3), correction=correction)
        found = result.tidy()
        assert found["term"].tolist() == expected["relative_time"].tolist()
        np.testing.assert_allclose(found["estimate"], expected["estimate"], **EXACT)
        np.testing.assert_allclose(found["se"], expected[column], **EXACT)
        if correction == "cr0":
            np.testing.assert_allclose(result.joint, expected["pretrend_wald_CR0"].iloc[0], rtol=1e-6)


def test_unbalanced_panels_equal_plm(reference, panel):
    """did2/plm_unbalanced.csv: plm 2.6.2's two-way within estimator; demeaning once is wrong there."""
    table = pd.read_csv(reference / "did2" / "plm_unbalanced.csv").set_index("panel")
    expected = table.loc["unbalanced"]
    found = two_way(panel[panel["dropped"] == 0], **PANEL, correction="cr0")
    np.testing.assert_allclose(found["estimate"], expected["twoways"], **EXACT)
    np.testing.assert_allclose(found["se"], expected["se_arellano_HC0"], **EXACT)
    assert abs(found["estimate"] - expected["naive_demean_twoway"]) > 0.05
    both = two_way(panel[panel["dropped"] == 0], **PANEL, cluster=["id", "t"], correction="cr0")
    np.testing.assert_allclose(both["se"], expected["se_doublecluster"], **EXACT)


def test_castle_doctrine_by_population_equals_lm():
    """R 4.2.2: lm(l_homicide ~ post + factor(sid) + factor(year), weights = popwt) and without weights; the states are weighted by
    population, and clusters of the interval."""
    states = load_dataset("castle")
    columns = {"outcome": "l_homicide", "unit": "sid", "time": "year", "treated": "post"}
    np.testing.assert_allclose(two_way(states, **columns, weights="popwt")["estimate"], 0.0755332389042, **EXACT)
    np.testing.assert_allclose(two_way(states, **columns)["estimate"], 0.0693984292839, **EXACT)


def test_several_rows_of_a_cell_change_nothing_but_the_count(panel):
    twice = pd.concat([panel.assign(y=panel["y"] + 1), panel.assign(y=panel["y"] - 1)])
    one, two = (two_way(f, **PANEL, correction="cr0") for f in (panel, twice))
    np.testing.assert_allclose(
        two[["estimate", "se"]].to_numpy(dtype=float), one[["estimate", "se"]].to_numpy(dtype=float)
    )
    streamed = two_way(pl.from_pandas(twice).lazy(), **PANEL, cluster="region", correction="cr1")
    np.testing.assert_allclose(streamed["se"], two_way(panel, **PANEL, cluster="region", correction="cr1")["se"])


def clustered_panel(rng, regions, *, per=5, periods=6, effect=0.0, treated=None):
    """Branches in regions that share their errors; whole regions are treated from the fourth period on."""
    treated = regions // 2 if treated is None else treated
    region = np.repeat(np.arange(regions), per)
    shared = np.cumsum(rng.normal(size=(regions, periods)), axis=1)
    y = shared[region] + rng.normal(size=(len(region), periods))
    on = (region < treated)[:, None] & (np.arange(periods) >= 3)
    unit, time = np.indices(y.shape)
    return pd.DataFrame(
        {
            "u": unit.ravel(),
            "t": time.ravel(),
            "r": region[unit.ravel()],
            "y": (y + effect * on).ravel(),
            "d": on.ravel().astype(int),
        }
    )


KEYS = {"outcome": "y", "unit": "u", "time": "t", "treated": "d"}


def covered(regions, correction, cluster, samples):
    """Share of null panels whose interval takes in zero."""
    rng = np.random.default_rng(20261127)
    held = []
    for _ in range(samples):
        found = two_way(clustered_panel(rng, regions), **KEYS, cluster=cluster, correction=correction, draws=399)
        held.append(found["ci_lower"] <= 0 <= found["ci_upper"])
    return np.mean(held)


@pytest.mark.parametrize(("regions", "correction"), [(8, "cr2"), (12, "wild")])
def test_intervals_cover_where_whole_regions_share_errors(regions, correction):
    """Clustered by branch alone, fewer than 80 % are covered."""
    assert covered(regions, correction, "r", 200) >= 0.91  # exact 95 % would fall below in one run of a hundred
    assert covered(regions, "nested", "u", 60) < 0.8


def test_the_wild_bootstrap_is_near_cr2_where_clusters_are_many():
    frame = clustered_panel(np.random.default_rng(5), 40, effect=1.0)
    wild, cr2 = (two_way(frame, **KEYS, cluster="r", correction=c) for c in ("wild", "cr2"))
    np.testing.assert_allclose(
        wild[["ci_lower", "ci_upper"]].to_numpy(float),
        cr2[["ci_lower", "ci_upper"]].to_numpy(float),
        atol=0.25 * cr2["se"],
    )
    again = two_way(frame, **KEYS, cluster="r", correction="wild")
    assert again.equals(wild)


def test_what_is_used_where_nothing_is_asked_for(panel):
    assert xm.causal.two_way_effects(panel, **PANEL, cluster="region").correction == "cr2"
    assert xm.causal.two_way_effects(panel, **PANEL).correction == "nested"
    found = xm.causal.two_way_effects(panel, **PANEL, cluster=["id", "t"])
    assert found.correction == "smallest"
    assert found.clusters == (40, 8)
    assert dict(found.diagnostics().set_index("check")["status"])["clusters"] == "warn"


def test_treatment_may_be_switched_off_again():
    rng = np.random.default_rng(2)
    unit, time = np.indices((30, 8))
    on = ((unit < 15) & np.isin(time, (2, 3, 6))).astype(int)
    y = unit * 0.3 + time * 0.1 + 2.0 * on + rng.normal(scale=0.01, size=on.shape)
    frame = pd.DataFrame({"u": unit.ravel(), "t": time.ravel(), "y": y.ravel(), "d": on.ravel()})
    assert two_way(frame, **KEYS)["estimate"] == pytest.approx(2.0, abs=0.01)


def test_wrong_questions(panel):
    ask = lambda **more: xm.causal.two_way_effects(panel, **(PANEL | more))  # noqa: E731
    with pytest.raises(ParamsError, match="treated or cohort"):
        ask(cohort="start")
    with pytest.raises(ParamsError, match="no correction 'cr7'"):
        ask(correction="cr7")
    with pytest.raises(ParamsError, match="for two columns"):
        ask(correction="each")
    with pytest.raises(ParamsError, match="for one column"):
        ask(cluster=["id", "t"], correction="cr2")
    with pytest.raises(ParamsError, match="window"):
        ask(window=(-3, 3))
    with pytest.raises(DataError, match="no column 'regionn'"):
        ask(cluster="regionn")
    with pytest.raises(DataError, match=r"'D' changes within \d+ unit"):
        ask(cluster="D")
    with pytest.raises(DataError, match="other values than 0 and 1"):
        ask(treated="region")
    with pytest.raises(InsufficientData, match="Treatment cannot be told"):
        xm.causal.two_way_effects(panel.assign(D=(panel["t"] > 3).astype(int)), **PANEL)
    few = clustered_panel(np.random.default_rng(1), 5)
    with pytest.raises(InsufficientData, match="5 clusters are too few"):
        xm.causal.two_way_effects(few, **KEYS, cluster="r", correction="wild")
    with pytest.raises(ParamsError, match="one coefficient"):
        xm.causal.two_way_effects(
            panel,
            **{k: v for k, v in PANEL.items() if k != "treated"},
            cohort="start",
            window=(-2, 2),
            correction="wild",
        )


def test_leverages_that_are_too_many_are_refused(panel, monkeypatch):
    monkeypatch.setattr("xmresearch.causal.two_way_regression.DENSEST", 1000)
    with pytest.raises(ModelError, match="too many to compute"):
        xm.causal.two_way_effects(panel, **PANEL, correction="cr2")
    assert xm.causal.two_way_effects(panel, **PANEL, cluster="region").correction == "nested"
