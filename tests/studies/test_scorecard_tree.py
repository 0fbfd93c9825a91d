"""The indicators of a scorecard on the page: lights follow from the claim, in both languages."""

import numpy as np
import pytest
from page import answer, assembled, cards, in_both, prose
from pydantic import ValidationError
from scorecard_worlds import BOOK_TEXT, METRICS, answers

from xmresearch.claims.families import count_of
from xmresearch.errors import XMError
from xmresearch.studies.scorecard.checking import check_study
from xmresearch.studies.scorecard.opening import open_scorecard
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.study import STUDY
from xmresearch.studies.scorecard.tree import targets_missed

TREE = [
    {"name": "loyalty", "parts": {"nps": 1.0, "service": 1.0}, "target": 40.0},
    {"name": "service", "parts": {"csat": 1.0, "ces": 1.0}, "target": 80.0},
    {"name": "ease", "parts": {"easy": 1.0}, "target": 63.0},
]
BARE = {
    "codebook": "book.yml", "id_column": None, "duration_column": None, "weight_column": None, "segments": [], "metrics": METRICS,
    "wave_column": None, "wave_period": None, "draws": 500, "data": {"path": "tree.csv"},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("tree")
    book = BOOK_TEXT + "  easy: {kind: outcome, scale: {minimum: 1, maximum: 7}, labels: {en: Easy, zh: 轻松}}\n"
    (where / "book.yml").write_text(book, "utf-8")
    frame = answers(500, [92, 1], waves=("2025",)).assign(easy=lambda f: f["ces"])
    frame.to_csv(where / "tree.csv", index=False)
    two = answers(500, [92, 1]).assign(easy=lambda f: f["ces"])
    two.assign(easy=two["easy"].where(np.arange(1000) < 509)).to_csv(where / "few.csv", index=False)
    return where


def given(tree, **more):
    return {**BARE, "metrics": [*METRICS, {"item": "easy", "measure": "mean"}], "tree": tree, **more}


def rows(report):
    block = next(b.content for b in report.blocks if b.kind == "table" and b.content["key"] == "tree")
    return {r[0]: r for r in block["rows"]}, block


def test_lights_are_those_of_the_claim_in_both_languages(folder):
    both = in_both("scorecard", folder, **given(TREE))
    claim = both["en"].claims["targets"]
    assert (claim.case, claim.facts["reached"], claim.facts["missed"]) == ("some", ["loyalty"], ["service"])
    assert claim.facts["total"] == 3
    missed = both["en"].claims["missed"]
    assert (missed.case, missed.facts["shown"], missed.facts["not_shown"]) == ("some", ["service"], ["loyalty", "ease"])
    assert missed.case in STUDY.asking["missed"].verdicts
    for lang, lights in (
        ("en", ("green: reached", "red: missed", "amber: not settled")),
        ("zh", ("绿：达标", "红：未达标", "黄：未定")),
    ):
        told, block = rows(both[lang])
        names = ("Loyalty", "service", "ease") if lang == "en" else ("忠诚度", "service", "ease")
        for name, light in zip(names, lights, strict=True):
            assert told[name][-1].endswith(light)
        assert told["Easy" if lang == "en" else "轻松"][-1] == "–"
        assert "3" in block["note"]
        screen = "".join(b.content.get("text", "") for b in answer(both[lang]))
        assert ("**2 of 3 targets are settled**" if lang == "en" else "**3 个目标中有 2 个有定论**") in screen
        assert ("**Target missed: service.**" if lang == "en" else "**未达标：service。**") in screen
        advice = next(p.text for p in assembled(both[lang]).summary if p.content.get("key") == "summary_asks")
        assert ("Target missed: service." if lang == "en" else "未达标：service。") in advice
        assert ("changed by more" if lang == "en" else "变化有没有") not in screen
        value = next(c["value"] for c in cards(both[lang]) if c["key"] == "missed")
        assert value == ("1 of 3" if lang == "en" else "3 个中的 1 个")
        assert "moved" not in {c["key"] for c in cards(both[lang])}
        asked = next(b.content["text"] for b in answer(both[lang]) if b.kind == "prose")
        assert asked == (
            "How is it rated? Does it reach what it is held against?"
            if lang == "en"
            else "评价如何？与目标或基准相比如何？"
        )
    assert "The 3 lights are one family" in prose(both["en"])
    assert "这 3 盏灯作为一族" in prose(both["zh"])


@pytest.mark.parametrize(
    ("missed", "reached", "case"), [(["a", "b"], [], "all"), (["b"], [], "some"), (["b"], ["a"], "some")]
)
def test_what_misses_its_target_is_told_of_the_same_tests(missed, reached, case):
    p = [0.001 if name in missed + reached else 0.9 for name in ("a", "b")]
    given = count_of("targets", ["a", "b"], p, confidence=0.95).about(reached=reached, missed=missed)
    made = targets_missed(given)
    assert (made.name, made.case, made.rule, made.promised) == ("missed", case, given.rule, given.promised)
    assert (made.facts["count"], made.facts["total"], made.facts["shown"]) == (len(missed), 2, missed)
    assert sorted(made.facts["shown"] + made.facts["not_shown"]) == ["a", "b"]


def test_where_no_target_is_shown_to_be_missed_none_is_spoken_of():
    """Targets that are all reached leave nothing open, and nothing to do."""
    given = count_of("targets", ["a"], [0.001], confidence=0.95).about(reached=["a"], missed=[])
    assert targets_missed(given) is None
    assert targets_missed(None) is None


def test_a_metric_with_few_answers_in_the_wave_is_grey(folder):
    both = in_both("scorecard", folder, langs=("en",), **given(TREE, data={"path": "few.csv"}, wave_column="wave"))
    told, _ = rows(both["en"])
    assert told["ease"][-1].endswith("grey: not shown")
    assert told["ease"][4] == "–"
    assert both["en"].claims["targets"].facts["total"] == 3
    assert "The 2 lights are one family" in prose(both["en"])


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ([{"name": "x", "parts": {"npss": 1.0}}], "'npss', which is neither a metric nor an indicator"),
        ([{"name": "x", "parts": {"y": 1.0}}, {"name": "y", "parts": {"x": 1.0}}], "parts of one another"),
        ([{"name": "x", "parts": {"nps": 0.0}}], "add up to nothing"),
        ([{"name": "x", "parts": {"nps": 1.0}, "target": 101.0}], "the target of 'x' is 101"),
    ],
)
def test_check_refuses_what_is_no_tree(folder, tree, said):
    params = ScorecardParams.model_validate(given(tree))
    with pytest.raises(XMError) as refused:
        check_study(params, open_scorecard(params, folder))
    assert said in refused.value.problem


def test_an_indicator_that_is_named_twice_is_refused():
    with pytest.raises(ValidationError, match="named twice"):
        ScorecardParams.model_validate(given([TREE[0], TREE[0]]))
