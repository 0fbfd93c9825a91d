"""The difference-in-differences study end to end."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from study_output import assert_no_rows_of_people, assert_same_figures, shown, table, words

from xmresearch.data.datasets import load_dataset
from xmresearch.studies.did.params import DidParams

PARAMS = DidParams


def test_demo_answers_and_shows_truth(reports):
    text = words(reports["en"])
    assert "The change improved satisfaction, if the groups would otherwise have moved in parallel." in text
    assert "A check has failed" not in text
    assert "clustered by unit" in text
    assert "Who gained: for" in text
    assert re.search(r"Worth: at 12 CNY per unit of satisfaction and 250,000 people, \+[\d,]+ CNY", text)
    for name in ("aggregates", "dynamic", "group", "att_gt", "units"):
        found = table(reports["en"], name)
        assert found["truth"].notna().all()
        assert found["covered"].mean() > 0.8
    outcomes = table(reports["en"], "outcomes")
    assert outcomes["outcome"].tolist() == ["satisfaction"] * 3 + ["recommend"]
    assert outcomes["truth"].between(outcomes["ci_lower"], outcomes["ci_upper"]).all()
    chinese = words(reports["zh"])
    for term in ("模拟数据", "平行趋势", "安慰剂", "可信区间", "处理组", "反事实", "失效临界值", "按单位聚类"):
        assert term in chinese


def test_every_part_of_the_report_is_there(reports):
    page = (reports["en"] / "report.html").read_text("utf-8")
    for section in ("answer", "design", "raw_means", "dynamic", "cohorts", "branches", "sensitivity", "twfe", "prior", "truth",
                    "data", "checks", "method", "limits"):  # fmt: skip
        assert f'id="sec-{section}"' in page, section
    figures = {"raw_means", "dynamic", "att_gt", "units", "honest", "densities"}
    assert {p.stem for p in (reports["en"] / "figures").glob("*.svg")} == figures


def test_every_interval_says_whether_it_is_clustered(reports):
    """Captions of all tables and figures that show intervals, and every sentence with one."""
    for lang, word, interval in (("en", "clustered", "credible interval"), ("zh", "聚类", "可信区间")):
        blocks = shown(reports[lang])
        for block in blocks:
            if block["kind"] == "table" and any(interval in h for h in block["head"]):
                assert word in block["caption"], block["caption"]
            if block["kind"] == "prose":
                for sentence in re.split(r"\n", block["text"]):
                    if f"95 % {interval}" in sentence and not sentence.startswith(("Intervals are", "区间均为")):
                        assert word in sentence, sentence


def test_languages_have_the_same_figures(reports):
    assert_same_figures(reports)


def test_no_answer_leaves_the_kernel(reports):
    assert_no_rows_of_people(reports["en"])


def test_minimum_wages_are_those_of_did(real):
    """R did's vignette: simple -.0400, group -.0310, dynamic -.0772; two-way fixed effects -.0365 (bacondecomp, fixest)."""
    folder = real("mpdta")
    found = table(folder, "aggregates").set_index("measure")["estimate"]
    assert found["simple"] == pytest.approx(-0.03995, abs=1e-5)
    assert found["group"] == pytest.approx(-0.0310, abs=1e-4)
    assert found["dynamic"] == pytest.approx(-0.0772, abs=1e-4)
    types = table(folder, "twfe")
    assert types["weight"] @ types["estimate"] == pytest.approx(-0.03655, abs=1e-5)
    text = words(folder)
    assert "These data do not settle whether the change moved log of teen employment by as much as matters." in text
    assert "−0.065 to −0.017" in text
    assert "compared with units that never are treated" in text


def assert_warned_before_the_answer(text, warning):
    """On the first screen, a failed check stands between the question and the answer, which says so itself."""
    screen = text[text.rindex("1 The answer") :]
    assert (
        screen.index("Did the change move") < screen.index(warning) < screen.index("What the change did cannot be said")
    )


