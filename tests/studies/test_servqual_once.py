"""What a SERVQUAL report says where each statement was asked once: perceptions alone, or gaps that are themselves the answers."""

import re

import pytest
from once_worlds import content, survey, write_book
from page import answer, assert_agreement, cards, in_both, prose, write

from xmresearch.data.survey import prepare_survey
from xmresearch.errors import ParamsError, XMError
from xmresearch.params.registry import find_study
from xmresearch.studies.servqual.checking import check_study

BARE = {
    "id_column": None,
    "duration_column": None,
    "weight_column": None,
    "segments": [],
    "outcome": "quality",
    "bootstrap": 200,
}
STRONG = {"levels": (2.5, 5.0, 5.0), "drives": (0.1, 1.2, 0.1)}
WORLDS = {
    "null": ("perceptions", {"levels": (4.0,) * 3}, 150, {}),
    "strong": ("perceptions", STRONG, 400, {"segments": ["branch"]}),
    "tiny": ("perceptions", {"levels": (4.0,) * 3}, 12, {}),
    "aimed": ("perceptions", STRONG, 400, {"target": 6}),
    "direct": ("direct", {"levels": (-1.2, -0.4, 0.0), "drives": (1.2, 0.1, 0.1)}, 400, {"segments": ["branch"]}),
    "three": ("three", {"levels": (3.0, 5.0, 5.0)}, 200, {}),
}  # fmt: skip
EXPECTED = re.compile(r"[Ee]xpect|fall short|\bgaps?\b|期望|差距")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every world's page in both languages."""
    made, folder = {}, tmp_path_factory.mktemp("once")
    for number, (name, (form, world, n, more)) in enumerate(WORLDS.items()):
        frame = survey(n, seed=[81, number], form=form, **world)
        frame["branch"] = ["north", "south"] * (n // 2)
        frame.to_parquet(folder / f"{number}.parquet")
        more = {"codebook": write_book(folder, form), "data": {"path": f"{number}.parquet"}, **more}
        made |= {(name, lang): report for lang, report in in_both("servqual", folder, **BARE | more).items()}
    return made


def sections(report):
    return [b.content["key"] for b in report.blocks if b.kind == "section"]


@pytest.mark.parametrize("world", WORLDS)
def test_cards_sentences_and_checks_agree(pages, world):
    assert assert_agreement(pages[world, "en"]) == assert_agreement(pages[world, "zh"])
    for lang in ("en", "zh"):
        keys = {b.content["key"] for b in pages[world, lang].blocks if b.kind in ("table", "figure")}
        named = set(re.findall(r"@(?:fig|tbl):([a-z_]+)", prose(pages[world, lang])))
        assert named <= keys, named - keys


@pytest.mark.parametrize("world", ["null", "strong", "tiny", "aimed"])
def test_perceptions_alone_are_said_once_and_nothing_needs_an_expectation(pages, world):
    for lang, words in (("en", "Perceptions only (SERVPERF)"), ("zh", "只问了感知（SERVPERF）")):
        report = pages[world, lang]
        assert prose(report).count(words) == 1
        assert words in "".join(b.content.get("text", "") for b in answer(report))
        assert not {"gaps", "priority", "statements", "segments", "tolerance"} & set(sections(report))
        said = [
            b.content["text"] for b in report.blocks if b.kind == "prose" and b.content["key"] not in ("limits_once",)
        ]
        assert not [t for t in said if EXPECTED.search(t)]
        heads = [
            h
            for b in report.blocks
            if b.kind == "table"
            for h in [b.content["caption"], b.content["note"], *b.content["head"]]
        ]
        assert not [h for h in heads if EXPECTED.search(h)]
        assert "servqual_unweighted" not in "".join(b.content["csv"] for b in report.blocks if b.kind == "table")


def test_null_world_names_nobody(pages):
    claims = pages["null", "en"].claims
    assert (claims["under"].state, claims["weakest"].state) == ("unsettled", "unsettled")
    assert claims["driver"].withheld == "explains_nothing"
    assert "No dimension is shown to lie below" in prose(pages["null", "en"])
    assert "未能证实有维度偏低" in prose(pages["null", "zh"])


def test_strong_world_is_said_plainly(pages):
    report = pages["strong", "en"]
    assert [report.claims[k].case for k in ("level", "under", "weakest", "driver")] == [
        "larger",
        "some",
        "first",
        "first",
    ]
    assert report.claims["under"].facts["shown"] == ["calm"]
    assert "**Calm is the weakest dimension.**" in prose(report)
    assert "**维度1最弱。**" in prose(pages["strong", "zh"])
    assert [c["value"] for c in cards(report)][2:] == ["Calm", "Speed"]
    assert report.claims["segment_scores"].state == "unsettled"
    assert "Where the scores differ" in [b.content["title"] for b in report.blocks if b.kind == "section"]
    assert "Importance was not asked. Here it is derived" in prose(report)


def test_a_target_takes_the_place_of_the_middle(pages):
    report = pages["aimed", "en"]
    assert [report.claims[k].case for k in ("level", "under")] == ["smaller", "all"]
    assert "**All 3 dimensions lie below the target,**" in prose(report)
    assert "与目标值 6.00 相比" in prose(pages["aimed", "zh"])


def test_twelve_respondents_are_said_on_the_first_screen(pages):
    for lang, words in (("en", "Only 12 respondents"), ("zh", "只有 12 份答卷")):
        blocks = answer(pages["tiny", lang])
        assert words in "".join(b.content["text"] for b in blocks[: [b.kind for b in blocks].index("cards")])


def test_direct_gaps_have_the_claims_of_gaps_and_say_what_cannot_be_told(pages):
    report = pages["direct", "en"]
    assert [report.claims[k].case for k in ("score", "short", "first", "widest", "driver")] == [
        "smaller",
        "some",
        "first",
        "first",
        "first",
    ]
    assert "Each answer is itself the gap" in prose(report)
    assert "回答本身就是差距" in prose(pages["direct", "zh"])
    assert not {"importance", "tolerance", "levels"} & set(sections(report))
    table = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "gap_dimensions")
    assert not {"Expectation", "Perception"} & set(table.content["head"])
    assert "SERVPERF" not in prose(report)


