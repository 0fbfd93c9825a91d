"""What a difference-in-differences report says in many worlds, and in the cases that once misled."""

import os
from pathlib import Path

import pytest
import yaml
from did_worlds import panel
from page import answer, assert_agreement, cards, in_both, prose, write

from xmresearch.data import FOLDER_VARIABLE

BARE = {
    "outcome": "score", "family": "gaussian", "unit": "branch", "time": "month", "cohort": "rollout", "branches": False,
    "smallest": 0.1, "break_even": 0.2, "worth": {"per_point": 10.0, "people": 1000, "currency": "CNY"}, "draws": 1000,
    "sensitivity": {"placebo_units": 39},
}  # fmt: skip
WORLDS = {
    "null": ({}, {}),
    "near null": ({"effect": 0.09}, {}),
    "strong": ({"effect": 1.0, "noise": 0.5, "shock": 0.02}, {}),
    "harm": ({"effect": -1.0}, {}),
    "small but sure": ({"effect": 0.03, "noise": 0.05, "shock": 0.0}, {}),
    "failed check": ({"drift": 0.2}, {}),
    "failed check, staggered": ({"drift": 0.2, "cohorts": 2}, {}),
    "tiny": ({"effect": 0.5, "units": 4, "periods": 3, "first": 2, "rows": 6}, {}),
    "strong, staggered": ({"effect": 1.0, "cohorts": 2}, {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every world's page in both languages."""
    made, folder = {}, tmp_path_factory.mktemp("worlds")
    for number, (name, (world, more)) in enumerate(WORLDS.items()):
        panel([73, number], **world).to_parquet(folder / f"{number}.parquet")
        both = in_both("did", folder, **BARE | more | {"data": {"path": f"{number}.parquet"}})
        made |= {(name, lang): report for lang, report in both.items()}
    return made


def shown(report, name):
    return next((c for c in cards(report) if c["claims"][0]["name"] == name), None)


@pytest.mark.parametrize("world", WORLDS)
def test_cards_sentences_decisions_and_checks_agree(pages, world):
    records = {lang: assert_agreement(pages[world, lang]) for lang in ("en", "zh")}
    assert records["en"] == records["zh"]
    claims = pages[world, "en"].claims
    effect, advice, worth = (claims[k] for k in ("effect", "pays", "worth"))
    if effect.state == "conditional":
        assert {advice.state, worth.state} == {"conditional"}
    assert worth.case == effect.case
    text = "\n".join(b.content.get("text", "") for b in answer(pages[world, "en"]))
    assert ("Going on pays" in text) == (advice.case == "act")
    assert ("Going on does not pay" in text) == (advice.case == "wait")
    assert ("**The change improved" in text) == (effect.case == "larger")
    assert ("do not settle" in text and "is clear" in text) is False


@pytest.mark.parametrize(
    ("world", "case"),
    [
        ("null", "unsettled"), ("near null", "unsettled"), ("strong", "larger"), ("harm", "smaller"), ("small but sure", "within"),
        ("failed check", "conditional"), ("failed check, staggered", "conditional"), ("strong, staggered", "larger"),
    ],
)  # fmt: skip
def test_effects_are_said_as_they_are(pages, world, case):
    assert pages[world, "en"].claims["effect"].case == case


def test_worth_on_a_card_says_what_it_leaves_out(pages):
    """A sum of money is never shown without what it takes for granted."""
    for lang, words in (("en", "costs not deducted"), ("zh", "未扣除成本")):
        assert words in shown(pages["strong", lang], "worth")["note"]


def test_a_failed_pretrend_check_leaves_no_advice(pages):
    for world in ("failed check", "failed check, staggered"):
        for lang, words in (("en", "No advice can rest on this comparison"), ("zh", "因此不能据此比较给出建议")):
            report = pages[world, lang]
            assert report.claims["parallel"].case == "failed"
            assert "pretrend_p" in report.claims["effect"].failed
            assert words in prose(report)


def test_robust_can_be_reached(pages):
    assert pages["strong", "en"].claims["robust"].case == "larger"
    assert "stands up to breaches of parallel trends as large as any" in prose(pages["strong", "en"])


def test_null_world_defends_nothing(pages):
    assert pages["null", "en"].claims["robust"].withheld == "no_effect_to_defend"


def case(name):
    folder = Path(os.environ.get(FOLDER_VARIABLE, "")) / ".." / "cases" / "did"
    if not os.environ.get(FOLDER_VARIABLE) or not folder.is_dir():
        pytest.skip(f"The cases are beside the folder in {FOLDER_VARIABLE}, which is not set to one that has them.")
    given = yaml.safe_load((folder / f"{name}.yml").read_text("utf-8"))
    return write("did", folder, **{k: v for k, v in given.items() if k != "study"} | {"branches": False})


def test_pretrend_case_is_conditional_on_every_line():
    """Truth 0, drift .05 a period."""
    report = case("pretrend")
    assert_agreement(report)
    assert report.claims["effect"].state == "conditional"
    assert "better bet" not in prose(report)


def test_smallest_zero_cannot_contradict_its_interval():
    report = case("smallest0")
    effect = report.claims["effect"]
    assert effect.state == "unsettled"
    assert effect.lower < 0 < effect.upper


def test_a_clear_effect_with_parallel_trends_is_settled():
    report = case("bigpos")
    assert report.claims["effect"].case == "larger"
    assert report.claims["robust"].case in ("larger", "unsettled")
    assert ("the noise of these data" in prose(report)) == (
        report.claims["robust"].facts["limit"] == "limited_by_noise" and report.claims["robust"].case == "unsettled"
    )
    assert "with care" not in prose(report)


def test_figures_are_not_named_as_periods(tmp_path):
    """Shifts and prior scales are numbers, though a period has such a name."""
    panel(1, effect=1.0, cohorts=2).to_parquet(tmp_path / "p.parquet")
    labels = {
        "-2": {"en": "Q4", "zh": "四季度"},
        "0.5": {"en": "Q5", "zh": "五季度"},
        "7": {"en": "July", "zh": "七月"},
    }
    report = write("did", tmp_path, **BARE | {"data": {"path": "p.parquet"}, "labels": labels})
    rows = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "doubts").content["rows"]
    assert not {"Q4", "Q5"} & {r[1] for r in rows}


def test_questions_are_those_that_are_answered(tmp_path):
    panel(1, effect=1.0).to_parquet(tmp_path / "p.parquet")
    report = write("did", tmp_path, **BARE | {"data": {"path": "p.parquet"}, "worth": None, "break_even": None})
    asked = next(b.content["text"] for b in answer(report) if b.content.get("key") == "question")
    assert "worth" not in asked
    assert "pay" not in asked
    assert "Who gained" not in asked
