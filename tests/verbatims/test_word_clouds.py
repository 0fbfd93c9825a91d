"""Word clouds: words that may be shown, in fonts that have them, and no overlap."""

import re

import pytest
from pylopdf_fonts_zh_cn import sans_path
from verbatim_worlds import corpus

from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.vocabulary import word_frequencies
from xmresearch.verbatims.word_clouds import word_cloud


def test_words_of_few_people_and_names_are_not_counted():
    texts = ["排队 queue jennifer"] * 12 + ["helicopter"] * 9
    found = word_frequencies(texts)
    assert found.to_dict("list") == {"word": ["queue", "排队"], "people": [12, 12]}
    assert word_frequencies(texts, people=[1] * 21).empty
    assert word_frequencies([""] * 3).empty
    with pytest.raises(DataError, match="3 texts and 1 people"):
        word_frequencies(["a"] * 3, people=[1])


def test_a_cloud_has_chinese_words_and_loads_nothing():
    counts = word_frequencies(corpus(1, n=400)[0]).set_index("word")["people"]
    found = word_cloud(counts.to_dict(), sans_path(), seed=1)
    assert len(found.table) > 30
    svg = found.svg()
    assert all(word in svg for word in found.table["word"])
    assert any("\u4e00" <= w[0] <= "\u9fff" for w in found.table["word"])
    assert not re.findall(r"(?:href|src|url\()\s*=?[\"']?https?:", svg)
    assert found.table["size"].is_monotonic_decreasing
    again = word_cloud(counts.to_dict(), sans_path(), seed=1)
    assert again.table.equals(found.table)


def test_hostile_words_are_escaped():
    svg = word_cloud({"<script>alert(1)</script>": 3, "a&b": 2}, sans_path()).svg()
    assert "<script>" not in svg


def test_what_makes_no_cloud_is_told():
    with pytest.raises(InsufficientData, match="no word"):
        word_cloud({}, sans_path())
    with pytest.raises(DataError, match="not positive"):
        word_cloud({"a": 0}, sans_path())
    with pytest.raises(DataError, match=r"font 'none.ttf' cannot be read"):
        word_cloud({"a": 1}, "/tmp/none.ttf")
