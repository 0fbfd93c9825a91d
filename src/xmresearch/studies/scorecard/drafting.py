"""What a scorecard would make of a file: its metrics, waves, segments and people."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd

from xmresearch.data.profile.columns import ColumnProfile
from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess, ScaleGuess
from xmresearch.data.profile.naming import plain, says
from xmresearch.data.waves import Period, waves_of
from xmresearch.disclosure import MIN_CELL
from xmresearch.errors import XMError
from xmresearch.params.proposal import Proposal, Written, unsuited
from xmresearch.studies.drafted_lines import (
    label_of,
    people_columns,
    put_segments,
    put_weight,
    safe_names,
    scale_value,
)
from xmresearch.studies.scorecard.asked import MOST_BOXED

FIT = 2
"""How well answers to single questions suit: less than a battery suits a structural equation model."""
MOST_METRICS = 10
ENOUGH_IN_A_WAVE = 30
"""Answers that a wave has at least, where dates are put into waves."""
IN_SUCH_WAVES = 0.8
"""Share of the answers that must lie in such waves."""
REPEATED = 0.95
"""Names of people per answer above which those that occur again may be duplicates."""
GOOD_GRADES = 3
"""Of the five grades of public services (GB/T 39735), those that count as good."""
_GRADES = re.compile("好差评|评价(等级|分值|星级)")
_EFFORT = re.compile(r"\beffort\b|\bces\b|\bhow easy\b|费力|省力|容易")
_DEFAULT = re.compile(r"默认|\bdefault\b")
_PERIODS: tuple[Period, ...] = ("month", "quarter", "half_year", "year")
_NONE = "no single question asks for satisfaction, recommendation or effort"


def propose(profile: FileProfile) -> Proposal:
    """Say whether a file suits the study, and draft its params and codebook.

    Parameters
    ----------
    profile : FileProfile
        What is known of the file.

    Returns
    -------
    Proposal
    """
    if profile.rows < MIN_CELL:
        return unsuited(f"{profile.rows} rows, fewer than {MIN_CELL}")
    asked = {c: s for c, s in profile.items.single.items() if s.whole}
    if not asked:
        return unsuited(_NONE)
    ranked = sorted(asked, key=lambda c: not says(profile.columns[c].text, "recommend"))[:MOST_METRICS]
    names = safe_names(profile, ranked, {c: _short(profile, c) for c in ranked}, [])
    params, found = Written(), []
    metrics = {c: _metric(profile, c, asked[c]) for c in ranked}
    doubts = "; ".join(f"{names.get(c, c)}: {g.doubt}" for c, (_, g) in metrics.items() if g.doubt)
    why = "; ".join(f"{names.get(c, c)}: {g.why}" for c, (_, g) in metrics.items())
    given = [{"item": names.get(c, c), **body} for c, (body, _) in metrics.items()]
    params.put("metrics", given, Guess("metrics", why, doubts))
    found += [(f"metric {names.get(c, c)}", g) for c, (_, g) in metrics.items()]
    taken = {*ranked, *_retold(profile, ranked)}
    for key, pick in (("person_column", _person(profile)), ("default_column", _default(profile))):
        column, guess = pick
        if column is None:
            params.lines.append(f"{key}: null  # {guess.why}")
        else:
            params.put(key, column, guess)
            found.append((key.removesuffix("_column"), guess))
            taken.add(column)
    wave, period, guess = _waves(profile)
    params.put("wave_column", wave, guess) if wave else params.lines.append(f"wave_column: null  # {guess.why}")
    params.lines.append(f"wave_period: {period or 'null'}")
    if wave is not None:
        found.append(("waves", guess))
        taken.add(wave)
    found += people_columns(profile, params)
    found += put_weight(profile, params)
    found += put_segments(profile, params, taken)
    renamed = {"columns": (names, Guess("names", "short names, for questions that are written out"))} if names else {}
    pro = f"{len(asked)} single question(s) of satisfaction, recommendation or effort"
    book = _codebook(profile, ranked, asked, names)
    found += [(f"scale {names.get(c, c)}", asked[c]) for c in ranked]
    return Proposal(FIT, (pro,), params=params, codebook=book, data=renamed, found=tuple(found))


def _short(profile: FileProfile, column: str) -> str:
    text = profile.columns[column].text
    return "recommend" if says(text, "recommend") else "effort" if _EFFORT.search(plain(text)) else "satisfaction"


def _metric(profile: FileProfile, column: str, scale: ScaleGuess) -> tuple[dict[str, object], Guess]:
    """Return what is made of an item, as params say it, and on which ground."""
    text, low, high = profile.columns[column].text, scale.minimum, scale.maximum
    span = f"{low:g} to {high:g}"
    if (low, high) == (0, 10) and (says(text, "recommend") or not says(text, "satisfaction", "outcomes")):
        return {"measure": "nps"}, Guess("nps", f"asked from {span}", scale.doubt)
    if says(text, "recommend"):
        doubt = "a net promoter score needs answers from 0 to 10: correct the scale of the codebook if it was asked so"
        return {"measure": "mean"}, Guess("mean", f"recommendation asked from {span}", doubt)
    if _EFFORT.search(plain(text)):
        return {"measure": "mean"}, Guess("mean", "effort, of which means are usual")
    doubt = "" if scale.values else "answers are numbers: check that the highest is the best"
    if (low, high) == (1, 5) and _GRADES.search(text):
        why = "the five grades of public services, of which three are good (GB/T 39735)"
        return {"measure": "top_boxes", "boxes": GOOD_GRADES}, Guess("top boxes", why, doubt)
    if high - low < MOST_BOXED:
        boxes = 2 if high - low > 2 else 1
        return {"measure": "top_boxes", "boxes": boxes}, Guess("top boxes", f"short scale, {span}", doubt)
    return {"measure": "mean"}, Guess("mean", f"long scale, {span}", doubt)


def _person(profile: FileProfile) -> tuple[str | None, Guess]:
    """Find who answered where somebody answered several times."""
    for c in profile.of_kind("identifier"):
        if c.answered >= profile.rows * 0.9 and MIN_CELL <= c.levels < c.answered:
            why = f"{c.levels} names in {c.answered} answers: some answered several times"
            rare = c.levels > c.answered * REPEATED
            return c.name, Guess(
                c.name, why, "few names occur again: check that these rows are no duplicates" if rare else ""
            )
    return None, Guess("none", "no column shows that somebody answered several times")


def _retold(profile: FileProfile, items: list[str]) -> set[str]:
    """Return columns that say an item's answer in other words, which are no groups to report by."""
    frame = profile.table.frame
    found: set[str] = set()
    for c in profile.of_kind("choice", "yes_no", "rating"):
        for item in items:
            both = frame[[c.name, item]].dropna() if c.name != item else frame[:0]
            if len(both) >= MIN_CELL and both.drop_duplicates().groupby(item)[c.name].size().max() == 1:
                found.add(c.name)
    return found


