"""Compare two runs: figures, pairs, settings, claims, and the report in both languages."""

import re
import string
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from recorded_runs import record

from xmresearch.claims.claim import cases
from xmresearch.errors import OutputError, ParamsError
from xmresearch.params.registry import find_study, study_names
from xmresearch.report.compose import Report
from xmresearch.report.wording import LANGUAGES, labels
from xmresearch.run.compare.compare import compare_runs
from xmresearch.run.compare.difference import difference
from xmresearch.run.compare.pairing import codebooks_differ
from xmresearch.run.compare.recorded import read_run, remarked
from xmresearch.run.compare.report import comparison_claims, comparison_report
from xmresearch.run.compare.settings import effect_of, settings_changed
from xmresearch.run.compare.telling import WORDS
from xmresearch.studies.scorecard.claims import headline_moved
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.result import scorecard
from xmresearch.studies.scorecard.study import STUDY

BOOK = """
name: visits
labels: {en: Visits, zh: 来访}
scale: {minimum: 1, maximum: 7}
constructs: {overall: {en: Overall, zh: 总体}}
items:
  recommend: {kind: outcome, construct: overall, scale: {minimum: 0, maximum: 10}, labels: {en: Recommendation, zh: 推荐}}
  quality: {kind: outcome, construct: overall, labels: {en: Quality, zh: 质量}}
"""
SCREENING = {"duplicate_rows": {"action": "off"}, "long_string": {"action": "off"}, "irv": {"action": "off"}}


def wave(seed, shift=0.0, people=range(300)):
    """Answers of people whose dispositions stay, so that two waves of the same people go together."""
    taste = np.random.default_rng(99).normal(size=2000)
    rng = np.random.default_rng(seed)
    mind = np.array([taste[p] for p in people]) + 0.5 * rng.normal(size=len(people))
    return pd.DataFrame({
        "who": [f"r{p}" for p in people],
        "recommend": np.clip(np.round(7 + 2 * mind), 0, 10).astype(int),
        "quality": np.clip(np.round(4 + shift + mind), 1, 7).astype(int),
    })  # fmt: skip


@pytest.fixture
def made(tmp_path):
    def make(name, rows, lang="en", book=BOOK, **settings):
        (tmp_path / "params").mkdir(exist_ok=True)
        rows.to_csv(tmp_path / "params" / f"{name}.csv", index=False)
        (tmp_path / "params" / f"{name}_book.yml").write_text(book, "utf-8")
        given = {
            "study": "scorecard", "name": name, "lang": lang, "codebook": f"{name}_book.yml", "screening": SCREENING,
            "data": {"source": "file", "path": f"{name}.csv"}, "id_column": "who",
            "metrics": [{"item": "quality", "measure": "mean"}, {"item": "recommend", "measure": "nps"}], **settings,
        }  # fmt: skip
        params = ScorecardParams.model_validate(given)
        survey = STUDY.open(params, tmp_path / "params")
        found = scorecard(survey, params)
        report = Report(lang, STUDY, found.names(survey, params), level=params.confidence, decimals=found.decimals)
        report.title(None, None, **survey.summary(), waves=1, metrics=2)
        moved = headline_moved(found)
        report.cards(respondents=survey, moved=moved)
        report.claim(moved)
        report.table("waves", found.digits(found.over_time), ["metric", "wave", "n", "n_eff", "estimate", "ci"])
        report.table("screening", survey.log.rules, ["rule", "setting", "action", "flagged", "removed", "remaining"])
        folder = record(
            tmp_path / "runs" / name, report.blocks, params.determining(), params.input_files(tmp_path / "params")
        )
        run = read_run(folder)
        object.__setattr__(run, "base", tmp_path / "params")
        return run

    return make


def test_same_people_are_paired_and_others_are_not(made):
    before, after = made("w1", wave(1)), made("w2", wave(2, 0.3))
    found = difference(before, after)
    assert (found.pairing.case, found.pairing.both, found.pairing.told) == ("paired", 300, True)
    quality = found.figures.set_index("figure").loc["waves/estimate/quality"]
    rows = wave(1).merge(wave(2, 0.3), on="who")
    apart = rows["quality_y"] - rows["quality_x"]
    reach = (quality["change_upper"] - quality["change_lower"]) / 2
    assert quality["change"] == pytest.approx(apart.mean())
    assert reach == pytest.approx(1.97 * apart.std() / np.sqrt(300), rel=0.02)
    claims = comparison_claims(found)
    assert [c.case for c in claims] == ["some", "above"]
    alone = difference(before, made("w3", wave(2, 0.3, range(300, 600))))
    assert alone.pairing.case == "nobody"
    assert alone.figures["change_upper"].iloc[0] - alone.figures["change_lower"].iloc[0] > 2.5 * reach


