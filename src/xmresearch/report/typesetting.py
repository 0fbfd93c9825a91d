"""How figures and citations are set in each language: what belongs together stays on one line, and Chinese has no stray spaces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

NBSP = "\u00a0"
_HAN = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”"
_PER_CENT = re.compile(r"(?<=\d) %")
_BOUND = re.compile(r"(?<![\w)\]])([<>]|\\<|\\>|&lt;|&gt;) (?=[\d.])")
_SHARE = re.compile(rf"{_BOUND.pattern}(?=[\d.]+%)")
_BEFORE_CITATION = re.compile(rf"(?<=[{_HAN}*\w%\]]) (?=\[-?@)")
_AFTER_CITATION = re.compile(rf"(\[-?@[^\]]*\]) (?=[{_HAN}\d])")
_BEFORE_REFERENCE = re.compile(rf"(?<=[{_HAN}]) (?=@(?:fig|tbl|sec):)")
_AFTER_STRONG = re.compile(rf"(?<=[{_HAN}]\*\*) (?=[{_HAN}])")
_WORDS = ("caption", "note", "alt", "title")


def typeset(text: str, lang: str) -> str:
    """Set per cent signs and bounds.

    Parameters
    ----------
    text : str
        Plain, or Markdown.
    lang : {'en', 'zh'}
        Language. In English a space that does not break stands before a per cent sign, in Chinese none.

    Returns
    -------
    str
    """
    text = _PER_CENT.sub("%" if lang == "zh" else f"{NBSP}%", text)
    return _BOUND.sub(rf"\1{NBSP}", _SHARE.sub(r"\1", text) if lang == "zh" else text)


def typeset_markdown(text: str, lang: str) -> str:
    """Set a sentence: as `typeset`, and in Chinese without spaces around citations and strong words, and before references."""
    text = typeset(text, lang)
    if lang != "zh":
        return text
    text = _AFTER_CITATION.sub(r"\1", _BEFORE_CITATION.sub("", text))
    return _AFTER_STRONG.sub("", _BEFORE_REFERENCE.sub("", text))


def typeset_block(block: Mapping[str, Any], lang: str) -> dict[str, Any]:
    """Set the words and cells of a block; its CSV and its figure stay as they are.

    Parameters
    ----------
    block : mapping
        Content of a `Block`.
    lang : {'en', 'zh'}
        Language.

    Returns
    -------
    dict
    """
    found = dict(block)
    found |= {key: typeset(str(block[key]), lang) for key in _WORDS if isinstance(block.get(key), str)}
    if block["kind"] == "table":
        found["head"] = [typeset(str(h), lang) for h in block["head"]]
        found["rows"] = [[typeset(str(v), lang) for v in row] for row in block["rows"]]
    elif block["kind"] == "cards":
        found["items"] = [
            {k: typeset(v, lang) if isinstance(v, str) else v for k, v in i.items()} for i in block["items"]
        ]
    return found
