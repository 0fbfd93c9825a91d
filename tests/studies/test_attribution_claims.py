"""What an attribution report says in many worlds, and in the cases that once misled."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from attribution_worlds import events, survey
from page import answer, assert_agreement, cards, prose, write
from scipy import stats

from xmresearch.attribution.across_channels import consistency
from xmresearch.attribution.directly_follows import process_map
from xmresearch.attribution.exits import ExitCounts
from xmresearch.attribution.journey_analysis import journey
from xmresearch.attribution.markov_removal import markov
from xmresearch.attribution.order import choose_order
from xmresearch.data import FOLDER_VARIABLE
from xmresearch.studies.attribution import carriers, experience, losses, money
from xmresearch.studies.attribution.publishing import publishable
from xmresearch.sufficient.paths import read_paths
from xmresearch.sufficient.transition_table import transitions

COLUMNS = {
    "customer": "customer",
    "time": "time",
    "touchpoint": "touchpoint",
    "conversion": "conversion",
    "value": "value",
}
SCORED = {"data": {"path": "survey.csv"}, "score": "score", "touchpoint": "touchpoint", "channel": "medium"}
COST = {"app": 50.0, "desk": 50.0, "phone": 50.0}
BARE = {"events": COLUMNS, "draws": 1000, "bootstrap": 60, "max_order": 2}
EQUAL, LEADING = (1, 1, 1), (6, 1, 1)
WORLDS = {
    "null": (300, EQUAL, 0.5, {}),
    "near null": (300, (1.1, 1, 1), 0.5, {}),
    "tied two": (600, (3, 3, 1), 0.5, {"cost": COST}),
    "tied three": (600, EQUAL, 0.5, {"cost": COST, "survey": SCORED}),
    "strong": (1500, LEADING, (0.2, 0.7, 0.7), {"cost": COST, "survey": SCORED}),
    "tiny": (30, EQUAL, 0.5, {}),
    "huge": (60_000, EQUAL, 0.5, {"bootstrap": 0, "order": 1, "max_order": 1}),
    "failed check": (1500, LEADING, (0.2, 0.7, 0.7), {"cost": COST, "order": 1}),
}  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every world's page in both languages."""
    made = {}
    for number, (name, (n, mix, converts, more)) in enumerate(WORLDS.items()):
        folder = tmp_path_factory.mktemp(f"w{number}")
        log = events(n, mix, converts, [81, number], value=2.0)
        if name == "failed check":
            # what follows depends on all that came before, which a chain of order 1 forgets
            log["touchpoint"] = in_pairs(log["touchpoint"], log["customer"])
        log.to_csv(folder / "log.csv", index=False)
        survey(log, (3.0, 8.0, 8.0) if name == "strong" else (6.0,) * 3, [82, number],
               media=(0.0, 0.0, 1.5) if name == "strong" else (0.0,) * 3).to_csv(folder / "survey.csv", index=False)  # fmt: skip
        for lang in ("en", "zh"):
            made[name, lang] = write("attribution", folder, lang=lang, **BARE | {"data": {"path": "log.csv"}} | more)
    return made


def in_pairs(touchpoint, customer):
    """Return the touches with every journey of two or more beginning like the last one of its kind ended: never both at once."""
    place = customer.groupby(customer).cumcount()
    first = touchpoint.groupby(customer).transform("first")
    return touchpoint.where(place < 2, first)


def case(path):
    folder = Path(os.environ.get(FOLDER_VARIABLE, "")) / ".." / "cases"
    if not os.environ.get(FOLDER_VARIABLE) or not folder.is_dir():
        pytest.skip(f"The cases are beside the folder in {FOLDER_VARIABLE}, which is not set to one that has them.")
    return folder / path


@pytest.mark.parametrize("world", WORLDS)
def test_cards_sentences_and_checks_agree(pages, world):
    records = {}
    for lang in ("en", "zh"):
        report = pages[world, lang]
        records[lang] = assert_agreement(report)
        text = "\n".join(b.content.get("text", "") for b in answer(report) if b.kind == "prose")
        for card in cards(report):
            (record,) = card["claims"]
            claim = report.claims[record["name"]]
            if claim.kind == "first":
                leader = report.wording.name(claim.facts["leader"])
                assert (card["value"] == leader) == claim.settled
        for name, bold in (
            ("carrier", ("**{} carries", "**{}的归因")),
            ("fund_return", ("return: {}.**", "回报最高的是{}。**")),
        ):
            if name in report.claims:
                leader = report.wording.name(report.claims[name].facts["leader"])
                assert (bold[lang == "zh"].format(leader) in text) == report.claims[name].settled, name
    assert records["en"] == records["zh"]


def test_null_world_names_nobody(pages):
    claims = pages["null", "en"].claims
    assert not [k for k, c in claims.items() if c.kind == "first" and c.settled and k != "order"]
    assert "do not settle which touchpoint carries the most" in prose(pages["null", "en"])
    assert "不能确定哪个触点归因最高" in prose(pages["null", "zh"])


