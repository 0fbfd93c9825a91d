"""The structural equation study of weighted and clustered respondents: params, check, report, words."""

import numpy as np
import pandas as pd
import pytest
from study_output import words
from study_words import wording

from xmresearch.data.load import load_survey
from xmresearch.errors import DataError, InsufficientData, XMError
from xmresearch.sem.agreement import second_program
from xmresearch.sem.catalogue import model_text
from xmresearch.sem.fitting import fit
from xmresearch.studies.sem.checking import check_study
from xmresearch.studies.sem.measurement import few_respondents
from xmresearch.studies.sem.params import SemParams
from xmresearch.studies.sem.sampled_rows import sampled_rows

HALL = {"source": "scenario", "name": "service_hall", "n": 400}
DESIGN = {"weight_column": "weight", "cluster_column": "branch"}
ONE = "f =~ x1 + x2 + x3"


@pytest.mark.parametrize(("more", "said"), [
    ({"estimator": "ML"}, "estimator ML knows no weights and clusters .weight_column.: set estimator to MLR"),
    ({"estimator": "MLM", "missing": "listwise"}, "estimator MLM knows no"),
    ({"estimator": "WLSMV", "missing": "listwise"}, "estimator WLSMV knows no"),
    ({"inference": "bayes"}, "inference bayes knows no weights"),
    ({"pls": True}, "pls knows no weights"),
    ({"cluster_column": "weight"}, "weight_column and cluster_column are both weight"),
    ({"cluster_column": "branch", "group": "branch"}, "group and cluster_column are both branch"),
])  # fmt: skip
def test_what_knows_no_weights_is_refused_by_name(more, said):
    with pytest.raises(ValueError, match=said):
        SemParams(**{"weight_column": "weight", **more})
    SemParams(**{k: v for k, v in more.items() if not k.endswith("_column")})  # alone it is fine


def test_settings_carry_weights_and_clusters_to_every_fit():
    given = SemParams(**DESIGN)
    for settings in (given.fit_settings(), given.method_settings()):
        assert settings["sampling_weights"] == "weight"
        assert settings["cluster"] == "branch"
    assert given.survey_settings()["cluster_column"] == "branch"


def survey(**more):
    return load_survey(SemParams(data=HALL).data, codebook="service_hall", **more)


def test_a_survey_holds_weights_and_clusters_of_the_respondents_kept():
    found = survey(**DESIGN, duration_column="duration")
    assert len(found.clusters) == len(found.weights) == len(found)
    frame = found.sampled("weight", "branch")
    np.testing.assert_array_equal(frame["weight"], found.weights)
    np.testing.assert_array_equal(frame["branch"], found.clusters)
    assert found.sampled(None, None) is found.frame


@pytest.fixture
def answers():
    hall = pd.DataFrame({"w": np.linspace(0.5, 2, 60), "shop": [f"s{k % 12}" for k in range(60)]})
    rng = np.random.default_rng(1)
    f = rng.normal(size=60)
    for k in range(1, 4):
        hall[f"x{k}"] = np.clip(np.round(4 + f + rng.normal(size=60)), 1, 7)
    return hall


@pytest.mark.parametrize(("column", "value", "error", "said"), [
    ("branch", None, DataError, r"Cluster column 'branch', data row 3: blank \(1 such"),
    ("branch", "same", InsufficientData, "'branch' has a single cluster"),
    ("weight", -1.0, DataError, "not a positive number"),
])  # fmt: skip
def test_columns_that_are_no_design_stop_the_opening(column, value, error, said):
    from xmresearch.data.codebook_file import load_codebook
    from xmresearch.data.scenarios.service_hall import ServiceHall
    from xmresearch.data.survey import prepare_survey

    raw = ServiceHall(60, 1, missing=0.0, careless=0.0).survey()
    raw[column] = raw[column].astype(object)
    raw.loc[2 if value is None else slice(None), column] = value
    with pytest.raises(error, match=said):
        prepare_survey(raw, load_codebook("service_hall"), **DESIGN)


def test_an_item_is_no_weight_and_no_cluster():
    with pytest.raises(XMError, match="cluster_column: 'quality' is an item of the codebook"):
        survey(cluster_column="quality")


