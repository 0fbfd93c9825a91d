"""On which scale items were answered, from their numbers, words, labels and wording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xmresearch.data.answers import fitting_scales, is_no_answer, plain_word
from xmresearch.data.profile.guess import ScaleGuess
from xmresearch.data.profile.naming import says

KNOWN = ((1, 5), (1, 7), (0, 10), (1, 10), (1, 4), (1, 3), (1, 6), (1, 9), (0, 4), (0, 5), (0, 6), (0, 100), (1, 100))
"""Scales that questionnaires use, the commoner first."""
COMMON = ((1, 5), (1, 7), (0, 10), (1, 10))
ENOUGH_AT_END = 5
"""Answers at an end of a scale from which on that end is taken for its end."""
_RANGE = re.compile(
    r"(?<!\d)(?P<low>[01])\s*(?:[-–~～至到]|to)\s*(?P<high>3|4|5|6|7|9|10|100)(?!\d)\s*(?:分|points?)?", re.IGNORECASE
)
_ENDS = re.compile(r"(?<!\d)(?P<low>[01])\s*[=＝].+?(?<!\d)(?P<high>3|4|5|6|7|9|10|100)\s*[=＝]", re.DOTALL)
_CODED = re.compile(r"^[aA](\d{1,2})$")
_NUMBER_FIRST = re.compile(r"^(\d{1,3})\s*[-–—=:.、)(]\s*\D")


def counted(columns: Sequence[pd.Series]) -> Counter[str]:
    """Count the answers of items together, as text; whole numbers without a point."""
    found: Counter[str] = Counter()
    for column in columns:
        for value, count in column.dropna().value_counts().items():
            found[_text(value)] += int(count)
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    number = pd.to_numeric(str(value), errors="coerce")
    if pd.notna(number):
        return f"{number:g}" if float(number) != round(float(number)) else str(int(number))
    return str(value).strip()


def words_scale(words: Counter[str]) -> ScaleGuess | None:
    """Find the scale that answers in words belong to.

    Parameters
    ----------
    words : Counter of str
        Answers and how often each occurs; words for no answer are passed over.

    Returns
    -------
    ScaleGuess or None
        None where they belong to none.
    """
    said = {plain_word(w): w for w in words if not is_no_answer(plain_word(w))}
    if len(said) < 2:
        return None
    stripped = {re.sub(r"^[a-z]\s*[.、):]\s*(?=\S)", "", w): t for w, t in said.items()}
    look = said if fitting_scales(list(said)) else stripped
    fits = {n: f for n, f in fitting_scales(list(look)).items() if n != "yes_no"}
    if not fits:
        return None
    sizes = {n: _sizes(list(look), n) for n in fits}
    points = min(p for found in sizes.values() for p in found)
    name = next(n for n, found in sizes.items() if points in found)
    forms = fitting_scales(list(look), points)[name]
    at = forms[0]
    values = {look[w]: float(at[w] + 1) for w in sorted(look, key=lambda w: at[w])}
    unused = points - len(set(at.values()))
    more = sorted({p for found in sizes.values() for p in found} - {points})
    doubt = ""
    if len(forms) > 1:
        doubt = f"its words can be put in order in {len(forms)} ways"
    elif unused and more:
        doubt = f"{len(at)} of {points} answers occur, and the words fit {' and '.join(map(str, more))} points too: check the questionnaire"
    elif len(at) < 3 <= points:
        doubt = f"only {len(at)} different answers occur: check how many there are"
    why = f"words of the scale of {name} with {points} points" + (
        f"; {unused} of its answers do not occur" if unused else ""
    )
    return ScaleGuess(f"1-{points}", why, doubt, 1.0, float(points), values)


def _sizes(words: list[str], name: str) -> list[int]:
    return [p for p in range(2, 12) if name in fitting_scales(words, p)]


def labels_scale(labels: Mapping[Any, str], answers: Counter[str]) -> ScaleGuess | None:
    """Take the scale from value labels, where they name ordered answers.

    Parameters
    ----------
    labels : mapping
        Code to label.
    answers : Counter of str
        Answers and how often each occurs.

    Returns
    -------
    ScaleGuess or None
        None where the labels name categories, or only the ends.
    """
    codes = {float(k): plain_word(v) for k, v in labels.items() if pd.notna(pd.to_numeric(str(k), errors="coerce"))}
    codes = {k: v for k, v in codes.items() if not is_no_answer(v)}
    if len(codes) < 3:
        return None
    fits = {n: f for n, f in fitting_scales(list(codes.values())).items() if n != "yes_no"}
    if not fits:
        return None
    at = next(iter(fits.values()))[0]
    order = [at[codes[k]] for k in sorted(codes)]
    low, high = min(codes), max(codes)
    outside = [
        a
        for a in answers
        if (n := pd.to_numeric(a, errors="coerce")) is not None and pd.notna(n) and not low <= n <= high
    ]
    doubt = ""
    if outside:
        doubt = f"{len(outside)} answer(s) have no label: check whether they stand for no answer"
    if order == sorted(order, reverse=True):
        doubt = "the labels run from the best answer down: 1 is the best"
    return ScaleGuess(f"{low:g}-{high:g}", f"the file's value labels ({next(iter(fits))})", doubt, low, high)


def numbers_scale(answers: Counter[str], wording: str, *, columns: int) -> ScaleGuess | None:
    """Find the scale that answers in numbers belong to.

    Parameters
    ----------
    answers : Counter of str
        Answers and how often each occurs, of items that share a scale.
    wording : str
        Names and questions of these items.
    columns : int
        How many items they are.

    Returns
    -------
    ScaleGuess or None
        None where the answers are no numbers.
    """
    numbers = {float(a): n for a, n in answers.items() if pd.notna(pd.to_numeric(a, errors="coerce"))}
    if len(numbers) < 2 or len(numbers) < len(answers):
        return None
    low, high = min(numbers), max(numbers)
    if any(n != round(n) for n in numbers):
        return _continuous(low, high, numbers)
    told = _ENDS.search(wording) or _RANGE.search(wording)
    if told and float(told["low"]) <= low and high <= float(told["high"]):
        least, most = float(told["low"]), float(told["high"])
        return ScaleGuess(f"{least:g}-{most:g}", "said in the question", "", least, most)
    if (low, high) == (1, 11) or high == 11:
        return ScaleGuess(
            "1-11",
            "the answers run to 11",
            "1-11 may be 0-10 moved by one, as some tools write it: check the questionnaire",
            min(low, 1.0),
            11.0,
        )
    fitting = [s for s in KNOWN if s[0] <= low and high <= s[1]]
    if not fitting:
        return None
    if says(wording, "recommend") and high > 7:
        return _recommend(low, high, numbers)
    best = min(fitting, key=lambda s: (s[1] - s[0], KNOWN.index(s)))
    better = [s for s in COMMON if s in fitting and s != best]
    if best not in COMMON and better and not (low == best[0] and best[0] == 0):
        best = min(better, key=lambda s: s[1] - s[0])
    ends = (numbers.get(best[0], 0), numbers.get(best[1], 0))
    why = f"whole numbers {low:g}-{high:g} in {columns} column(s)"
    doubt = ""
    if not all(ends):
        missing = " and ".join(f"{e}" for e, n in zip(best, ends, strict=True) if not n)
        doubt = f"nobody gave {missing}: check the ends of the scale"
    elif best not in COMMON:
        doubt = f"a scale {best[0]}-{best[1]} is uncommon: check the questionnaire"
    elif min(ends) < ENOUGH_AT_END:
        doubt = f"only {min(ends)} answer(s) at one end: check the ends of the scale"
    elif best == (1, 10) and numbers.get(1.0, 0) < 2 * ENOUGH_AT_END:
        doubt = "0 does not occur, and 1 seldom: it may be 0-10"
    return ScaleGuess(f"{best[0]}-{best[1]}", why, doubt, float(best[0]), float(best[1]))


def _recommend(low: float, high: float, numbers: Mapping[float, int]) -> ScaleGuess:
    """Take a question of recommending for 0-10, as it is asked, unless its numbers speak against it."""
    if low >= 1:
        doubt = f"recommending is asked from 0 to 10, but nobody of {sum(numbers.values())} gave 0: check whether it is 1-10"
        return ScaleGuess("0-10", f"a question of recommending, answers {low:g}-{high:g}", doubt, 0.0, 10.0)
    return ScaleGuess("0-10", "a question of recommending, 0 occurs", "", 0.0, 10.0)


def _continuous(low: float, high: float, numbers: Mapping[float, int]) -> ScaleGuess:
    """Put scores that are no single answers on a range of whole numbers around them."""
    least, most = float(int(low // 1)), float(-int(-high // 1))
    fitting = [s for s in COMMON if s[0] <= low and high <= s[1] and most == s[1] and least >= s[0]]
    if fitting:
        least, most = map(float, fitting[0])
    return ScaleGuess(
        f"{least:g}-{most:g}", f"numbers with decimals, {low:g} to {high:g}",
        "scores rather than answers: give the lowest and the highest that is possible", least, max(most, least + 1), {}, False,
    )  # fmt: skip


def coded_scale(answers: Counter[str], wording: str, *, columns: int) -> ScaleGuess | None:
    """Read answers such as A1 to A7, or "5 - agree", for the numbers in them.

    Parameters
    ----------
    answers, wording, columns
        As for `numbers_scale`.

    Returns
    -------
    ScaleGuess or None
    """
    found: Counter[str] = Counter()
    for answer, count in answers.items():
        match = _CODED.match(answer) or _NUMBER_FIRST.match(answer)
        if match is None:
            return None
        found[match[1]] += count
    guess = numbers_scale(found, wording, columns=columns)
    if guess is None:
        return None
    return ScaleGuess(
        guess.what, f"answer codes; {guess.why}", guess.doubt, guess.minimum, guess.maximum, {}, guess.whole
    )
