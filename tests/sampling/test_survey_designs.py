"""The sample behind a survey: design, raking, trimming, and what is said of them."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.sampling_params import SamplingParams
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.data.survey import prepare_survey
from xmresearch.errors import DataError, InsufficientData
from xmresearch.sampling.estimates import mean
from xmresearch.sampling.raking import rake
from xmresearch.sampling.sampling_stages import design
from xmresearch.sampling.survey_designs import survey_sample
from xmresearch.sampling.trimming import trim

BOOK = load_codebook("service_hall")
MARGINS = {"age": {"old": 0.6, "young": 0.4}, "sex": {"f": 700, "m": 300}}


@pytest.fixture(scope="module")
def raw():
    frame = ServiceHall(240, 3, missing=0.0, careless=0.0).survey()
    rng = np.random.default_rng(2)
    shop = np.repeat(np.arange(24), 10)
    return frame.assign(
        shop=shop, region=np.array(["n", "s", "w"])[shop % 3], shops=np.array([40, 30, 20])[shop % 3],
        age=rng.choice(["old", "young"], 240, p=[0.3, 0.7]), sex=rng.choice(["f", "m"], 240), w=rng.uniform(0.5, 2, 240),
    )  # fmt: skip


def sample(raw, weights="w", segments=(), min_cell=10, **given):
    survey = prepare_survey(
        raw, BOOK, weight_column=weights, sampling=SamplingParams(**given) if given else None, segments=segments
    )
    return survey_sample(survey, min_cell=min_cell)


def test_without_a_design_there_is_no_sample(raw):
    assert sample(raw) is None


def test_the_design_is_that_of_the_sampling_package(raw):
    found = sample(
        raw, strata="region", clusters="shop", population="shops", margins=MARGINS, trim={"lower": 0.4, "upper": 1.8}
    )
    want = design(raw, weights="w", strata="region", clusters="shop", population="shops")
    want = rake(want, MARGINS, size=1000).design
    want = trim(want, 0.4, 1.8, relative=True).design
    np.testing.assert_allclose(found.design.weights, want.weights, rtol=1e-12)
    answers = raw["p1"].to_numpy(dtype=float)[:, None]
    influence = (answers - want.weights @ answers / want.weights.sum()) / want.weights.sum()
    np.testing.assert_allclose(found.design.covariance(influence), want.covariance(influence), rtol=1e-10)
    assert found.design.df == 24 - 3
    told = found.summary()
    assert (told["case"], told["n"], told["units"], told["strata"], told["df"], told["size"]) == (
        "drawn",
        240,
        24,
        3,
        21,
        10,
    )
    assert (told["share_lowest"], told["share_highest"]) == (8 / 40, 8 / 20)
    assert found.steps() == {"drawn": "clusters_in_strata", "weighed": "given", "finite": "clusters"}


def test_margins_before_and_after(raw):
    plain = sample(raw, margins=MARGINS)
    assert list(plain.weights["step"]) == ["weights_given", "weights_raked"]
    assert "after" not in plain.margins
    np.testing.assert_allclose(plain.margins["raked"], [0.6, 0.4, 0.7, 0.3], atol=1e-9)
    np.testing.assert_allclose(plain.margins["target"], [0.6, 0.4, 0.7, 0.3])
    first = plain.margins.iloc[0]
    inside = (raw["age"] == "old").to_numpy()
    assert first["before"] == pytest.approx(raw["w"][inside].sum() / raw["w"].sum())
    assert first["n"] == inside.sum()
    assert plain.off < 1e-9
    assert plain.trimmed() is None
    assert plain.design.weights.sum() == pytest.approx(1000)  # what the counts add up to
    assert sample(raw, margins={"age": MARGINS["age"]}).design.weights.sum() == pytest.approx(raw["w"].sum())
    cut = sample(raw, margins=MARGINS, trim={"upper": 1.5})
    assert cut.trimmed()["case"] == "raked"
    assert cut.lowered > 0
    assert cut.raised == 0
    assert cut.off == pytest.approx((cut.margins["after"] - cut.margins["target"]).abs().max())
    assert cut.design.weights.max() <= 1.5 * cut.design.weights.mean() + 1e-9
    assert sample(raw, trim={"upper": 1.5}).trimmed()["case"] == "weights"
    assert sample(raw, trim={"upper": 15.0}).trimmed()["case"] == "untouched"


@pytest.mark.parametrize(("weights", "given", "steps"), [
    (None, {"clusters": "shop"}, {"drawn": "clusters", "weighed": "equal", "finite": "none"}),
    (None, {"strata": "region", "population": {"n": 800, "s": 700, "w": 300}}, {"drawn": "respondents_in_strata", "weighed": "sizes", "finite": "respondents"}),
    ("w", {"margins": {"age": {"old": 0.5, "young": 0.5}}}, {"drawn": "respondents", "weighed": "given", "finite": "none"}),
])  # fmt: skip
def test_every_design_has_its_sentences(raw, weights, given, steps):
    found = sample(raw, weights, **given)
    assert found.steps() == steps
    assert found.said("drawn")["case"] == steps["drawn"]
    assert (found.said("finite") is None) == (steps["finite"] == "none")


def test_small_categories_are_not_shown(raw):
    few = raw.assign(place=np.where(np.arange(240) < 8, "hamlet", np.where(np.arange(240) < 100, "town", "city")))
    found = sample(few, margins={"place": {"hamlet": 0.1, "town": 0.4, "city": 0.5}})
    assert found.hidden == 2  # the hamlet, and the next larger one, from which it could be worked out
    assert list(found.margins["value"]) == ["city"]
    assert found.hidden_margins() == {"count": 2}
    assert sample(raw, margins=MARGINS).hidden_margins() is None


def test_margins_do_not_give_away_a_group_beside_the_segments(raw):
    """Town is the west and eight others, whom the two tables would give away together."""
    nested = raw.assign(
        site=np.where(np.arange(240) < 60, "west", "east"), place=np.where(np.arange(240) < 68, "town", "city")
    )
    margins = {"place": {"town": 0.3, "city": 0.7}}
    assert sample(nested, margins=margins).hidden == 0
    assert sample(nested, margins=margins, segments=["site"]).hidden == 2


@pytest.mark.parametrize(("units", "few"), [(8, True), (9, False)])
def test_few_degrees_of_freedom_are_said(raw, units, few):
    found = sample(raw.assign(shop=np.arange(240) % units), clusters="shop")
    assert found.design.df == units - 1
    assert (found.few_units() is not None) == few
    checks = found.diagnostics().set_index("check")
    assert checks.loc["degrees_of_freedom", "status"] == ("warn" if few else "pass")


def test_no_degree_of_freedom_stops(raw):
    frame = raw.assign(shop=np.arange(240) % 2, region="one")
    assert sample(frame, clusters="shop").design.df == 1
    with pytest.raises(InsufficientData, match="2 sampling units in 2 strata leave no degree of freedom"):
        sample(frame.assign(region=frame["shop"].astype(str)), strata="region", clusters="shop", lonely="adjust")


@pytest.mark.parametrize(("off", "status"), [(0.02, "pass"), (0.0201, "warn")])
def test_a_margin_far_off_is_a_warning(raw, off, status):
    from dataclasses import replace

    found = replace(sample(raw, margins=MARGINS), off=off)
    assert found.diagnostics().set_index("check").loc["margins_off", "status"] == status


@pytest.mark.parametrize(("deff", "status"), [(1.99, "pass"), (2.0, "warn")])
def test_uneven_weights_are_a_warning(raw, deff, status):
    """Two weights a and b, half of the respondents each: deff is 1 + ((a - b) / (a + b)) squared; with a tenth heavy it reaches 2."""
    heavy = np.arange(240) < 24
    share = 0.1
    # weights h and 1: deff = (share h^2 + 1 - share) / (share h + 1 - share)^2
    roots = np.roots([share - deff * share**2, -2 * deff * share * (1 - share), (1 - share) - deff * (1 - share) ** 2])
    frame = raw.assign(w=np.where(heavy, max(roots) * (1 + 1e-12), 1.0))
    found = sample(frame, clusters="shop").diagnostics().set_index("check").loc["weights_uneven"]
    assert found["value"] == pytest.approx(deff)
    assert found["status"] == status


def test_margins_that_no_weights_have(raw):
    same = raw.assign(sex=raw["age"].map({"old": "f", "young": "m"}))
    with pytest.raises(DataError, match="Some combination of categories has nobody"):
        sample(same, margins={"age": {"old": 0.6, "young": 0.4}, "sex": {"f": 0.3, "m": 0.7}})


def test_a_raked_mean_has_the_error_of_the_residuals(raw):
    found = sample(raw, margins=MARGINS, clusters="shop")
    frame = raw.assign(y=(raw["age"] == "old") * 5.0 + raw["p1"])
    from dataclasses import replace

    with_y = replace(found.design, frame=frame)
    naive = replace(with_y, calibrations=())
    assert mean(with_y, "y").summary()["se"] < 0.8 * mean(naive, "y").summary()["se"]
    assert isinstance(found.tidy(), pd.DataFrame)
    assert "units = 24" in repr(found)
