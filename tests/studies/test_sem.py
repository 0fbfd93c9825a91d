"""The structural equation study end to end."""

import re

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures, table, words

from xmresearch.studies.sem.params import SemParams

PARAMS = SemParams


def test_demo_answers_and_shows_truth(reports):
    text = words(reports["en"])
    assert "By fit, reliability and distinctness the instrument measures what it claims." in text
    assert "What drives loyalty most cannot be said: in this model everything acts on it through one construct" in text
    assert "Not settled: what drives satisfaction most. It may be Reliability or Responsiveness." in text
    assert "What to improve first is not settled" in text
    assert "Simulated data" in text
    for name in ("loadings", "paths", "gains"):
        table = pd.read_csv(reports["en"] / "tables" / f"{name}.csv")
        assert table["truth"].notna().all()
        assert table["covered"].mean() > 0.75
    assert "模拟数据" in words(reports["zh"])


def test_every_part_of_the_report_is_there(reports):
    page = (reports["en"] / "report.html").read_text("utf-8")
    for section in ("answer", "model", "fit", "measurement", "invariance", "structure", "gains", "method_bias",
                    "modification", "truth", "data", "checks", "method", "limits"):  # fmt: skip
        assert f'id="sec-{section}"' in page, section
    assert {p.stem for p in (reports["en"] / "figures").glob("*.svg")} == {"diagram", "index_gains"}


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_respondent_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


def test_published_kiosk_figures_to_the_printed_digit(real):
    """Kim et al. (2019), hanakim120/kiosk-servqual-research: two factor analyses, the model, its paths."""
    folder = real("kiosk", dataset="kiosk_servqual")
    text = words(folder)
    assert "χ² = 387.465 with 230 degrees of freedom (p < .001), CFI 0.939, RMSEA 0.059" in text
    for row in ("Satisfaction with the attributes alone 194 55 269.782 155 < .001 0.944",
                "Perceptions of the attributes 194 55 302.550 155 < .001 0.898"):  # fmt: skip
        assert row in text
    assert re.search(r"269\.782 155 < \.001 0\.944 \S+ 0\.062", text)
    assert re.search(r"302\.550 155 < \.001 0\.898 \S+ 0\.070", text)
    paths = pd.read_csv(folder / "tables" / "paths.csv")["std_all"]
    published = ["0.174", "-0.029", "0.468", "0.171", "0.237", "-0.031", "0.810"]
    assert [f"{v:.3f}" for v in paths] == published
    for value in published:
        assert value.replace("-", "−") in text


def assert_tables_in_full(folder, reference):
    """Matrices of semTools (reference/sem2/mobi_*), total effects of SmartPLS (reference/smartpls)."""
    for name, file, upper in (("apa_correlations", "fornell_larcker", None), ("apa_ratios", "htmt2", "htmt")):
        found = table(folder, name).set_index("construct")
        expected = (
            pd.read_csv(reference / "sem2" / f"mobi_{file}.csv", index_col=0)
            .rename(str.lower)
            .rename(columns=str.lower)
        )
        square = found[found.index].to_numpy()
        lower = np.tril_indices(len(square), 0 if upper is None else -1)
        np.testing.assert_allclose(square[lower], expected.loc[found.index, found.index].to_numpy()[lower], atol=1e-5)
        if upper:
            above = pd.read_csv(reference / "sem2" / f"mobi_{upper}.csv", index_col=0).to_numpy()
            np.testing.assert_allclose(square.T[lower], above[lower], atol=1e-8)
    lines = (reference / "smartpls" / "ecsi_mobi_pathWeighting_totalEffects.txt").read_text("latin-1").splitlines()
    head = lines[0].split()
    known = {
        (r, c): float(v.replace(",", "."))
        for r, *values in map(str.split, lines[1:])
        if values
        for c, v in zip(head, values, strict=True)
    }
    effects = table(folder, "pls_effects")
    named = {"CUSCO": "Complaints"}
    assert len(effects) > 15
    for row in effects.itertuples():
        cause, outcome = (named.get(v, v.capitalize()) for v in (row.cause, row.outcome))
        assert row.total == pytest.approx(known[cause, outcome], abs=2e-5), (cause, outcome)
    assert {
        "apa_items",
        "apa_estimates",
        "apa_rest",
        "apa_fit",
        "pls_outer",
        "pls_reliability",
        "pls_explained",
        "pls_ratios",
    } <= {p.stem for p in (folder / "tables").glob("*.csv")}


def test_mobile_phone_index_and_warnings(real, reference):
    """ECSI: the index with equal weights is 71.97; maximum likelihood cannot tell its collinear causes apart."""
    folder = real("mobi_ecsi", dataset="mobi")
    found = pd.read_csv(folder / "tables" / "indices.csv").set_index("construct")
    assert f"{found.loc['satisfaction', 'estimate']:.2f}" == "71.97"
    text = words(folder)
    assert "they are hardly two things" in text
    assert text.index("points ) that a reader") if "points ) that" in text else "that a reader should know of" in text
    pls = pd.read_csv(folder / "tables" / "pls.csv").set_index(["cause", "outcome"])["est"]
    assert pls["image", "expectation"] == pytest.approx(0.50491, abs=1e-4)
    assert_tables_in_full(folder, reference)


