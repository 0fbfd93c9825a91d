"""What a SERVQUAL report says of a change between waves, and which waves it refuses."""

import re

import numpy as np
import pandas as pd
import pytest
from once_worlds import book, survey, write_book
from page import answer, assert_agreement, cards, in_both, prose

from xmresearch.data.survey import prepare_survey
from xmresearch.errors import DataError, InsufficientData, ParamsError
from xmresearch.params.load import load_params
from xmresearch.params.registry import find_study
from xmresearch.studies.servqual.waves import waves_of_study

BARE = {
    "id_column": None,
    "duration_column": None,
    "weight_column": None,
    "segments": [],
    "outcome": "quality",
    "bootstrap": 200,
    "estimator": "ML",
    "smallest_gap": 0.2,
}
SAME, LOWER = (5.5, 5.5, 5.5), (4.5, 4.5, 4.5)
WORLDS = {
    "null": ("pairs", 300, ((4,) * 3, SAME), ((4,) * 3, SAME)),
    "hollow": ("pairs", 1200, ((4,) * 3, SAME), ((4,) * 3, LOWER)),
    "better": ("pairs", 900, ((3.5,) * 3, SAME), ((4.5, 4.5, 3.5), SAME)),
    "worse": ("perceptions", 300, ((5,) * 3, SAME), ((4,) * 3, SAME)),
    "small": ("pairs", 14, ((4,) * 3, SAME), ((4,) * 3, SAME)),
    "direct": ("direct", 200, ((-1.5,) * 3, SAME), ((-0.6,) * 3, SAME)),
}  # fmt: skip


def waves(form, n, *means, seed=0, shared=False):
    """Two waves; where they are shared, of the same people."""
    person = np.random.default_rng([seed, 9]).standard_normal((n, 2)) if shared else None
    parts = []
    for k, (levels, wishes) in enumerate(means):
        one = survey(n, levels, [85, seed, k], form=form, wishes=wishes, person=person)
        parts.append(one.assign(wave=str(2024 + k), who=[f"person{i + (0 if shared else k * n)}" for i in range(n)]))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every world's page in both languages."""
    made, folder = {}, tmp_path_factory.mktemp("waves")
    for number, (name, (form, n, *means)) in enumerate(WORLDS.items()):
        shared = name == "better"
        waves(form, n, *means, seed=number, shared=shared).to_parquet(folder / f"{number}.parquet")
        more = {"codebook": write_book(folder, form), "data": {"path": f"{number}.parquet"}, "wave_column": "wave"}
        more |= {"person_column": "who"} if shared else {}
        made |= {(name, lang): report for lang, report in in_both("servqual", folder, **BARE | more).items()}
    return made


@pytest.mark.parametrize("world", WORLDS)
def test_cards_sentences_and_checks_agree(pages, world):
    assert assert_agreement(pages[world, "en"]) == assert_agreement(pages[world, "zh"])
    for lang in ("en", "zh"):
        report = pages[world, lang]
        keys = {b.content["key"] for b in report.blocks if b.kind in ("table", "figure")}
        assert set(re.findall(r"@(?:fig|tbl):([a-z_]+)", prose(report))) <= keys
        assert "change" in [b.content["key"] for b in report.blocks if b.kind == "section"]


@pytest.mark.parametrize("world", ["null", "small"])
def test_no_change_is_claimed_where_there_is_none(pages, world):
    claims = pages[world, "en"].claims
    assert (claims["moved"].state, claims["why"].withheld, claims["changed"].state, claims["hollow"].state) == (
        "unsettled", "no_change_shown", "unsettled", "unsettled",
    )  # fmt: skip
    assert "Whether the gap changed is not settled" in prose(pages[world, "en"])
    assert "尚不能定论" in prose(pages[world, "zh"])
    if world == "small":
        assert "Only 14 respondents" in prose(pages[world, "en"])


def test_lower_expectations_are_not_taken_for_better_service(pages):
    report = pages["hollow", "en"]
    assert [report.claims[k].case for k in ("moved", "why", "changed", "hollow")] == [
        "above",
        "second_part",
        "all",
        "all",
    ]
    text = "\n".join(b.content.get("text", "") for b in answer(report))
    assert "**Since 2024, the gap between perceptions and expectations has narrowed.**" in text
    assert "because expectations fell, not because service got better" in text
    assert "原因是期望降低，而不是服务变好" in prose(pages["hollow", "zh"])
    assert "better" not in text.replace("not because service got better", "")


