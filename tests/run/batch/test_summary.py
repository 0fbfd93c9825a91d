"""The summary of a batch: nothing that failed is silent, nothing is ranked by noise, and claims are corrected for the number of runs."""

import json
import re
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from batch_worlds import BRANCHES, Batch, branches

from xmresearch.claims.claim import cases
from xmresearch.report.wording import LANGUAGES, Wording, labels
from xmresearch.run.batch.drawn import axis_ends, over_runs
from xmresearch.run.batch.figures import MOST_FIGURES
from xmresearch.run.batch.finished import read_ended
from xmresearch.run.batch.naming import WORDS, command_of, names_of
from xmresearch.run.batch.report import MOST_LISTED
from xmresearch.run.batch.rows import any_shared, rows_read
from xmresearch.run.compare.report import MOST_IN_FIGURE
from xmresearch.run.index import find_runs, write_index
from xmresearch.run.manifest import NAME, output_hashes, recorded

TWELVE = np.random.default_rng(1).normal(0, 0.3, 12)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "outputs"


def text_of(summary):
    """What the HTML report shows, as text."""
    page = re.sub(r"(?s)<(style|script).*?</\1>|data:[^\"]*", " ", summary.report.read_text("utf-8"))
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def answer_of(summary, lang="en"):
    """What the first section shows: the question, warnings, cards and claims."""
    text = text_of(summary)
    question = {"en": "What do the", "zh": "批次“"}[lang]
    return text[text.rindex(question) : text.rindex(labels(lang, WORDS / f"{lang}.yml")["tables"]["all_runs"])]


def table(summary, key):
    return pd.read_csv(summary.folder / "tables" / f"{key}.csv", keep_default_na=False)


def claims_of(summary):
    """State of each claim of the ledger."""
    rows = table(summary, "claims")
    return dict(zip(rows["claim_title"], rows["state"], strict=True))


def state(summary, words):
    return next(v for k, v in claims_of(summary).items() if k.startswith(words))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_equal_branches_are_not_ranked(home, lang):
    made = branches(home, TWELVE, [0.3] * 12, lang).summary(exchangeable=True)
    assert set(claims_of(made).values()) == {"state_unsettled"}
    text = text_of(made)
    assert not re.search(r"is the (highest|lowest) of|营业厅\d+最[高低]", text)
    pooled, own = table(made, "pooled_1"), table(made, "figure_1")
    assert (pooled["pooled_upper"] - pooled["pooled_lower"]).max() < 0.8 * (own["ci_upper"] - own["ci_lower"]).min()
    assert np.ptp(pooled["pooled"]) < 0.5 * np.ptp(own["estimate"])
    assert list(own["run"]) == BRANCHES[lang][:12]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_one_branch_far_off_is_found(home, lang):
    made = branches(home, [0.2, 0.1, -0.1, 3.0, 0.3, -0.2], [0.3] * 6, lang).summary(exchangeable=True)
    title = labels(lang, WORDS / f"{lang}.yml")["claims"]
    assert state(made, title["highest"]["title"]) == state(made, title["differ"]["title"]) == "state_settled"
    assert state(made, title["lowest"]["title"]) == "state_unsettled"
    assert {"en": "Branch 4 is the highest of 6 runs", "zh": f"{BRANCHES['zh'][3]}最高"}[lang] in text_of(made)


def test_a_branch_of_next_to_nobody_does_not_lead(home):
    made = branches(home, [0.2, 0.5, 0.1, 9.0], [0.2, 0.2, 0.2, 8.0]).summary(exchangeable=True)
    pooled = table(made, "pooled_1").set_index("run")
    assert pooled.loc["Branch 4", "pooled"] < 1 < table(made, "figure_1")["estimate"].max()
    assert state(made, "Which run is the highest") == "state_unsettled"


def test_runs_that_are_not_declared_exchangeable_are_not_ranked(home):
    made = branches(home, [0.0, 5.0, 9.0, 20.0], [0.3] * 4).summary()
    assert [k.partition(" (")[0] for k in claims_of(made)] == ["Whether the runs differ", "How many runs lie off zero"]
    assert "pooled_1.csv" not in {p.name for p in (made.folder / "tables").iterdir()}
    text = text_of(made)
    assert "The runs are not ranked" in text
    assert not re.search(r"highest|lowest|P\(", text)


