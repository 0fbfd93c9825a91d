"""What a study of drivers would make of a file: an outcome, and what was rated beside it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from xmresearch.data.profile.batteries import Battery
from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess, ScaleGuess
from xmresearch.data.profile.naming import says
from xmresearch.data.profile.pairing import split_battery
from xmresearch.disclosure import MIN_CELL
from xmresearch.params.proposal import Proposal, Written, unsuited
from xmresearch.studies.drafted_lines import (
    label_of,
    people_columns,
    put_scale,
    put_segments,
    put_weight,
    safe_names,
    scale_value,
)
from xmresearch.studies.questionnaire import Construct, battery_constructs, item_numbers, turned_items

FIT = 1
"""How well an outcome beside rated aspects suits: less than what asks for a study of its own."""
FEWEST_DRIVERS = 2
MOST_OUTCOMES = 4
"""Items of a question that may be outcomes together, where no single question is one."""
ROWS_PER_DRIVER = 3
_ORDER = ("perception", "satisfaction", "")


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
    rated = _rated(profile)
    if not rated:
        return unsuited("no question rates several aspects on one scale")
    outcomes = _outcomes(profile, rated)
    if not outcomes:
        return unsuited("no question beside the rated aspects asks for an overall judgement")
    taken = set(profile.columns)
    constructs = [c for b in rated for c in battery_constructs(profile, b, taken)]
    numbers = pd.concat([item_numbers(profile, b) for b in rated], axis=1)
    items = [i for c in constructs for i in c.items]
    by_dimension = len(constructs) >= FEWEST_DRIVERS
    count = len(constructs) if by_dimension else len(items)
    whole = int(numbers[items].notna().all(axis=1).sum())
    if count < FEWEST_DRIVERS:
        return unsuited("fewer than two aspects are rated")
    if whole < max(ROWS_PER_DRIVER * (count + 1), MIN_CELL):
        return unsuited(f"{whole} rows with every rating are too few for {count} drivers")
    order = sorted(outcomes, key=lambda c: not says(profile.columns[c].text, "satisfaction", "outcomes"))
    prefixes = {c: f"{k.name}_{n}" for k in constructs for n, c in enumerate(k.items, start=1)}
    names = safe_names(profile, [*prefixes, *order], prefixes, constructs)
    turned = turned_items(numbers, constructs)
    book = _codebook(profile, rated, constructs, turned, names, {c: outcomes[c] for c in order})
    params = Written()
    found = [(f"driver {c.name}", c.ground) for c in constructs] if by_dimension else []
    found += [(f"scale {b.stem}", b.scale) for b in rated]
    found += [(f"reversed {names.get(c, c)}", g) for c, g in turned.items()]
    several = "" if len(order) == 1 else "several columns could be it: say which outcome is to be explained"
    guess = Guess(names.get(order[0], order[0]), "its wording", several)
    params.put("outcome", guess.what, guess)
    found.append(("outcome", guess))
    why = "several dimensions are rated" if by_dimension else "one question rates all aspects"
    params.put("drivers", "dimension" if by_dimension else "statement", Guess("drivers", f"{count} drivers: {why}"))
    points = outcomes[order[0]].points
    params.put(
        "outcome_kind",
        "numeric",
        Guess("numeric", f"{points} answers; ordinal would take them as grades, and take longer"),
    )
    params.lines.append("branches: null  # a column of branches would set the best one's level as a mark")
    found += people_columns(profile, params)
    found += put_weight(profile, params)
    found += put_segments(profile, params, set(order) | set(items))
    renamed = {"columns": (names, Guess("names", "short names, for questions that are written out"))} if names else {}
    pro = f"{count} rated aspects beside {len(order)} overall judgement(s)"
    return Proposal(FIT, (pro,), params=params, codebook=book, data=renamed, found=tuple(found))


def _rated(profile: FileProfile) -> list[Battery]:
    """Return the questions whose rows are drivers: those as experienced, of one kind and one scale."""
    usable = []
    for b in profile.items.batteries:
        answered = [c for c in b.columns if profile.columns[c].answered * 2 >= profile.rows]
        kept = split_battery(b, answered)
        if b.asks.what in _ORDER and b.scale.whole and len(kept.columns) >= FEWEST_DRIVERS:
            usable.append(kept)
    for what in _ORDER:
        mine = [b for b in usable if b.asks.what == what]
        if mine:
            most = max(mine, key=lambda b: len(b.columns))
            alike = [b for b in mine if (b.scale.minimum, b.scale.maximum) == (most.scale.minimum, most.scale.maximum)]
            many = sum(len(b.columns) for b in alike) > MOST_OUTCOMES
            if many or what != "" or profile.items.single:
                return alike
    return []


def _outcomes(profile: FileProfile, rated: list[Battery]) -> dict[str, ScaleGuess]:
    """Return single questions, or else those of a short question beside the rated ones."""
    single = {c: s for c, s in profile.items.single.items() if s.whole}
    if single:
        return single
    used = {c for b in rated for c in b.columns}
    for b in profile.items.batteries:
        if not set(b.columns) & used and len(b.columns) <= MOST_OUTCOMES and b.asks.what == "" and b.scale.whole:
            doubt = b.scale.doubt or "asked beside the rated aspects: check that it is an outcome"
            return dict.fromkeys(b.columns, replace(b.scale, doubt=doubt))
    return {}


def _codebook(
    profile: FileProfile, rated: list[Battery], constructs: list[Construct], turned: dict[str, Guess], names: dict[str, str],
    outcomes: dict[str, ScaleGuess],
) -> Written:  # fmt: skip
    written = Written()
    written.put("name", "draft")
    written.put("labels", {"en": "Draft", "zh": "草稿"})
    put_scale(written, rated[0].scale)
    written.put("constructs")
    for c in constructs:
        written.put(c.name, c.label, c.ground, 1)
    written.note(
        "Labels are the file's own wording, one text for both languages: write {en: ..., zh: ...} for reports in two."
    )
    home = {i: c.name for c in constructs for i in c.items}
    written.put("statements")
    rows = [(c, r, b) for b in rated for c, r in zip(b.columns, b.rows, strict=True) if c in home]
    for number, (column, row, _) in enumerate(rows, start=1):
        body: dict[str, object] = {"construct": home[column], "labels": label_of(profile, column, row)}
        guess = turned.get(column)
        if guess is not None and guess.what == "reverse":
            body["reverse"] = True
        written.put(str(number), body, replace(guess, why=f"{guess.what}: {guess.why}") if guess else None, 1)
    written.put("items")
    for number, (column, _, b) in enumerate(rows, start=1):
        body = {"kind": "perception", "statement": str(number)}
        if turned.get(column) is not None and turned[column].what == "reverse":
            body["reverse"] = True
        if scale_value(b.scale) != scale_value(rated[0].scale):
            body["scale"] = scale_value(b.scale)
        written.put(names.get(column, column), body, depth=1)
    for column, scale in outcomes.items():
        body = {"kind": "outcome", "scale": scale_value(scale), "labels": label_of(profile, column)}
        written.put(names.get(column, column), body, scale, 1)
    return written
