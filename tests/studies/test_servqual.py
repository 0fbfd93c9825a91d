"""The SERVQUAL study end to end: as a user runs it, as papermill runs it, and in JupyterLab's kernel."""

import html
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures

from xmresearch.studies.servqual.params import ServqualParams

PARAMS = ServqualParams


@pytest.fixture(scope="module")
def kiosk(cli, root, kiosk_frame, tmp_path_factory):
    out = tmp_path_factory.mktemp("kiosk")
    done = cli("run", root / "params/servqual/kiosk.yml", "--out", out)
    assert done.returncode == 0, done.stderr
    return out / "servqual" / "kiosk" / "latest-en"


def test_kiosk_report_reproduces_the_reference(kiosk, same_as_kiosk_reference, reference):
    same_as_kiosk_reference(pd.read_csv(kiosk / "tables" / "gap_dimensions.csv"))
    expected = pd.read_csv(reference / "servqual" / "kiosk_gap.csv")
    alpha = pd.read_csv(kiosk / "tables" / "reliability.csv")
    for theirs, kind in (("alphaE", "expectation"), ("alphaP", "perception"), ("alphaGap", "gap")):
        np.testing.assert_allclose(alpha.loc[alpha["kind"] == kind, "alpha"], expected[theirs], atol=1e-8)


def test_published_factor_analysis_is_in_the_kiosk_report(kiosk):
    """Kim et al. (2019): chi-square 302.550 with 155 degrees of freedom, CFI .898, RMSEA .070."""
    text = re.sub(r"<[^>]+>", "", (kiosk / "report.html").read_text("utf-8"))
    assert "χ² = 302.550 with 155 degrees of freedom, p &lt;\u00a0.001, CFI 0.898, RMSEA 0.070" in text
    assert (pd.read_csv(kiosk / "tables" / "loadings.csv")["std_all"] > 0.3).all()
    assert 'id="sec-segment_invariance"' in (kiosk / "report.html").read_text("utf-8")


def test_kiosk_is_not_called_simulated(kiosk):
    text = (kiosk / "report.html").read_text("utf-8")
    assert "Simulated data" not in text
    assert "Declared truth" not in text


def test_demo_says_it_is_simulated_and_shows_truth(reports):
    for lang, words in (("en", ("Simulated data", "Truth")), ("zh", ("模拟数据", "真值"))):
        text = (reports[lang] / "report.html").read_text("utf-8")
        assert all(w in text for w in words)
        assert f'lang="{"zh-CN" if lang == "zh" else "en-GB"}"' in text
    table = pd.read_csv(reports["en"] / "tables" / "gap_dimensions.csv")
    assert table["truth"].notna().all()


def test_readme_shows_what_the_demo_says(reports, root):
    text = re.sub(r"<[^>]+>", "", html.unescape((reports["en"] / "report.html").read_text("utf-8")))
    text = re.sub(r"\s+", " ", text)
    readme = (root / "README.md").read_text("utf-8")
    quote = re.sub(r"\s+", " ", " ".join(line.lstrip("> ") for line in readme.splitlines() if line.startswith(">")))
    sentences = re.split(r"(?<=[.?]) (?=[A-Z*])", quote.replace("**", "").replace("\\", ""))
    assert len(sentences) >= 6
    for sentence in sentences:
        assert sentence.strip().rstrip(".)") in text
    for line in readme.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 7 and cells[1].isdigit():
            assert all(c in text for c in cells)


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_respondent_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


def test_no_machine_path_in_the_outputs(reports, root):
    for name in ("report.html", "executed.ipynb", "manifest.json"):
        assert str(root) not in (reports["en"] / name).read_text("utf-8")


def test_plain_papermill_refuses_a_wrong_type(root, tmp_path):
    command = [sys.executable, "-m", "papermill", root / "notebooks/servqual.ipynb", tmp_path / "o.ipynb", "-p", "bootstrap",
               "many", "--no-progress-bar"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ParamsError: bootstrap: input should be a valid integer" in done.stderr


def test_unweighted_survey_without_importance_or_outcome(cli, tmp_path):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    frame = ServiceHall(40, 4, careless=0).survey()
    asked = frame[[c for c in frame.columns if c[0] in "ep" and c[1:].isdigit()]]
    asked.assign(site=frame["respondent"] % 8).to_excel(tmp_path / "s.xlsx", index=False)
    (tmp_path / "p.yml").write_text(
        "study: servqual\nname: bare\nbootstrap: 200\ndata: {path: s.xlsx}\nsegments: [site]\n", "utf-8"
    )
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "o/servqual/bare/latest-en/report.html").read_text("utf-8")
    assert "Importance was not asked" in text
    assert 'id="sec-drivers"' not in text
    assert 'id="sec-gaps"' in text
    assert "points_tangibles" in text
    assert "Segments cannot be compared: fewer than two groups" in text
    assert not (tmp_path / "o/servqual/bare/latest-en/tables/segments.csv").exists()


def test_failed_check_is_at_the_top(cli, tmp_path):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    frame = ServiceHall(60, 4, careless=0, missing=0).survey()
    rng = np.random.default_rng(1)
    for k in range(1, 5):
        frame[f"p{k}"] = rng.integers(1, 8, len(frame))
    frame.to_csv(tmp_path / "s.csv", index=False)
    (tmp_path / "p.yml").write_text("study: servqual\nname: weak\nbootstrap: 200\ndata: {path: s.csv}\n", "utf-8")
    assert cli("run", tmp_path / "p.yml", "--out", tmp_path / "o").returncode == 0
    text = (tmp_path / "o/servqual/weak/latest-en/report.html").read_text("utf-8")
    screen = text[text.index('id="sec-answer"') :]
    assert screen.index("Does the service meet") < screen.index("A check has failed") < screen.index('class="cards"')


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_in_chromium(reports, lang, width, page_is_sound):
    page_is_sound(reports[lang] / "report.html", width)