def test_two_runs_are_neither_pooled_nor_ranked(home):
    made = branches(home, [1.0, 4.0], [0.3, 0.3]).summary(exchangeable=True)
    assert state(made, "Whether the runs differ") == "state_settled"
    assert len(claims_of(made)) == 2
    assert "neither pooled nor ranked: too few" in text_of(made)
    assert branches(home.with_name("one"), [1.0], [0.3]).summary() is None


@pytest.mark.parametrize("declared", [False, True])
def test_runs_of_the_same_rows_are_not_set_against_one_another(home, declared):
    batch = Batch(home)
    for k in (30, 60, 90):
        batch.whole({"min_cell": k}, {"waiting": (k / 10, 0.3)}, source="one file", min_cell=k)
    made = batch.summary(exchangeable=declared)
    text = text_of(made)
    if declared:
        assert state(made, "Whether the runs differ") == "state_withheld"
        assert "runs are not set against one another" in text
        assert "min_cell 30 and min_cell 60 may have rows in common" in text
    else:
        assert list(claims_of(made)) == ["How many runs lie off zero (Waiting / mean)"]
        assert "differences between runs are not tested" in text


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (({"data": "h1"}, {}), ({"data": "h2"}, {}), False),
        (({"data": "h1"}, {}), ({"data": "h1"}, {}), True),
        (({"data": "h1"}, {"a": ["x"]}), ({"data": "h1"}, {"a": ["y"]}), False),
        (({"data": "h1"}, {"a": ["x", "y"]}), ({"data": "h1"}, {"a": ["y"]}), True),
        (({"data": "h1"}, {"a": ["x"]}), ({"data": "h1"}, {"b": ["y"]}), True),
        (({"data": "h1"}, {"a": ["x"], "b": ["1"]}), ({"data": "h1"}, {"a": ["x"], "b": ["2"]}), False),
        (({"data": "h1"}, {"a": ["X "]}), ({"data": "h1"}, {"a": ["x"]}), True),
        (({"data": "h1", "join1": "j"}, {}), ({"data": "h1"}, {}), True),
        (({"data/a": "h1", "data/b": "h2"}, {}), ({"data/a": "h2"}, {}), True),
        (({"codebook": "c"}, {}), ({"codebook": "c"}, {}), True),
    ],
)
def test_rows_are_the_same_unless_they_are_known_not_to_be(first, second, shared):
    read = [rows_read({"data": {"source": "file", "where": w}}, inputs, {}) for inputs, w in (first, second)]
    assert (any_shared(read) is not None) == shared
    assert (any_shared(read[::-1]) is not None) == shared


def test_simulated_rows_differ_by_their_settings_and_persons_by_what_was_varied():
    seeds = [rows_read({"data": {"source": "scenario", "seed": k}}, {}, {}) for k in (1, 2, 1)]
    assert any_shared(seeds[:2]) is None
    assert any_shared(seeds) == (0, 2)
    hidden = {"data": {"source": "file", "where": {"customer": ["[name]"]}}}
    persons = [rows_read(hidden, {"data": "h"}, {"data.where.customer": v}) for v in ("A", "B")]
    assert any_shared(persons) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_failures_are_never_silent(home, lang):
    batch = Batch(home, lang)
    names = BRANCHES[lang][:4]
    for k, name in enumerate(names):
        batch.failed(
            {"data.where.branch": name}, error="2 problems:\n- 'a=b' is <b>missing</b>.\n- `c`", notebook=k < 2
        )
    made = batch.left({"data.where.branch": "=rest*"}).summary()
    text, words = text_of(made), yaml.safe_load((WORDS / f"{lang}.yml").read_text("utf-8"))
    warned = answer_of(made, lang).partition(words["texts"]["failures"])[0]
    assert all(name in warned for name in [*names, "=rest*"])
    failed = table(made, "failed")
    assert list(failed["run"]) == names
    assert [bool(n) for n in failed["notebook"]] == [True, True, False, False]
    assert "'a=b' is <b>missing</b>" in failed["wrong"][0]
    assert failed["command"][0].startswith("xmresearch run branches.yml -p ")
    assert names[0] in failed["command"][0]
    assert table(made, "not_begun")["run"].tolist() == ["'=rest*"]
    assert "=rest*" in text
    assert table(made, "all_runs")["run_state"].tolist() == ["run_failed"] * 4 + ["run_not_begun"]
    notebook = json.loads((made.folder / NAME).read_text("utf-8"))
    assert [f["name"] for f in notebook["failed"]] == ["r0", "r1", "r2", "r3"]


