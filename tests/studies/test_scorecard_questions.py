"""What a scorecard makes of everyday questions besides scores: banner tables, answers that are none, eNPS, net recommendation, raters."""

import io
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from page import assert_agreement, in_both, prose, write
from scorecard_worlds import BOOK_TEXT, METRICS, answers

from xmresearch.errors import XMError
from xmresearch.metrics.measures import net_recommendation_measure
from xmresearch.metrics.rater_agreement import cohen_kappa, intraclass
from xmresearch.metrics.scores_by_group import group_scores
from xmresearch.studies.scorecard.checking import check_study
from xmresearch.studies.scorecard.opening import open_scorecard
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.sufficient.counts import Counts

BOOK = (
    BOOK_TEXT
    + """
  works: {kind: outcome, scale: {minimum: 1, maximum: 5, apart: {98: {en: Not applicable, zh: 不适用}}}, labels: {en: Works, zh: 能用}}
  would: {kind: outcome, scale: {minimum: 0, maximum: 1}, labels: {en: Would recommend, zh: 愿意推荐}}
  against: {kind: outcome, scale: {minimum: 0, maximum: 1}, labels: {en: Would advise against, zh: 会劝阻}}
segments:
  branch: {labels: {en: Branch, zh: 网点}, values: {b1: {en: North, zh: 北区}}}
  channel: {labels: {en: Channel, zh: 渠道}, values: {web: {en: Online, zh: 线上}}}
"""
)
BARE = {
    "codebook": "book.yml", "id_column": None, "duration_column": None, "weight_column": None, "segments": ["branch"], "metrics": METRICS,
    "wave_column": "wave", "wave_period": None, "draws": 500,
}  # fmt: skip
BANNER = {
    "columns": ["branch", "branch > channel"],
    "questions": [
        {"item": "csat", "nets": [{"label": {"en": "Satisfied", "zh": "满意"}, "answers": [4.0, 5.0]}]},
        {"item": "works"},
        {
            "item": "used", "label": {"en": "Used", "zh": "用过"}, "options": {"m_web": {"en": "Web", "zh": "网页"}, "m_app": "App"},
            "nets": [{"label": {"en": "Any", "zh": "任一"}, "answers": ["m_web", "m_app"]}],
        },
    ],
}  # fmt: skip


def with_more(n, seed, branches=3):
    """Answers of two waves with a channel, an item with codes for no answer, options and two items of recommending."""
    frame = answers(n, [91, seed], branches=(0.0,) * branches)
    rng, size = np.random.default_rng([91, seed]), len(frame)
    frame["channel"] = rng.choice(["web", "hall"], size)
    frame["works"] = rng.choice([1.0, 2, 4, 5, 98], size, p=[0.2, 0.2, 0.3, 0.2, 0.1])
    told = frame["csat"].astype(int).astype(object)
    told[rng.random(size) < 0.08] = "Don't know"
    frame["csat"] = told
    frame["m_web"] = np.where(rng.random(size) < 0.6, "Web", None)
    frame["m_app"] = np.where(rng.random(size) < 0.5, 1, 0)
    kind = rng.choice(4, size, p=[0.5, 0.2, 0.25, 0.05])
    frame["would"], frame["against"] = np.isin(kind, (0, 3)) * 1, np.isin(kind, (1, 3)) * 1
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("questions")
    (where / "book.yml").write_text(BOOK, "utf-8")
    return where


@pytest.fixture(scope="module")
def asked(folder):
    """A frame, and its pages in both languages with a banner that was asked for."""
    frame = with_more(900, 1)
    frame.to_csv(folder / "asked.csv", index=False)
    more = {"data": {"path": "asked.csv"}, "banner": BANNER, "segments": ["branch", "channel"]}
    more["metrics"] = [*METRICS, {"item": "works", "measure": "mean"}]
    return frame, in_both("scorecard", folder, **BARE | more)


def block(report, key, kind="table"):
    return next(b.content for b in report.blocks if b.kind == kind and b.content["key"] == key)


def has(report, key):
    return any(b.kind in ("table", "section") and b.content["key"] == key for b in report.blocks)


def data(report, key):
    return pd.read_csv(io.StringIO(block(report, key)["csv"]))


def refused(folder, frame, **more):
    frame.to_csv(folder / "wrong.csv", index=False)
    given = ScorecardParams.model_validate({**BARE, "data": {"path": "wrong.csv"}, **more})
    with pytest.raises(XMError) as error:
        check_study(given, open_scorecard(given, folder))
    return f"{error.value.problem} {error.value.hint}"