@pytest.mark.parametrize(
    ("lang", "metric", "label", "said"),
    [
        ("en", "mean", "change of Quality, in points of the scale", "in points of the scale (95 % interval"),
        ("zh", "mean", "质量的变化（单位：分）", "单位：分；95 % 区间"),
        ("en", "top_boxes", "change of Quality, in percentage points", "in percentage points (95 % interval"),
        ("zh", "top_boxes", "质量的变化（单位：个百分点）", "单位：个百分点；95 % 区间"),
    ],
)
def test_a_change_is_told_in_its_unit(made, lang, metric, label, said):
    metrics = [{"item": "quality", "measure": metric}]
    runs = [made(name, wave(k, shift), lang, metrics=metrics) for name, k, shift in (("w1", 1, 0.0), ("w2", 2, 0.8))]
    blocks = comparison_report(difference(*runs))
    card = next(i for b in blocks if b.kind == "cards" for i in b.content["items"] if i["key"] == "lead")
    text = next(b.content["text"] for b in blocks if b.content.get("key") == "lead")
    assert card["label"] == label
    assert re.fullmatch(r"[+−][\d.]+", card["value"])
    assert said in text


def test_headlines_that_lead_say_what_they_are_counted_in():
    """By a word of the study in both languages, or a column of its table."""
    for name in study_names():
        study = find_study(name)
        for headline in study.headline:
            if headline.leads and headline.counted_in != "unit":
                for lang in LANGUAGES:
                    assert labels(lang, study.words(lang))["values"][headline.counted_in], (name, lang)


def test_how_many_are_in_both_is_not_told_where_a_few_are_not(made):
    found = difference(made("w1", wave(1)), made("w2", wave(2, 0, range(4, 304))))
    assert (found.pairing.case, found.pairing.both, found.pairing.told) == ("paired", 296, False)
    text = "\n".join(str(b.content) for b in comparison_report(found))
    assert "296" not in text


@pytest.mark.parametrize(("alone", "least", "told"), [(9, 10, False), (10, 10, True), (19, 20, False), (20, 20, True)])
def test_how_many_are_in_both_is_told_where_no_group_is_below_the_runs_own_bound(made, alone, least, told):
    found = difference(made("w1", wave(1)), made("w2", wave(2, 0, range(alone, 300)), min_cell=least))
    assert found.pairing.told == told


def test_identifiers_pair_however_they_were_read_and_blank_ones_pair_with_nobody(made):
    before, after = (wave(seed).assign(who=pd.array(range(300), "Int64")) for seed in (1, 2))
    whole = difference(made("w1", before), made("w2", after)).pairing
    assert whole.both == 300
    for rows in (before, after):
        rows.loc[:39, "who"] = pd.NA
    found = difference(made("w3", before), made("w4", after)).pairing
    assert (found.case, found.both, found.told) == ("paired", 260, True)
    assert difference(made("w5", wave(1).assign(who=range(300))), made("w6", after)).pairing.both == 260
    quality = "waves/estimate/quality"
    assert found.correlation[quality] == pytest.approx(whole.correlation[quality] * 260 / 300, rel=0.1)


def test_the_wave_that_runs_report_is_compared_and_not_the_last_of_their_file(made):
    parts = [wave(seed, shift).assign(year=f"y{seed}") for seed, shift in ((1, 0.0), (2, 1.0), (3, -1.0))]
    rows = pd.concat(parts, ignore_index=True)
    rows["who"] += rows["year"]
    runs = [made(f"w{k}", rows, wave_column="year", compare=["y1", f"y{k}"]) for k in (2, 3)]
    found = difference(*runs).figures.set_index("figure").loc["waves/estimate/quality"]
    means = [part["quality"].mean() for part in parts]
    assert [found["before"], found["after"]] == pytest.approx(means[1:])
    assert found["correlation"] == 0


def test_rows_that_are_gone_or_changed_are_not_paired(made, tmp_path):
    before, after = made("w1", wave(1)), made("w2", wave(2))
    (tmp_path / "params" / "w1.csv").write_text("who,recommend,quality\n", "utf-8")
    assert difference(before, after).pairing.case == "not_found"
    assert difference(made("a", wave(1), id_column=None), made("b", wave(2))).pairing.case == "no_ids"


def test_other_questions_and_settings_of_meaning_make_claims_conditional(made):
    before = made("w1", wave(1))
    boxes = made("w2", wave(2, 0.5), metrics=[{"item": "quality", "measure": "top_boxes"}])
    found = difference(before, boxes)
    assert "metrics.1.measure" in found.meaning
    assert comparison_claims(found)[0].case == "conditional"
    longer = made("w3", wave(3, 0.5), book=BOOK.replace("maximum: 7", "maximum: 9"))
    assert codebooks_differ(before, longer) == ["quality"]
    found = difference(before, longer)
    assert comparison_claims(found)[1].failed == ["same_items"]
    assert any(b.kind == "callout" and "quality" in b.content["text"] for b in comparison_report(found))