def test_a_warning_stands_beside_what_the_others_say(home):
    batch = branches(home, TWELVE, [0.3] * 12)
    for k in range(MOST_LISTED + 3):
        batch.failed({"data.where.branch": f"F{k}"})
    text = answer_of(batch.summary(exchangeable=True))
    warned = text.index("Runs that failed: 9 of 21")
    assert warned < text.index("12 of 21 runs")
    assert "F5 and 3 more" in text


def test_a_folder_that_is_gone_counts_as_failed(home):
    batch = branches(home, [0.1, 0.2, 0.3], [0.3] * 3)
    (Path(batch.outcomes[1].folder) / "report.html").write_text("edited", "utf-8")
    ended = read_ended(batch.outcomes, [], home, "en")
    assert ([r.name for r in ended.whole], [r.name for r in ended.failed]) == (["Branch 1", "Branch 3"], ["Branch 2"])
    assert "holds no whole run" in ended.failed[0].error
    assert str(home) not in ended.failed[0].error


def test_claims_are_corrected_for_the_number_of_runs(home):
    """Branches of which some reach the bound by chance alone, and one that is far beyond it."""
    made = branches(home, [0.7, -0.65, *[0.0] * 9, 2.0], [0.3] * 12).summary()
    runs = table(made, "by_run_1").set_index("run")
    assert "Effect on waiting" in runs.loc["Branch 1", "lost"]
    assert "Effect on waiting" in runs.loc["Branch 12", "settled"]
    assert "Effect on waiting" in runs.loc["Branch 3", "unsettled"]
    assert "Parallel trends" in runs.loc["Branch 12", "unsettled"]
    counted = table(made, "by_claim_1").set_index("claim_title")
    assert counted.loc["Effect on waiting", ["made", "settled_alone", "settled", "unsettled"]].tolist() == [
        12,
        3,
        1,
        11,
    ]
    assert float(counted.loc["Effect on waiting", "any_false"]) == pytest.approx(0.05)
    assert float(counted.loc["Parallel trends", "false_at_most"]) == pytest.approx(12 * 0.05)
    text = text_of(made)
    assert "of 3 that runs settle by themselves, 1 are still settled" in text
    assert "0.6 may be expected" in text
    assert "off zero in 1 of 12 runs" in text


def test_a_run_whose_check_failed_is_shown_and_not_compared(home):
    batch = Batch(home)
    for k, name in enumerate(BRANCHES["en"][:5]):
        batch.whole(
            {"data.where.branch": name}, {"waiting": (0.9 * k, 0.3)}, source="f", failed=("waiting",) if k == 4 else ()
        )
    made = batch.summary(exchangeable=True)
    assert list(table(made, "pooled_1")["run"]) == BRANCHES["en"][:4]
    assert list(table(made, "figure_1")["run"]) == BRANCHES["en"][:5]
    assert "runs that are shown but not compared: 1" in text_of(made)
    assert "Branch 4 is the highest of 4" in text_of(made)


def test_settings_of_meaning_make_differences_conditional(home):
    batch = Batch(home)
    for k, family in enumerate(("gaussian", "poisson", "gaussian")):
        varied = {"data.where.branch": BRANCHES["en"][k], "family": family}
        batch.whole(varied, {"waiting": (k * 0.9, 0.3)}, source="f", family=family)
    made = batch.summary(exchangeable=True)
    assert state(made, "Whether the runs differ") == "state_conditional"
    assert len(claims_of(made)) == 2
    assert "Settings that give it its meaning differ: family" in text_of(made)
    assert list(table(made, "figure_1")["run"])[1] == "Branch 2 · poisson"


def test_studies_are_not_mixed(home):
    batch = Batch(home)
    for k, name in enumerate(BRANCHES["en"][:4]):
        batch.whole({"data.where.branch": name}, {"waiting": (k * 2.0, 0.3), "praise": (0.1, 0.2)}, source="f")
    for k, name in enumerate(BRANCHES["en"][:3]):
        batch.whole({"data.where.branch": name}, {"nps": (20.0 + k, 4.0)}, study="scorecard", source="f")
    made = batch.summary(exchangeable=True)
    assert [len(table(made, f"figure_{k}")) for k in (1, 2, 3)] == [4, 4, 3]
    assert list(table(made, "figure_3")["run"]) == BRANCHES["en"][:3]
    text = text_of(made)
    assert "The batch mixes 2 studies" in text
    # three figures: each claim is made at a third of the level
    assert set(table(made, "claims")["promised"].round(6)) == {round(0.05 / 3, 6)}
    assert "NPS: no difference between the 3 runs" in text
    assert "off zero" in text
    assert not re.search(r"NPS: (?:in none|off zero)", text)