def test_a_banner_has_the_figures_that_were_asked_for(asked):
    frame, pages = asked
    now = frame[frame["wave"] == "2025-H2"]
    table = data(pages["en"], "banner")
    total = table[table["segment"] == "total"].set_index(["metric", "row_name"])["estimate"]
    known = pd.to_numeric(now["csat"], errors="coerce").dropna()
    assert total["csat", "net_csat=0"] == pytest.approx(100 * (known >= 4).mean())
    assert total["csat", "mean"] == pytest.approx(known.mean())
    assert total["csat", "csat=Don't know"] == pytest.approx(100 * (now["csat"] == "Don't know").mean())
    assert total["works", "works=98"] == pytest.approx(100 * (now["works"] == 98).mean())
    assert total["works", "3"] == 0  # an answer that nobody gave is kept
    assert total["used", "used=m_web"] == pytest.approx(100 * now["m_web"].notna().mean())
    either = now["m_web"].notna() | (now["m_app"] == 1)
    assert total["used", "net_used=0"] == pytest.approx(100 * either.mean())
    inner = table[(table["segment"] == "branch > channel") & (table["row_name"] == "used=m_app")].set_index("value")[
        "estimate"
    ]
    cell = now[(now["branch"] == "b2") & (now["channel"] == "web")]
    assert inner["b2 > web"] == pytest.approx(100 * (cell["m_app"] == 1).mean())
    assert len(inner) == 6


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("Satisfied", "Don't know", "Not applicable", "Used", "Web", "North > Online", "Branch > Channel")),
        ("zh", ("满意", "不适用", "用过", "网页", "北区 > 线上", "网点 > 渠道")),
    ],
)
def test_a_banner_is_worded_in_both_languages(asked, lang, words):
    cells = {c for row in block(asked[1][lang], "banner")["rows"] for c in row}
    assert set(words) <= cells
    assert {"en": "everybody", "zh": "全部"}[lang] in cells
    said = prose(asked[1][lang])
    assert (
        "Columns nested in others are compared within them" if lang == "en" else "嵌套的列只在其上级之内比较"
    ) in said
    assert ("the comparisons of one row within one segment" if lang == "en" else "同一行在同一分组变量内的比较") in said


def test_no_cell_of_a_banner_tells_of_fewer_than_ten(folder):
    frame = with_more(260, 2)
    rare = frame.index[(frame["wave"] == "2025-H2") & (frame["branch"] == "b1")]
    frame["m_app"] = 1
    frame.loc[rare[:-4], "m_app"] = 0
    frame.loc[frame.index[frame["wave"] == "2025-H2"][:5], "branch"] = "SECRET"
    frame.to_csv(folder / "small.csv", index=False)
    page = write(
        "scorecard", folder, **BARE | {"data": {"path": "small.csv"}, "banner": BANNER, "segments": ["branch"]}
    )
    assert "SECRET" not in "".join(str(b.content) for b in page.blocks)
    table = data(page, "banner")
    shares = table[table["kind"] != "mean"]
    people = (shares["estimate"] / 100 * shares["n"]).round()
    assert not ((people > 0) & (people < 10)).any()
    rows = table[(table["row_name"] == "used=m_app") & (table["segment"] == "branch")].set_index("value")
    assert rows["estimate"].isna().sum() >= 2 or "b1" not in rows.index
    assert set("".join(rows.loc[rows["estimate"].isna(), "above"].fillna(""))) == set()


def test_options_in_one_cell_are_told_apart(folder):
    frame = with_more(300, 3)
    frame["used"] = np.where(
        frame["m_app"] == 1, np.where(frame["m_web"].notna(), "web┋app", "app"), frame["m_web"].str.lower()
    )
    frame.to_csv(folder / "cells.csv", index=False)
    banner = {
        "columns": ["branch"],
        "questions": [{"item": "used", "options": {}}],
        "family": "table",
        "correction": "bh",
    }
    page = write("scorecard", folder, **BARE | {"data": {"path": "cells.csv"}, "banner": banner})
    now = frame[(frame["wave"] == "2025-H2") & frame["used"].notna()]
    total = data(page, "banner").query("segment == 'total'").set_index("row_name")["estimate"]
    assert total["used=app"] == pytest.approx(100 * now["used"].str.contains("app").mean())
    assert total["used=web"] == pytest.approx(100 * now["used"].str.contains("web").mean())
    assert "Benjamini and Hochberg; a family is all comparisons of the table: 1 families" in prose(page)


