"""What a scorecard says in many worlds, in both languages, and what it refuses."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from page import answer, assert_agreement, cards, in_both, prose, write
from scorecard_worlds import BOOK_TEXT, METRICS, answers

from xmresearch.errors import XMError
from xmresearch.report.compose import Report
from xmresearch.studies.scorecard.claims import scorecard_claims
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.result import scorecard
from xmresearch.studies.scorecard.study import STUDY

BARE = {
    "codebook": "book.yml", "id_column": None, "duration_column": None, "weight_column": None, "segments": ["branch"], "metrics": METRICS,
    "wave_column": "wave", "wave_period": None, "draws": 500,
}  # fmt: skip
WORLDS = {
    "null": ({}, 300, {}),
    "near null": ({"change": 3.0}, 300, {}),
    "tied": ({"branches": (25, 25, -20, -20, -20)}, 600, {}),
    "strong": ({"change": 35.0, "branches": (60, -15, -15, -15, -15)}, 900, {}),
    "fallen": ({"change": -35.0, "branches": (0, 0, 0, 0, -70)}, 900, {}),
    "mix": ({"branches": (60, 0, 0, 0, -60), "mix": ((0.1, 0.2, 0.2, 0.2, 0.3), (0.3, 0.2, 0.2, 0.2, 0.1))}, 1500, {}),
    "tiny": ({}, 14, {}),
    "huge": ({"change": 1.5}, 60_000, {}),
    "one wave": ({"waves": ("2025",)}, 300, {}),
    "no segments": ({"change": 35.0}, 300, {"segments": []}),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("scorecards")
    (where / "book.yml").write_text(BOOK_TEXT, "utf-8")
    return where


@pytest.fixture(scope="module")
def pages(folder):
    """Every world's page in both languages."""
    made = {}
    for number, (name, (world, n, more)) in enumerate(WORLDS.items()):
        answers(n, [81, number], **world).to_parquet(folder / f"{number}.parquet")
        both = in_both("scorecard", folder, **BARE | more | {"data": {"path": f"{number}.parquet"}})
        made |= {(name, lang): report for lang, report in both.items()}
    return made


def first_screen(report):
    return "\n".join(b.content.get("text", "") for b in answer(report))


@pytest.mark.parametrize("world", WORLDS)
def test_cards_and_sentences_agree_in_both_languages(pages, world):
    records = {}
    for lang in ("en", "zh"):
        report = pages[world, lang]
        records[lang] = assert_agreement(report)
        for card in cards(report):
            name = card["claims"][0]["name"] if card["claims"] else ""
            if name == "best":
                leader = report.wording.name(report.claims["best"].facts["leader"])
                assert (card["value"] == leader) == report.claims["best"].settled
    assert records["en"] == records["zh"]


@pytest.mark.parametrize("world", ["null", "near null"])
def test_null_worlds_say_that_nothing_is_shown(pages, world):
    claims = pages[world, "en"].claims
    assert claims["moved"].state == claims["whom"].state == "unsettled"
    assert claims["best"].state == "unsettled"
    assert "**No change can be shown.**" in first_screen(pages[world, "en"])
    assert "**未能证实有变化。**" in first_screen(pages[world, "zh"])
    assert "interval of the difference runs from" in first_screen(pages[world, "en"])


def test_ties_are_named_as_ties(pages):
    claims = pages["tied", "en"].claims
    assert claims["best"].state == "unsettled"
    assert {"branch=b1", "branch=b2"} <= set(claims["best"].facts["possible"])
    assert claims["differ"].case == "differs"
    assert "**Which group leads is not settled.**" in first_screen(pages["tied", "en"])


def test_strong_worlds_are_said_plainly_with_their_uncertainty(pages):
    claims = pages["strong", "en"].claims
    assert [claims[k].case for k in ("moved", "change", "best")] == ["above", "larger", "first"]
    text = first_screen(pages["strong", "en"])
    assert "**Yes, likelihood to recommend rose, by more than matters:**" in text
    assert "95 % interval" in text
    assert "**b1 leads** by branch" in text
    assert "**有变化：推荐意愿上升，幅度超过界值。**" in first_screen(pages["strong", "zh"])
    assert len(claims["whom"].facts["risen"]) >= 3
    assert claims["whom"].facts["fallen"] == []
    assert "and fell in none" in text
    assert "下降：无" in first_screen(pages["strong", "zh"])
    assert [c["label"] for c in cards(pages["strong", "en"])][1] == "Likelihood to recommend, Net Promoter Score"