def test_more_figures_than_a_page_takes_are_named(home):
    batch = Batch(home)
    for name in BRANCHES["en"][:3]:
        batch.whole({"data.where.branch": name}, {f"o{k}": (0.1, 0.2) for k in range(MOST_FIGURES + 2)}, source="f")
    made = batch.summary()
    assert len(list((made.folder / "tables").glob("figure_*.csv"))) == MOST_FIGURES
    assert "not shown over the runs" in text_of(made)
    assert "O7 / mean" in text_of(made)


def test_many_runs_are_drawn_without_names(home):
    rng = np.random.default_rng(3)
    count = 2 * MOST_IN_FIGURE
    names = [f"网点{k}" for k in range(count)]
    made = branches(home, rng.normal(0, 0.5, count), np.exp(rng.normal(0, 0.4, count)) * 0.3, "zh", names).summary(
        exchangeable=True
    )
    assert len(table(made, "figure_1")) == len(table(made, "pooled_1")) == count
    svg = (made.folder / "figures" / "pooled_1.svg").read_text("utf-8")
    small = branches(home.with_name("few"), TWELVE, [0.3] * 12, "zh").summary(exchangeable=True)
    heights = [
        float(re.search(r'height="([\d.]+)pt', s)[1])
        for s in (svg, (small.folder / "figures" / "pooled_1.svg").read_text("utf-8"))
    ]
    assert heights[0] < 2 * heights[1]


HOSTILE = ("=cmd()", "**bold** [x](http://e)", "<script>alert(1)</script>", "yes", "state_settled", "a=b", "{figure}", "@tbl:figure [@nobody2000]", "$x^2$", "| pipe |")  # fmt: skip


def test_an_interval_that_is_far_too_wide_does_not_press_the_others_together():
    """The axis ends where most intervals end, and a mark stands where one goes on."""
    rows = pd.DataFrame({"run": list("abcd"), "estimate": [0.2, 0.5, 0.1, 9.0], "ci_lower": [0.1, 0.3, 0.05, -7.0], "ci_upper": [0.4, 0.7, 0.3, 25.0]})  # fmt: skip
    pooled = rows.assign(pooled=[0.2, 0.4, 0.2, 0.3], pooled_lower=0.1, pooled_upper=0.8)
    low, high = axis_ends(pooled, "estimate", False)
    assert 0 < low < 0.05
    assert 0.8 < high < 0.9
    assert axis_ends(pooled, "estimate", True)[0] < 0
    assert axis_ends(rows, "estimate", False)[1] > 9
    assert axis_ends(rows.iloc[:3], "estimate", False)[1] < 0.8
    wording = Wording("en", {}, words=WORDS / "en.yml")
    marks = [
        over_runs(frame, wording, "pooled").count("<use ")
        for frame in (pooled.assign(ci_lower=0.1, ci_upper=0.5), pooled)
    ]
    assert marks[1] == marks[0] + 2


def test_hostile_names_stand_as_they_are(home):
    batch = branches(home, [3.0 * k for k in range(len(HOSTILE))], [0.3] * len(HOSTILE), names=HOSTILE)
    for name in HOSTILE[:3]:
        batch.failed({"data.where.branch": f"{name}!"})
    made = batch.summary(exchangeable=True)
    page, text = made.report.read_text("utf-8"), text_of(made)
    assert "<script>alert" not in page
    assert "<strong>bold" not in page
    shown = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'")
    for name in HOSTILE:
        assert name in shown, name
    assert "| pipe | is the highest of 10" in shown


