"""The study of drivers end to end: as a user runs it."""

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures

from xmresearch.studies.drivers.params import DriversParams

PARAMS = DriversParams


@pytest.fixture(scope="module")
def kiosk(real):
    return real("kiosk", dataset="kiosk_servqual")


def test_kiosk_report_answers_first(kiosk):
    text = (kiosk / "report.html").read_text("utf-8")
    assert "Simulated data" not in text
    answer = text.index('id="sec-answer"')
    assert answer < text.index("Fix Economy first", answer) < text.index('id="sec-importance"')
    for section in ("importance", "told_apart", "gains", "grid", "factors", "kano", "opportunity", "groups", "ways"):
        assert f'id="sec-{section}"' in text, section
    assert "count as numbers, in the drivers" in text
    table = pd.read_csv(kiosk / "tables" / "importance.csv")
    assert table["share"].sum() == pytest.approx(1)
    kano = pd.read_csv(kiosk / "tables" / "kano.csv")
    assert len(kano) == 20


def test_demo_says_it_is_simulated_and_shows_truth(reports):
    for lang, words in (("en", ("Simulated data", "Truth")), ("zh", ("模拟数据", "真值"))):
        text = (reports[lang] / "report.html").read_text("utf-8")
        assert all(w in text for w in words)
    table = pd.read_csv(reports["en"] / "tables" / "importance.csv")
    assert table["truth"].sum() == pytest.approx(1)
    assert table["covered"].all()
    gains = pd.read_csv(reports["en"] / "tables" / "gains.csv")
    assert gains["covered"].sum() >= 4
    assert "cost" not in gains


def test_truth_is_what_a_large_survey_gives():
    from xmresearch.data.config import ScenarioSource
    from xmresearch.data.load import load_survey
    from xmresearch.drivers.explained import standardised_slopes
    from xmresearch.studies.drivers.asked import asked
    from xmresearch.studies.drivers.planted import declared

    params = DriversParams(weight_column=None, data=ScenarioSource(n=200_000, seed=1, missing=0, careless=0))
    survey = load_survey(**params.survey_settings())
    truth, given = declared(params, survey), asked(params, survey)
    cov = np.cov(np.column_stack([given.drivers, given.outcome]), rowvar=False)
    np.testing.assert_allclose(truth["beta"], standardised_slopes(cov), atol=0.008)
    assert declared(params.model_copy(update={"outcome_kind": "ordinal"}), survey) is None


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_respondent_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


def test_no_machine_path_in_the_outputs(reports, root):
    for name in ("report.html", "executed.ipynb", "manifest.json"):
        assert str(root) not in (reports["en"] / name).read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("costs: {speed: 3.0}", 2, "costs: there is no driver 'speed'"),
        ("costs: {empathy: 0.0}", 2, "costs: each must be above zero"),
        ("target: nps", 2, "an NPS is of answers from 0 to 10; 'quality' is asked from 1 to 7"),
        ("outcome_kind: binary", 3, "so it is not binary"),
        ("outcome: qualty", 3, "Did you mean 'quality'"),
        ("low: 5\nhigh: 4", 2, "low answers end below where high ones begin"),
    ],
)
def test_check_finds_what_a_run_would_refuse(own, tmp_path, more, code, said):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    ServiceHall(80, 4, careless=0).survey().to_csv(tmp_path / "s.csv", index=False)
    text = f"data: {{path: s.csv}}\ncodebook: service_hall\nbootstrap: 200\n{more}\n"
    done, _ = own(text, "check")
    assert done.returncode == code, done.stderr
    assert said in done.stderr


def test_gains_in_nps_and_at_statements(own, tmp_path):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    ServiceHall(300, 4, careless=0).survey().to_csv(tmp_path / "s.csv", index=False)
    done, folder = own(
        "data: {path: s.csv}\ncodebook: service_hall\nbootstrap: 200\noutcome: recommend\ntarget: nps\n"
        "costs: {reliability: 2, responsiveness: 1, tangibles: 1, assurance: 1, empathy: 1}\nsegments: [channel]\nbranches: branch\n"
    )
    assert done.returncode == 0, done.stderr
    text = (folder / "report.html").read_text("utf-8")
    assert "NPS points" in text
    gains = pd.read_csv(folder / "tables" / "gains.csv")
    assert gains["gain"].max() > 3
    np.testing.assert_allclose(gains["per_cost"], gains["gain"] / gains["cost"])


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_in_chromium(reports, lang, width, page_is_sound):
    page_is_sound(reports[lang] / "report.html", width)


def test_ratings_are_high_from_the_upper_sixth_of_the_scale():
    """Six and seven of 1-7, unless the params say otherwise."""
    from xmresearch.data.config import ScenarioSource
    from xmresearch.data.load import load_survey
    from xmresearch.studies.drivers.asked import asked
    from xmresearch.studies.drivers.params import DriversParams

    survey = load_survey(ScenarioSource(n=60, seed=1), codebook="servqual")
    for given, want in ((None, 6.0), (5.0, 5.0)):
        params = DriversParams(codebook="servqual", important=given, weight_column=None, segments=[], branches=None)
        found = asked(params, survey)
        assert (found.important, found.satisfied) == (want, want)