WRONG = {
    "item": ({"columns": ["branch"], "questions": [{"item": "cast"}]}, "no item 'cast'"),
    "net": ({"columns": ["branch"], "questions": [{"item": "csat", "nets": [{"label": "x", "answers": [7.0]}]}]}, "not on its scale"),
    "column": ({"columns": ["brunch"]}, "no column 'brunch'"),
    "option": ({"columns": ["branch"], "questions": [{"item": "u", "options": {"m_wap": "w"}}]}, "no column 'm_wap'"),
    "no options": ({"columns": ["branch"], "questions": [{"item": "u", "options": {}}]}, "no question 'u' with several answers"),
    "option net": (
        {"columns": ["branch"], "questions": [{"item": "u", "options": {"m_web": "w"}, "nets": [{"label": "x", "answers": ["q"]}]}]},
        "no option 'q'",
    ),
    "one answer": ({"columns": ["branch"], "questions": [{"item": "u", "options": {"branch2": "w"}}]}, "3 different answers"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_banner_that_cannot_be_is_refused(folder, name):
    banner, said = WRONG[name]
    frame = with_more(60, 4)
    assert said in refused(folder, frame.assign(branch2=frame["branch"]), banner=banner)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"banner": {"columns": ["branch > "]}}, "nested column is written"),
        ({"banner": {"columns": ["branch", "branch"]}}, "named twice"),
        ({"banner": {"columns": ["branch"], "questions": [{"item": "a"}, {"item": "a"}]}}, "named twice"),
        ({"banner": {"columns": ["branch"]}, "person_column": "who"}, "without a person_column"),
        ({"raters": {"rater": "a", "subject": "a", "items": ["nps"]}}, "one column"),
        ({"raters": {"rater": "a", "subject": "b", "items": ["nps"], "categories": ["ces"]}}, "categories names one"),
        ({"metrics": [{"item": "would", "measure": "net_recommendation"}]}, "takes two items"),
        ({"metrics": [{"item": "nps", "measure": "nps", "against": "ces"}]}, "other measures take one"),
    ],
)
def test_params_that_contradict_themselves_are_refused(more, said):
    with pytest.raises(ValueError, match=said):
        ScorecardParams.model_validate({**BARE, "data": {"path": "a.csv"}, **more})


def test_what_was_said_instead_of_an_answer_is_counted_apart(asked):
    frame, pages = asked
    now = frame[frame["wave"] == "2025-H2"]
    table = data(pages["en"], "answers").set_index(["metric", "answer"])
    row = table.loc[("csat", "csat=Don't know")]
    assert row["n_all"] == len(now)
    assert row["share"] == pytest.approx((now["csat"] == "Don't know").mean())
    assert table.loc[("csat", "5"), "n_all"] == (now["csat"] != "Don't know").sum()
    assert table.loc[("works", "3"), "share"] == 0
    own = table.loc["csat"]
    assert own.loc[own["side"] != "apart", "share"].sum() == pytest.approx(1)
    for lang, words in (("en", ("Not applicable", "are counted apart")), ("zh", ("不适用", "单独计数"))):
        assert words[0] in {c for r in block(pages[lang], "answers")["rows"] for c in r}
        assert words[1] in prose(pages[lang])


def test_few_who_said_nothing_are_not_told(folder):
    frame = with_more(200, 5)
    frame["works"] = frame["works"].replace(98.0, 4.0)
    frame.loc[frame.index[frame["wave"] == "2025-H2"][:7], "works"] = 98
    frame.to_csv(folder / "few.csv", index=False)
    more = {
        "data": {"path": "few.csv"},
        "metrics": [{"item": "works", "measure": "mean"}],
        "banner": {"columns": ["branch"], "questions": [{"item": "works"}]},
    }
    page = write("scorecard", folder, **BARE | more)
    assert "apart" not in set(data(page, "answers")["side"])
    assert data(page, "banner").query("row_name == 'works=98'")[["n", "estimate"]].isna().all(axis=None)
    assert "are counted apart" not in prose(page)