def test_police_training_is_staggereds_and_shows_nobody(real):
    """R staggered, Callaway-Sant'Anna: -.005177, Neyman standard error .003931. Officers are people."""
    folder = real("police_training")
    found = table(folder, "aggregates").iloc[0]
    assert found["estimate"] == pytest.approx(-0.005177, abs=1e-6)
    assert found["sd"] == pytest.approx(0.003931, rel=0.02)
    text = words(folder)
    assert_warned_before_the_answer(text, "A check has failed: Equal movement before the change")
    assert "What the change did cannot be said from this comparison." in text
    assert "The units are people: none of them is shown" in text
    data = load_dataset("police_training")
    small = data.drop_duplicates("uid").groupby("first_trained").size().loc[lambda n: n < 10].index
    assert len(small) > 1
    for name in ("adoption", "group"):
        cohorts = table(folder, name)["cohort"].astype(str)
        assert not set(cohorts) & {str(c) for c in small}
    doubts = table(folder, "doubts").query("check == 'leave_one_out'")
    assert not set(doubts["changed"].astype(str)) & {str(c) for c in small}
    assert not (folder / "tables" / "units.csv").exists()


def test_organ_donations_and_kielmc_from_packages(real):
    """Huntington-Klein, The Effect, ch. 18: -.02246. Wooldridge, example 13.3: -11 863.9 (7 456.6)."""
    folder = real("organ_donations")
    assert table(folder, "outcomes").loc[0, "estimate"] == pytest.approx(-0.02246, abs=1e-5)
    text = words(folder)
    assert "1 of 27 states got the change, all from 2011 Q3 on" in text
    assert "The treated arm has one unit" in text
    assert_warned_before_the_answer(text, "A check has failed: Units in the smaller arm")
    folder = real("kielmc")
    found = table(folder, "outcomes").iloc[0]
    assert found["estimate"] == pytest.approx(-11863.9, abs=0.1)
    text = words(folder)
    assert "−11,864" in text
    assert "not clustered, rows taken as independent" in text
    assert "The main assumption cannot be examined" in text


def test_synthetic_control_for_one_state(real):
    folder = real("organ_donations", "-p", "kind=synthetic_control", "-p", "cluster=null")
    text = words(folder)
    assert "The dashed line is the synthetic control" in text
    assert "they are no test, as its weights were chosen there" in text


@pytest.fixture
def branch_rows():
    """Yes or no answers of branches whose treated half changes in month 4; branch 0 has too few rows to be shown."""

    def make(rows=60):
        rng = np.random.default_rng(0)
        unit, time = (a.ravel() for a in np.indices((12, 8)))
        size = np.where(unit == 0, 4, rows)
        frame = pd.DataFrame({"hall": np.repeat(unit, size), "day": np.repeat(time, size)})
        frame["kiosk"] = ((frame["hall"] < 6) & (frame["day"] >= 4)).astype(int)
        frame["complained"] = (rng.random(len(frame)) < 0.30 - 0.12 * frame["kiosk"]).astype(int)
        frame["day"] = pd.to_datetime("2025-01-01") + pd.to_timedelta(frame["day"] * 31, unit="D")
        return frame.assign(hall="h" + frame["hall"].astype(str))

    return make