def test_a_fall_is_a_fall(pages):
    claims = pages["fallen", "en"].claims
    assert [claims[k].case for k in ("moved", "change", "worst")] == ["below", "smaller", "first"]
    assert "fell, by more than matters:**" in first_screen(pages["fallen", "en"])
    assert "下降，幅度超过界值。**" in first_screen(pages["fallen", "zh"])


def test_a_change_of_customers_is_told_from_a_change_of_answers(pages):
    claims = pages["mix", "en"].claims
    assert (claims["moved"].case, claims["mix"].case, claims["score_part"].state) == ("above", "above", "unsettled")
    assert "Other customers raised likelihood to recommend" in prose(pages["mix", "en"])
    assert "受访者结构的变化使推荐意愿上升" in prose(pages["mix", "zh"])


def test_few_answers_are_said_on_the_first_screen(pages):
    for lang, words in (("en", "Only 14 answers"), ("zh", "有一期只有 14 份回答")):
        blocks = answer(pages["tiny", lang])
        kinds = [b.kind for b in blocks]
        assert words in "".join(b.content["text"] for b in blocks[: kinds.index("cards")])
    assert "moved" in pages["tiny", "en"].claims
    assert "best" not in pages["tiny", "en"].claims


def test_sixty_thousand_answers_do_not_make_a_small_change_matter(pages):
    claims = pages["huge", "en"].claims
    assert (claims["moved"].case, claims["change"].case) == ("above", "within")
    assert "too small to matter" in first_screen(pages["huge", "en"])
    for lang, words in (("en", "by too little to matter"), ("zh", "但幅度小，没有实际意义")):
        card = next(c for c in cards(pages["huge", lang]) if [r["name"] for r in c["claims"]] == ["moved"])
        assert words in card["note"]
        assert words in first_screen(pages["huge", lang])


def test_one_wave_has_scores_and_no_change(pages):
    claims = pages["one wave", "en"].claims
    assert claims["moved"].withheld == "one_wave"
    assert "**Whether it changed cannot be said:** there is one wave." in first_screen(pages["one wave", "en"])
    assert "只有一期数据" in first_screen(pages["one wave", "zh"])
    keys = [b.content["key"] for b in pages["one wave", "en"].blocks if b.kind == "table"]
    assert "changes" not in keys
    assert "ranks" in keys


@pytest.mark.parametrize(
    ("ends", "reason", "en", "zh"),
    [
        ((np.nan, np.nan), "no_interval", "there are too few answers for an interval", "回答太少，得不出区间"),
        ((-100.0, 100.0), "as_wide_as_scale", "the interval is as wide as the scale", "区间与量表一样宽"),
        ((-100.0, 99.9), "", "is not settled", "尚无定论"),
    ],
)
def test_a_change_without_a_usable_interval_is_withheld_in_both_claims(folder, ends, reason, en, zh):
    answers(60, [82, 9]).to_csv(folder / "wide.csv", index=False)
    given = ScorecardParams.model_validate(
        BARE | {"study": "scorecard", "name": "wide", "data": {"source": "file", "path": "wide.csv"}}
    )
    found = scorecard(STUDY.open(given, folder), given)
    headline = found.changes["metric"] == found.headline.item
    changes = found.changes.assign(
        **{c: found.changes[c].mask(headline, e) for c, e in zip(("ci_lower", "ci_upper"), ends, strict=True)}
    )
    claims = scorecard_claims(replace(found, changes=changes))
    assert {claims.moved.withheld, claims.change.withheld} == {reason}
    for lang, words in (("en", en), ("zh", zh)):
        report = Report(lang, STUDY, {}, decimals=1)
        report.claim(claims.change)
        assert words in report.blocks[-1].content["text"]