@pytest.mark.parametrize("neutral", ["split", "apart", "right"])
def test_answers_that_are_none_stand_clear_of_the_others(neutral, monkeypatch):
    from matplotlib.axes import Axes

    from xmresearch.report.wording import Wording
    from xmresearch.studies.scorecard.figures import answers as drawn
    from xmresearch.studies.scorecard.study import STUDY

    bars, own = [], Axes.barh
    monkeypatch.setattr(
        Axes, "barh", lambda self, y, w, **k: (bars.append((y, k["left"], float(w))), own(self, y, w, **k))[1]
    )
    shares = [("low", 0.2), ("middle", 0.3), ("high", 0.5), ("apart", 0.15)]
    table = pd.DataFrame([{"metric": m, "answer": s, "share": v, "side": s} for m in ("a", "b") for s, v in shares])
    assert "svg" in drawn(table, Wording("en", {}, words=STUDY.words("en")), "answers", neutral=neutral)
    for row in (0, 1):
        mine = sorted((left, left + width) for y, left, width in bars if y == row)
        assert len(mine) == 4
        assert all(b[0] >= a[1] - 1e-12 for a, b in pairwise(mine))
        assert mine[-1][0] > mine[-2][1] + 0.01
        assert mine[-1][1] - mine[-1][0] == pytest.approx(0.15)


def test_enps_is_called_so_and_told_from_that_of_customers(folder):
    with_more(300, 6).to_csv(folder / "staff.csv", index=False)
    both = in_both(
        "scorecard",
        folder,
        **BARE | {"data": {"path": "staff.csv"}, "metrics": [{"item": "nps", "measure": "enps"}, *METRICS[1:]]},
    )
    plain = write("scorecard", folder, **BARE | {"data": {"path": "staff.csv"}})
    for lang, words in (
        ("en", ("eNPS of employees", "Benchmarks of customers do not hold")),
        ("zh", ("员工净推荐值 eNPS", "顾客净推荐值的基准不适用")),
    ):
        assert all(w in prose(both[lang]) for w in words)
        assert_agreement(both[lang])
    assert "eNPS" not in prose(plain)
    assert block(both["en"], "waves")["rows"] == block(plain, "waves")["rows"]


def test_enps_takes_the_scales_that_nps_takes(folder):
    frame, metric = answers(60, [91, 7]), [{"item": "nps", "measure": "enps"}]
    (folder / "eleven.yml").write_text(BOOK.replace("minimum: 0, maximum: 10", "minimum: 1, maximum: 11"), "utf-8")
    (folder / "ten.yml").write_text(BOOK.replace("minimum: 0, maximum: 10", "minimum: 1, maximum: 10"), "utf-8")
    full = with_more(60, 7).drop(columns="nps").assign(nps=frame["nps"])
    assert "coded one too high" in refused(
        folder, full.assign(nps=full["nps"] + 1), codebook="eleven.yml", metrics=metric
    )
    assert "take 1 from every answer" in refused(folder, full.assign(nps=full["nps"] + 1), metrics=metric)
    assert "from 0 to 10" in refused(folder, full, metrics=[{"item": "ces", "measure": "enps"}])
    full.to_csv(folder / "ten.csv", index=False)
    given = ScorecardParams.model_validate(
        {**BARE, "codebook": "ten.yml", "data": {"path": "ten.csv"}, "metrics": metric}
    )
    assert "nps (enps)" in " ".join(check_study(given, open_scorecard(given, folder)))


PAIRED = [{"item": "would", "measure": "net_recommendation", "against": "against"}, *METRICS[:2]]


def test_a_net_recommendation_is_the_difference_of_two_items_of_the_same_people(folder):
    frame = with_more(400, 8)
    later = frame["wave"] == "2025-H2"
    frame.loc[later & (np.arange(len(frame)) % 2 == 0), ["would", "against"]] = [1, 0]
    frame.loc[frame.index[:3], "against"] = np.nan
    frame.to_csv(folder / "net.csv", index=False)
    both = in_both("scorecard", folder, **BARE | {"data": {"path": "net.csv"}, "metrics": PAIRED})
    page = both["en"]
    waves = data(page, "waves").query("metric == 'net_recommendation'").set_index("wave")
    first = frame[~later].dropna(subset=["against"])
    d = first["would"] - first["against"]
    assert waves.loc["2025-H1", "n"] == len(d)
    assert waves.loc["2025-H1", "estimate"] == pytest.approx(100 * d.mean())
    # by hand: three answers added, a quarter of them to either end; the variance is that of the difference
    n, plus, minus = len(d) + 3, (d == 1).sum() + 0.75, (d == -1).sum() + 0.75
    half = 1.959964 * np.sqrt(((plus + minus) / n - ((plus - minus) / n) ** 2) / n)
    assert waves.loc["2025-H1", "ci_lower"] == pytest.approx(100 * ((plus - minus) / n - half), abs=1e-4)
    assert page.claims["moved"].case == "above"
    change = data(page, "changes").set_index("metric").loc["net_recommendation"]
    assert change["change"] == pytest.approx(waves.loc["2025-H2", "estimate"] - waves.loc["2025-H1", "estimate"])
    for lang, words in (
        ("en", ("Net recommendation", "It is no Net Promoter Score", "two separate shares")),
        ("zh", ("净推荐率差", "它不是由 0–10 分单一量表得出的净推荐值")),
    ):
        assert all(w in prose(both[lang]) for w in words)
        assert_agreement(both[lang])
    rows = {r[1] for r in block(page, "answers")["rows"]}
    assert {"would recommend", "neither, or both", "would advise against"} <= rows
    assert {"would recommend", "would advise against"} <= {r[1] for r in block(page, "banner")["rows"]}


