"""What is wrong with a design is said with the column, the row and the remedy."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.sampling.estimates import mean
from xmresearch.sampling.sampling_stages import design


def table(**columns):
    base = {
        "w": [1.0, 2, 3, 4, 5, 6],
        "s": list("aaabbb"),
        "c": [1, 1, 2, 3, 3, 4],
        "N": [9, 9, 9, 8, 8, 8],
        "y": [1.0, 2, 4, 4, 5, 9],
    }
    return pd.DataFrame({**base, **columns})


def test_a_design_says_what_it_is_worth():
    sample = design(table(), weights="w", strata="s", clusters="c", population="N")
    told = sample.summary()
    assert (told["n"], told["strata"], told["units"], told["df"]) == (6, 2, 4, 2)
    assert told["n_eff"] == pytest.approx(21**2 / 91)
    assert list(sample.tidy()["stratum"]) == ["that of data row 1 (s)", "that of data row 4 (s)"]
    np.testing.assert_allclose(sample.tidy()["share"], [2 / 9, 2 / 8])
    assert "n_eff" in repr(sample)


def test_shares_are_counts_over_the_population():
    by_count = design(table(), weights="w", strata="s", clusters="c", population="N")
    by_share = design(table(N=[2 / 9] * 3 + [2 / 8] * 3), weights="w", strata="s", clusters="c", population="N")
    np.testing.assert_allclose(mean(by_count, "y").covariance, mean(by_share, "y").covariance)


def test_a_population_taken_whole_has_no_error():
    sample = design(table(N=6), population="N")
    assert mean(sample, "y").summary()["se"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("columns", "how", "told"),
    [
        ({"w": [1, 2, 0, 4, 5, 6]}, {"weights": "w"}, "'w', data row 3: '0' is not a positive number .1 such"),
        ({"w": [1, 2, np.nan, 4, 5, 6]}, {"weights": "w"}, "'w' is blank in data row 3"),
        ({"w": [1, 2, 3, 4, 5, 1e8]}, {"weights": "w"}, "ranges from 1 to 1e.08"),
        ({"s": ["a", None, *"abbb"]}, {"strata": "s"}, "'s' is blank in data row 2"),
        (
            {"c": [1, 1, 2, 2, 3, 4]},
            {"strata": "s", "clusters": "c"},
            "1 cluster.s. of column 'c' lie in more than one stratum of 's', such as that of data row 3.*nest",
        ),
        (
            {"N": [2, 2, 2, 1, 1, 1]},
            {"strata": "s", "clusters": "c", "population": "N"},
            "'N': that of data row 4 .s. has 1 units, and 2 of them",
        ),
        (
            {"N": [9, 9, 8, 8, 8, 8]},
            {"strata": "s", "clusters": "c", "population": "N"},
            "several values in that of data row 1 .s.",
        ),
        ({"N": [9, 9, "x", 8, 8, 8]}, {"strata": "s", "population": "N"}, "'N', data row 3: 'x' is not above 0"),
        ({}, {"strata": ["s", "c"]}, "strata names 2 columns, but the design has 1 stage"),
        ({}, {"weights": "v"}, "no column 'v'"),
    ],
)
def test_what_is_wrong_is_named(columns, how, told):
    with pytest.raises(DataError, match=told):
        design(table(**columns), **how)


def test_clusters_of_the_same_name_in_two_strata_are_two_if_nested():
    columns = {"c": [1, 1, 2, 1, 1, 2]}
    assert design(table(**columns), strata="s", clusters="c", nest=True).summary()["units"] == 4
    with pytest.raises(DataError, match="2 cluster"):
        design(table(**columns), strata="s", clusters="c")


def test_strata_and_clusters_are_named_where_enough_people_are_in_them():
    many = pd.concat([table()] * 4, ignore_index=True)
    assert list(design(many, weights="w", strata="s").tidy()["stratum"]) == ["s = 'a'", "s = 'b'"]
    with pytest.raises(DataError, match="such as '1'"):
        design(many.assign(c=[1, 1, 2, 1, 3, 3] * 4), strata="s", clusters="c")


def test_no_rows_are_refused():
    with pytest.raises(DataError, match="no rows"):
        design(table().iloc[:0])
