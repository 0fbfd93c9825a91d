"""Words of verbatims: Chinese by a dictionary, English by letters; words that carry no theme are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from xmresearch.verbatims.languages import HAN_PER_WORD, language_of

TopicLanguage = Literal["en", "zh"]
HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_HAN_CHARACTER = re.compile(f"[{HAN}]")
_HAN_RUN = re.compile(f"[{HAN}]+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_SIMPLE_PLURAL = re.compile(r"(?<=[^sui'])s$")
_FUNCTION_WORDS_ZH = frozenset(
    [
        "的",
        "了",
        "是",
        "我",
        "你",
        "他",
        "她",
        "它",
        "我们",
        "你们",
        "他们",
        "您",
        "在",
        "有",
        "和",
        "与",
        "跟",
        "也",
        "都",
        "就",
        "还",
        "又",
        "再",
        "很",
        "太",
        "非常",
        "比较",
        "特别",
        "真",
        "真的",
        "这",
        "那",
        "这个",
        "那个",
        "这里",
        "那里",
        "一个",
        "一下",
        "一些",
        "一点",
        "有点",
        "什么",
        "怎么",
        "为什么",
        "没有",
        "不",
        "没",
        "不是",
        "就是",
        "可以",
        "会",
        "能",
        "要",
        "想",
        "去",
        "来",
        "到",
        "说",
        "让",
        "把",
        "被",
        "给",
        "对",
        "从",
        "向",
        "为",
        "因为",
        "所以",
        "但是",
        "但",
        "不过",
        "然而",
        "可是",
        "而且",
        "如果",
        "或者",
        "以及",
        "并",
        "并且",
        "上",
        "下",
        "里",
        "中",
        "个",
        "次",
        "吧",
        "吗",
        "呢",
        "啊",
        "哦",
        "呀",
        "啦",
        "着",
        "过",
        "得",
        "地",
        "之",
        "等",
        "及",
        "其",
        "自己",
        "大家",
        "时候",
        "现在",
        "已经",
        "觉得",
        "感觉",
        "希望",
        "整体",
        "总体",
        "最",
        "更",
        "挺",
        "好",
        "好的",
        "还是",
        "只",
        "只是",
        "只有",
        "这样",
        "那样",
        "多",
        "少",
        "不错",
        "比",
        "虽然",
        "有时候",
        "时",
        "后",
        "前",
        "才",
        "却",
        "请",
        "谢谢",
    ]
)


def main_language(text: str) -> TopicLanguage:
    """Tell by which language a text is cut into words and sorted.

    Parameters
    ----------
    text : str
        Of one language or of both.

    Returns
    -------
    {'en', 'zh'}
        Of a mixed text the one that says more; en for texts of neither.
    """
    found = language_of(text)
    if found == "mixed":
        return (
            "zh"
            if len(_HAN_CHARACTER.findall(text)) >= HAN_PER_WORD * len(_WORD.findall(_HAN_RUN.sub(" ", text)))
            else "en"
        )
    return "zh" if found == "zh" else "en"


def main_languages(texts: Sequence[str]) -> NDArray[np.object_]:
    """Tell the main language of each of several texts, shape (n,)."""
    return np.array([main_language(t) for t in texts], dtype=object)


@cache
def _english_function_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    more = "im ive dont didnt doesnt isnt wasnt wont cant couldnt wouldnt thats theres really just did does got get very good great nice bad"
    return frozenset(ENGLISH_STOP_WORDS) | frozenset(more.split()) - {"bill", "fire", "computer", "system", "call"}


@cache
def _dictionary() -> Any:
    import rjieba

    return rjieba


def words_of(text: str) -> list[str]:
    """Cut a text into words that can carry a theme.

    Parameters
    ----------
    text : str
        English, Chinese (simplified) or both.

    Returns
    -------
    list of str
        In order, in small letters; Chinese words of two characters and more, English ones of three letters and more, plurals in s
        as singulars, without function words, numbers, punctuation and emoji.
    """
    if len(_HAN_RUN.findall(text)) == 0:
        return _english(text)
    found: list[str] = []
    end = 0
    for run in _HAN_RUN.finditer(text):
        found += _english(text[end : run.start()])
        found += [w for w in _dictionary().cut(run[0]) if len(w) > 1 and w not in _FUNCTION_WORDS_ZH]
        end = run.end()
    return found + _english(text[end:])


def _english(text: str) -> list[str]:
    without = _english_function_words()
    words = (w[0].lower().replace("’", "'").removesuffix("'s") for w in _WORD.finditer(text))
    return [
        _SIMPLE_PLURAL.sub("", w) if len(w) > 4 else w
        for w in words
        if len(w) > 2 and w not in without and w.replace("'", "") not in without
    ]
