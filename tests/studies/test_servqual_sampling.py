"""The SERVQUAL study of a sample with strata, clusters, a finite population and margins: params, check, report, words."""

import numpy as np
import pandas as pd
import pytest
from servqual_worlds import BOOK, DIMENSIONS, clustered
from study_output import table, words
from study_words import wording

from xmresearch.data.load import load_survey
from xmresearch.psychometrics.gap_scores import gaps
from xmresearch.sampling.survey_designs import survey_sample
from xmresearch.studies.servqual.checking import check_study
from xmresearch.studies.servqual.params import ServqualParams

DESIGN = """sampling:
  strata: region
  clusters: branch
  population: {"0": 40, "1": 50, "2": 60}
  margins: {sex: {f: 0.5, m: 0.5}, age: {1: 300, 2: 700}}
  trim: {lower: 0.3, upper: 2}
"""


@pytest.fixture(scope="module")
def answers():
    frame = clustered(24, 12, (-0.9, -0.6, -0.4, -0.3, -0.3), 4, drives=(0.6, 0.2, 0.2, 0.1, 0.1), answers=True)
    rng = np.random.default_rng(6)
    return frame.assign(
        region=frame["branch"].astype(int) % 3, sex=rng.choice(["f", "m"], len(frame), p=[0.7, 0.3]),
        age=rng.choice([1, 2], len(frame)), w=rng.uniform(0.5, 1.5, len(frame)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(answers, tmp_path_factory):
    found = tmp_path_factory.mktemp("drawn")
    answers.to_csv(found / "s.csv", index=False)
    head = (
        "study: servqual\nname: drawn\nbootstrap: 300\ndata: {path: s.csv}\nweight_column: w\nsegments: [sex, region]\n"
    )
    (found / "p.yml").write_text(head + DESIGN, "utf-8")
    return found


@pytest.fixture(scope="module")
def drawn_reports(cli, folder):
    for lang in ("en", "zh"):
        done = cli("run", folder / "p.yml", "--lang", lang, "--out", folder / "o")
        assert done.returncode == 0, done.stderr
    return {lang: folder / f"o/servqual/drawn/latest-{lang}" for lang in ("en", "zh")}


@pytest.fixture(scope="module")
def survey(folder):
    from xmresearch.params.load import load_params

    return load_survey(**load_params(folder / "p.yml").survey_settings(), base=folder)


def test_check_says_how_respondents_were_drawn(cli, folder):
    done = cli("check", folder / "p.yml")
    assert done.returncode == 0, done.stderr
    assert "Sample: 24 clusters of 12.0 respondents on average in 3 strata, 21 degrees of freedom." in done.stdout
    assert "Raked to 2 margin(s): sex, age." in done.stdout
    assert "Trimmed: " in done.stdout
    assert "Weights as used: " in done.stdout


def test_check_and_run_tell_all_that_is_wrong(cli, folder):
    text = (
        (folder / "p.yml").read_text("utf-8").replace("f: 0.5, m: 0.5", "f: 0.5, x: 0.4").replace('"2": 60', '"2": 2')
    )
    (folder / "bad.yml").write_text(text.replace("name: drawn", "name: bad"), "utf-8")
    for command in ("check", "run"):
        done = cli(command, folder / "bad.yml", *(("--out", folder / "o") if command == "run" else ()))
        assert done.returncode == 3
        for said in ("no target for 1 categories of the data: 'm' (", "nobody in the data is in 'x'",
                     "the shares add up to 0.9, not 1", "more units than the population of '2' (96)"):  # fmt: skip
            assert said in done.stderr, said


def test_check_refuses_what_raking_cannot_reach(answers, folder):
    answers.assign(same=answers["sex"]).to_csv(folder / "same.csv", index=False)
    given = ServqualParams(
        data={"path": str(folder / "same.csv")},
        sampling={"margins": {"sex": {"f": 0.5, "m": 0.5}, "same": {"f": 0.2, "m": 0.8}}},
    )
    opened = load_survey(**given.survey_settings())
    with pytest.raises(Exception, match="margins: after 200 rounds"):
        check_study(given, opened)


def test_the_report_says_the_design(drawn_reports):
    text = words(drawn_reports["en"])
    for said in (
        "288 respondents in 24 sampling units" if "288 respondents in 24" in text else "in 24 sampling units",
        "Respondents were drawn in 24 clusters within 3 strata, of 12.0 analysed respondents on average.",
        "have 21 degrees of freedom (clusters less strata)", "Design weights are used.", "13.3 % to 20.0 % of those in a stratum",
        "Weights are raked to the population's distribution of sex and age", "Weights are then trimmed to 0.3 to 2 times their mean",
        "A bootstrap that draws sampling units anew shows how sure the order is", "come from a bootstrap of sampling units",
        "Wald test that allows for the design", "α with an interval that allows for the design",
        "with the sample's weights and clusters", "Degrees of freedom of the design",
    ):  # fmt: skip
        assert said in text, said
    for said in (
        "Bayesian bootstrap",
        "Welch's test for unequal",
        "Feldt's interval",
        "Standard errors are linearised.",
    ):
        assert said not in text, said
    chinese = words(drawn_reports["zh"])
    for said in (
        "受访者如何抽取", "来自 24 个抽样单位", "受访者在 3 个层内按 24 个群抽取", "自由度为 21（群数减层数）", "权重已按总体的sex和age分布迭代调整",
        "随后将权重截断至均值的 0.3 至 2 倍", "计入抽样设计的 Wald 检验",
    ):  # fmt: skip
        assert said in chinese, said
    assert "贝叶斯" not in chinese


def test_tables_hold_what_the_sampling_package_estimates(drawn_reports, survey):
    sample = survey_sample(survey)
    shown = table(drawn_reports["en"], "gap_dimensions").set_index("id")
    want = gaps(survey.frame, survey.codebook, weights=sample.design, bootstrap=0).tidy("dimension").set_index("id")
    for column in ("gap", "se", "ci_lower", "df", "deff"):
        np.testing.assert_allclose(shown[column], want[column], rtol=1e-8)
    margins = table(drawn_reports["en"], "margins")
    np.testing.assert_allclose(margins["raked"], margins["target"], atol=1e-8)
    assert list(margins["target"]) == [0.5, 0.5, 0.3, 0.7]
    weights = table(drawn_reports["en"], "weights").set_index("step")
    assert weights.loc["weights_trimmed", "highest"] == pytest.approx(2)
    effects = table(drawn_reports["en"], "design_effects")
    assert list(effects["construct"]) == list(DIMENSIONS)
    assert (effects["deff"] > 1).all()
    for name in ("gap_dimensions", "margins", "segments", "drivers"):
        same = [(drawn_reports[lang] / f"tables/{name}.csv").read_bytes() for lang in ("en", "zh")]
        assert same[0] == same[1]


def test_names_of_branches_are_in_no_output(folder, answers, cli):
    frame = answers.assign(branch="Zweigstelle" + answers["branch"])
    frame.to_csv(folder / "named.csv", index=False)
    text = (folder / "p.yml").read_text("utf-8").replace("s.csv", "named.csv").replace("name: drawn", "name: named")
    (folder / "named.yml").write_text(text, "utf-8")
    assert cli("run", folder / "named.yml", "--out", folder / "o").returncode == 0
    for path in (folder / "o/servqual/named").rglob("*"):
        assert not path.is_file() or b"Zweigstelle" not in path.read_bytes(), path


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_case_has_its_words(lang, survey):
    sample = survey_sample(survey)
    facts = sample.summary() | {"off": 0.01, "raised": 1, "lowered": 2, "lower": 0.3, "upper": 3.0}
    told = wording("servqual", lang)
    for key in ("drawn", "weighed", "finite", "trimmed", "order", "method"):
        for case in told.get("texts", key):
            assert told.text("texts", key, facts | {"case": case, "draws": 10, "level": 0.95})
    assert told.text("texts", "few_units", {"units": 5, "df": 4, "few": 8})
    assert told.text("texts", "raked", sample.raked())
    assert told.text("texts", "hidden_margins", {"count": 2})


def test_few_clusters_are_on_the_first_screen(cli, folder, answers):
    answers.assign(branch=answers["branch"].astype(int) % 6).to_csv(folder / "few.csv", index=False)
    (folder / "few.yml").write_text(
        "study: servqual\nname: few\nbootstrap: 200\ndata: {path: few.csv}\nsampling: {clusters: branch}\n", "utf-8"
    )
    done = cli("run", folder / "few.yml", "--out", folder / "o")
    assert done.returncode == 0, done.stderr
    text = words(folder / "o/servqual/few/latest-en")
    screen = text[text.rindex("1 The answer") :]
    warned = screen.index("Only 6 sampling units, which leave 5 degrees of freedom.")
    assert screen.index("Does the service meet") < warned < screen.index("in 5 dimensions")
    assert "There are no design weights" in text
    assert "Respondents were drawn in 6 clusters, of 48.0 analysed" in text


def test_an_empty_block_changes_nothing(cli, folder):
    """A block that says nothing gives the tables of no block at all."""
    head = "study: servqual\nbootstrap: 200\ndata: {n: 90}\nname: "
    for name, block in (("plain", ""), ("empty", "sampling: {}\n")):
        (folder / f"{name}.yml").write_text(f"{head}{name}\n{block}", "utf-8")
        assert cli("run", folder / f"{name}.yml", "--out", folder / "o").returncode == 0
    plain, empty = (folder / f"o/servqual/{name}/latest-en/tables" for name in ("plain", "empty"))
    for path in plain.glob("*.csv"):
        assert path.read_bytes() == (empty / path.name).read_bytes(), path.name
    assert not (plain / "design_effects.csv").exists()
    assert "Standard errors are linearised." in words(plain.parent)


def test_intervals_hold_the_truth_where_naive_ones_fail():
    """Thirty branches whose people's gaps correlate by .1: see `tests/benchmarks/test_servqual_design.py` for more."""
    from xmresearch.sampling.sampling_stages import design

    truth, held = np.array((-0.5, -0.4, -0.3, -0.2, -0.1)), {"design": [], "naive": []}
    for k in range(200):
        frame = clustered(30, 20, truth, [51, k])
        for name, weights in (("design", design(frame, clusters="branch")), ("naive", None)):
            dims = gaps(frame, BOOK, weights=weights, bootstrap=0).tidy("dimension")
            held[name].append(((dims["ci_lower"] <= truth) & (dims["ci_upper"] >= truth)).mean())
    # a thousand intervals, nearly independent: three standard errors of .95 are .02
    assert 0.93 <= np.mean(held["design"]) <= 0.97
    assert np.mean(held["naive"]) < 0.85


def test_frames_of_designs_are_not_shown(survey):
    sample = survey_sample(survey)
    assert "Zweig" not in repr(sample)
    assert isinstance(sample.tidy(), pd.DataFrame)
