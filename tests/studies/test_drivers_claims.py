"""What a report of drivers says in many worlds, in both languages."""

import numpy as np
import pandas as pd
import pytest
from page import answer, assert_agreement, cards, in_both, prose, write
from servqual_worlds import survey

BARE = {
    "codebook": "servqual", "id_column": None, "duration_column": None, "weight_column": None, "segments": [],
    "branches": None, "outcome": "quality", "bootstrap": 400,
}  # fmt: skip
FLAT = (-0.3,) * 5
WORLDS = {
    "null": ({"drives": (0.0,) * 5}, 200, {}),
    "tied two": ({"drives": (0.5, 0.5, 0, 0, 0)}, 300, {}),
    "tied three": ({"drives": (0.4, 0.4, 0.4, 0, 0)}, 300, {}),
    "strong": ({"drives": (1.2, 0.1, 0.1, 0.1, 0.1)}, 500, {}),
    "strong grades": ({"drives": (1.2, 0.1, 0.1, 0.1, 0.1)}, 500, {"outcome_kind": "ordinal"}),
    "negative": ({"drives": (-0.9, 0.4, 0, 0, 0)}, 400, {}),
    "tiny": ({"drives": (0.5, 0.5, 0, 0, 0)}, 12, {}),
    "too small to matter": ({"drives": (0.1,) * 5}, 4000, {"smallest_gain": 0.3}),
    "hardly told apart": ({"drives": (1.2, 0.1, 0.1, 0.1, 0.1)}, 500, {}),
    "costs": ({"drives": (1.0, 0.8, 0, 0, 0)}, 500, {}),
}  # fmt: skip
COSTS = {"tangibles": 10.0, "reliability": 1.0, "responsiveness": 1.0, "assurance": 1.0, "empathy": 1.0}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every world's page in both languages."""
    made = {}
    folder = tmp_path_factory.mktemp("worlds")
    for number, (name, (world, n, more)) in enumerate(WORLDS.items()):
        frame = survey(n, FLAT, seed=[81, number], answers=True, **world)
        if name == "hardly told apart":
            rng = np.random.default_rng(3)
            for k, twin in enumerate((5, 6, 7, 8, 9), start=1):
                slip = (rng.random(n) < 0.03) * rng.choice([-1, 1], n)
                frame[f"p{twin}"] = (frame[f"p{min(k, 4)}"] + slip).clip(1, 7)
        if name == "costs":
            more = {"costs": COSTS}
        frame.to_parquet(folder / f"{number}.parquet")
        both = in_both("drivers", folder, **BARE | more | {"data": {"path": f"{number}.parquet"}})
        made |= {(name, lang): report for lang, report in both.items()}
    return made


@pytest.mark.parametrize("world", [w for w in WORLDS if w != "tiny"])
def test_cards_sentences_and_checks_agree(pages, world):
    records = {}
    for lang in ("en", "zh"):
        report = pages[world, lang]
        records[lang] = assert_agreement(report)
        text = "\n".join(b.content.get("text", "") for b in answer(report))
        for card in cards(report):
            name = card["claims"][0]["name"] if card["claims"] else ""
            if name not in ("fix", "strongest"):
                continue
            claim = report.claims[name]
            leader = report.wording.name(claim.facts["leader"])
            assert (card["value"] == leader) == claim.settled
            if name == "fix":
                assert (f"**Fix {leader} first.**" in text or f"**首先改进{leader}。**" in text) == claim.settled
    assert records["en"] == records["zh"]


def test_null_world_names_nobody(pages):
    claims = pages["null", "en"].claims
    assert {claims[k].withheld for k in ("fix", "strongest", "bring")} == {"explains_nothing"}
    assert "No driver is named as the first to fix" in prose(pages["null", "en"])
    assert "不指出应首先改进的因素" in prose(pages["null", "zh"])
    for lang in ("en", "zh"):
        screen = "\n".join(b.content.get("text", "") for b in answer(pages["null", lang]))
        named = {pages["null", lang].wording.name(n) for n in ("tangibles", "reliability", "assurance", "empathy")}
        assert not [n for n in named if n in screen]


@pytest.mark.parametrize(("world", "count"), [("tied two", 2), ("tied three", 3)])
def test_ties_are_named_as_ties(pages, world, count):
    claims = pages[world, "en"].claims
    tied = {"tangibles", "reliability", "responsiveness"} if count == 3 else {"tangibles", "reliability"}
    for name in ("fix", "strongest"):
        assert claims[name].state == "unsettled"
        assert tied <= set(claims[name].facts["possible"])
    assert "do not settle what to fix first" in prose(pages[world, "en"])
    said = prose(pages[world, "en"])
    assert "that order is not settled" in said or "The ways of ranking do not all agree" in said
    assert "数据不能确定应首先改进什么" in prose(pages[world, "zh"])


