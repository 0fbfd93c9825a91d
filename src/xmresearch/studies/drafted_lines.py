"""What a draft of a survey writes besides constructs: names, labels, scales, identifiers, segments and weights."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess, ScaleGuess
from xmresearch.data.profile.naming import says, slug
from xmresearch.disclosure import MIN_CELL
from xmresearch.params.proposal import Written
from xmresearch.studies.questionnaire import Construct

MOST_SEGMENTS = 3
_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_.]*\Z")


def safe_names(
    profile: FileProfile, columns: Sequence[str], prefixes: Mapping[str, str], constructs: Sequence[Construct]
) -> dict[str, str]:
    """Return short names for columns whose own cannot stand in a model.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    columns : sequence of str
        Used ones.
    prefixes : mapping of str to str
        Short name that is wanted, by column.
    constructs : sequence of Construct
        Whose names are taken.

    Returns
    -------
    dict of str to str
        Name in the file to name used; those that can stay are not in it.
    """
    taken = {*profile.columns, *(c.name for c in constructs)}
    return {
        c: slug(prefixes.get(c, c), taken, f"item_{k}")
        for k, c in enumerate(columns, start=1)
        if _SAFE.match(c) is None
    }


def label_of(profile: FileProfile, column: str, row: str = "") -> str:
    """Return what an item is called: the words of its row, its question, or its name."""
    profiled = profile.columns[column]
    if row and not row.isdigit():
        return " ".join(row.split())
    return " ".join((profiled.question or column).split())


def put_scale(written: Written, scale: ScaleGuess, depth: int = 0, key: str = "scale") -> None:
    """Write a scale with its ground."""
    value: dict[str, object] = {"minimum": _plain(scale.minimum), "maximum": _plain(scale.maximum)}
    if scale.values:
        value["values"] = {w: _plain(v) for w, v in scale.values.items()}
    written.put(key, value, scale, depth)


def scale_value(scale: ScaleGuess) -> dict[str, object]:
    """Return a scale as plain Python."""
    value: dict[str, object] = {"minimum": _plain(scale.minimum), "maximum": _plain(scale.maximum)}
    return value | ({"values": {w: _plain(v) for w, v in scale.values.items()}} if scale.values else {})


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def segment_columns(profile: FileProfile, most: int, fewest: int) -> list[str]:
    """Return columns to report by: few groups, each large enough, and no items.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    most : int
        Columns at most.
    fewest : int
        Rows of the smallest of a column's two largest groups.

    Returns
    -------
    list of str
    """
    items = {c for b in profile.items.batteries for c in b.columns} | set(profile.items.single)
    found = []
    for c in profile.of_kind("choice", "yes_no", "rating"):
        if c.name in items or not 2 <= c.levels <= 12 or c.answered < profile.rows * 0.5:
            continue
        sizes = profile.table.frame[c.name].value_counts()
        if int(sizes.iloc[1]) >= fewest and (c.kind.what != "rating" or says(c.name, "demographic") or c.levels <= 6):
            found.append(c.name)
    found.sort(key=lambda name: not says(name, "demographic"))
    return found[:most]


def people_columns(profile: FileProfile, written: Written) -> list[tuple[str, Guess]]:
    """Write identifier and duration, and say which columns are left out; return what was guessed.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    written : Written
        Gets the lines.

    Returns
    -------
    list of (str, Guess)
    """
    found: list[tuple[str, Guess]] = []
    ids = [c for c in profile.of_kind("identifier") if c.levels == c.answered == profile.rows]
    written.put("id_column", ids[0].name, ids[0].kind) if ids else written.lines.append(
        "id_column: null  # no column names each respondent once"
    )
    found += [("identifier", Guess(ids[0].name, ids[0].kind.why))] if ids else []
    durations = [c for c in profile.of_kind("duration") if c.answered >= profile.rows * 0.9]
    written.put("duration_column", durations[0].name, durations[0].kind) if durations else written.lines.append(
        "duration_column: null  # no column says how long it took"
    )
    found += [("duration", Guess(durations[0].name, durations[0].kind.why))] if durations else []
    personal = profile.of_kind("personal")
    if personal:
        written.note(f"Identifier columns are left out: {', '.join(c.name for c in personal)}.")
    return found


def weight_guess(profile: FileProfile) -> Guess | None:
    """Return the column of weights, or several as a doubt; None where there is none."""
    weights = profile.of_kind("weight")
    if not weights:
        return None
    if len(weights) > 1:
        names = ", ".join(c.name for c in weights)
        return Guess(
            "",
            f"{len(weights)} columns of weights ({names})",
            "each may count for its own wave only: keep one wave by data.where and give its weight",
        )
    bad = weights[0].kind.doubt or ("" if weights[0].answered == profile.rows else "some rows have no weight")
    return Guess(weights[0].name, weights[0].kind.why, bad)


def put_weight(profile: FileProfile, params: Written) -> list[tuple[str, Guess]]:
    """Write the column of weights, or that there is none; return what was guessed.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    params : Written
        Gets the lines.

    Returns
    -------
    list of (str, Guess)
    """
    guess = weight_guess(profile)
    if guess is None:
        params.lines.append("weight_column: null  # no column of weights")
        return []
    if not guess.what:
        params.note(guess.comment())
        params.doubts.append(f"weight_column: {guess.doubt}")
        params.lines.append("weight_column: null")
    else:
        params.put("weight_column", guess.what, guess)
    return [("weight", guess)]


def put_segments(profile: FileProfile, params: Written, taken: Collection[str] = ()) -> list[tuple[str, Guess]]:
    """Write the columns to report by; return what was guessed.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    params : Written
        Gets the line.
    taken : collection of str
        Columns that are something else already.

    Returns
    -------
    list of (str, Guess)
    """
    every = segment_columns(profile, MOST_SEGMENTS + len(taken), MIN_CELL)
    names = [name for name in every if name not in taken][:MOST_SEGMENTS]
    guess = Guess(", ".join(names) or "none", "few groups, and no items" if names else "no column has few groups")
    params.put("segments", names, guess)
    return [("segments", guess)] if names else []
