"""What a SERVQUAL report says in many worlds, and in the cases that once misled."""

import os
import re
from pathlib import Path

import pandas as pd
import pytest
from page import answer, assert_agreement, cards, in_both, prose, write
from servqual_worlds import survey

from xmresearch.data import FOLDER_VARIABLE

BARE = {
    "codebook": "servqual", "id_column": None, "duration_column": None, "weight_column": None, "segments": [],
    "outcome": "quality", "bootstrap": 300,
}  # fmt: skip
WORLDS = {
    "null": ({"gaps": (0.0,) * 5}, 200, {}),
    "near null": ({"gaps": (-0.12,) * 5}, 200, {}),
    "tied two": ({"gaps": (-0.8, -0.8, -0.3, -0.3, -0.3), "drives": (0.5, 0.5, 0, 0, 0)}, 300, {}),
    "tied three": ({"gaps": (-0.8, -0.8, -0.8, -0.3, -0.3), "drives": (0.4, 0.4, 0.4, 0, 0)}, 300, {}),
    "strong": ({"gaps": (-1.5, -0.6, -0.6, -0.6, -0.6), "drives": (1.2, 0.1, 0.1, 0.1, 0.1)}, 500, {}),
    "tiny": ({"gaps": (-0.5,) * 5}, 12, {}),
    "huge": ({"gaps": (-0.05,) * 5}, 60_000, {"bootstrap": 200}),
    "failed check": ({"gaps": (-1.5, -0.6, -0.6, -0.6, -0.6), "drives": (1.2, 0.1, 0.1, 0.1, 0.1)}, 500, {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Every world's page in both languages."""
    made = {}
    folder = tmp_path_factory.mktemp("worlds")
    for number, (name, (world, n, more)) in enumerate(WORLDS.items()):
        frame = survey(n, seed=[71, number], answers=True, **world)
        if name == "failed check":
            frame["p1"] = 8 - frame["p1"]
        frame.to_parquet(folder / f"{number}.parquet")
        both = in_both("servqual", folder, **BARE | more | {"data": {"path": f"{number}.parquet"}})
        made |= {(name, lang): report for lang, report in both.items()}
    return made


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
        claims = report.claims
        text = "\n".join(b.content.get("text", "") for b in answer(report))
        for card in cards(report):
            name = card["claims"][0]["name"] if card["claims"] else ""
            if name not in ("first", "driver"):
                continue
            leader = report.wording.name(claims[name].facts["leader"])
            assert (card["value"] == leader) == claims[name].settled
            assert (
                f"**{leader}**" in text or f"**Improve {leader} first.**" in text or f"**首先改进{leader}。**" in text
            ) == any(
                claims[k].settled and report.wording.name(claims[k].facts["leader"]) == leader
                for k in ("first", "driver")
                if k in claims
            )
    assert records["en"] == records["zh"]


def test_null_world_names_nobody(pages):
    claims = pages["null", "en"].claims
    assert claims["short"].state == "unsettled"
    assert claims["first"].withheld == "nothing_short"
    assert claims["driver"].withheld == "explains_nothing"
    assert "No shortfall can be shown" in prose(pages["null", "en"])
    assert "未能证实有任何不足" in prose(pages["null", "zh"])


@pytest.mark.parametrize(("world", "count"), [("tied two", 2), ("tied three", 3)])
def test_ties_are_named_as_ties(pages, world, count):
    claims = pages[world, "en"].claims
    tied = {"tangibles", "reliability", "responsiveness"} if count == 3 else {"tangibles", "reliability"}
    for name in ("first", "widest", "driver"):
        assert claims[name].state == "unsettled"
        assert tied <= set(claims[name].facts["possible"])
    assert "do not settle which dimension to improve first" in prose(pages[world, "en"])


def test_strong_world_is_said_plainly(pages):
    claims = pages["strong", "en"].claims
    assert [claims[k].case for k in ("short", "first", "widest", "driver")] == ["all", "first", "first", "first"]
    assert "**Improve Tangibles first.**" in prose(pages["strong", "en"])
    assert re.search(r"than any other dimension: \d\.\d{3} points of it", prose(pages["strong", "en"]))
    assert re.search(r"拖累 \d\.\d{3} 分，", prose(pages["strong", "zh"]))
    assert "**首先改进有形性。**" in prose(pages["strong", "zh"])


def test_twelve_respondents_are_said_on_the_first_screen(pages):
    for lang, words in (("en", "Only 12 respondents"), ("zh", "只有 12 份答卷")):
        blocks = answer(pages["tiny", lang])
        kinds = [b.kind for b in blocks]
        assert words in "".join(b.content["text"] for b in blocks[: kinds.index("cards")])
    assert not pages["tiny", "en"].claims["first"].settled


def test_sixty_thousand_answers_do_not_make_a_small_gap_matter(pages):
    claims = pages["huge", "en"].claims
    assert (claims["score"].case, claims["short"].state) == ("within", "unsettled")
    assert claims["score"].upper < 0


def test_a_reversed_statement_makes_what_rests_on_it_conditional(pages):
    report = pages["failed check", "en"]
    assert {report.claims[k].state for k in ("score", "short", "first", "driver", "items")} == {"conditional"}
    assert report.claims["instrument"].case == "failed"
    assert "keyed the other way" in prose(report)


def test_unreversed_case_names_the_statement():
    report = write("servqual", case("survey"), **BARE | {"outcome": "satisfaction", "data": {"path": "unreversed.csv"}})
    text = prose(report)
    assert "Right the first time loads against the other items" in text
    assert report.claims["short"].state == "conditional"
    assert report.claims["first"].failed == ["keyed_alike"]
    assert "goes against the other items" in text
    assert "They do" not in text


def test_unreversed_case_once_reversed(tmp_path):
    frame = pd.read_csv(case("survey/unreversed.csv"))
    frame[["e7", "p7"]] = 8 - frame[["e7", "p7"]]
    frame.to_csv(tmp_path / "s.csv", index=False)
    report = write("servqual", tmp_path, **BARE | {"outcome": "satisfaction", "data": {"path": "s.csv"}})
    table = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "gap_dimensions")
    gap = next(r for r in table.content["rows"] if r[0] == "Reliability")[4]
    assert gap == "−0.96"
    assert not report.claims["first"].failed


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_tiny_case_says_one_thing(lang):
    report = write(
        "servqual",
        case("report"),
        lang=lang,
        **BARE | {"data": {"path": "tiny12.csv"}, "segments": ["branch"], "outcome": None},
    )
    assert_agreement(report)
    card = next(c for c in cards(report) if c["claims"] and c["claims"][0]["name"] == "first")
    assert report.claims["first"].state in ("unsettled", "withheld")
    assert "Empathy" not in card["value"]


def test_kiosk_has_no_settled_second(kiosk_frame, root, tmp_path):
    report = write(
        "servqual", root / "params/servqual", **BARE
        | {"codebook": "kiosk_codebook.yml", "data": {"source": "dataset", "name": "kiosk_servqual"}, "outcome": None},
    )  # fmt: skip
    assert_agreement(report)
    assert report.claims["score"].facts["score"] == pytest.approx(-1.249, abs=5e-4)
    table = next(b for b in report.blocks if b.kind == "table" and b.content["key"] == "priority")
    assert [r[1] for r in table.content["rows"]][1:3] == ["Convenience", "Control"]
