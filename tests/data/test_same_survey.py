"""One survey of 300 in the files of many tools: read as it is from each, with the same answers and the same gaps."""

import pandas as pd
import pytest
from exports import CASES, needs_exports

from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.config import FileSource
from xmresearch.data.load import load_survey
from xmresearch.data.screening_params import Screening
from xmresearch.psychometrics.gap_scores import gaps

pytestmark = needs_exports
OFF = Screening.model_validate(
    {rule: {"action": "off"} for rule in ("missing", "too_fast", "long_string", "irv", "duplicate_rows")}
)
NAMES = {
    "base.csv": ("e{}", "p{}"),
    "t_rownames.csv": ("e{}", "p{}"),
    "semicolon_decimal_comma.csv": ("e{}", "p{}"),
    "spss.sav": ("e{}", "p{}"),
    "qualtrics_values.csv": ("e{}", "p{}"),
    "qualtrics_text.csv": ("e{}", "p{}"),
    "google_forms.csv": ("Expectations [Statement {}]", "Perceptions [Statement {}]"),
    "limesurvey_codes.csv": ("E[{}]", "P[{}]"),
    "surveymonkey.csv": ("What do you expect of excellent service? [Statement {}]", "And how was it? [Statement {}]"),
    "merged.xlsx": ("e{}", "p{}"),
    "wjx_codes.xlsx": ("1、期望—陈述{}", "2、感知—陈述{}"),
    "wjx_text_gb18030.csv": ("1、期望—陈述{}", "2、感知—陈述{}"),
}
PREVIEWS = 3


def survey_of(name, tmp_path, **settings):
    expected, perceived = (pattern.format("{id}") for pattern in NAMES[name])
    book = tmp_path / "book.yml"
    book.write_text(
        "extends: servqual\nname: case\nlabels: {en: Case, zh: 案例}\nbatteries:\n"
        f"  expectation: {{pattern: '{expected}'}}\n  perception: {{pattern: '{perceived}'}}\n",
        "utf-8",
    )
    sheet = {"sheet": "Data"} if name == "merged.xlsx" else {}
    source = FileSource(source="file", path=str(CASES / name), **sheet, **settings)
    return load_survey(source, codebook=str(book), screening=OFF)


def answers(survey):
    order = [c.name for kind in ("expectation", "perception") for c in survey.codebook.select(kind)]
    return survey.frame[order].set_axis([f"{k}{i}" for k in "ep" for i in range(1, 23)], axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_every_file_gives_the_same_answers(name, tmp_path):
    base = pd.read_csv(CASES / "base.csv")
    if name.startswith("qualtrics"):
        base = base.iloc[PREVIEWS:].reset_index(drop=True)
    if name == "semicolon_decimal_comma.csv":  # its first item holds halves; pandas reads them when it is told how
        base["e1"] = pd.read_csv(CASES / name, sep=";", decimal=",")["e1"]
    if name == "spss.sav":  # the file declares them missing
        base.loc[:5, "p1"] = float("nan")
    survey = survey_of(name, tmp_path)
    found = answers(survey)
    assert survey.log.received == len(base)
    pd.testing.assert_frame_equal(found, base[found.columns].astype(float))
    own = load_codebook("servqual")
    theirs = gaps(survey.frame, survey.codebook, bootstrap=0).tidy("dimension")["gap"]
    assert theirs.tolist() == pytest.approx(gaps(base, own, bootstrap=0).tidy("dimension")["gap"].tolist(), abs=1e-12)