def test_settings_by_what_they_do():
    before = {
        "name": "a",
        "metrics": [{"item": "q", "measure": "nps", "benchmarks": []}],
        "data": {"path": "x"},
        "study": "s",
    }
    after = {
        "name": "b",
        "metrics": [{"item": "q", "measure": "mean", "benchmarks": [1]}],
        "data": {"path": "y"},
        "study": "s",
    }
    found = settings_changed(before, after, ScorecardParams).set_index("setting")
    assert found["effect"].to_dict() == {
        "metrics.1.measure": "effect_meaning", "metrics.1.benchmarks": "effect_claims", "data.path": "effect_rows", "name": "effect_showing",
    }  # fmt: skip
    assert tuple(found.loc["metrics.1.benchmarks", ["was", "is"]]) == ("[]", "[1]")


@pytest.mark.parametrize(
    ("study", "key", "effect"),
    [
        ("did", "compare", "effect_meaning"), ("did", "smallest", "effect_claims"), ("servqual", "compare", "effect_rows"),
        ("drivers", "costs.d1", "effect_claims"), ("attribution", "survey.path", "effect_rows"), ("sem", "model", "effect_meaning"),
    ],
)  # fmt: skip
def test_one_word_may_mean_different_things_in_different_studies(study, key, effect):
    assert effect_of(key, find_study(study).params) == effect


@pytest.mark.parametrize("study", study_names())
def test_settings_whose_effect_is_told_are_there(study):
    model = find_study(study).params
    known = set(model.model_fields) | {
        k for d in model.model_json_schema()["$defs"].values() for k in d.get("properties", ())
    }
    told = [model.of_rows, model.of_showing, model.of_claims]
    assert set().union(*told) <= known
    assert sum(map(len, told)) == len(set().union(*told))
    assert model.of_rows | model.of_showing <= set(model.model_fields) - model.shown_only


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_report_is_written_whole_and_twice_the_same(made, tmp_path, lang):
    runs = [made("w1", wave(1), lang).folder, made("w2", wave(2, 0.4), lang).folder]
    formats = ("html", "xlsx")
    first = compare_runs(*runs, out=tmp_path / "one", formats=formats)
    second = compare_runs(*runs, out=tmp_path / "two", formats=formats)
    for kind in formats:
        assert (first.folder / f"report.{kind}").read_bytes() == (second.folder / f"report.{kind}").read_bytes()
    table = pd.read_csv(first.folder / "tables" / "figures.csv")
    assert {"change", "change_lower", "change_upper", "p_adjusted", "correlation"} <= set(table.columns)
    assert not re.search(r"\br\d+\b", first.report.read_text("utf-8").replace("r2", ""))
    claims = pd.read_csv(first.folder / "tables" / "claims_compared.csv")
    assert list(claims["claim"]) == ["moved"]


def test_what_cannot_be_compared_is_refused(made, tmp_path):
    run = made("w1", wave(1))
    with pytest.raises(ParamsError, match="neither the folder of a run nor a params file"):
        read_run(tmp_path / "nothing")
    with pytest.raises(ParamsError, match="is in 'en', not in 'zh'"):
        read_run(run.folder, "zh")
    assert read_run(run.folder, "en").key == run.key
    (run.folder / "report.html").write_text("edited", "utf-8")
    with pytest.raises(OutputError, match="holds no whole run"):
        read_run(run.folder)
    other = record(tmp_path / "runs" / "other", [], {"study": "did", "name": "x", "lang": "en"})
    with pytest.raises(ParamsError, match="different studies"):
        difference(made("w2", wave(2)), read_run(other))


def fields(template):
    """Placeholders of a text or of its variants."""
    parts = template.values() if isinstance(template, dict) else [template]
    return {n for part in parts for _, n, _, _ in string.Formatter().parse(str(part)) if n}


def test_words_agree_in_both_languages():
    en, zh = (yaml.safe_load((WORDS / f"{lang}.yml").read_text("utf-8")) for lang in ("en", "zh"))
    assert {k: set(v) for k, v in en.items()} == {k: set(v) for k, v in zh.items()}
    for section in ("texts", "tables", "notes"):
        for key, template in en[section].items():
            assert fields(template) == fields(zh[section][key]), key
    for lang in ("en", "zh"):
        words = labels(lang, WORDS / f"{lang}.yml")["claims"]
        assert set(words["changed"]["text"]) == set(cases("count"))
        assert set(words["lead"]["text"]) == set(cases("sign"))


def test_chinese_runs_are_quoted_in_full_width_brackets_without_stray_spaces(made):
    run = made("z", wave(1), "zh")
    record = {"name": "seen", "state": "settled", "verdict": "all"}
    prose = {"kind": "prose", "text": "**升。** 见 @tbl:waves 和 @tbl:waves。", "claims": [record]}
    item = {"label": "得分", "value": "5.2", "note": "上升", "claims": [record | {"name": "card"}]}
    said = replace(run, blocks=(*run.blocks, prose, {"kind": "cards", "items": [item]})).claims
    caption = run.tables["waves"]["caption"]
    assert said["seen"].words == f"升。见“{caption}”和“{caption}”。"
    assert said["card"].words == "得分：5.2（上升）"
    assert [remarked("a", "b", "en"), remarked("a", "", "en")] == ["a (b)", "a"]
