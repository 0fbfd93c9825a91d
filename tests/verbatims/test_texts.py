"""Texts are written in one form for methods."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.verbatims.text_terms import terms_of
from xmresearch.verbatims.texts import ADDRESS, as_texts, normalised, simplified


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("ＧＯＯＤ　１２３", "good 123"),
        ("sooooo good!!!!", "soo good!!"),
        ("好好好好", "好好"),
        ("10000", "10000"),
        ("看https://a.cn/x?y=1，很好", f"看 {ADDRESS} ,很好"),
        ("don’t", "don't"),
        ("\ufeff很\u200b好\r\n\t!", "很好 !"),
        ("👍🏽👍🏿", "👍👍"),
        ("❤️", "❤"),
        ("", ""),
        ("服務", "服務"),
    ],
)
def test_a_text_has_one_form(text, form):
    assert normalised(text) == form


def test_traditional_characters_are_simplified_text_by_text():
    assert simplified(["服務態度\n很好", "", "OK", "頭髮"]) == ["服务态度 很好", "", "ok", "头发"]
    assert simplified(["plain"]) == ["plain"]
    assert simplified([]) == []


def test_blanks_are_empty_and_other_things_are_refused():
    assert as_texts(["a", None, np.nan, pd.NA]) == ["a", "", "", ""]
    assert as_texts(pd.Series(["a", None], dtype="str")) == ["a", ""]
    with pytest.raises(DataError, match="Row 1 holds int"):
        as_texts(["a", 3])
    with pytest.raises(DataError, match="One text"):
        as_texts("a")


def test_terms_are_characters_words_and_parts():
    assert terms_of("不好吃") == ["不", "好", "吃", "不好", "好吃", "不好吃"]
    assert terms_of("not ok") == [
        "not ",
        "~ no",
        "~not",
        "~ot ",
        "~ not",
        "~not ",
        "ok ",
        "not ok",
        "not_ok",
        "~ ok",
        "~ok ",
        "~ ok ",
    ]
    assert terms_of("好👍!") == ["好", "👍", "!"]
    assert "not_it" not in terms_of("not now. it is")
    assert [t for t in terms_of("never a b c d") if t.startswith("not_")] == ["not_a", "not_b", "not_c"]
