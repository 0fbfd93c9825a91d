"""Item analysis against pingouin, a second computation and planted items."""

import numpy as np
import pandas as pd
import pingouin
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.data.survey import prepare_survey
from xmresearch.errors import CodebookError, DataError, InsufficientData
from xmresearch.psychometrics.item_statistics import item_analysis


@pytest.fixture(scope="module")
def survey():
    book = load_codebook("servqual")
    return prepare_survey(ServiceHall(400, 5, missing=0.03).survey(), book)


def of(found, item):
    return found.table.set_index("item").loc[item]


def test_correlations_with_the_rest_and_alphas_are_those_of_the_rows_at_hand(survey):
    """Alpha without an item is pingouin's alpha of the others; item-rest is numpy's correlation."""
    found = item_analysis(survey.frame, survey.codebook)
    for construct in survey.codebook.constructs:
        names = survey.codebook.names("perception", construct)
        rows = survey.frame[names].dropna()
        for name in names:
            others = rows.drop(columns=name)
            row = of(found, name)
            assert row["alpha_without"] == pytest.approx(pingouin.cronbach_alpha(others)[0], abs=1e-10)
            assert row["item_rest"] == pytest.approx(np.corrcoef(rows[name], others.sum(axis=1))[0, 1], abs=1e-10)
            assert row["complete"] == len(rows)
            assert row["n"] == survey.frame[name].notna().sum()
            assert row["sd"] == pytest.approx(survey.frame[name].std(), abs=1e-10)
            assert row["ceiling"] == pytest.approx((survey.frame[name].dropna() == 7).mean(), abs=1e-12)


def test_weights_are_worth_as_many_rows(survey):
    frame = survey.frame.head(120)
    times = np.random.default_rng(2).integers(1, 4, len(frame))
    weighted = item_analysis(frame, survey.codebook, weights=times.astype(float)).table
    repeated = item_analysis(frame.loc[frame.index.repeat(times)], survey.codebook).table
    for column in ("mean", "floor", "ceiling", "item_rest", "alpha_without"):
        assert weighted[column].to_numpy() == pytest.approx(repeated[column].to_numpy(), abs=1e-12, nan_ok=True)


def test_a_reversed_and_a_useless_item_are_seen(survey):
    frame = survey.frame.assign(p6=8 - survey.frame["p6"], p7=np.random.default_rng(0).integers(1, 8, len(survey)))
    found = item_analysis(frame, survey.codebook)
    assert of(found, "p6")["item_rest"] < -0.2
    assert abs(of(found, "p7")["item_rest"]) < 0.2
    battery = found.table[(found.table["construct"] == "reliability") & (found.table["kind"] == "perception")]
    assert battery.set_index("item")["alpha_without"].idxmax() == "p6"


def test_expectations_stand_beside_perceptions(survey):
    found = item_analysis(survey.frame, survey.codebook)
    beside = found.tidy("perception")
    assert len(beside) == 22
    assert beside["expected_ceiling"].tolist() == found.tidy("expectation")["ceiling"].tolist()
    alone = prepare_survey(ServiceHall(60, 5).survey(), load_codebook("servperf"))
    assert item_analysis(alone.frame, alone.codebook).tidy("perception")["expected_ceiling"].isna().all()


def test_items_that_do_not_vary_have_no_correlation(survey):
    frame = survey.frame.assign(p1=5.0)
    assert np.isnan(of(item_analysis(frame, survey.codebook), "p1")["item_rest"])
    two = survey.frame.assign(p2=np.nan)
    with pytest.raises(InsufficientData, match="'p2' holds no answer"):
        item_analysis(two, survey.codebook)
    with pytest.raises(DataError, match="no column 'p3'"):
        item_analysis(survey.frame.drop(columns="p3"), survey.codebook)
    with pytest.raises(DataError, match="one weight per row"):
        item_analysis(survey.frame, survey.codebook, weights=np.ones(3))
    assert isinstance(item_analysis(survey.frame, survey.codebook).table, pd.DataFrame)
    with pytest.raises(CodebookError, match="no rated items"):
        item_analysis(survey.frame, load_outcomes(survey.codebook))


def load_outcomes(book):
    from dataclasses import replace

    return replace(book, columns=book.select("outcome"))