def test_a_net_recommendation_of_anything_but_yes_and_no_is_refused(folder):
    frame = with_more(60, 9)
    said = refused(folder, frame, metrics=[{"item": "would", "measure": "net_recommendation", "against": "ces"}])
    assert "'ces' has answers from 1 to 7" in said
    assert "no item 'agianst'" in refused(
        folder, frame, metrics=[{"item": "would", "measure": "net_recommendation", "against": "agianst"}]
    )


def test_the_interval_of_a_net_recommendation_is_not_that_of_two_shares():
    """The same shares, paired so that nobody says yes to both, or everybody who says the one says the other."""
    measure, spreads = net_recommendation_measure(), []
    for scores in ([1] * 50 + [-1] * 30 + [0] * 20, [1] * 20 + [0] * 80):
        counts = Counts.of(pd.DataFrame({"d": np.array(scores, dtype=float)}), "d", levels=list(measure.levels))
        row = group_scores(counts, measure).table.iloc[0]
        assert row["estimate"] == pytest.approx(20)
        spreads.append(row["se"])
    assert spreads[0] == pytest.approx(100 * np.sqrt((0.8 - 0.04) / 99))
    assert spreads[1] == pytest.approx(100 * np.sqrt((0.2 - 0.04) / 99))


def rated(spread, noise, seed, subjects=24, raters=4, lean=0.3):
    """Ratings from 0 to 10 and a yes or no of every subject by every rater."""
    rng = np.random.default_rng([92, seed])
    subject, rater = (a.ravel() for a in np.meshgrid(np.arange(subjects), np.arange(raters)))
    level = rng.normal(0, spread, subjects)[subject] + rng.normal(0, lean, raters)[rater]
    mark = np.clip(np.rint(7 + level + rng.normal(0, noise, len(subject))), 0, 10)
    return pd.DataFrame({
        "nps": mark, "csat": np.clip(np.rint(mark / 2), 1, 5), "ces": 4, "would": (mark + rng.normal(0, noise, len(subject)) > 7) * 1,
        "shop": [f"s{k}" for k in subject], "shopper": [f"r{k}" for k in rater], "branch": [f"b{k % 4 + 1}" for k in subject],
    }).assign(ces=rng.integers(1, 8, len(subject)), works=rng.integers(1, 6, len(subject)), against=rng.integers(0, 2, len(subject)))  # fmt: skip


RATERS = {"rater": "shopper", "subject": "shop", "items": ["nps", "csat", "would"]}
VISITS = {
    "wave_column": None,
    "metrics": [{"item": "nps", "measure": "mean"}, {"item": "csat", "measure": "mean"}],
    "raters": RATERS,
}


@pytest.fixture(scope="module")
def visits(folder):
    made = {}
    for name, (spread, noise) in {"agree": (1.5, 0.4), "quarrel": (0.05, 1.8)}.items():
        frame = rated(spread, noise, 1)
        if name == "quarrel":
            frame["nps"] = np.where(frame["branch"] == "b1", frame["nps"].clip(8), frame["nps"].clip(upper=7))
            frame["nps"] = frame["nps"].sample(frac=1, random_state=1).to_numpy()
        frame.to_csv(folder / f"{name}.csv", index=False)
        made[name] = frame, in_both("scorecard", folder, **BARE | VISITS | {"data": {"path": f"{name}.csv"}})
    return made