@pytest.mark.parametrize(("world", "tied"), [("tied two", {"app", "desk"}), ("tied three", {"app", "desk", "phone"})])
def test_ties_are_named_as_ties(pages, world, tied):
    claims = pages[world, "en"].claims
    look = "fix" if world == "tied three" else "leak"
    for name in ("carrier", "fund_return", look):
        assert claims[name].state == "unsettled", name
        assert set(claims[name].facts["possible"]) == tied, name


def test_strong_world_is_said_plainly(pages):
    report = pages["strong", "en"]
    claims = report.claims
    assert [claims[k].case for k in ("carrier", "fix", "leak", "fund_return", "under", "consistency")] == [
        "first"
    ] * 5 + ["differs"]
    assert claims["over"].facts["leader"] in ("phone", "desk")
    text = prose(report)
    assert "**app carries the most.**" in text
    assert "**Fix first: app.**" in text
    assert "**Highest past return: app.**" in text
    assert "M3 scores" in text
    assert "**应最先改进app。**" in prose(pages["strong", "zh"])


def test_the_question_asks_only_what_is_answered(pages):
    asked = {
        w: next(b.content["text"] for b in answer(pages[w, "en"]) if b.content.get("key") == "question") for w in WORLDS
    }
    assert "money" not in asked["null"]
    assert "fixed" not in asked["null"]
    assert "fixed" not in asked["tied two"]
    assert "most people lost" in asked["tied two"]
    assert "money" in asked["tied two"]
    assert "fixed first" in asked["strong"]


def test_few_conversions_are_said_on_the_first_screen(pages):
    blocks = answer(pages["tiny", "en"])
    before = blocks[: [b.kind for b in blocks].index("cards")]
    assert "conversions are few" in "".join(b.content["text"] for b in before)
    assert not pages["tiny", "en"].claims["carrier"].settled


def test_sixty_thousand_equal_journeys_still_name_nobody(pages):
    claims = pages["huge", "en"].claims
    assert claims["carrier"].state == claims["leak"].state == "unsettled"
    assert claims["fits"].case == "no_departure"


def test_what_rests_on_a_chain_that_misses_the_log_is_conditional(pages):
    report = pages["failed check", "en"]
    claims = report.claims
    assert {claims[k].state for k in ("carrier", "fund_return", "under")} == {"conditional"}
    assert claims["leak"].settled
    assert "order_by_evidence" in claims["carrier"].failed
    assert "should not be said yet" in prose(report)


def test_a_case_of_sixty_journeys_settles_nothing():
    report = write("attribution", case("report"), events=COLUMNS | {"touchpoint": "page", "conversion": "settled", "value": None},
                   data={"path": "att60.csv"}, bootstrap=20)  # fmt: skip
    assert_agreement(report)
    assert not report.claims["carrier"].settled
    assert not report.claims["leak"].settled
    values = {c["value"] for c in cards(report) if c["claims"][0]["kind"] == "first"}
    assert values == {"not settled"}


def test_equal_counts_are_a_tie(tmp_path):
    source = paths(("a > a", 0, 30), ("a > b", 0, 30), ("a > c", 0, 30), ("a", 60, 0))
    claim = losses.lost_at(seen(source), 90, 150)
    assert (claim.name, sorted(claim.facts["touchpoints"]), claim.facts["count"]) == ("lost_tied", ["a", "b", "c"], 30)
    leak = losses.most_lost(seen(source), ExitCounts(source), confidence=0.95, seed=1)
    assert (leak.state, sorted(leak.facts["possible"])) == ("unsettled", ["a", "b", "c"])


def test_one_more_is_not_first():
    leak = where_lost(paths(("a", 20, 23), ("b", 20, 22), ("c", 20, 1)))
    assert leak.state == "unsettled"
    assert set(leak.facts["possible"]) == {"a", "b"}


@pytest.mark.parametrize(("most", "next_"), [(30, 15), (28, 16), (230, 185), (230, 195), (12, 0), (14, 10)])
def test_two_counts_are_compared_given_their_sum(most, next_):
    """Against the mid-p value of one count given the sum of both (Przyborowski & Wilenski, 1940)."""
    half = stats.binom(most + next_, 0.5)
    middle = half.sf(most) + half.pmf(most) / 2
    assert where_lost(paths(("a", 20, most), ("b", 20, next_))).settled is bool(middle < 0.025)
    drawn = ExitCounts(paths(("a", 20, most), ("b", 20, next_))).draw(100_000, np.random.default_rng(3))
    assert (drawn[:, 1] >= drawn[:, 0]).mean() == pytest.approx(middle, abs=0.005)


def paths(*rows):
    frame = pd.DataFrame(rows, columns=["path", "conversions", "nulls", "value"][: len(rows[0])])
    return read_paths(frame, nulls="nulls", value="value" if len(rows[0]) > 3 else None)


