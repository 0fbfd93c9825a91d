from pathlib import Path

import pytest

from xmresearch.data.codebook_file import instrument_names, load_codebook, parse_codebook
from xmresearch.errors import CodebookError

LABEL = {"en": "x", "zh": "x"}


def minimal(**changes):
    content = {
        "name": "mini",
        "labels": LABEL,
        "constructs": {"speed": LABEL},
        "statements": {1: {"construct": "speed", "labels": LABEL}},
        "batteries": {"expectation": {"pattern": "e{id}"}, "perception": {"pattern": "p{id}"}},
    }
    return content | changes


def test_servqual_has_five_dimensions_of_4_5_4_4_5_statements():
    book = load_codebook("servqual")
    assert [len(book.names("perception", d)) for d in book.constructs] == [4, 5, 4, 4, 5]
    assert book.names("expectation") == [f"e{k}" for k in range(1, 23)]
    assert book.names("importance") == [f"points_{d}" for d in book.constructs]
    assert book.names("outcome") == ["quality", "satisfaction", "recommend"]


def test_servperf_asks_perceptions_only():
    book = load_codebook("servperf")
    assert len(book.names("perception")) == 22
    assert book.names("expectation") == []


def test_service_hall_extends_servqual_with_the_minimum():
    book = load_codebook("service_hall")
    assert len(book.names("minimum")) == 22
    assert book.label_map("zh")["branch=central"] == "市中心"


def test_service_hall_asks_satisfaction_and_loyalty_but_need_not():
    book = load_codebook("service_hall")
    added = ["s1", "s2", "s3", "l1", "l2", "l3"]
    assert book.names("outcome") == ["quality", "satisfaction", "recommend", *added]
    assert set(added) <= book.optional


def test_instruments_have_the_items_of_their_sources():
    """LibQUAL+ (Thompson, Cook & Kyrillidou 2005): 9, 8, 5 items; E-S-QUAL (Parasuraman et al. 2005): 8, 4, 7, 3; Babakus & Mangold (1992): 15."""
    sizes = {
        name: [len(load_codebook(name).select("perception", c)) for c in load_codebook(name).constructs]
        for name in ("libqual", "e_s_qual", "chinese_service", "servqual_p", "hedperf")
    }
    assert sizes == {
        "libqual": [9, 8, 5], "e_s_qual": [8, 4, 7, 3], "chinese_service": [4] * 5, "servqual_p": [3, 3, 3, 4, 2], "hedperf": [8, 7, 5, 5, 3],
    }  # fmt: skip
    assert len(load_codebook("libqual").statements("minimum", "expectation", "perception")) == 22
    assert load_codebook("e_s_qual").names("expectation") == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_shipped_item_has_a_label(lang):
    for name in instrument_names():
        assert all(getattr(c.labels, lang) for c in load_codebook(name).columns)


def test_statement_numbers_may_be_written_without_quotes():
    assert parse_codebook(minimal(), "x.yml").names("perception") == ["p1"]