@pytest.mark.parametrize("world", ["strong", "strong grades"])
def test_strong_world_is_said_plainly(pages, world):
    claims = pages[world, "en"].claims
    assert [claims[k].case for k in ("fix", "strongest")] == ["first", "first"]
    assert "tangibles" in claims["bring"].facts["shown"]
    assert "**Fix Tangibles first.**" in prose(pages[world, "en"])
    assert "**首先改进有形性。**" in prose(pages[world, "zh"])
    assert "put Tangibles first" in prose(pages[world, "en"])


def test_what_is_driven_is_said_as_it_was_measured(pages):
    assert "of the variance of overall quality" in prose(pages["strong", "en"])
    assert "McFadden" in prose(pages["strong grades", "en"])
    assert "McFadden" in prose(pages["strong grades", "zh"])


def test_a_driver_that_lowers_the_outcome_is_not_to_be_fixed_first(pages):
    report = pages["negative", "en"]
    assert report.claims["fix"].facts["leader"] == "reliability"
    assert report.claims["fix"].case == "first"
    assert "tangibles" in report.claims["bring"].facts["not_shown"]
    ways = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "ways")
    assert {row[1] for row in ways.content["rows"]} >= {"Tangibles", "Reliability"}
    assert "The ways of ranking do not all agree" in prose(report)
    assert "各种排序方法并不完全一致" in prose(pages["negative", "zh"])
    for lang, words in (("en", "higher scores go with a LOWER outcome"), ("zh", "得分越高，结果反而越低")):
        card = next(c for c in cards(pages["negative", lang]) if [r["name"] for r in c["claims"]] == ["strongest"])
        assert words in card["note"]
        assert prose(pages["negative", lang]).count(words) == 2
    assert "go with a higher outcome" in prose(pages["strong", "en"])
    assert "LOWER" not in prose(pages["strong", "en"])


def test_twelve_respondents_are_said_on_the_first_screen(pages):
    for lang, words, why in (
        ("en", "Only 12 respondents", "cannot be estimated"),
        ("zh", "只有 12 份答卷", "无法估计"),
    ):
        report = pages["tiny", lang]
        text = "".join(b.content.get("text", "") for b in answer(report))
        assert words in text
        assert why in text
        assert not report.claims
        assert not any(b.kind == "section" and b.content["key"] == "gains" for b in report.blocks)


def test_many_answers_do_not_make_a_small_gain_matter(pages):
    claims = pages["too small to matter", "en"].claims
    assert claims["matter"].state == "unsettled"
    assert claims["fix"].withheld == "nothing_gained"
    assert claims["strongest"].state != "withheld"


@pytest.mark.parametrize(
    ("lang", "gained", "nothing", "title"),
    [
        ("en", "would bring a gain, corrected", "more than 0", "How many drivers bring overall quality a gain"),
        ("zh", "预期会带来提升", "大于 0（", "有多少个因素会给总体质量带来提升"),
    ],
)
def test_any_gain_counts_where_no_smallest_is_set(pages, lang, gained, nothing, title):
    report = pages["strong", lang]
    assert gained in prose(report)
    assert nothing not in prose(report)
    assert [b.content["title"] for b in report.blocks if b.content.get("key") == "bring"] == [title]
    set_to = pages["too small to matter", lang]
    assert "0.3" in next(b.content["text"] for b in set_to.blocks if b.content.get("key") == "matter")


def test_titles_of_claims_name_the_outcome(pages):
    """On the page, among the checks and in what is recorded of a claim, in both languages."""
    for lang, title in (
        ("en", "Which driver of overall quality to fix first"),
        ("zh", "要提升总体质量，应首先改进哪个因素"),
    ):
        report = pages["strong", lang]
        recorded = [r["title"] for c in cards(report) for r in c["claims"] if r["name"] == "fix"]
        ledger = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "claims")
        assert recorded == [title]
        assert title in [row[0] for row in ledger.content["rows"]]


def test_drivers_that_are_one_thing_leave_claims_conditional(pages):
    report = pages["hardly told apart", "en"]
    assert {report.claims[k].state for k in ("fix", "strongest", "bring")} == {"conditional"}
    assert report.claims["fix"].failed == ["told_apart"]
    assert "can hardly be told apart" in prose(report)
    assert "几乎无法区分" in prose(pages["hardly told apart", "zh"])
    text = "".join(b.content.get("text", "") for b in answer(report))
    assert "A check has failed" in text