def test_runs_are_called_by_what_differs(home):
    batch = Batch(home)
    given = [
        {"data.n": 300, "data.seed": k, "data.where.branch": ["东", "西"], "name": f"x{k}", "outcome": o}
        for k in (1, 2)
        for o in ("wait", None)
    ]
    jobs = [batch.job(varied) for varied in given]
    assert names_of(jobs, "zh") == ["seed 1 · wait", "seed 1 · outcome null", "seed 2 · wait", "seed 2 · outcome null"]
    files = [batch.job({}, params=f"params/did/{name}.yml") for name in "ab"]
    assert names_of(files, "en") == ["r0 (1)", "r0 (2)"]
    crossed = [batch.job({"outcome": o}, params=f"params/did/{p}.yml") for p in "ab" for o in ("wait", "nps")]
    assert names_of(crossed, "en") == ["a · wait", "a · nps", "b · wait", "b · nps"]


def test_names_of_persons_are_not_shown(home):
    batch = Batch(home)
    jobs = [
        batch.job({"data.where.customer name": who, "data.where.city": c})
        for who, c in (("Li Lei", "A"), ("Han Mei", "A"))
    ]
    assert names_of(jobs, "en") == ["r0 (1)", "r0 (2)"]
    jobs.append(batch.job({"data.where.customer name": "Wu", "data.where.city": "B"}))
    assert names_of(jobs, "en") == ["A (1)", "A (2)", "B"]
    assert "Li Lei" not in command_of(jobs[0])
    mail = batch.job({"data.where.branch": "li@example.com"})
    assert "li@example.com" not in command_of(mail)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_bytes_depend_on_the_runs_alone(home, tmp_path, lang):
    formats = {"en": ["html", "xlsx"], "zh": ["html", "pdf"]}[lang]
    given = {
        "exchangeable": True,
        "formats": formats,
        "title": {"en": "Did queues shorten?", "zh": "排队时间缩短了吗？"},
        "client": "ACME",
    }
    first = branches(home, TWELVE[:5], [0.3] * 5, lang).summary(**given)
    second = branches(tmp_path / "other" / "outputs", TWELVE[:5], [0.3] * 5, lang).summary(**given)
    assert first.folder.name == second.folder.name
    assert set(formats) <= {name.partition(".")[2] for name in recorded(first.folder) if name.startswith("report.")}
    for name in recorded(first.folder):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name
    assert str(tmp_path) not in first.report.read_text("utf-8")
    assert {"en": "Did queues shorten?", "zh": "排队时间缩短了吗？"}[lang] in text_of(first)
    again = branches(home.with_name("third"), TWELVE[:5], [0.3] * 5, lang)
    given["formats"] = ["html"]
    before = again.summary(**given).folder
    assert before.name == first.folder.name
    (before / "mine.txt").write_text("kept", "utf-8")
    assert again.summary(**given).folder == before
    assert (before / "mine.txt").read_text("utf-8") == "kept"
    assert again.failed({"data.where.branch": "x"}).summary(**given).folder != before


def test_the_index_passes_over_summaries(home):
    made = branches(home, TWELVE[:3], [0.3] * 3).summary()
    assert recorded(made.folder) == output_hashes(made.folder)
    runs, left = find_runs(home)
    assert not any(folder.startswith("batch") for folder in [r.folder for r in runs] + [name for name, _ in left])
    assert write_index(home)[0].is_file()


def fields(template):
    """Placeholders of a text or of its variants."""
    parts = template.values() if isinstance(template, dict) else [template]
    return {n for part in parts for _, n, _, _ in string.Formatter().parse(str(part)) if n}


def test_words_agree_in_both_languages():
    en, zh = (yaml.safe_load((WORDS / f"{lang}.yml").read_text("utf-8")) for lang in LANGUAGES)
    assert {k: set(v) for k, v in en.items()} == {k: set(v) for k, v in zh.items()}
    for section in ("texts", "tables", "notes"):
        for key, template in en[section].items():
            assert fields(template) == fields(zh[section][key]), key
    reached = {
        "differ": set(cases("alike")) - {"alike"}, "highest": set(cases("first")) - {"only"}, "lowest": set(cases("first")) - {"only"},
        "off_mean": set(cases("count")), "off_zero": set(cases("count")) - {"conditional"},
    }  # fmt: skip
    for lang, words in (("en", en), ("zh", zh)):
        assert {name: set(claim["text"]) for name, claim in words["claims"].items()} == reached, lang
        for name, claim in words["claims"].items():
            for part in claim.get("card", {}).values():
                assert isinstance(part, str) or set(part) == reached[name], (lang, name)
            for case in claim["text"]:
                assert fields(claim["text"][case]) == fields(en["claims"][name]["text"][case]), (name, case)