def test_agreement_of_raters_is_on_the_page(visits):
    frame, pages = visits["agree"]
    table = data(pages["en"], "raters").set_index("item")
    found = intraclass(frame, target="shop", rater="shopper", rating="nps").table.set_index("type")
    assert table.loc["nps", "agreement"] == pytest.approx(found.loc["ICC2", "icc"])
    assert table.loc["nps", "averaged_lower"] == pytest.approx(found.loc["ICC2k", "lower"])
    assert (table.loc["nps", ["subjects", "raters"]] == [24, 4]).all()
    assert table.loc["would", "statistic"] == "agreement_kappa"
    left = data(pages["en"], "raters_left").set_index("item").loc["nps"]
    means = frame.groupby("shop")["nps"].mean()
    assert left["gap"] == pytest.approx(means.max() - means.min())
    assert left["left"] == pytest.approx(found.loc["ICC3k", "icc"])
    assert left["gap_left"] < left["gap"]
    # the spread of means is made of what is left and the rest's share of each mean
    assert left["spread_left"] == pytest.approx(left["spread"] * np.sqrt(left["left"]), rel=1e-9)
    for lang, words in (("en", "Several people rated the same things."), ("zh", "同一对象由多人评分。")):
        assert words in prose(pages[lang])
        assert_agreement(pages[lang])
    assert pages["en"].claims["best"].failed == []
    assert "shopper" not in str([b.content.get("rows") for b in pages["en"].blocks])


def test_where_raters_do_not_agree_no_group_is_named(visits):
    pages = visits["quarrel"][1]
    checks = {r[0]: r for r in block(pages["en"], "checks")["rows"]}
    assert checks["Agreement of raters on the headline"][-1] == pages["en"].wording.name("fail")
    for key in ("differ", "best", "worst", "outlying", "index"):
        assert pages["en"].claims[key].state == "conditional", key
        assert "raters_agree" in pages["en"].claims[key].failed
    assert "Agreement of raters on the headline" in prose(pages["en"])
    assert "首要指标的评分者一致性" in prose(pages["zh"])


def test_raters_who_shared_nothing_cannot_be_judged(folder):
    frame = rated(1.0, 0.5, 2)
    frame["shopper"] = frame["shop"]
    frame.to_csv(folder / "alone.csv", index=False)
    both = in_both("scorecard", folder, **BARE | VISITS | {"data": {"path": "alone.csv"}})
    assert "**How far the raters agree cannot be estimated:**" in prose(both["en"])
    assert "评分者的一致性无法估计" in prose(both["zh"])
    assert both["en"].claims["best"].state != "conditional"
    assert not has(both["en"], "raters_left")


def test_two_raters_of_kinds_have_cohens_kappa_and_the_first_visit_counts(folder):
    frame = rated(1.0, 0.5, 3, raters=2)
    again = frame.iloc[:5].assign(would=1 - frame["would"].iloc[:5])
    pd.concat([frame, again]).to_csv(folder / "two.csv", index=False)
    page = write("scorecard", folder, **BARE | VISITS | {"data": {"path": "two.csv"}})
    wide = frame.pivot(index="shop", columns="shopper", values="would")
    row = data(page, "raters").set_index("item").loc["would"]
    assert row["agreement"] == pytest.approx(cohen_kappa(wide["r0"], wide["r1"])["kappa"])


@pytest.mark.parametrize(
    ("raters", "said"),
    [
        ({"rater": "shopper", "subject": "shop", "items": ["nsp"]}, "no item 'nsp'"),
        ({"rater": "shoper", "subject": "shop", "items": ["nps"]}, "raters.rater: the data have no column 'shoper'"),
    ],
)
def test_raters_that_are_not_there_are_refused(folder, raters, said):
    assert said in refused(folder, rated(1.0, 0.5, 4), **{**VISITS, "raters": raters})


def test_cut_offs_of_agreement_turn_at_their_bounds():
    from xmresearch.studies.scorecard.raters import ICC_BOUNDS, KAPPA_BOUNDS, _status

    for bounds in (ICC_BOUNDS, KAPPA_BOUNDS):
        low, high = bounds
        found = [_status(v, bounds)["status"] for v in (low - 1e-9, low, high - 1e-9, high)]
        assert found == ["fail", "warn", "warn", "pass"]
    assert _status(float("nan"), ICC_BOUNDS) == {}