def test_costs_change_what_comes_first(pages):
    report = pages["costs", "en"]
    assert report.claims["fix"].facts["leader"] == "reliability"
    assert report.claims["fix"].settled
    assert "gain for its cost" in prose(report)
    assert report.claims["strongest"].facts["leader"] == "tangibles"


def test_groups_too_small_are_in_no_block(tmp_path):
    frame = survey(300, FLAT, seed=5, answers=True, drives=(0.5, 0.3, 0, 0, 0))
    frame["site"] = np.where(np.arange(300) < 7, "attic", np.array(["hall", "yard", "gate"])[np.arange(300) % 3])
    frame.to_parquet(tmp_path / "s.parquet")
    more = {"segments": ["site"], "branches": "site", "data": {"path": "s.parquet"}}
    report = write("drivers", tmp_path, **BARE | more)
    assert not any("attic" in str(b.content).lower() for b in report.blocks)
    assert report.claims["differ"].state == "unsettled"
    assert "Groups not shown" in prose(report)


def test_weights_and_clusters_reach_the_claims(tmp_path):
    frame = survey(400, FLAT, seed=6, answers=True, drives=(0.6, 0.3, 0, 0, 0))
    rng = np.random.default_rng(6)
    frame["w"], frame["team"] = rng.uniform(0.5, 2, 400), np.repeat(np.arange(40), 10).astype(str)
    frame["quality"] = (frame["quality"] + np.repeat(rng.normal(0, 1.0, 40), 10)).round().clip(1, 7)
    frame.to_parquet(tmp_path / "s.parquet")
    kept = BARE | {"data": {"path": "s.parquet"}}
    plain, weighed, clustered = (
        write("drivers", tmp_path, **kept | more).claims["strongest"].facts
        for more in ({}, {"weight_column": "w"}, {"weight_column": "w", "cluster_column": "team"})
    )
    assert plain["share"] != weighed["share"]
    assert weighed["share"] == pytest.approx(clustered["share"])
    assert weighed["share_lower"] != clustered["share_lower"]


def test_figures_of_r_are_on_the_page(kiosk_frame, root, reference):
    """reference/drivers/kiosk_ordered_five.csv and kiosk_kano.csv, through the whole study."""
    expected = pd.read_csv(reference / "drivers" / "kiosk_ordered_five.csv").set_index("driver")
    kept = {
        "data": {"source": "dataset", "name": "kiosk_servqual"}, "codebook": "kiosk_codebook.yml", "outcome": "y1",
        "outcome_kind": "ordinal", "drivers": "statement",
    }  # fmt: skip
    report = write("drivers", root / "params/drivers", **BARE | kept | {"bootstrap": 200})
    assert_agreement(report)
    kano = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "kano")
    table = pd.read_csv(pd.io.common.StringIO(kano.content["csv"]), dtype={"id": str}).set_index("id")
    known = (
        pd.read_csv(reference / "drivers" / "kiosk_kano.csv", dtype={"item": str}).set_index("item").loc[table.index]
    )
    for column in ("better", "worse", "M", "O", "A", "I"):
        np.testing.assert_allclose(table[column], known[column], rtol=1e-9)
    assert list(table["category"]) == [f"kano_{c}" for c in known["category"]]
    from xmresearch.drivers.importance_fit import relative_importance

    five = relative_importance(kiosk_frame[list(expected.index)], kiosk_frame["y1"], kind="ordinal", bootstrap=200)
    np.testing.assert_allclose(five.table["lmg"], expected["shapley_mcfadden"], rtol=1e-6)


def test_what_the_data_do_not_allow_is_said_and_not_left_out_in_silence(tmp_path, monkeypatch):
    from xmresearch.drivers.obstacles import NotEstimable
    from xmresearch.studies.drivers import evidence

    def refuse(*_, **__):
        raise NotEstimable("no_extremes", "Nobody answered low.")

    monkeypatch.setattr(evidence, "penalty_reward", refuse)
    survey(200, FLAT, seed=5, answers=True, drives=(0.5, 0.5, 0, 0, 0)).to_parquet(tmp_path / "a.parquet")
    both = in_both("drivers", tmp_path, **BARE | {"data": {"path": "a.parquet"}})
    for lang, words in (
        ("en", "do not allow it:** penalties and rewards. Why: too few answers are low or high."),
        ("zh", "没有的部分：**惩罚与奖励。原因：低分或高分的回答太少。"),
    ):
        assert words in "".join(b.content.get("text", "") for b in answer(both[lang]))
        assert not any(b.kind == "section" and b.content["key"] == "factors" for b in both[lang].blocks)