def test_own_parquet_folder_and_fewer_is_better(own, branch_rows, tmp_path):
    frame = branch_rows()
    (tmp_path / "parts").mkdir()
    for k in range(2):
        frame.iloc[k::2].to_parquet(tmp_path / "parts" / f"{k}.parquet")
    done, folder = own(
        "data: {path: parts}\noutcome: complained\nfamily: bernoulli\nbetter: lower\nunit: hall\ntime: day\n"
        "treated: kiosk\nsmallest: 0.02\ndraws: 2000\nlabels:\n  hall: {en: halls, zh: 大厅}\n"
    )
    assert done.returncode == 0, done.stderr
    text = words(folder)
    assert (
        "These data do not settle whether the change moved complained by as much as matters. The probability fell by"
        in text
    )
    assert "all from 2025-05-05 on" in text
    assert "reduced in one streamed pass" in text
    units = table(folder, "units")
    assert len(units) == 5
    # any two letters stand somewhere in an encoded picture, whose own text is in the block beside it
    executed = re.sub(r"base64,[A-Za-z0-9+/=]+", "", (folder / "executed.ipynb").read_text("utf-8"))
    assert "<svg" in executed
    assert "h0" not in executed
    assert "Figures that rest on fewer than 10 rows are suppressed: 0 cohorts and 1 units." in text
    assert 'id="sec-cohorts"' not in (folder / "report.html").read_text("utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {"data/0.parquet", "data/1.parquet"} <= set(json.dumps(manifest).split('"'))


def test_two_periods_of_a_csv_with_listed_units(own, branch_rows, tmp_path):
    frame = branch_rows().assign(day=lambda f: np.where(f["day"] < "2025-05-01", "2025-Q1", "2025-Q2"))
    frame.drop(columns="kiosk").to_csv(tmp_path / "a.csv", index=False)
    done, folder = own(
        "lang: zh\ndata: {path: a.csv}\noutcome: complained\nfamily: bernoulli\nbetter: lower\nunit: hall\ntime: day\n"
        "treated: [h1, h2, h3, h4, h5]\ntreated_from: 2025-Q2\nbranches: false\n"
    )
    assert done.returncode == 0, done.stderr
    text = words(folder)
    assert "两组两期双重差分" in text
    assert 'id="sec-branches"' not in (folder / "report.html").read_text("utf-8")
    assert table(folder, "raw_means")["time"].tolist() == ["2025-Q1", "2025-Q2"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_weights_and_groups_of_branches_are_used_and_said(own, tmp_path, lang):
    """Branches that change as a whole region: the interval is that of regions, and the page says so."""
    rng = np.random.default_rng(12)
    unit, time = (a.ravel() for a in np.indices((24, 4)).repeat(12, axis=2))
    region = unit % 8
    shared = rng.normal(size=(8, 4))[region, time]
    frame = pd.DataFrame(
        {"u": unit, "t": time, "r": [f"Region {k}" for k in region], "w": rng.choice([0.5, 2.0], len(unit))}
    )
    frame["g"] = np.where(region < 4, 2.0, np.nan)
    frame["y"] = shared + rng.normal(size=len(unit))
    frame.to_csv(tmp_path / "a.csv", index=False)
    given = f"lang: {lang}\ndata: {{path: a.csv}}\noutcome: y\nfamily: gaussian\nunit: u\ntime: t\ncohort: g\nbranches: false\nsensitivity: {{placebo_units: 0}}\n"
    wide = {}
    for name, more in {"region": "weights: w\ncluster: r\n", "branch": ""}.items():
        done, folder = own(given + more)
        assert done.returncode == 0, done.stderr
        row = table(folder, "outcomes").iloc[0]
        wide[name] = row["ci_upper"] - row["ci_lower"]
        text = words(folder)
        if name == "region":
            kish = (
                f"{len(frame):,d} 行数据所含信息相当于" if lang == "zh" else f"The {len(frame):,d} rows tell as much as"
            )
            assert kish in text
            assert ("按r聚类：视其 8 个" if lang == "zh" else "clustered by r: its 8 groups of units") in text
    assert wide["region"] > 1.2 * wide["branch"]


def test_no_effect_is_not_called_one(own):
    done, folder = own("data: {n: 8000, effect: 0, spread: 0}\nbranches: false\nsensitivity: {placebo_units: 50}\n")
    assert done.returncode == 0, done.stderr
    text = words(folder)
    assert "The change improved" not in text
    assert "no effect was settled that would have to be defended" in text
    assert (table(folder, "aggregates")["truth"] == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("outcome: satisfied", "no column 'satisfied'. Did you mean 'satisfaction'"),
        ("unit: brnch", "no column 'brnch'. Did you mean 'branch'"),
        ("cohort: roll_out", "no column 'roll_out'. Did you mean 'rollout'"),
        ("cohort: recommend", "several first treated periods"),
        ("family: bernoulli", "not only 0 and 1"),
        ("family: poisson", "family is 'poisson'"),
        ("further: {recomend: nps}", "no column 'recomend'. Did you mean 'recommend'"),
        ("further: {recommend: bernoulli}", "not only 0 and 1"),
        ("further: {satisfaction: nps}", "further repeats the outcome 'satisfaction'"),
        ("kind: event_study", "Kind 'event_study' needs one adoption date; there are 3. Use kind 'staggered'"),
        ("base: last", "Kind 'staggered' has no base 'last'"),
        ("overall: mean", "overall is 'mean'"),
        ("cluster: none", "always clustered by unit"),
        ("cluster: brunch", "no column 'brunch'. Did you mean 'branch'"),
        ("cluster: satisfaction", "'satisfaction' changes within"),
        ("weights: wieght", "no column 'wieght'"),
        ("weights: branch", "'branch'"),
        ("treated: [central]", "nothing says when the change came: give treated_from"),
        ("treated: [centrall]\ntreated_from: 2024-07", "no unit 'centrall'"),
        ("treated: branch\ncohort: rollout", "cohort and treated both say"),
        ("treated_from: 2024-07", "leave treated_from out"),
        ("cohort: null", "nothing says who got the change"),
        ("unit: null", "set branches to false"),
        ("rows_are: people", "units are people, of whom none is shown: set branches to false"),
        ("worth: {per_point: 2}", "worth.people"),
        ("smallest: -1", "smallest"),
        ("min_cell: 2", "min_cell"),
        ("min_cell: 20000", "fewer than 20000 are never published"),
        ("labels: {branch: [Hall]}", "labels.branch"),
        ("unit: satisfaction\nfamily: nps\noutcome: recommend\ncohort: rollout", "several first treated periods"),
        ("data: {path: gone.csv}", "the file 'gone.csv' does not exist"),
        ("data: {source: dataset, name: mpdat}", "There is no data set 'mpdat'. Did you mean 'mpdta'"),
    ],
)
def test_wrong_params_are_one_clear_line(own, change, message):
    done, _ = own(change if change.startswith("data") else f"data: {{n: 2000}}\n{change}\n", "check")
    assert done.returncode in (2, 3), done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_broken_parquet_is_one_clear_line(own, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 nonsense")
    done, _ = own("data: {path: a.parquet}\n", "check")
    assert done.returncode == 3
    assert "'a.parquet' is not a readable Parquet file" in done.stderr
    assert "Traceback" not in done.stderr


def test_many_units_have_no_effects_of_their_own(own, tmp_path):
    unit, time = (a.ravel() for a in np.indices((500, 3)))
    frame = pd.DataFrame(
        {"u": unit, "t": time, "y": np.random.default_rng(0).normal(size=1500), "d": (unit < 200) & (time > 1)}
    )
    frame.astype({"d": int}).to_csv(tmp_path / "a.csv", index=False)
    done, _ = own("data: {path: a.csv}\noutcome: y\nfamily: gaussian\nunit: u\ntime: t\ntreated: d\n", "check")
    assert done.returncode == 3
    assert (
        "500 units are too many to estimate an effect for each; the most is 400. Set branches to false." in done.stderr
    )


def test_check_says_what_would_be_estimated(cli, root):
    done = cli("check", root / "params/did/service_hall.yml")
    assert done.returncode == 0, done.stderr
    assert (
        "Data: 20,000 rows of 24 unit(s) in 18 periods, 2024-01 to 2025-06; 18 treated from 3 dates, 2024-07 to 2025-02."
        in done.stdout
    )
    assert "Kind: staggered (units were treated from 3 different periods on), family ordinal" in done.stdout
    assert "each unit's effect by a hierarchical model" in done.stdout


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("width", [1280, 390])
def test_page_in_chromium(reports, lang, width, page_is_sound):
    page_is_sound(reports[lang] / "report.html", width)
