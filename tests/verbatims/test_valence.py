"""Valence by the lexicon: what pleases, what annoys, and what turns it round."""

import pytest

from xmresearch.verbatims import valence as module
from xmresearch.verbatims.texts import simplified
from xmresearch.verbatims.valence import lexicon, valence, valence_features


def of(text):
    return valence(simplified([text])[0])


@pytest.mark.parametrize(
    ("pleasing", "annoying"),
    [
        ("高兴", "不高兴"),
        ("很满意", "不太满意"),
        ("满意", "不是很满意"),
        ("滿意", "不滿意"),
        ("有帮助", "没有什么帮助"),
        ("好吃", "没什么好吃的"),
        ("方便", "一点也不方便"),
        ("还会再来", "再也不会来了"),
        ("good", "not good"),
        ("good", "not a very good one"),
        ("i love it", "i don't love it"),
        ("recommended", "never again"),
        ("helpful staff", "hardly helpful staff"),
        ("not bad", "bad"),
        ("没有问题", "有故障"),
        ("没有异味", "有异味"),
        ("不错", "出错"),
        ("👍", "👎"),
        ("办事员很热情", "办事员态度恶劣"),
    ],
)
def test_negation_and_its_idioms(pleasing, annoying):
    assert of(annoying) < 0 < of(pleasing)


@pytest.mark.parametrize("text", ["", "123", "不但", "可爱的香菇", "http://good.com", "the table", "not only"])
def test_a_text_without_feeling_has_none(text):
    assert of(text) == 0


def test_words_stress_and_soften_and_contrasts_weigh():
    assert of("非常满意") > of("满意") > of("比较满意") > 0
    assert of("very good") > of("good") > of("fairly good") > 0
    assert of("热情，但是很慢") < of("热情，很慢")
    assert of("friendly but slow") < of("friendly , slow")
    assert of("好难吃") < of("难吃")  # 好 before a word of feeling means very
    assert 0 < of("not slow") < -of("slow")


def test_negation_ends_with_its_clause_and_its_scope():
    assert of("not today. good") > 0
    assert of("not really so very very good") < 0  # words of degree do not use up the scope
    assert of("not the red and blue one good") > 0
    assert of("不，很好") > 0
    assert of("not easily in every way comfortable") > of("not comfortable")


def test_parts_of_a_text_are_told_apart():
    whole, up, down, highest, lowest, last, weak = valence_features("好吃,难吃")
    assert (whole, weak) == (0, 0)
    assert up == -down == highest == -lowest
    assert last < 0


def test_the_lexicon_contradicts_itself_nowhere():
    from importlib.resources import files

    import yaml

    read = yaml.safe_load((files("xmresearch.verbatims") / "valence.yml").read_text("utf-8"))
    for part, separator in (("zh", None), ("en", None), ("phrases", ","), ("emoji", None), ("seeds", ",")):
        signs = {}
        for value, words in read[part].items():
            for word in words.split(separator):
                signs.setdefault(word.strip(), set()).add((value > 0) - (value < 0))
        assert {w for w, s in signs.items() if len(s) > 1} == set(), part
    lex = lexicon()
    assert all(valence(t) * v > 0 for t, v in lex.seeds.items()), [
        t for t, v in lex.seeds.items() if valence(t) * v <= 0
    ]
    assert simplified(lex.han) == list(lex.han)
    assert len(valence_features("a")) == module.FEATURES