def test_two_metrics_stand_side_by_side(asked):
    frame, pages = asked
    table = data(pages["en"], "beside").set_index(["segment", "value"])
    group = frame[(frame["wave"] == "2025-H2") & (frame["branch"] == "b2")]
    known = pd.to_numeric(group["csat"], errors="coerce")
    score = 100.0 * (group["nps"] >= 9) - 100.0 * (group["nps"] <= 6)
    row = table.loc[("branch", "b2")]
    assert row["n"] == known.notna().sum()
    assert row["net_score"] == pytest.approx(score.mean())
    assert row["other_score"] == pytest.approx(100 * (known.dropna() >= 4).mean())
    both = known.notna()
    assert row["link"] == pytest.approx(np.corrcoef(score[both], (known[both] >= 4) * 1.0)[0, 1])
    assert {"branch", "channel"} == {s for s, _ in table.index}
    assert "Likelihood to recommend (Net Promoter Score) stands first, satisfaction" in prose(pages["en"])
    assert "第一项为推荐意愿（净推荐值）" in prose(pages["zh"])


def test_side_by_side_names_no_small_group_and_is_weighted(folder):
    frame = with_more(300, 10)
    later = frame.index[frame["wave"] == "2025-H2"]
    frame.loc[later[:6], "branch"] = "SECRET"
    frame["w"] = np.where(frame["nps"] >= 9, 2.0, 1.0)
    frame.to_csv(folder / "weighed.csv", index=False)
    page = write("scorecard", folder, **BARE | {"data": {"path": "weighed.csv"}, "weight_column": "w"})
    assert "SECRET" not in "".join(str(b.content) for b in page.blocks)
    table = data(page, "beside").set_index("value")
    group = frame.loc[later][lambda t: t["branch"] == table.index[0]]
    score = 100.0 * (group["nps"] >= 9) - 100.0 * (group["nps"] <= 6)
    assert table["net_score"].iloc[0] == pytest.approx(np.average(score, weights=group["w"]))
    assert "Effective n" in block(page, "banner")["head"]


def test_without_a_pair_nothing_stands_side_by_side(folder):
    frame = with_more(150, 11)
    frame.to_csv(folder / "alone.csv", index=False)
    page = write("scorecard", folder, **BARE | {"data": {"path": "alone.csv"}, "metrics": METRICS[:1]})
    assert not has(page, "beside")


def test_waves_on_other_scales_leave_changes_conditional(folder):
    frame = with_more(200, 12)
    first = frame["wave"] == "2025-H1"
    frame.loc[first, "nps"] = (np.arange(first.sum()) % 5) + 1.0
    frame.to_csv(folder / "scales.csv", index=False)
    both = in_both("scorecard", folder, **BARE | {"data": {"path": "scales.csv"}})
    for key in ("moved", "change", "whom"):
        assert both["en"].claims[key].failed == ["same_scale"]
    assert both["en"].claims["others"].failed == []
    assert "asked on another scale" in prose(both["en"])
    assert "换了量表" in prose(both["zh"])


def test_a_wave_is_taken_for_another_scale_where_chance_hardly_gives_it(folder):
    from xmresearch.studies.scorecard.asked import asked_metrics
    from xmresearch.studies.scorecard.rows import rows_of_waves
    from xmresearch.studies.scorecard.same_scale import MOST_CHANCE, on_other_scales

    verdicts = []
    for n in (30, 31):  # .8 to the 30th is above .001, to the 31st below
        first = pd.DataFrame({"nps": [1.0, 5.0] * n}).iloc[:n].assign(wave="a")
        second = pd.DataFrame({"nps": [1.0, 2.0, 3.0, 5.0, 9.0] * 20}).assign(wave="b")
        frame = pd.concat([first, second], ignore_index=True).assign(
            csat=np.resize([1, 2, 3], n + 100), ces=np.resize([1, 5], n + 100)
        )
        (folder / "plain.yml").write_text(BOOK_TEXT, "utf-8")
        frame.assign(branch="x").to_csv(folder / "chance.csv", index=False)
        given = ScorecardParams.model_validate({**BARE, "codebook": "plain.yml", "data": {"path": "chance.csv"}})
        survey = open_scorecard(given, folder)
        found = tuple(asked_metrics(given, survey.codebook))
        verdicts.append((0.8**n < MOST_CHANCE, on_other_scales(rows_of_waves(survey, given, found[0]), found)))
    assert verdicts == [(False, frozenset()), (True, frozenset({"nps"}))]


def test_respondents_who_are_there_twice_are_refused_or_kept_once(folder):
    frame = with_more(100, 13)
    frame["who"] = np.arange(len(frame))
    frame.loc[frame.index[-1], "who"] = 0
    assert "'who'" in refused(folder, frame, id_column="who")
    frame.to_csv(folder / "twice.csv", index=False)
    kept = ScorecardParams.model_validate(
        {
            **BARE,
            "data": {"path": "twice.csv"},
            "id_column": "who",
            "screening": {"duplicate_ids": {"action": "keep_first"}},
        }
    )
    assert len(open_scorecard(kept, folder)) == len(frame) - 1