def test_three_columns_have_their_zone(pages):
    report = pages["three", "en"]
    assert {"gaps", "tolerance"} <= set(sections(report))
    assert report.claims["inadequate"].facts["shown"] == ["calm"]
    assert "asked_once" not in [b.content.get("key") for b in report.blocks]


def checked(form, frame=None, **params):
    from xmresearch.data.codebook_file import parse_codebook

    frame = survey(40, (0.0 if form == "direct" else 4.0,) * 3, 1, form=form) if frame is None else frame
    given = BARE | {"data": {"path": "x.csv"}, "codebook": "x.yml"} | params
    return check_study(
        find_study("servqual").params(**given), prepare_survey(frame, parse_codebook(content(form), "x.yml"))
    )


@pytest.mark.parametrize(
    ("form", "words"), [("perceptions", "Perceptions only;"), ("direct", "Answers are themselves gaps;")]
)
def test_check_says_what_the_report_will_not_have(form, words):
    lines = checked(form)
    assert any(words in line and "zone of tolerance" in line for line in lines)
    assert any("Would run: 9 statements in 3 dimensions" in line for line in lines)
    assert not any("will not have" in line for line in checked("three"))


def test_a_target_of_gaps_is_refused():
    with pytest.raises(ParamsError, match="target: it is of perceptions alone"):
        checked("direct", target=4)


def test_dimensions_on_different_scales_have_no_weakest(tmp_path):
    items = {"quality": {"kind": "outcome", "labels": {"en": "Quality", "zh": "总体"}}}
    items |= {
        f"w{k}": {
            "kind": "perception",
            "construct": "wide",
            "statement": f"w{k}",
            "scale": {"minimum": 0, "maximum": 10},
        }
        for k in (1, 2)
    }
    wide = {"en": "Wide", "zh": "宽"}
    book = write_book(
        tmp_path, "perceptions", items=items, constructs=content("perceptions")["constructs"] | {"wide": wide}
    )
    frame = survey(60, (2.0, 5.0, 5.0), 4).assign(w1=[8, 9, 7] * 20, w2=[8, 6, 7] * 20)
    frame.to_csv(tmp_path / "s.csv", index=False)
    report = write("servqual", tmp_path, **BARE | {"codebook": book, "data": {"path": "s.csv"}})
    assert report.claims["weakest"].withheld == "scales_differ"
    with pytest.raises(XMError, match="different scales"):
        write("servqual", tmp_path, **BARE | {"codebook": book, "data": {"path": "s.csv"}, "target": 4})
