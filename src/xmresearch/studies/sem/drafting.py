"""What a structural equation study would make of a file."""

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
from xmresearch.sem.catalogue import model_text, shipped_models
from xmresearch.sem.syntax import parse_model
from xmresearch.studies.drafted_lines import label_of, people_columns, put_scale, safe_names, scale_value, weight_guess
from xmresearch.studies.questionnaire import Construct, battery_constructs, item_numbers, marked_against, turned_items

FEWEST_ITEMS = 3
ROWS_PER_ITEM = 3
_ORDER = ("satisfaction", "perception", "", "importance", "expectation", "minimum")


def propose(profile: FileProfile) -> Proposal:
    """Say whether a file suits the study, and draft its params, model and codebook.

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
    batteries, left = _usable(profile)
    items = [c for b in batteries for c in b.columns]
    if len(items) < FEWEST_ITEMS:
        return unsuited(
            *(left or ["no question has several items on one scale, from which a construct could be measured"])
        )
    known = _shipped(items, list(profile.columns))
    constructs = _of_model(known) if known else _constructs(profile, batteries)
    if not any(len(c.items) >= FEWEST_ITEMS for c in constructs) and len(constructs) < 2:
        return unsuited(f"{len(items)} items are too few for a construct")
    singles = dict(profile.items.single)
    if known:
        most = max(batteries, key=lambda b: len(b.columns))
        singles = dict.fromkeys((c for c in _observed(known) if c not in items), most.scale)
    numbers = pd.concat([item_numbers(profile, b) for b in batteries], axis=1)
    turned = turned_items(numbers, constructs)
    high = {c: b.scale.minimum + b.scale.maximum for b in batteries for c in b.columns}
    flipped = numbers.assign(**{c: high[c] - numbers[c] for c, g in turned.items() if g.what == "reverse"})
    constructs = marked_against(profile, constructs, flipped)
    prefixes = {c: f"{k.name}_{n}" for k in constructs for n, c in enumerate(k.items, start=1)}
    names = safe_names(profile, [*prefixes, *singles], prefixes, constructs)
    book = _codebook(profile, batteries, constructs, turned, names, singles)
    params = Written()
    found = [(f"construct {c.name}", c.ground) for c in constructs]
    found += [(f"scale {b.stem}", b.scale) for b in batteries] + [
        (f"reversed {names.get(c, c)}", g) for c, g in turned.items()
    ]
    found += _model(params, known, constructs, singles, names)
    found += people_columns(profile, params)
    weight = weight_guess(profile)
    if weight is not None:
        params.note(f"Weights are not used; weight_column: {weight.what} would use them. {weight.comment()}")
        found.append(("weight", weight))
    for text in left:
        params.note(f"Left out: {text}.")
    renamed = (
        {"columns": (names, Guess("names", "names that a model can use, for columns with spaces or marks in theirs"))}
        if names
        else {}
    )
    pro = f"{len(items)} items of {len(batteries)} question(s) on a scale measure {len(constructs)} construct(s)"
    return Proposal(8 if known else 3, (pro,), params=params, codebook=book, data=renamed, found=tuple(found))


def _usable(profile: FileProfile) -> tuple[list[Battery], list[str]]:
    """Return the batteries to measure by: each thing once, and of so many items as the rows bear; and what is left out."""
    left: list[str] = []
    chosen: list[Battery] = []
    room = max(profile.rows // ROWS_PER_ITEM, 0)
    ranked = sorted(
        profile.items.batteries, key=lambda b: _ORDER.index(b.asks.what) if b.asks.what in _ORDER else len(_ORDER)
    )
    for whole in ranked:
        b = split_battery(whole, [c for c in whole.columns if profile.columns[c].answered * 2 >= profile.rows])
        if b.asks.what == "kano":
            left.append(f"'{b.stem}': questions of Kano's method, which are no scale")
        elif len(b.columns) < 2:
            left.append(f"'{b.stem}': most rows lack an answer")
        elif any(set(b.rows) & set(other.rows) and len(b.rows) > 3 and _same_things(b, other) for other in chosen):
            left.append(f"'{b.stem}': asks again of the things of another question")
        elif sum(len(o.columns) for o in chosen) + len(b.columns) > room:
            left.append(f"'{b.stem}': too many items for {profile.rows} rows")
        else:
            if len(b.columns) < len(whole.columns):
                left.append(f"{len(whole.columns) - len(b.columns)} item(s) of '{b.stem}': most rows lack an answer")
            chosen.append(b)
    place = {name: k for k, name in enumerate(profile.columns)}
    return sorted(chosen, key=lambda b: place[b.columns[0]]), left


def _same_things(one: Battery, other: Battery) -> bool:
    shared = set(one.rows) & set(other.rows)
    both = bool(one.asks.what and other.asks.what)
    return both and len(shared) * 2 > min(len(one.rows), len(other.rows))


def _observed(model: str) -> list[str]:
    """Return the columns that a model uses: items, and what is regressed without being a construct."""
    parsed = list(parse_model(model_text(model)))
    latent = {q.lhs for q in parsed if q.op == "=~"}
    sides = [name for q in parsed for name in (q.lhs, q.rhs) if q.op in ("=~", "~")]
    return [name for name in dict.fromkeys(sides) if name not in latent]


def _shipped(items: list[str], columns: list[str]) -> str:
    """Return the shipped model whose items are these columns; '' where there is none."""
    fitting = []
    for name in shipped_models():
        measured = [q.rhs for q in parse_model(model_text(name)) if q.op == "=~"]
        if len(measured) >= FEWEST_ITEMS and set(measured) <= set(items) and set(_observed(name)) <= set(columns):
            fitting.append((len(measured), name))
    return max(fitting)[1] if fitting else ""


def _of_model(name: str) -> list[Construct]:
    groups: dict[str, list[str]] = {}
    for q in parse_model(model_text(name)):
        if q.op == "=~":
            groups.setdefault(q.lhs, []).append(q.rhs)
    found = [
        Construct(c, c.replace("_", " ").capitalize(), tuple(items), Guess(name, "")) for c, items in groups.items()
    ]
    ground = Guess(name, f"columns named as in the shipped model {name}", _by_letters(found))
    return [replace(c, ground=ground) for c in found]


def _by_letters(constructs: list[Construct]) -> str:
    """Return a doubt where the names that tell a model are letters with numbers, as many questionnaires have them."""
    letters = all(len(i.rstrip("0123456789")) <= 1 for c in constructs for i in c.items)
    return "letters and numbers alone tell it: check that these are its statements, in its order" if letters else ""


def _constructs(profile: FileProfile, batteries: list[Battery]) -> list[Construct]:
    taken = set(profile.columns)
    return [c for b in batteries for c in battery_constructs(profile, b, taken)]


def _codebook(
    profile: FileProfile, batteries: list[Battery], constructs: list[Construct], turned: dict[str, Guess], names: dict[str, str],
    singles: dict[str, ScaleGuess],
) -> Written:  # fmt: skip
    written = Written()
    written.put("name", "draft")
    written.put("labels", "Draft")
    most = max(batteries, key=lambda b: len(b.columns))
    put_scale(written, most.scale)
    written.put("constructs")
    for c in constructs:
        written.put(c.name, c.label, c.ground, 1)
    written.note(
        "Labels are the file's own wording, one text for both languages: write {en: ..., zh: ...} for reports in two."
    )
    written.put("items")
    home = {c: k.name for k in constructs for c in k.items}
    for b in batteries:
        members = [(c, r) for c, r in zip(b.columns, b.rows, strict=True) if c in home]
        if not members:
            continue
        written.note(f"'{b.stem}', {len(members)} items, scale {b.scale.what}: {b.scale.comment()}", 1)
        written.doubts += [f"scale of '{b.stem}': {b.scale.doubt}"] if b.scale.doubt and b is not most else []
        own = scale_value(b.scale) != scale_value(most.scale)
        for column, row in members:
            name, guess = names.get(column, column), turned.get(column)
            body: dict[str, object] = {"kind": "perception", "construct": home[column], "statement": name}
            body |= {"reverse": True} if guess is not None and guess.what == "reverse" else {}
            body |= {"scale": scale_value(b.scale)} if own else {}
            label = label_of(profile, column, row)
            shown = replace(guess, why=f"{guess.what}: {guess.why}") if guess is not None else None
            written.put(name, body | {"labels": label}, shown, 1)
    for column, scale in singles.items():
        if column not in home:
            body = {"kind": "outcome", "scale": scale_value(scale), "labels": label_of(profile, column)}
            written.put(names.get(column, column), body, scale, 1)
    return written


def _model(
    params: Written, known: str, constructs: list[Construct], singles: dict[str, ScaleGuess], names: dict[str, str]
) -> list[tuple[str, Guess]]:
    """Write the model: the shipped one, or constructs by their items and what they may explain."""
    if known:
        guess = Guess(known, "the shipped model with these columns", _by_letters(constructs))
        params.put("model", known, guess)
        caused = list(dict.fromkeys(q.lhs for q in parse_model(model_text(known)) if q.op == "~"))
        wanted = [c for what in ("satisfaction", "loyalty") for c in caused if says(c, what, "outcomes")]
        if caused:
            params.put("outcomes", wanted or caused[-1:], Guess("outcomes", "their names in the model"))
        return [("model", guess)]
    enough = [c for c in constructs if len(c.items) >= 2]
    lines = [f"{c.name} =~ {' + '.join(names.get(i, i) for i in c.items)}" for c in enough]
    target, guess = _target(enough, singles)
    drivers = [c.name for c in enough if c.name != target]
    if target and drivers:
        lines.append(f"{names.get(target, target)} ~ {' + '.join(drivers)}")
    params.block("model", "\n".join(lines), guess)
    if target and drivers:
        params.put("outcomes", [names.get(target, target)], Guess(target, "what the model explains"))
    return [("model", guess)]


def _target(constructs: list[Construct], singles: dict[str, ScaleGuess]) -> tuple[str, Guess]:
    """Choose what is to be explained: satisfaction or loyalty by wording, otherwise the last construct asked."""
    for what in ("satisfaction", "loyalty"):
        for c in constructs:
            if len(constructs) > 1 and says(f"{c.name} {c.label}", what, "outcomes"):
                return c.name, Guess(
                    c.name, f"its wording is one of {what}", "the paths are a first guess: draw the model that you mean"
                )
    for what in ("satisfaction", "loyalty"):
        for name in singles:
            if says(name, what, "outcomes"):
                return name, Guess(
                    name, f"its wording is one of {what}", "the paths are a first guess: draw the model that you mean"
                )
    if len(constructs) > 1:
        last = constructs[-1].name
        return last, Guess(
            last,
            "the construct that was asked last",
            "nothing says what is to be explained: draw the model that you mean",
        )
    return "", Guess(
        "one construct", "there is one construct, and no outcome beside it", "say what it explains, where anything"
    )