def test_better_service_is_said_plainly_of_the_same_people(pages):
    report = pages["better", "en"]
    assert [report.claims[k].case for k in ("moved", "why", "changed", "hollow")] == [
        "above",
        "first_part",
        "some",
        "unsettled",
    ]
    assert report.claims["changed"].facts["risen"] == ["calm", "speed"]
    assert "perceptions rose, and expectations did not fall by what matters" in prose(report)
    assert "900 people are in both waves" in prose(report)


def test_scores_and_direct_gaps_have_a_change_without_parts(pages):
    report = pages["worse", "en"]
    assert [report.claims[k].case for k in ("score_moved", "scores_changed")] == ["below", "all"]
    assert "service is perceived as worse" in prose(report)
    assert "人们感到服务变差了" in prose(pages["worse", "zh"])
    assert "why" not in report.claims
    direct = pages["direct", "en"]
    assert [direct.claims[k].case for k in ("moved", "changed")] == ["above", "all"]
    assert "why" not in direct.claims
    assert "cannot be split" in prose(direct)


def test_all_but_the_change_is_of_the_later_wave(pages):
    report = pages["worse", "en"]
    table = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "level_dimensions").content
    change = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "change").content
    assert table["rows"][0][1] == "300"
    assert table["rows"][0][2] == change["rows"][1][4]
    assert next(c["value"] for c in cards(report)) == "300"


def given(frame, **params):
    made = find_study("servqual").params(
        **BARE | {"data": {"path": "x.csv"}, "codebook": "x.yml", "wave_column": "wave"} | params
    )
    survey_ = prepare_survey(frame, book("pairs"), segments=["wave"], cluster_column=made.person_column)
    return waves_of_study(survey_, made)


FRAME = waves("pairs", 30, ((4,) * 3, SAME), ((4,) * 3, SAME))


@pytest.mark.parametrize(
    ("frame", "params", "error", "words"),
    [
        (FRAME.assign(wave="2024"), {}, InsufficientData, "holds one wave"),
        (FRAME, {"compare": ["2024", "2026"]}, DataError, "there is no wave '2026'"),
        (FRAME, {"compare": ["2025", "2024"]}, DataError, "first wave is later"),
        (FRAME, {"waves": ["2024", "2026"]}, DataError, "there is no wave '2026'"),
        (FRAME.drop(index=range(21)), {"compare": ["2024", "2025"]}, InsufficientData, "not named: fewer than 10 rows"),
        (FRAME.assign(p1=FRAME["p1"].where(FRAME.index > 24)), {}, InsufficientData, "'p1' holds fewer than 10 answers"),
        (FRAME.assign(who="one" + (FRAME.index // 2).astype(str)), {"person_column": "who"}, DataError, "30 answer|15 answer"),
    ],
)  # fmt: skip
def test_waves_that_cannot_be_compared_are_refused(frame, params, error, words):
    with pytest.raises(error, match=words):
        given(frame, **params)


@pytest.mark.parametrize(("n", "named"), [(10, True), (9, False)])
def test_a_wave_of_few_is_not_shown(n, named):
    frame = pd.concat([FRAME, FRAME.head(30).assign(wave="2023"), FRAME.head(n).assign(wave="2026")])
    found = given(frame)
    assert (found.after == "wave=2026") == named
    assert found.hidden == (0 if named else 2)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wave_period: year", "need a wave_column"),
        ("wave_column: wave\ncompare: [a]", "give two different waves"),
        ("wave_column: wave\nsampling: {strata: s}", "does not know the design"),
        ("wave_column: wave\nsegments: [wave]", "must be different columns"),
    ],
)
def test_params_that_contradict_each_other_are_refused(tmp_path, line, words):
    (tmp_path / "p.yml").write_text(f"study: servqual\nname: p\ndata: {{path: x.csv}}\n{line}\n", "utf-8")
    with pytest.raises(ParamsError, match=words):
        load_params(tmp_path / "p.yml")