def test_a_wave_without_an_answer_is_none(folder):
    frame = answers(60, [82, 8])
    frame.loc[frame["wave"] == "2025-H1", "nps"] = np.nan
    frame.to_csv(folder / "blank.csv", index=False)
    settings = BARE | {"data": {"path": "blank.csv"}}
    report = write("scorecard", folder, **settings)
    assert report.claims["moved"].withheld == "one_wave"
    assert "change" not in report.claims
    with pytest.raises(XMError, match="fewer than 10 answers to 'nps'"):
        write("scorecard", folder, **settings | {"compare": ["2025-H1", "2025-H2"]})


def test_without_segments_the_change_alone_is_said(pages):
    claims = pages["no segments", "en"].claims
    assert claims["moved"].case == "above"
    assert not {"whom", "best", "mix", "index"} & claims.keys()


def table(report, key):
    return next(b.content for b in report.blocks if b.kind == "table" and b.content["key"] == key)


def test_small_branches_are_named_nowhere(folder):
    frame = answers(300, [82, 1])
    few = frame.index[frame["wave"] == "2025-H2"][:6]
    frame.loc[few, "branch"] = "SECRET"
    frame.to_csv(folder / "few.csv", index=False)
    report = write("scorecard", folder, **BARE | {"data": {"path": "few.csv"}})
    said = "".join(str(b.content) for b in report.blocks)
    assert "SECRET" not in said
    assert report.claims["whom"].facts["total"] <= 4


def test_all_promoters_and_no_promoters_have_intervals(folder):
    frame = answers(200, [82, 2])
    frame.loc[frame["branch"] == "b1", "nps"] = 10.0
    frame.loc[frame["branch"] == "b2", "nps"] = 2.0
    frame.to_csv(folder / "ends.csv", index=False)
    report = write("scorecard", folder, **BARE | {"data": {"path": "ends.csv"}})
    assert report.claims["best"].case == "first"
    assert report.claims["best"].facts["leader"] == "branch=b1"
    assert report.claims["worst"].facts["leader"] == "branch=b2"
    rows = {r[1]: r for r in table(report, "groups")["rows"]}
    assert rows["b1"][4] == "100.0"
    assert rows["b1"][5].endswith("100.0]")
    assert "100.0, 100.0" not in rows["b1"][5]


def test_the_same_people_in_both_waves_are_stated(folder):
    frame = answers(200, [82, 3])
    frame["who"] = np.tile(np.arange(200), 2)
    frame.to_csv(folder / "panel.csv", index=False)
    report = write("scorecard", folder, **BARE | {"data": {"path": "panel.csv"}, "person_column": "who"})
    assert "200 people answered; 200 of them in both waves" in prose(report)


def test_targets_and_benchmarks_have_lights_from_claims(folder):
    answers(400, [82, 4], base=(0.2, 0.3, 0.5)).to_csv(folder / "marks.csv", index=False)
    marks = [{"name": "Target", "value": 0.0}, {"name": "Rival", "value": 28.0, "se": 4.0}]
    report = write(
        "scorecard",
        folder,
        **BARE | {"data": {"path": "marks.csv"}, "metrics": [{**METRICS[0], "benchmarks": marks}, *METRICS[1:]]},
    )
    assert report.claims["benchmark"].case == "above"
    assert [r[-1] for r in table(report, "benchmarks")["rows"]] == ["● above", "○ not settled"]


def test_experts_who_contradict_themselves_make_the_index_conditional(folder):
    answers(600, [82, 5], branches=(70, -20, -20, -20, -20)).to_csv(folder / "ahp.csv", index=False)
    sound = [[1, 2, 4], [0.5, 1, 2], [0.25, 0.5, 1]]
    odd = [[1, 9, 1 / 9], [1 / 9, 1, 9], [9, 1 / 9, 1]]
    cases = []
    for judged in (sound, odd):
        report = write("scorecard", folder, **BARE | {"data": {"path": "ahp.csv"}, "judgements": {"table": judged}})
        cases.append(report.claims["index"].case)
    assert cases == ["first", "conditional"]
    assert report.claims["index"].failed == ["judgements_consistent"]