def test_a_measurement_model_alone_has_no_structure(cli, tmp_path):
    (tmp_path / "p.yml").write_text(
        "study: sem\nname: cfa\nmodel: servqual\ndata: {n: 300}\nvalidity_bootstrap: 0\n", "utf-8"
    )
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "o/sem/cfa/latest-en/report.html").read_text("utf-8")
    assert 'id="sec-structure"' not in page
    assert 'id="sec-measurement"' in page


def test_own_file_model_and_bootstrap(cli, tmp_path):
    from xmresearch.data.scenarios.service_hall import ServiceHall

    ServiceHall(200, 4, careless=0).survey().to_csv(tmp_path / "s.csv", index=False)
    (tmp_path / "p.yml").write_text(
        "study: sem\nname: own\ndata: {path: s.csv}\nestimator: MLM\nmissing: listwise\nbootstrap: 200\n"
        "validity_bootstrap: 200\noutcomes: [quality]\nshifts: {empathy: 1.0}\npls: true\nmodel: |\n"
        "  empathy =~ p18 + p19 + p20\n  assurance =~ p14 + p15 + p16\n  quality ~ empathy + assurance\n",
        "utf-8",
    )  # fmt: skip
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    text = words(tmp_path / "o/sem/own/latest-en")
    assert "percentile intervals of the bootstrap" in text
    gains = pd.read_csv(tmp_path / "o/sem/own/latest-en/tables/gains.csv")
    assert gains[["driver", "gain"]].to_numpy().tolist() == [["empathy", 1.0]]


def test_ordered_answers(cli, tmp_path):
    (tmp_path / "p.yml").write_text(
        "study: sem\nname: ordered\nestimator: WLSMV\nmissing: listwise\ndata: {n: 500}\noutcomes: [empathy]\n"
        "validity_bootstrap: 0\nmodel: |\n  reliability =~ p5 + p6 + p7\n  empathy =~ p18 + p19 + p20\n"
        "  empathy ~ reliability\n",
        "utf-8",
    )
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode == 0, done.stderr
    assert "ordered categories" in words(tmp_path / "o/sem/ordered/latest-en")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model: 'f =~ p1 + p2 + p33'", "the data have no variable 'p33'. Did you mean 'p3'"),
        ("model: ecsy", "no shipped model 'ecsy'"),
        ("estimator: WLSMV", "estimator WLSMV uses complete rows: set missing to listwise"),
        ("bootstrap: 50\nmissing: listwise", "intervals need at least 200 replicates"),
        ("outcomes: [satisfied]", "'satisfied'"),
        ("mediation: [[empathy, loyalty]]", "has no mediator"),
        ("levels: [weak]", "levels.0 is 'weak'"),
        ("group: chanel", "no column 'chanel'"),
        ("group: branch", "Groups of 'branch' with fewer than the 29 complete rows"),
        ("rivals: {other: 'f =~ p1 + p99'}", "no variable 'p99'"),
        ("shifts: {loyalti: 1.0}", "shifts has 'loyalti'"),
        ("marker: [q9]", "marker has 'q9'"),
        ("inference: bayes\nestimator: WLSMV\nmissing: listwise", "bayes treats answers as continuous"),
    ],
)
def test_wrong_params_are_one_clear_line(cli, tmp_path, change, message):
    (tmp_path / "p.yml").write_text(
        f"study: sem\nname: wrong\nvalidity_bootstrap: 0\ndata: {{n: 200}}\n{change}\n", "utf-8"
    )
    done = cli("check", tmp_path / "p.yml")
    assert done.returncode in (2, 3)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_check_says_what_would_be_fitted(cli, root):
    done = cli("check", root / "params/sem/service_hall.yml")
    assert done.returncode == 0, done.stderr
    assert "Model: 7 constructs, 28 items, 72 parameters, 334 degrees of freedom." in done.stdout


def test_a_wrong_model_stops_the_run_with_one_line(cli, tmp_path):
    (tmp_path / "p.yml").write_text("study: sem\nname: wrong\ndata: {n: 200}\nmodel: 'f =~ p1 + p2 + p33'\n", "utf-8")
    done = cli("run", tmp_path / "p.yml", "--out", tmp_path / "o")
    assert done.returncode in (3, 5)
    assert "the data have no variable 'p33'. Did you mean 'p3'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "o").glob("sem/wrong/latest-en"))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_in_chromium(reports, lang, width, page_is_sound):
    page_is_sound(reports[lang] / "report.html", width)
