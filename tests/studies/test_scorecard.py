"""The scorecard end to end: the demo with its truth, two real surveys."""

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures, table, words

from xmresearch.studies.scorecard.params import ScorecardParams

PARAMS = ScorecardParams


def test_demo_says_it_is_simulated_and_shows_truth(reports):
    for lang, said in (("en", ("Simulated data", "No change can be shown")), ("zh", ("模拟数据", "未能证实有变化"))):
        assert all(w in words(reports[lang]) for w in said)
    waves = table(reports["en"], "waves")
    assert waves["truth"].notna().all()
    assert (table(reports["en"], "changes")["truth"] == 0).all()
    covered = pd.concat([table(reports["en"], t)["covered"].dropna() for t in ("waves", "changes", "groups")])
    assert covered.astype(bool).mean() > 0.8


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_respondent_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


def test_no_machine_path_in_the_outputs(reports, root):
    for name in ("report.html", "executed.ipynb", "manifest.json"):
        assert str(root) not in (reports["en"] / name).read_text("utf-8")


def test_users_of_a_whiteboard(real):
    """exports/README.md: 441 rows, NPS 60.32; some people answered twice."""
    folder = real("saas_whiteboard", dataset="nps_whiteboard")
    row = table(folder, "waves").iloc[0]
    assert (row["n"], round(row["estimate"], 2)) == (441, 60.32)
    text = words(folder)
    assert "There is one wave, so scores stand alone" in text
    assert "Whether it changed" not in text
    assert "441 answers are of 422 people" in text


def test_companies_asked_from_one_to_ten(real):
    """exports/README.md: 348 rows, NPS -54.02, days d/m/yyyy from January to June, 202 companies; June n = 110, NPS -48.18."""
    folder = real("b2b_monthly", dataset="nps_companies")
    waves = table(folder, "waves")
    assert list(waves["wave"]) == ["2023-Q1", "2023-Q2"]
    assert waves["n"].sum() == 348
    assert round(float(np.average(waves["estimate"], weights=waves["n"])), 2) == -54.02
    assert "202 people answered" in words(folder)


def test_june_of_the_companies(real, root, cli, tmp_path):
    real("b2b_monthly", dataset="nps_companies")
    text = (
        (root / "params/scorecard/b2b_monthly.yml")
        .read_text("utf-8")
        .replace("wave_period: quarter", "wave_period: month")
    )
    book = root / "params/scorecard/b2b_monthly_codebook.yml"
    (tmp_path / "b2b_monthly_codebook.yml").write_text(book.read_text("utf-8"), "utf-8")
    (tmp_path / "p.yml").write_text(text, "utf-8")
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    june = table(tmp_path / "o/scorecard/b2b_monthly/latest-en", "waves").set_index("wave").loc["2023-06"]
    assert (june["n"], round(june["estimate"], 2)) == (110, -48.18)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_check_says_what_would_run(cli, root, lang):
    done = cli("check", root / "params/scorecard/service_hall.yml", "--lang", lang)
    assert done.returncode == 0, done.stderr
    assert "2025-H2 against 2025-H1" in done.stdout


@pytest.mark.parametrize(("lang", "width"), [("en", 1280), ("zh", 390)])
def test_page_in_chromium(reports, lang, width, page_is_sound):
    page_is_sound(reports[lang] / "report.html", width)