def _default(profile: FileProfile) -> tuple[str | None, Guess]:
    for c in profile.of_kind("yes_no"):
        if _DEFAULT.search(plain(c.name)):
            return c.name, Guess(c.name, "its name: answers that the system filled in")
    return None, Guess("none", "no column tells answers that the system filled in")


def _waves(profile: FileProfile) -> tuple[str | None, Period | None, Guess]:
    """Find the dates, and the shortest period whose waves have enough answers."""
    usable = [c for c in profile.of_kind("date") if c.levels > 1 and c.answered >= profile.rows * 0.9]
    if not usable:
        return None, None, Guess("none", "no column of dates or waves")
    column: ColumnProfile = next((c for c in usable if profile.table.roles.get(c.name) == "submitted"), usable[0])
    other = [c.name for c in usable if c is not column]
    more = f"; dates too: {', '.join(other)}" if other else ""
    try:
        for period in _PERIODS:
            sizes = waves_of(profile.table.frame[column.name], period).value_counts()
            enough = sizes[sizes >= ENOUGH_IN_A_WAVE]
            if len(enough) > 1 and enough.sum() >= IN_SUCH_WAVES * sizes.sum():
                return column.name, period, _told(column, period, sizes, more)
    except XMError:
        return None, None, Guess("none", f"the dates of {column.name} cannot be read without data.dates")
    return None, None, Guess("none", f"the dates of {column.name} make no two waves of {ENOUGH_IN_A_WAVE} answers")


def _told(column: ColumnProfile, period: str, sizes: pd.Series, more: str) -> Guess:
    why = f"dates, in {len(sizes)} waves by {period.replace('_', '-')}, of {sizes.min()} to {sizes.max()} answers{more}"
    ends = sizes.sort_index().iloc[[0, -1]]
    doubt = (
        "the first or the last wave is much smaller: it may not be complete" if ends.min() < sizes.median() / 2 else ""
    )
    return replace(column.kind, what=column.name, why=why, doubt=doubt)


def _codebook(profile: FileProfile, ranked: list[str], asked: dict[str, ScaleGuess], names: dict[str, str]) -> Written:
    written = Written()
    written.put("name", "draft")
    written.put("labels", {"en": "Draft", "zh": "草稿"})
    written.put("constructs", {"experience": {"en": "Experience", "zh": "体验"}})
    written.note(
        "Labels are the file's own wording, one text for both languages: write {en: ..., zh: ...} for reports in two."
    )
    written.put("items")
    for c in ranked:
        body = {"kind": "outcome", "scale": scale_value(asked[c]), "labels": label_of(profile, c)}
        written.put(names.get(c, c), body, asked[c], 1)
    return written