def test_five_grades_have_a_rate_without_the_praise_of_the_system(folder):
    frame = answers(300, [82, 6])
    frame["auto"] = np.where(np.arange(len(frame)) % 3 == 0, "是", "否")
    frame.loc[frame["auto"] == "是", "csat"] = 1.0
    frame.to_csv(folder / "grades.csv", index=False)
    graded = {"item": "csat", "measure": "top_boxes", "boxes": 3, "lowest_is_best": True}
    report = write(
        "scorecard",
        folder,
        **BARE | {"data": {"path": "grades.csv"}, "metrics": [METRICS[0], graded], "default_column": "auto"},
    )
    rows = table(report, "grades")["rows"]
    assert [r[0] for r in rows] == ["Good, of all", "Good, of those that customers gave", "The system's praise, of all"]
    assert float(rows[0][2].rstrip(" %")) > float(rows[1][2].rstrip(" %"))


@pytest.mark.parametrize(
    ("written", "praised"),
    [
        (["yes", "no", None], [True, False, False]),
        ([1.0, 0.0, np.nan], [True, False, False]),
        (["系统默认", "主动评价", " "], [True, False, False]),
        ([True, False, True], [True, False, True]),
        (["☑", "☐", "☑"], [True, False, True]),
    ],
)
def test_who_filled_in_the_praise_is_read_in_the_words_that_are_known(written, praised):
    from xmresearch.data.drawn import category_labels
    from xmresearch.studies.scorecard.distributions import filled_in

    assert filled_in(category_labels(pd.Series(written)), "auto").tolist() == praised