def test_items_can_be_described_one_by_one():
    book = parse_codebook(
        minimal(
            statements={},
            batteries={},
            items={
                "q1": {"kind": "expectation", "construct": "speed", "statement": "a"},
                "q2": {"kind": "perception", "construct": "speed", "statement": "a", "reverse": True},
                "q3": {"kind": "outcome", "scale": {"minimum": 0, "maximum": 10}},
            },
        ),
        "x.yml",
    )
    assert book.statements("expectation", "perception") == ["a"]
    assert book.column("q2").reverse
    assert book.column("q3").scale.maximum == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"construct": {}}, "unknown|Extra|extra"),
        ({"statements": {1: {"construct": "sped", "labels": LABEL}}}, "unknown construct 'sped'. Did you mean 'speed'"),
        ({"statements": {1: {"construct": "speed", "label": LABEL}}}, "Did you mean 'labels'"),
        ({"batteries": {"expectations": {"pattern": "e{id}"}}}, "batteries"),
        ({"batteries": {"perception": {"pattern": "p1"}}}, "pattern"),
        ({"items": {"e1": {"kind": "outcome"}}}, "'e1' is described twice"),
        ({"items": {"z": {"kind": "perception", "construct": "speed"}}}, "names no statement"),
        ({"items": {"z": {"kind": "perception", "statement": "q"}}}, "names no construct"),
        ({"items": {"z": {"kind": "perception", "statement": "1"}}}, "both ask statement '1' as perception"),
        ({"segments": {"sex": {"label": LABEL}}}, "Did you mean 'labels'"),
        ({"segments": {"sex": {"labels": LABEL, "values": {1: {"en": "x", "cn": "x"}}}}}, "values"),
        ({"scale": {"minimum": 7, "maximum": 1}}, "not below"),
        ({"statements": {}, "batteries": {}}, "describes no column"),
        ({"extends": "servqal"}, "Did you mean 'servqual'"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(CodebookError, match=message):
        parse_codebook(minimal(**changes), "x.yml")


def test_missing_file_and_unknown_instrument(tmp_path: Path):
    with pytest.raises(CodebookError, match="does not exist"):
        load_codebook("none.yml", tmp_path)
    with pytest.raises(CodebookError, match="Did you mean 'servqual'"):
        load_codebook("servqal")


def test_broken_yaml_is_named(tmp_path: Path):
    (tmp_path / "b.yml").write_text("name: [", "utf-8")
    with pytest.raises(CodebookError, match="b.yml is not valid YAML"):
        load_codebook("b.yml", tmp_path)


def test_files_of_other_encodings_and_repeated_keys_are_named(tmp_path: Path):
    (tmp_path / "g.yml").write_bytes("name: 调查".encode("gbk"))
    with pytest.raises(CodebookError, match="g\\.yml is not UTF-8"):
        load_codebook("g.yml", tmp_path)
    (tmp_path / "r.yml").write_text("statements:\n  1: {}\n  1: {}\n", "utf-8")
    with pytest.raises(CodebookError, match="line 3: the key '1' is given twice"):
        load_codebook("r.yml", tmp_path)


def test_what_an_extended_instrument_offers_need_not_be_asked():
    book = parse_codebook(
        {"extends": "servqual", "name": "own", "labels": LABEL, "items": {"quality": {"kind": "outcome"}}}, "own.yml"
    )
    assert "points_empathy" in book.optional
    assert "quality" not in book.optional
    assert "p1" not in book.optional


def test_unknown_item_names_the_nearest():
    with pytest.raises(CodebookError, match="Did you mean 'quality'"):
        load_codebook("servqual").column("qualty")


def test_a_name_in_one_language_serves_both():
    book = parse_codebook(
        minimal(
            labels="Mini",
            constructs={"speed": {"zh": "速度"}},
            statements={1: {"construct": "speed", "labels": {"en": "Quick"}}},
            segments={"branch": {"labels": "Branch", "values": {1: "North", "2": {"zh": "南"}}}},
        ),
        "c.yml",
    )
    both = {"mini": "Mini", "speed": "速度", "1": "Quick", "branch": "Branch", "branch=1": "North", "branch=2": "南"}
    for lang in ("en", "zh"):
        assert book.label_map(lang).items() >= both.items()
    own = parse_codebook(minimal(labels={"en": "Mini", "zh": "迷你"}), "c.yml")
    assert (own.label_map("en")["mini"], own.label_map("zh")["mini"]) == ("Mini", "迷你")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"de": "x"}, "Did you mean 'en'"),
        ({}, "labels.en: Field required"),
        (3, "a name is a text, or texts by language"),
        ("", "at least 1 character"),
        ({"en": ""}, "at least 1 character"),
    ],
)
def test_a_name_of_no_language_is_refused(labels, message):
    with pytest.raises(CodebookError, match=message):
        parse_codebook(minimal(labels=labels), "c.yml")


def test_kano_pairs_are_kinds_of_their_own(tmp_path):
    (tmp_path / "book.yml").write_text(
        "name: k\nlabels: {en: K, zh: K}\nconstructs: {a: {en: A, zh: A}, b: {en: B, zh: B}}\n"
        "statements:\n  '1': {construct: a, labels: {en: One, zh: 一}}\n  '2': {construct: b, labels: {en: Two, zh: 二}}\n"
        "batteries:\n  perception: {pattern: 's{id}'}\n  functional: {pattern: 'k{id}pos', scale: {minimum: 1, maximum: 5}}\n"
        "  dysfunctional: {pattern: 'k{id}neg', scale: {minimum: 1, maximum: 5}}\n",
        "utf-8",
    )
    book = load_codebook("book.yml", tmp_path)
    assert book.statements("functional", "dysfunctional") == ["1", "2"]
    assert book.item("dysfunctional", "2").name == "k2neg"
    assert book.item("functional", "1").scale.maximum == 5
