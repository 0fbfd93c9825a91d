"""Items that belong together: the rows of one question, answered on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pandas as pd

from xmresearch.data.answers import is_no_answer, plain_word
from xmresearch.data.formats.table import Table
from xmresearch.data.profile.columns import ColumnProfile
from xmresearch.data.profile.guess import Guess, ScaleGuess
from xmresearch.data.profile.naming import empty_stem, parts_of, says
from xmresearch.data.profile.scales import coded_scale, counted, labels_scale, numbers_scale, words_scale
from xmresearch.display import Shown

Asks = Literal["expectation", "perception", "minimum", "importance", "satisfaction", "kano", ""]
ASKED: tuple[Asks, ...] = ("expectation", "minimum", "importance", "satisfaction", "perception")
FEWEST_ANSWERS = 10


@dataclass(frozen=True, repr=False)
class Battery(Shown):
    """Items with a common stem and scale.

    Attributes
    ----------
    stem : str
        What their names or questions have in common.
    columns : tuple of str
        In the order of the file.
    rows : tuple of str
        Of each, its row: a number or words, by which it is paired with that of another battery.
    scale : ScaleGuess
        Their answers.
    asks : Guess
        What is asked of each thing: one of `Asks`.
    ground : Guess
        What put them together.
    """

    stem: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    scale: ScaleGuess
    asks: Guess
    ground: Guess

    @property
    def nameless(self) -> bool:
        """Whether the stem says nothing of what is measured."""
        return empty_stem(self.stem)


@dataclass(frozen=True, repr=False)
class Items(Shown):
    """Every item of a questionnaire.

    Attributes
    ----------
    batteries : tuple of Battery
        In the order of the file.
    single : mapping of str to ScaleGuess
        Items that stand alone and whose wording is that of an outcome.
    left : mapping of str to str
        Columns that look like answers on a scale but are none that can be used, and why.
    """

    batteries: tuple[Battery, ...] = ()
    single: Mapping[str, ScaleGuess] = field(default_factory=dict)
    left: Mapping[str, str] = field(default_factory=dict)


def find_items(table: Table, columns: Sequence[ColumnProfile]) -> Items:
    """Find items, put them together and guess their scales.

    Parameters
    ----------
    table : Table
        As read.
    columns : sequence of ColumnProfile
        Of all its columns.

    Returns
    -------
    Items
    """
    groups: dict[tuple[str, str], list[tuple[ColumnProfile, str, str]]] = {}
    alone: list[ColumnProfile] = []
    left: dict[str, str] = {}
    for column in columns:
        if column.kind.what not in ("rating", "number"):
            continue
        if column.answered < FEWEST_ANSWERS:
            left[column.name] = f"{column.answered} answers, fewer than {FEWEST_ANSWERS}"
            continue
        parts = parts_of(column.name, column.question)
        if parts is not None and not (
            parts.how == "number" and says(column.name, "demographic") and not parts.stem.strip()
        ):
            groups.setdefault((parts.stem, _form(table.frame[column.name])), []).append((column, parts.row, parts.how))
        else:
            alone.append(column)
    batteries: list[Battery] = []
    for (stem, form), members in _with_odd_ones(groups).items():
        if len(members) < 2:
            alone.append(members[0][0])
            continue
        battery = _battery(table, stem, form, members)
        if battery is None:
            left |= {c.name: "no scale was found for its answers" for c, _, _ in members}
        else:
            batteries.append(battery)
    single: dict[str, ScaleGuess] = {}
    for column in alone:
        if says(f"{column.name} {column.question}", "ordinal_rating") and column.kind.what == "rating":
            scale = _scale(table, [column])
            if scale is not None:
                single[column.name] = scale
    order = {c.name: k for k, c in enumerate(columns)}
    batteries.sort(key=lambda b: order[b.columns[0]])
    return Items(_share_scales(table, batteries, {c.name: c for c in columns}), single, left)


def _form(values: pd.Series) -> str:
    """Return how answers are written: numbers, codes, or the kind of scale in words."""
    present = values.dropna()
    if pd.api.types.is_numeric_dtype(present):
        return "numbers" if bool((present % 1 == 0).all()) and float(present.max()) <= 11 else "scores"
    found = words_scale(counted([values]))
    return "codes" if found is None else found.why.partition(" with ")[0]


def _scale(table: Table, members: Sequence[ColumnProfile]) -> ScaleGuess | None:
    answers = counted([table.frame[c.name] for c in members])
    answers = type(answers)({a: n for a, n in answers.items() if not is_no_answer(plain_word(a))})
    wording = " ".join(dict.fromkeys(f"{c.name} {c.question}" for c in members[:3]))
    labels = next((table.values[c.name] for c in members if table.values.get(c.name)), None)
    if labels and (found := labels_scale(labels, answers)):
        return found
    return (
        numbers_scale(answers, wording, columns=len(members))
        or words_scale(answers)
        or coded_scale(answers, wording, columns=len(members))
    )


def _battery(table: Table, stem: str, form: str, members: Sequence[tuple[ColumnProfile, str, str]]) -> Battery | None:
    members = sorted(members, key=lambda m: list(table.frame.columns).index(m[0].name))
    columns = [c for c, _, _ in members]
    scale = _scale(table, columns)
    if scale is None or (form == "scores" and len(members) < 3):
        return None
    how = members[0][2]
    ground = Guess(f"{len(members)} items", f"common stem, told by the {how} of their names")
    question = next((c.question for c in columns if c.question), "")
    return Battery(
        stem, tuple(c.name for c in columns), tuple(r for _, r, _ in members), scale, _asks(stem, question, how), ground
    )


def _asks(stem: str, question: str, how: str) -> Guess:
    """Say what is asked of each thing, by the stem or the wording."""
    if says(f"{stem} {question}", "kano"):
        return Guess("kano", "its name")
    short = how == "number"
    for what in ASKED:
        if says(stem, what, "batteries"):
            letter = short and len(stem.strip("_.-[ ")) <= 1
            return Guess(what, f"the stem '{stem}'", "a single letter: check that it stands for this" if letter else "")
    for what in ASKED:
        if question and says(question, what, "batteries"):
            return Guess(what, "the wording of the question", "told by one word of the wording: check it")
    return Guess("", "neither stem nor wording says what is asked")


def _share_scales(
    table: Table, batteries: Sequence[Battery], columns: Mapping[str, ColumnProfile]
) -> tuple[Battery, ...]:
    """Let batteries that ask of the same things share a scale, as their answers are compared."""
    done: dict[str, Battery] = {}
    for battery in batteries:
        if battery.stem in done:
            continue
        partners = [
            b
            for b in batteries
            if b is not battery and b.rows == battery.rows and b.asks.what in ("expectation", "perception", "minimum")
        ]
        whole = battery.scale.whole and not battery.scale.values
        if battery.asks.what in ("expectation", "perception", "minimum") and partners:
            members = [columns[c] for b in (battery, *partners) for c in b.columns]
            scale = _scale(table, members)
            if scale is not None and (whole or scale.values or not scale.whole):
                for b in (battery, *partners):
                    done[b.stem] = replace(b, scale=scale)
                continue
        done[battery.stem] = _with_neighbours(table, battery, batteries, columns)
    return tuple(done.get(b.stem, b) if done.get(b.stem, b).columns == b.columns else b for b in batteries)


def _with_neighbours(
    table: Table, battery: Battery, batteries: Sequence[Battery], columns: Mapping[str, ColumnProfile]
) -> Battery:
    """Look at the ends of a scale in all batteries that were answered on it."""
    own = battery.scale
    alike = [b for b in batteries if b.scale.what == own.what and b.scale.values.keys() == own.values.keys()]
    if own.sure or not own.whole or len(alike) < 2:
        return battery
    found = _scale(table, [columns[c] for b in alike for c in b.columns])
    return replace(battery, scale=found) if found is not None and found.what == own.what else battery


def _with_odd_ones(
    groups: Mapping[tuple[str, str], list[tuple[ColumnProfile, str, str]]],
) -> dict[tuple[str, str], list[tuple[ColumnProfile, str, str]]]:
    """Put an item whose answers have decimals among the others of its stem: their scale then is doubtful."""
    found = dict(groups)
    for (stem, form), members in groups.items():
        whole = found.get((stem, "numbers"), [])
        if form == "scores" and len(members) < len(whole):
            found[stem, "numbers"] = [*whole, *members]
            del found[stem, form]
    return found