def credited(source, **options):
    return markov(transitions(source, 1), draws=1000, **options)


def seen(source):
    found = journey(source)
    return publishable(found, process_map(found), 10)


def where_lost(source):
    return losses.most_lost(seen(source), ExitCounts(source), confidence=0.95, seed=5)


ALIKE = ("a", 60, 40), ("b", 30, 40), ("p1", 20, 40), ("free", 300, 40)


def test_shares_of_budget_and_credit_have_one_base():
    """Free touchpoints hold most credit, so that of all credit every paid one would seem overfunded."""
    found = credited(paths(*ALIKE), cost={"a": 60, "b": 30, "p1": 20})
    assert money.over_funded(found).withheld == money.under_funded(found).withheld == "not_unequal"
    apart = credited(paths(*ALIKE), cost={"a": 20, "b": 30, "p1": 90})
    assert (money.over_funded(apart).facts["leader"], money.over_funded(apart).case) == ("p1", "first")
    assert (money.under_funded(apart).facts["leader"], money.under_funded(apart).case) == ("a", "first")
    assert money.under_funded(apart).facts["share"] == pytest.approx(60 / 110, abs=0.01)
    assert money.under_funded(credited(paths(*ALIKE))) is None


def test_a_return_that_is_surely_negative_is_no_advice_to_fund():
    source = paths(("a", 60, 40, 60), ("b", 30, 40, 30))
    none = credited(source, cost={"a": 900, "b": 900})
    assert (money.no_return(none).case, money.fund_first(none).withheld) == ("all", "none_earns")
    one = credited(source, cost={"a": 1, "b": 900})
    assert money.no_return(one).facts["shown"] == ["b"]
    assert money.fund_first(one).facts["leader"] == "a"
    both = money.earned_cost(credited(source, cost={"a": 1, "b": 1}))
    assert (both.name, both.case) == ("earning", "all")
    assert money.earned_cost(one).name == "losing"
    open_ = credited(paths(("a", 60, 40, 60), ("b", 30, 40, 30), ("a > b", 20, 0, 20)), cost={"a": 70, "b": 40})
    assert (money.earned_cost(open_).name, money.earned_cost(open_).state) == ("earning", "unsettled")


def test_money_without_credit_is_said():
    found = credited(paths(("a", 60, 40), ("b", 30, 40), ("z", 0, 200)), cost={"a": 500, "b": 400, "z": 10_000})
    barren = money.without_credit(found)
    assert (barren.facts["touchpoints"], barren.facts["share"]) == (["z"], pytest.approx(10_000 / 10_900))
    assert money.fund_first(found).name == "fund_cost"


def test_mandatory_steps_are_not_ranked():
    every = credited(paths(("a > b", 100, 50)))
    assert carriers.carries_most(every).withheld == "all_mandatory"
    assert carriers.mandatory_steps(every) is None
    some = credited(paths(("a > b", 100, 50), ("a > c", 40, 60)))
    assert carriers.mandatory_steps(some).facts["steps"] == ["a"]
    assert set(carriers.carries_most(some).facts["possible"]) <= {"b", "c"}


def test_experiments_and_credits_are_compared_with_both_errors():
    source = paths(("a", 60, 40), ("b", 60, 40), ("c", 60, 40))
    near, far = [70.0, 50.0, 90.0], [10.0, 5.0, 15.0]
    assert money.lifts_differ(credited(source, lift={"a": near, "b": near})).state == "unsettled"
    found = money.lifts_differ(credited(source, lift={"a": near, "b": far}))
    assert (found.case, found.facts["shown"], found.facts["not_shown"]) == ("some", ["b"], ["a"])
    assert money.lifts_differ(credited(source)) is None


def test_an_order_asked_for_against_the_evidence_makes_the_chain_conditional():
    journeys = paths(("a > b > a", 200, 20), ("b > a > b", 20, 200), ("a > a", 50, 50), ("b > b", 50, 50))
    choice = choose_order(journeys, 3)
    assert carriers.order_chosen(choice, choice.order % 3 + 1, 0.95).failed[-1] == "order_by_evidence"
    assert carriers.by_evidence(choice, choice.order).holds


def test_likeness_of_channels_needs_the_stated_tolerance():
    log = events(9000, EQUAL, 0.5, 83)
    rated = survey(log, (6.0,) * 3, 84, media=(0.0, 0.1, 0.0))
    found = [
        experience.same_everywhere(consistency(rated, channel="medium", score="score", tolerance=t))
        for t in (0.5, 0.01)
    ]
    assert found[0].case == "alike"
    assert found[1].case != "alike"
    few = experience.same_everywhere(consistency(rated[:60], channel="medium", score="score", tolerance=0.5))
    assert few.state == "unsettled"
    assert experience.same_everywhere(None) is None