def test_one_group_is_shown_and_neither_ranked_nor_compared(folder):
    with_more(120, 14, branches=1).to_csv(folder / "one.csv", index=False)
    page = write("scorecard", folder, **BARE | {"data": {"path": "one.csv"}})
    assert [r[1] for r in block(page, "groups")["rows"]] == ["North"]
    assert not {"best", "worst", "differ", "index"} & page.claims.keys()
    assert set(data(page, "banner")["above"].dropna()) == set()


def test_metrics_that_do_not_go_together_still_make_a_page(folder):
    """Resampled, items that do not go with the outcome may give no weights by it: that set is left out, or refused if asked for."""
    rng = np.random.default_rng(15)
    frame = with_more(300, 8)
    frame["csat"], frame["ces"] = rng.integers(1, 6, len(frame)), rng.integers(1, 8, len(frame))
    frame["nps"] = rng.integers(0, 11, len(frame))
    frame.to_csv(folder / "apart.csv", index=False)
    page = write("scorecard", folder, **BARE | {"data": {"path": "apart.csv"}, "metrics": PAIRED})
    assert "weights_equal" in page.claims["index"].facts["sets"]


def test_options_that_a_tool_writes_are_found_and_named_by_their_wordings(folder):
    frame = with_more(300, 16)
    ticks = {"Q5_1": frame["m_web"].where(frame["m_web"].notna(), ""), "Q5_2": np.where(frame["m_app"] == 1, "App", "")}
    columns = ["nps", "csat", "ces", "works", "would", "against", "branch", "wave"]
    wide = frame[columns].assign(**ticks)
    wordings = [*columns, "Which do you use? - Web page", "Which do you use? - Mobile app"]
    ids = [f'{{"ImportId":"{c}"}}' for c in wide]
    head = pd.DataFrame([wordings, ids], columns=wide.columns)
    pd.concat([head, wide.astype(object)]).to_csv(folder / "tool.csv", index=False)
    banner = {"columns": ["branch"], "questions": [{"item": "Q5", "label": "Used", "options": {}}]}
    page = write("scorecard", folder, **BARE | {"data": {"path": "tool.csv"}, "banner": banner})
    rows = block(page, "banner")["rows"]
    assert {"Web page", "Mobile app"} == {r[1] for r in rows}
    assert {r[0] for r in rows} == {"Used"}
    now = frame[frame["wave"] == "2025-H2"]
    either = now["m_web"].notna() | (now["m_app"] == 1)
    total = data(page, "banner").query("segment == 'total'").set_index("row_name")["estimate"]
    assert total["Q5=Q5_2"] == pytest.approx(100 * (now.loc[either, "m_app"] == 1).mean())


def test_names_of_raters_are_nowhere(folder):
    frame = rated(1.0, 0.5, 5)
    people = {"r0": "Maria Gonzalez", "r1": "Zhang Wei", "r2": "ann.lee@example.org", "r3": "+44 20 7946 0958"}
    frame["shopper"] = frame["shopper"].map(people)
    frame.to_csv(folder / "named.csv", index=False)
    page = write("scorecard", folder, **BARE | VISITS | {"data": {"path": "named.csv"}})
    assert data(page, "raters").set_index("item").loc["nps", "raters"] == 4
    said = "".join(str(b.content) for b in page.blocks)
    assert not [name for name in people.values() if name in said]


@pytest.mark.parametrize(("answer", "score"), [(10.0, 100.0), (2.0, -100.0)])
def test_a_survey_of_one_answer_is_refused_or_has_an_interval(folder, answer, score):
    frame = with_more(60, 17).assign(nps=answer)
    assert f"all 120 answers are {answer:g}" in refused(folder, frame)
    frame.to_csv(folder / "one_answer.csv", index=False)
    kept = {"data": {"path": "one_answer.csv"}, "screening": {"constant_items": {"action": "flag"}}}
    page = write("scorecard", folder, **BARE | kept)
    rows = data(page, "waves").query("metric == 'nps'")
    assert (rows["estimate"] == score).all()
    assert (rows["ci_upper"] - rows["ci_lower"]).between(1, 20).all()
    assert page.claims["moved"].state == "unsettled"
    assert page.claims["best"].state == "unsettled"