def test_check_says_what_weights_and_clusters_are():
    given = SemParams(data=HALL, **DESIGN)
    lines = check_study(given, load_survey(**given.survey_settings()))
    assert any(line.startswith("Weights: ") and "of equal weight" in line for line in lines)
    assert any(line.startswith("Clusters: ") and "fewer than 50 are few" in line for line in lines)
    plain = SemParams(data=HALL)
    assert not any(
        line.startswith(("Weights", "Clusters")) for line in check_study(plain, load_survey(**plain.survey_settings()))
    )


def test_the_report_uses_and_says_weights_and_clusters(cli, tmp_path):
    """Errors of paths are the clustered ones, semopy is given weighted covariances, and the text says so."""
    (tmp_path / "p.yml").write_text(
        "study: sem\nname: w\ndata: {n: 400}\nweight_column: weight\ncluster_column: branch\nvalidity_bootstrap: 0\n",
        "utf-8",
    )
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "o/sem/w/latest-en"
    text = words(folder)
    for said in ("Design weights are used", "clusters of", "pseudo maximum likelihood", "clusters are few",
                 "it was given the weighted covariances", "Standard errors are not compared"):  # fmt: skip
        assert said in text, said
    given = SemParams(data={"n": 400}, **DESIGN)
    opened = load_survey(**given.survey_settings())
    frame = opened.sampled("weight", "branch")
    found = fit(model_text(given.model), frame, **given.fit_settings())
    path = found.standardized.query("op == '~'").iloc[0]
    shown = pd.read_csv(folder / "tables/paths.csv").iloc[0]
    assert shown["ci_lower"] == pytest.approx(path["ci_lower"], abs=2e-3)
    naive = fit(model_text(given.model), frame, estimator="MLR", missing="fiml").standardized.query("op == '~'").iloc[0]
    assert abs(naive["ci_lower"] - path["ci_lower"]) > 4e-3


def test_semopy_is_not_held_against_unweighted_covariances(answers):
    found = fit(ONE, answers, sampling_weights="w", cluster="shop")
    told = second_program(ONE, answers, sampling_weights="w", cluster="shop").compare(found)
    assert told.summary()["case"] in ("agrees_weighted", "failed")
    if told.case != "failed":
        assert told.weighted
        assert told.n == 60
        unlike = second_program(ONE, answers).compare(found)
        assert unlike.case == "differs"  # what comparing unlike things would say


@pytest.mark.parametrize(("settings", "case"), [
    ({"sampling_weights": "w"}, "weights"), ({"cluster": "shop"}, "clusters"), ({"sampling_weights": "w", "cluster": "shop"}, "both"),
])  # fmt: skip
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_case_has_its_words(answers, settings, case, lang):
    facts = sampled_rows(fit(ONE, answers, **settings))
    assert facts["case"] == case
    if "cluster" in settings:
        assert facts["clusters"] == 12
        assert facts["size"] == 5
    if "sampling_weights" in settings:
        assert facts["n_eff"] == pytest.approx(answers["w"].sum() ** 2 / (answers["w"] ** 2).sum())
    for key in ("sampled", "sampled_method"):
        assert wording("sem", lang).text("texts", key, facts)
    assert sampled_rows(fit(ONE, answers)) is None


def test_few_respondents_count_by_their_weights():
    rng = np.random.default_rng(2)
    f = rng.normal(size=140)
    frame = pd.DataFrame({f"x{k}": f + rng.normal(size=140) for k in (1, 2, 3)})
    frame["even"], frame["odd"] = 1.0, np.where(np.arange(140) < 10, 12.0, 1.0)
    assert few_respondents(fit(ONE, frame, sampling_weights="even")) is None
    told = few_respondents(fit(ONE, frame, sampling_weights="odd"))
    assert told["case"] == "weighted"
    assert told["n_eff"] == pytest.approx(250**2 / (10 * 144 + 130))
    assert "of equal weight" in wording("sem", "en").text("texts", "few_respondents", told)
    assert few_respondents(fit(ONE, frame.head(99)))["case"] == "unweighted"