REFUSED = {
    "item": ({"metrics": [{"item": "npx", "measure": "nps"}]}, {}, "no item 'npx'"),
    "1 to 11": ({"codebook": "eleven.yml"}, {"nps": lambda f: f["nps"] + 1}, "1 to 11 is that from 0 to 10 coded one too high"),
    "11 on 0 to 10": ({}, {"nps": lambda f: f["nps"] + 1}, "take 1 from every answer"),
    "nps of 1 to 5": ({"metrics": [{"item": "csat", "measure": "nps"}]}, {}, "needs a scale from 0 to 10"),
    "waves": ({"waves": ["2025-H1"]}, {}, "not listed"),
    "compare": ({"compare": ["2025-H1", "2024"]}, {}, "no wave '2024'"),
    "compare backwards": ({"compare": ["2025-H2", "2025-H1"]}, {}, "later than the second"),
    "weights": ({"weight_column": "w"}, {"w": lambda _: 0.0}, "not a positive number"),
    "benchmark": ({"metrics": [{**METRICS[1], "benchmarks": [{"name": "x", "value": 400.0}]}]}, {}, "runs from 0 to 100"),
    "halves": ({"metrics": [{**METRICS[0], "benchmarks": [{"name": "x", "value": 4.0, "n": 10.0}]}]}, {}, "by halves"),
    "praise": ({"default_column": "auto"}, {"auto": "perhaps"}, "'perhaps', which is neither yes nor no"),
    "judgements": ({"judgements": {"table": [[1.0, 2.0], [0.5, 1.0]]}}, {}, "3 rows and columns"),
    "dates": ({"wave_period": "month"}, {"wave": "spring"}, "is no date"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_scored_is_refused_with_the_remedy(folder, name):
    from xmresearch.studies.scorecard.checking import check_study
    from xmresearch.studies.scorecard.opening import open_scorecard
    from xmresearch.studies.scorecard.params import ScorecardParams

    params, change, said = REFUSED[name]
    (folder / "eleven.yml").write_text(BOOK_TEXT.replace("minimum: 0, maximum: 10", "minimum: 1, maximum: 11"), "utf-8")
    answers(60, [82, 7]).assign(**change).to_csv(folder / "wrong.csv", index=False)
    given = ScorecardParams.model_validate({**BARE, **params, "data": {"path": "wrong.csv"}})
    with pytest.raises(XMError) as refused:
        check_study(given, open_scorecard(given, folder))
    assert said in f"{refused.value.problem} {refused.value.hint}"


def test_a_wave_that_is_too_small_is_left_out_or_refused_when_asked_for(folder):
    from xmresearch.studies.scorecard.opening import open_scorecard
    from xmresearch.studies.scorecard.params import ScorecardParams
    from xmresearch.studies.scorecard.result import scorecard

    frame = answers(100, [82, 8], waves=("2025-H1", "2025-H2", "2026-H1", "2026-H2"))
    last = frame["wave"] == "2026-H2"
    frame[~last | (frame.groupby("wave").cumcount() < 4)].to_csv(folder / "late.csv", index=False)
    given = ScorecardParams.model_validate({**BARE, "data": {"path": "late.csv"}})
    found = scorecard(open_scorecard(given, folder), given)
    # another wave goes too, as the number of all answers would tell the size of the small one
    assert (found.rows.before, found.rows.after, found.rows.hidden_waves) == ("2025-H2", "2026-H1", 2)
    asked = given.model_copy(update={"compare": ["2025-H2", "2026-H2"]})
    with pytest.raises(XMError, match="not named: fewer than 10"):
        scorecard(open_scorecard(asked, folder), asked)


@pytest.mark.parametrize(("branches", "pooled"), [(3, True), (2, False)])
def test_three_groups_are_pooled_and_two_are_not(folder, branches, pooled):
    answers(300, [82, 11], branches=(0.0,) * branches).to_csv(folder / "few.csv", index=False)
    report = write("scorecard", folder, **BARE | {"data": {"path": "few.csv"}})
    assert ("drawn towards the mean of the groups shown" in prose(report)) == pooled
    assert ("Two groups are compared as observed" in prose(report)) != pooled
    assert report.claims["best"].facts["by"] == ("by_pooled" if pooled else "by_observed")


@pytest.mark.parametrize(("lang", "words"), [("en", "by its observed score"), ("zh", "观测得分高于其他各组")])
def test_two_groups_lead_by_what_was_observed(folder, lang, words):
    answers(600, [82, 12], branches=(40.0, -40.0)).to_csv(folder / "two.csv", index=False)
    report = write("scorecard", folder, lang=lang, **BARE | {"data": {"path": "two.csv"}})
    assert report.claims["best"].settled
    assert words in first_screen(report)


def test_metrics_are_recognised_by_their_scales():
    from scorecard_worlds import book

    from xmresearch.studies.scorecard.asked import MOST_BOXED, SMALLEST, asked_metrics
    from xmresearch.studies.scorecard.params import ScorecardParams

    params = ScorecardParams.model_validate({**BARE, "data": {"path": "x.csv"}, "metrics": []})
    found = asked_metrics(params, book())
    assert [(a.item, a.measure.name) for a in found] == [("nps", "nps"), ("csat", "top_2"), ("ces", "top_2")]
    assert [a.smallest for a in found] == [SMALLEST["net"], SMALLEST["share"], SMALLEST["share"]]
    assert MOST_BOXED == 7


def test_frames_without_waves_are_counted(folder):
    frame = answers(200, [82, 9])
    frame.loc[:19, "wave"] = None
    frame.to_csv(folder / "blank.csv", index=False)
    report = write("scorecard", folder, **BARE | {"data": {"path": "blank.csv"}})
    assert "Left out: 20 answers without a wave" in prose(report)


def test_every_metric_is_scored_in_every_group_that_may_be_shown():
    """As the group alone gives it, with its change; a group of nine in the later wave has no row, nor has the one that hides it."""
    from scorecard_worlds import loaded

    from xmresearch.studies.scorecard.breakdown import every_metric
    from xmresearch.studies.scorecard.result import scorecard

    frame = answers(400, 3)
    late = frame.index[frame["wave"] == "2025-H2"]
    frame.loc[late, "branch"] = np.where(np.arange(400) < 9, "b1", np.where(np.arange(400) < 30, "b2", "b3"))
    found = scorecard(*loaded(frame))
    table = every_metric(found.rows, found.asked, loaded(frame)[1])
    assert set(table["metric"]) == {"nps", "csat", "ces"}
    assert set(table["value"]) == {"b3"}
    row = table.set_index("metric").loc["ces"]
    now, then = (frame.loc[(frame["wave"] == w) & (frame["branch"] == "b3"), "ces"] for w in ("2025-H2", "2025-H1"))
    assert (row["n"], row["estimate"], row["before"]) == pytest.approx((len(now), now.mean(), then.mean()))
    assert row["change"] == pytest.approx(now.mean() - then.mean())
    assert row["change_lower"] < row["change"] < row["change_upper"]
    assert not {"p", "p_above"} & set(table)
    assert every_metric(found.rows, found.asked, loaded(frame, segments=[])[1]) is None
