"""Who leaves when: R's survreg, the book's job retention, planted hazards, calibration on later time."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import xmresearch as xm
from xmresearch.data.datasets import load_dataset
from xmresearch.errors import DataError, DatasetUnavailable, InsufficientData
from xmresearch.monitoring.cox_regression import cox

LOGLIKELIHOODS = {  # of the reference's README
    ("lung", "weibull"): -1132.43874588, ("lung", "exponential"): -1143.56315131, ("lung", "lognormal"): -1146.88183109,
    ("complaints", "weibull"): -327.136237261, ("complaints", "exponential"): -353.669255721, ("complaints", "lognormal"): -335.290654216,
}  # fmt: skip


@pytest.mark.parametrize(("name", "distribution"), LOGLIKELIHOODS)
def test_regressions_of_times_are_those_of_survreg(reference, name, distribution):
    """monitor/*_survreg_*.csv: survival 3.5.3."""
    data = pd.read_csv(reference / "monitor" / f"{name}_data.csv")
    if name == "lung":
        time, ended, x = data["time"], data["status"], data[["age", "sex", "ph.ecog"]].astype(float)
    else:
        x = pd.DataFrame({f"channel{c}": (data["channel"] == c).astype(float) for c in ("branch", "phone")})
        time, ended, x = data["days"], data["resolved"], x.assign(priority=data["priority"].astype(float))
    want = pd.read_csv(reference / "monitor" / f"{name}_survreg_{distribution}.csv").set_index("term")
    found = xm.outcomes.failure_times(time, ended, x, distribution=distribution)
    ours = found.tidy().set_index("term")
    assert found.loglikelihood == pytest.approx(LOGLIKELIHOODS[name, distribution], rel=1e-9)
    assert ours.index.tolist() == want.index.tolist()
    np.testing.assert_allclose(ours["estimate"], want["Value"], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours["se"], want["Std..Error"], rtol=1e-5)
    survived = found.survival([1.0, 10.0, 100.0], x.iloc[:3])
    assert (np.diff(survived, axis=1) < 0).all()


def test_job_retention_is_that_of_the_handbook():
    """McNulty, Handbook of Regression Modeling in People Analytics, section 9.2: sentiment -.11756, concordance .578, LR 89.18 on 10 df."""
    try:
        jobs = load_dataset("job_retention")
    except DatasetUnavailable as error:
        pytest.skip(str(error))
    x = pd.get_dummies(
        jobs[["gender", "field", "level", "sentiment"]],
        columns=["gender", "field", "level"],
        drop_first=True,
        dtype=float,
    )
    found = cox(jobs["month"], jobs["left"] == 1, x)
    row = found.tidy().set_index("term").loc["sentiment"]
    assert row["coef"] == pytest.approx(-0.11756, abs=5e-6)
    assert found.concordance == pytest.approx(0.578, abs=5e-4)
    assert next(iter(found.tests.values())) == pytest.approx(89.18, abs=5e-3)


def lives(rng, n, *, effect=-0.5, periods=12, level=-2.5, entry=0):
    """Rows of customers and periods: satisfaction of the period before moves the hazard; some enter late."""
    own = rng.normal(size=n)
    first = rng.integers(0, entry + 1, n)
    rows = []
    here = np.ones(n, dtype=bool)
    for t in range(periods):
        satisfaction = np.clip(np.rint(3 + 0.8 * own + 0.8 * rng.normal(size=n)), 1, 5)
        there = here & (first <= t)
        gone = rng.random(n) < -np.expm1(-np.exp(level + 0.05 * t + effect * (satisfaction - 3)))
        rows.append(pd.DataFrame({"period": t, "satisfaction": satisfaction, "left": gone.astype(int)})[there])
        here &= ~(gone & there)
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize("entry", [0, 4])
def test_planted_hazards_are_covered_with_late_entry_too(entry):
    """Of 150 samples: 91 % at least (exact 95 % falls below in two runs of a hundred)."""
    rng = np.random.default_rng([20261127, entry])
    held = []
    for _ in range(150):
        counts = xm.outcomes.PersonPeriods.of(
            lives(rng, 500, entry=entry), period="period", left="left", covariates=["satisfaction"]
        )
        row = xm.outcomes.hazard(counts).tidy().iloc[0]
        held.append(row["lower"] <= np.exp(-0.5) <= row["upper"])
    assert np.mean(held) >= 0.91


def test_counts_add_and_streams_give_the_same(tmp_path):
    rows = lives(np.random.default_rng(3), 800)
    keys = {"period": "period", "left": "left", "covariates": ["satisfaction"]}
    whole = xm.outcomes.PersonPeriods.of(rows, **keys)
    parts = xm.outcomes.PersonPeriods.of(rows.iloc[:900], **keys) + xm.outcomes.PersonPeriods.of(
        rows.iloc[900:], **keys
    )
    assert parts.table.equals(whole.table)
    rows.to_parquet(tmp_path / "a.parquet")
    assert xm.outcomes.PersonPeriods.of(pl.scan_parquet(tmp_path / "a.parquet"), **keys).table.equals(whole.table)
    assert whole.summary()["at_risk"] == len(rows)


def test_the_hazard_is_that_of_a_row_by_row_fit():
    """A second method: statsmodels' binomial model with the same link, row by row."""
    import statsmodels.api as sm

    rows = lives(np.random.default_rng(4), 1500)
    counts = xm.outcomes.PersonPeriods.of(rows, period="period", left="left", covariates=["satisfaction"])
    design = np.column_stack([rows["satisfaction"], rows["period"].to_numpy()[:, None] == np.arange(12)]).astype(float)
    for link, made in (("cloglog", sm.families.links.CLogLog()), ("logit", sm.families.links.Logit())):
        theirs = sm.GLM(rows["left"], design, family=sm.families.Binomial(made)).fit()
        ours = xm.outcomes.hazard(counts, link=link)
        np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-5, atol=1e-6)
        if link == "logit":  # whose expected information is the observed one
            np.testing.assert_allclose(
                ours.table["se"], theirs.bse.iloc[0] if hasattr(theirs.bse, "iloc") else theirs.bse[0], rtol=1e-4
            )
        assert ours.loglikelihood == pytest.approx(theirs.llf, rel=1e-9)


def test_the_bootstrap_is_fast_and_agrees_with_the_standard_error():
    counts = xm.outcomes.PersonPeriods.of(
        lives(np.random.default_rng(5), 3000), period="period", left="left", covariates=["satisfaction"]
    )
    drawn = xm.outcomes.hazard_bootstrap(counts, draws=200)
    assert np.nanstd(drawn) == pytest.approx(xm.outcomes.hazard(counts).table["se"][0], rel=0.2)
    assert not np.isnan(drawn).any()


def test_risks_are_calibrated_on_later_customers_and_wrong_ones_are_seen():
    rng = np.random.default_rng(6)
    keys = {"period": "period", "left": "left", "covariates": ["satisfaction"]}
    fit = xm.outcomes.hazard(xm.outcomes.PersonPeriods.of(lives(rng, 4000), **keys))
    later = xm.outcomes.PersonPeriods.of(lives(rng, 4000), **keys).table
    risk = fit.risk(later)
    found = xm.outcomes.risk_calibration(risk, later["left"], later["at_risk"])
    assert 0.9 < found["slope"] < 1.1
    assert 0.93 < found["ratio"] < 1.07
    assert found["brier"] < found["brier_usual"]
    assert found["auc"] > 0.55
    odds = risk / (1 - risk)
    extreme = xm.outcomes.risk_calibration(odds**2 / (1 + odds**2), later["left"], later["at_risk"])
    assert extreme["slope"] == pytest.approx(found["slope"] / 2, rel=1e-6)
    from sklearn.metrics import roc_auc_score

    y = np.repeat(
        np.tile([1, 0], len(later)),
        np.column_stack([later["left"], later["at_risk"] - later["left"]]).astype(int).ravel(),
    )
    score = np.repeat(
        np.repeat(risk, 2), np.column_stack([later["left"], later["at_risk"] - later["left"]]).astype(int).ravel()
    )
    assert found["auc"] == pytest.approx(roc_auc_score(y, score))


def test_e_values_are_those_of_the_paper():
    """VanderWeele & Ding (2017): a risk ratio of 3.9 (1.8 to 8.7) has E-value 7.26, its limit 3.0."""
    found = xm.outcomes.e_value(3.9, 1.8, 8.7)
    assert found["estimate"] == pytest.approx(7.26, abs=0.005)
    assert found["limit"] == pytest.approx(3.0, abs=0.005)
    assert xm.outcomes.e_value(1 / 3.9, 1 / 8.7, 1 / 1.8) == pytest.approx(found)
    assert xm.outcomes.e_value(1.2, 0.9, 1.6)["limit"] == 1


def test_what_cannot_be_fitted_is_refused():
    rows = lives(np.random.default_rng(7), 300)

    def of(frame, **more):
        return xm.outcomes.PersonPeriods.of(
            frame, **({"period": "period", "left": "left", "covariates": ["satisfaction"]} | more)
        )

    with pytest.raises(DataError, match="no column 'lft'. Did you mean 'left'"):
        of(rows, left="lft")
    with pytest.raises(DataError, match="other values than 0 and 1 in 1 row"):
        of(rows.assign(left=np.where(rows.index == 0, 2, rows["left"])))
    with pytest.raises(DataError, match="too many to count each"):
        of(rows.assign(satisfaction=np.random.default_rng(0).normal(size=len(rows))))
    with pytest.raises(DataError, match="not numeric"):
        of(rows.assign(satisfaction="good"))
    assert of(rows.assign(satisfaction=rows["satisfaction"].where(rows.index > 2))).blank == 3
    with pytest.raises(InsufficientData, match="leavers are too few"):
        xm.outcomes.hazard(of(rows.assign(left=(rows.index < 4).astype(int))))
    with pytest.raises(DataError, match="no link 'probit'"):
        xm.outcomes.hazard(of(rows), link="probit")
    with pytest.raises(DataError, match="not between 0 and 1"):
        xm.outcomes.risk_calibration([0.0, 0.5], [0, 1])
    with pytest.raises(InsufficientData, match="Nobody left"):
        xm.outcomes.risk_calibration([0.1, 0.5], [0, 0])
    x = pd.DataFrame({"a": np.ones(40)})
    with pytest.raises(DataError, match="constant"):
        xm.outcomes.failure_times(np.arange(1, 41), np.ones(40, bool), x)
    with pytest.raises(DataError, match="not above 0"):
        xm.outcomes.failure_times(np.arange(40), np.ones(40, bool), x.assign(a=np.arange(40.0)))
    with pytest.raises(DataError, match="no distribution 'gamma'"):
        xm.outcomes.failure_times(np.arange(1, 41), np.ones(40, bool), x, distribution="gamma")
