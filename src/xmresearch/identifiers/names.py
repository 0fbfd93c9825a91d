"""Names of persons in running text, English and Chinese: by titles, by phrases that introduce them, and by lists of frequent names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PLACEHOLDER = "[name]"
_HAN = "\u4e00-\u9fff"
_WORD = r"[A-Z][a-zà-öø-ÿ]+(?:['’-][A-Z]?[a-zà-öø-ÿ]+)*"
_FULL = rf"{_WORD}(?:[ \t]+(?:[A-Z]\.[ \t]*)?(?:(?:van|de|der|von|bin|al|la)[ \t]+)*{_WORD}){{0,2}}"
_TITLED = re.compile(
    rf"\b(?i:(?:mr|mrs|ms|dr|prof)\.?|miss|doctor|professor|nurse|madam|sister|officer|captain|rev\.?)[ \t]+({_FULL})"
)
_INTRODUCED = re.compile(
    rf"\b(?i:my name is|name was|name is|his name's|her name's|named|called|signed|sincerely,?|regards,?|speak (?:to|with)|spoke (?:to|with)|ask for|asked for|"
    rf"thanks to|thank you,?|contact|helped by|served by|this is)\s+({_FULL})"
)
_CAPITALISED = re.compile(rf"(?<![\w@]){_WORD}")
_BEFORE_ZH = r"(?:我叫|名叫|叫做|姓名[是为]?[:：]?\s*|联系人[是为]?[:：]?\s*|署名[:：]?\s*|名字[是叫]|我是|我姓名是|本人|工号[:：]?\s*)"


@cache
def _lists() -> dict[str, frozenset[str]]:
    import yaml

    content = yaml.safe_load((Path(__file__).parent / "name_lists.yml").read_text("utf-8"))
    found = {key: frozenset(text.split()) for key, text in content.items()}
    for key in ("surnames_zh", "plain_zh", "given_zh"):
        found[key] = frozenset("".join(found[key]))
    return found


@cache
def _chinese() -> tuple[re.Pattern[str], re.Pattern[str]]:
    lists = _lists()
    surname = f"(?:{'|'.join(sorted(lists['compound_zh']))}|[{''.join(sorted(lists['surnames_zh']))}])"
    titles = "|".join(sorted(lists["titles_zh"], key=len, reverse=True))
    titled = re.compile(rf"({surname}[{_HAN}]{{0,2}}?)(?=(?:{titles}))")
    introduced = re.compile(rf"{_BEFORE_ZH}({surname}[{_HAN}]{{1,2}})(?![{_HAN}])")
    return titled, introduced


def find_names(text: str) -> list[tuple[int, int]]:
    """Find what are likely names of persons in a text.

    Parameters
    ----------
    text : str
        English, Chinese or both.

    Returns
    -------
    list of (int, int)
        Where each begins and ends, in order, without overlaps. Not every name is found: `tests/benchmarks/test_identifiers.py`
        measures how many are.
    """
    spans = sorted([*_english(text), *_han(text)], key=lambda s: (s[0], -s[1]))
    kept: list[tuple[int, int]] = []
    for start, end in spans:
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return kept


def scrub_names(text: str) -> str:
    """Put `[name]` in the place of what are likely names of persons.

    Parameters
    ----------
    text : str
        English, Chinese or both.

    Returns
    -------
    str
    """
    for start, end in reversed(find_names(text)):
        text = f"{text[:start]}{PLACEHOLDER}{text[end:]}"
    return text


def is_name(text: str) -> bool:
    """Whether a whole text, such as a word of a file's name, is likely the name of a person.

    Parameters
    ----------
    text : str
        A few words, or two to four Chinese characters.

    Returns
    -------
    bool
    """
    lists, plain = _lists(), text.strip()
    if re.fullmatch(f"[{_HAN}]{{2,4}}", plain):
        if plain[:2] in lists["compound_zh"]:
            return len(plain) > 2
        return len(plain) < 4 and plain[0] in lists["surnames_zh"] and not _is_word(plain)
    words = plain.split()
    first = words[0].capitalize() if words else ""
    return (
        2 <= len(words) <= 3
        and first in lists["given"] | lists["ambiguous"]
        and (words[-1].capitalize() in lists["surnames"] or (first in lists["given"] and words[-1].istitle()))
    )


def is_other_word(word: str) -> bool:
    """Whether a word, in small letters, means something else as often as the name that it also is."""
    lists = _lists()
    return word.capitalize() in lists["ambiguous"] | lists["openers"]


def _is_word(text: str) -> bool:
    """Whether the dictionary of the segmenter has a text as something other than a name."""
    import rjieba

    tagged = rjieba.tag(text)
    return len(tagged) == 1 and not tagged[0][1].startswith("nr") and bool(rjieba.has_word(text))


def _english(text: str) -> Iterator[tuple[int, int]]:
    lists = _lists()
    given, every = lists["given"], lists["given"] | lists["ambiguous"]
    for pattern in (_TITLED, _INTRODUCED):
        for m in pattern.finditer(text):
            if m[1].split()[0] in lists["openers"]:
                continue
            if (
                pattern is _TITLED
                or m[1].split()[0] in every
                or re.match(r"(?i:my name is|his name|her name|name (?:is|was)|named)", m[0])
            ):
                yield m.span(1)
    words = list(_CAPITALISED.finditer(text))
    for k, m in enumerate(words):
        word = re.sub(r"['’]s$", "", m[0])
        if word not in every:
            continue
        end = m.start() + len(word)
        following = (
            words[k + 1]
            if k + 1 < len(words) and re.fullmatch(r"[ \t]+(?:[A-Z]\.[ \t]*)?", text[end : words[k + 1].start()])
            else None
        )
        surname = re.sub(r"['’]s$", "", following[0]) if following else ""
        if word in given or surname in lists["surnames"]:
            yield (
                m.start(),
                following.start() + len(surname)
                if following and (surname in lists["surnames"] or len(surname) > 3)
                else end,
            )


def _han(text: str) -> Iterator[tuple[int, int]]:
    if text.isascii() or not re.search(f"[{_HAN}]", text):
        return
    titled, introduced = _chinese()
    for m in titled.finditer(text):
        thanked = m[1][0] == "谢" and text[max(m.start() - 1, 0)] in "感谢多"
        if (
            not thanked
            and m[1] not in _lists()["no_names_zh"]
            and text[m.start() : m.start() + 2] not in _lists()["no_names_zh"]
        ):
            yield m.span(1)
    for m in introduced.finditer(text):
        if not _is_word(m[1]):
            yield m.span(1)
    yield from _segmented(text)


def _segmented(text: str) -> Iterator[tuple[int, int]]:
    """Yield what the segmenter takes for names, what it makes up as another word, and surnames that it cuts off from a given name."""
    import rjieba

    lists, at = _lists(), 0
    before = ("", "", 0)
    for word, kind in rjieba.tag(text):
        start = text.find(word, at)
        at = start + len(word)
        if (kind.startswith("nr") and _likely(word, lists)) or _made_up(word, lists):
            yield start, at
        elif before[2] == start and _cut_off(*before[:2], word, kind, lists):
            yield start - 1, at
        before = (word, kind, at)


def _made_up(word: str, lists: Mapping[str, frozenset[str]]) -> bool:
    """Whether three characters that no dictionary has are those of a name, whatever the segmenter calls them."""
    import rjieba

    named = len(word) == 3 and word[0] in lists["plain_zh"] and all(c in lists["given_zh"] for c in word[1:])
    return named and not rjieba.has_word(word)


def _cut_off(surname: str, kind: str, given: str, as_kind: str, lists: Mapping[str, frozenset[str]]) -> bool:
    """Whether a surname and the word behind it are the name of a person."""
    if len(surname) != 1 or surname not in lists["surnames_zh"] or not 1 <= len(given) <= 2:
        return False
    usual = all(c in lists["given_zh"] for c in given)
    sure = surname in lists["plain_zh"] or kind.startswith("nr")
    return (
        sure
        and surname + given not in lists["no_names_zh"]
        and (usual or (as_kind.startswith("nr") and len(given) == 2))
    )


def _likely(word: str, lists: Mapping[str, frozenset[str]]) -> bool:
    """Whether what the segmenter takes for a name is one: a surname that is no other word, or else a given name of usual characters."""
    if word[:2] in lists["compound_zh"]:
        return 3 <= len(word) <= 4
    if not 2 <= len(word) <= 3 or word in _lists()["no_names_zh"]:
        return False
    if word[0] in lists["plain_zh"]:
        return True
    return word[0] in lists["surnames_zh"] and all(c in lists["given_zh"] for c in word[1:])
