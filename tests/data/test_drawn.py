"""How respondents were drawn: what params may say, and what is wrong in the columns, told all at once."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.drawn import POPULATION, are_shares, category_labels
from xmresearch.data.sampling_params import SamplingParams
from xmresearch.data.scenarios.service_hall import ServiceHall
from xmresearch.data.screening_params import Screening
from xmresearch.data.survey import prepare_survey
from xmresearch.errors import DataError, InsufficientData, XMError
from xmresearch.studies.servqual.params import ServqualParams

BOOK = load_codebook("service_hall")


@pytest.fixture
def hall():
    """Eighty people of eight shops in two regions."""
    raw = ServiceHall(80, 1, missing=0.0, careless=0.0).survey()
    shop = np.repeat(np.arange(8), 10)
    return raw.assign(
        shop=[f"s{k}" for k in shop], region=np.where(shop < 4, "north", "south"), age=np.where(np.arange(80) % 2, "old", "young"),
        shops=np.where(shop < 4, 40, 50),
    )  # fmt: skip


def prepare(raw, **given):
    return prepare_survey(raw, BOOK, sampling=SamplingParams(**given))


def problems(raw, **given):
    with pytest.raises(XMError) as raised:
        prepare(raw, **given)
    return [str(part) for part in raised.value.parts]


def test_nothing_given_is_no_design(hall):
    assert prepare(hall).drawn is None
    assert prepare_survey(hall, BOOK).drawn is None
    assert not SamplingParams().given


def test_columns_are_kept_for_the_respondents_kept(hall):
    hall.loc[:4, [c for c in hall if c[0] in "emp" and c[1:].isdigit()]] = np.nan
    found = prepare(
        hall, strata="region", clusters="shop", population="shops", margins={"age": {"old": 0.5, "young": 0.5}}
    )
    assert len(found) == 75
    assert len(found.drawn.frame) == 75
    assert list(found.drawn.frame["shop"]) == list(hall["shop"][5:])
    assert found.drawn.frame["shops"].dtype == float
    assert found.drawn.population == "shops"


def test_sizes_by_stratum_become_a_column(hall):
    found = prepare(hall, strata="region", clusters="shop", population={"north": 40, "south": 50})
    assert found.drawn.population == POPULATION
    assert list(found.drawn.frame[POPULATION].groupby(found.drawn.frame["region"]).first()) == [40, 50]


@pytest.mark.parametrize(("given", "said"), [
    ({"population": {"north": 3}}, "population is given by stratum, but strata names no column"),
    ({"nest": True, "clusters": "shop"}, "nest is about clusters within strata"),
    ({"strata": "shop", "clusters": "shop"}, "strata and clusters are both shop"),
    ({"population": "shop", "clusters": "shop"}, "population is shop, which is another column"),
    ({"margins": {"age": {}}}, "margins names no category of age"),
    ({"trim": {"upper": 1.0}}, "greater than 1"),
    ({"trim": {"lower": 1.0, "upper": 3}}, "less than 1"),
    ({"stratum": "shop"}, "[Ee]xtra"),
])  # fmt: skip
def test_params_that_cannot_be_are_refused(given, said):
    with pytest.raises(ValueError, match=said):
        SamplingParams(**given)


def test_names_of_categories_are_text_whatever_yaml_makes_of_them():
    found = SamplingParams(margins={"grade": {1: 0.2, 2.0: 0.8}, "vip": {True: 0.5, False: 0.5}})
    assert {name: list(levels) for name, levels in found.margins.items()} == {
        "grade": ["1", "2"],
        "vip": ["True", "False"],
    }
    assert list(category_labels(pd.Series([True, False]))) == ["True", "False"]
    assert list(category_labels(pd.Series([1.0, 2.0, np.nan]))[:2]) == ["1", "2"]


@pytest.mark.parametrize(("estimator", "sampling", "said"), [
    ("ML", {"strata": "region"}, "estimator ML knows no design of the sample .sampling.: set estimator to MLR"),
    ("MLR", {"clusters": "weight"}, "weight_column and sampling.clusters are both weight"),
])  # fmt: skip
def test_what_knows_no_design_is_refused(estimator, sampling, said):
    with pytest.raises(ValueError, match=said):
        ServqualParams(estimator=estimator, sampling=sampling)
    ServqualParams(estimator="ML")  # alone it is fine


def test_everything_wrong_is_told_at_once(hall):
    hall.loc[[2, 9], "region"] = None
    hall.loc[7, "shops"] = -1
    hall.loc[3, "age"] = " "
    hall["sex"] = np.where(np.arange(80) < 40, "f", "m")
    told = problems(
        hall, strata="region", clusters="shopp", population="shops",
        margins={"age": {"young": 0.4, "elderly": 0.5}, "sex": {"f": 50, "m": 60}, "site": {"a": 1}, "quality": {"3": 1}, "channel": {"window": 0}},
    )  # fmt: skip
    for said in (
        "sampling.clusters: the data have no column 'shopp'. Did you mean 'shop'?",
        "sampling.margins.site: the data have no column 'site'.",
        "sampling.margins.quality: 'quality' is an item of the codebook.",
        "sampling.strata: column 'region' is blank in 2 row(s), first in data row 3.",
        "sampling.population: column 'shops', data row 8: '-1' is not above 0 (1 such row(s)).",
        "sampling.margins.age: the column is blank in 1 row(s), first in data row 4",
        "sampling.margins.age: no target for 1 categories of the data: 'old' (39).",
        "sampling.margins.age: nobody in the data is in 'elderly'.",
        "sampling.margins.age: the shares add up to 0.9, not 1.",
        "sampling.margins.channel: a share or count is not above 0.",
    ):
        assert any(line.startswith(said) for line in told), said


def test_units_are_checked_beside_wrong_margins(hall):
    hall.loc[5, "region"] = "south"
    told = problems(hall, strata="region", clusters="shop", margins={"age": {"old": 0.2, "young": 0.7}})
    assert any("add up to 0.9" in line for line in told)
    assert any("1 cluster(s) of 'shop' lie in several strata of 'region': 's0' (10)" in line for line in told)
    assert prepare(hall, strata="region", clusters="shop", nest=True).drawn is not None


def test_counts_of_two_margins_are_of_one_population(hall):
    hall["sex"] = np.where(np.arange(80) < 40, "f", "m")
    told = problems(hall, margins={"age": {"old": 50, "young": 50}, "sex": {"f": 60, "m": 60}})
    assert told[0].startswith("sampling.margins: the counts of 'age' add up to 100, those of 'sex' to 120.")
    prepare(hall, margins={"age": {"old": 50, "young": 50}, "sex": {"f": 0.4, "m": 0.6}})
    assert are_shares({"a": 1.0})
    assert not are_shares({"a": 1.001, "b": 0.2})


@pytest.mark.parametrize(("total", "kept"), [(1.0009, True), (1.0011, False)])
def test_shares_may_be_rounded(hall, total, kept):
    given = {"margins": {"age": {"old": 0.5, "young": total - 0.5}}}
    if kept:
        prepare(hall, **given)
    else:
        assert "add up to 1.0011, not 1" in problems(hall, **given)[0]


@pytest.mark.parametrize(("apart", "kept"), [(0.9e-6, True), (1.1e-6, False)])
def test_counts_may_be_rounded(hall, apart, kept):
    hall["sex"] = np.where(np.arange(80) < 40, "f", "m")
    given = {"margins": {"age": {"old": 50, "young": 50}, "sex": {"f": 50, "m": 50 + 100 * apart}}}
    assert bool(prepare(hall, **given)) if kept else problems(hall, **given)


def test_a_stratum_with_one_unit_is_named_with_the_remedy(hall):
    hall["region"] = np.where(hall["shop"] == "s7", "west", hall["region"])
    hall.loc[hall.index[-3:], "shop"] = "s8"
    hall.loc[hall.index[-3:], "region"] = "a hamlet"
    (told,) = problems(hall, strata="region", clusters="shop")
    assert told.startswith(
        "sampling.strata: 2 of 4 strata of 'region' have a single cluster, which shows no variance: "
    )
    assert "hamlet" not in told
    assert "'west'" not in told  # seven people are left there
    assert "2 groups of fewer than 10" in told
    assert told.endswith("set sampling.lonely to adjust, average or remove.")
    for rule in ("adjust", "average", "remove"):
        assert prepare(hall, strata="region", clusters="shop", lonely=rule).drawn is not None
    hall["region"] = np.where(hall["shop"].isin(["s6", "s7", "s8"]), hall["shop"].replace({"s8": "s7"}), "rest")
    hall.loc[hall.index[-3:], "shop"] = "s7"
    (told,) = problems(hall, strata="region", clusters="shop")
    assert "'s6' (10), 's7' (10)" in told


def test_long_lists_are_cut(hall):
    (told,) = problems(hall.assign(region=np.arange(80) % 2), strata="region", clusters="shop")
    assert told.count("(10)") == 5
    assert "; .... If" in told


def test_a_stratum_that_is_all_in_the_sample_may_have_one_unit(hall):
    hall["region"] = np.where(hall["shop"] == "s7", "west", "rest")
    sizes = {"rest": 60, "west": 1}
    assert prepare(hall, strata="region", clusters="shop", population=sizes).drawn is not None
    assert problems(hall, strata="region", clusters="shop", population=sizes | {"west": 2})


def test_sizes_that_do_not_suit_the_strata(hall):
    told = problems(hall, strata="region", clusters="shop", population={"north": 40, "east": 3})
    assert told[0].startswith("sampling.population: no size for 1 strata of 'region': 'south' (40).")
    assert told[1].startswith("sampling.population: nobody in the data is in 'east' of 'region'.")
    (told,) = problems(hall, strata="region", clusters="shop", population={"north": 40, "south": 3})
    assert told.startswith("sampling.population: the sample has more units than the population of 'south' (40).")
    hall.loc[3, "shops"] = 41
    (told,) = problems(hall, strata="region", clusters="shop", population="shops")
    assert told.startswith("sampling.population: column 'shops' has several values in a stratum: 'north' (40).")


def test_a_single_cluster_stops(hall):
    hall["shop"] = "all"
    with pytest.raises(InsufficientData, match=r"sampling.clusters: column 'shop' has a single cluster; .* at least 2"):
        prepare(hall, clusters="shop")
    hall.loc[:39, "shop"] = "other"
    assert prepare(hall, clusters="shop").drawn is not None


def test_only_rows_that_are_kept_must_be_known(hall):
    answers = [c for c in hall if c[0] in "emp" and c[1:].isdigit()]
    hall.loc[0, answers] = np.nan
    hall.loc[[0, 6], "shop"] = None
    with pytest.raises(DataError, match=r"blank in 1 row\(s\), first in data row 7"):
        prepare_survey(hall, BOOK, sampling=SamplingParams(clusters="shop"), screening=Screening())
