"""What a SERVQUAL study would make of a file."""

from __future__ import annotations

from dataclasses import replace

from xmresearch.data.codebook import Codebook
from xmresearch.data.codebook_file import load_codebook
from xmresearch.data.profile.batteries import Battery
from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess, ScaleGuess
from xmresearch.data.profile.naming import says
from xmresearch.data.profile.pairing import Pairing, split_battery
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
from xmresearch.studies.questionnaire import (
    SERVQUAL_ITEMS,
    Construct,
    battery_constructs,
    item_numbers,
    match_instrument,
    turned_items,
)

_KINDS = {"expectation": "expectation", "perception": "perception", "minimum": "minimum", "importance": "importance", "satisfaction": "outcome"}  # fmt: skip
_NONE = "nothing was asked twice, as expected and as experienced"


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
    pairing = profile.pairing
    if pairing is None:
        return unsuited(_NONE)
    if profile.rows < MIN_CELL:
        return unsuited(f"{profile.rows} rows, fewer than {MIN_CELL}")
    expected, perceived = (_in_rows(b, pairing.rows) for b in (pairing.expected, pairing.perceived))
    asked = {"expectation": expected, "perception": perceived} | {
        o.asks.what: _in_rows(o, pairing.rows) for o in pairing.others
    }
    ids = {row: row if row.isdigit() else str(k) for k, row in enumerate(pairing.rows, start=1)}
    prefixes = {c: f"{kind[:3]}_{ids[r]}" for kind, b in asked.items() for c, r in zip(b.columns, b.rows, strict=True)}
    singles = {c: s for c, s in profile.items.single.items() if c not in prefixes}
    constructs, labels, instrument = _dimensions(profile, expected, perceived)
    names = safe_names(profile, [*prefixes, *singles], prefixes, constructs)
    book, found = _codebook(profile, pairing, asked, ids, names, constructs, labels, instrument)
    params = Written()
    outcome = next((c for c in singles if says(c, "satisfaction", "outcomes")), next(iter(singles), None))
    if outcome is not None:
        guess = Guess(
            outcome,
            "its wording",
            "" if len(singles) == 1 else "several columns could be it: say which outcome is to be explained",
        )
        params.put("outcome", names.get(outcome, outcome), guess)
        found.append(("outcome", guess))
    found += people_columns(profile, params)
    found += put_weight(profile, params)
    found += put_segments(profile, params)
    renamed = (
        {"columns": (names, Guess("names", "names that a model can use, for columns with spaces or marks in theirs"))}
        if names
        else {}
    )
    return Proposal(10, (pairing.ground.why,), params=params, codebook=book, data=renamed, found=tuple(found))


def _in_rows(battery: Battery, rows: tuple[str, ...]) -> Battery:
    """Return a battery with the rows that are asked twice."""
    by_row = dict(zip(battery.rows, battery.columns, strict=True))
    kept = split_battery(battery, [by_row[r] for r in rows if r in by_row])
    return replace(kept, columns=tuple(by_row[r] for r in rows), rows=rows)


def _dimensions(
    profile: FileProfile, expected: Battery, perceived: Battery
) -> tuple[list[Construct], dict[str, object], Codebook | None]:
    """Return dimensions (items are columns of perceptions), labels by row, and the instrument that they are of."""
    texts = [label_of(profile, c, r) for c, r in zip(perceived.columns, perceived.rows, strict=True)]
    matched = match_instrument(texts)
    if matched is not None:
        book, statements = matched
        by = {c.statement: c for c in book.select("perception")}
        groups: dict[str, list[str]] = {}
        for column, statement in zip(perceived.columns, statements, strict=True):
            construct = by[statement].construct if statement else "other"
            groups.setdefault(str(construct), []).append(column)
        doubt = "" if all(statements) else "some items are worded like no statement of it: check them"
        ground = Guess(book.name, f"wording like that of the instrument {book.name}", doubt)
        return [Construct(g, g, tuple(items), ground) for g, items in groups.items()], {}, book
    if len(perceived.columns) == SERVQUAL_ITEMS:
        book = load_codebook("servqual")
        order = book.select("perception")
        groups = {}
        for column, item in zip(perceived.columns, order, strict=True):
            groups.setdefault(str(item.construct), []).append(column)
        ground = Guess(
            "servqual", f"{SERVQUAL_ITEMS} pairs, as many as SERVQUAL has, in its order",
            "the file has no wording: check that these are the statements of SERVQUAL in their order",
        )  # fmt: skip
        own: dict[str, object] = {
            r: {"en": i.labels.en, "zh": i.labels.zh} for r, i in zip(perceived.rows, order, strict=True)
        }
        plain = all(
            t == c or not any(ch.isalpha() for ch in t.replace(c, "")) or t.split()[-1].isdigit()
            for t, c in zip(texts, perceived.columns, strict=True)
        )
        return [Construct(g, g, tuple(items), ground) for g, items in groups.items()], own if plain else {}, book
    return battery_constructs(profile, replace(perceived, stem="q"), set()), {}, None


def _codebook(
    profile: FileProfile, pairing: Pairing, asked: dict[str, Battery], ids: dict[str, str], names: dict[str, str],
    constructs: list[Construct], labels: dict[str, object], instrument: Codebook | None,
) -> tuple[Written, list[tuple[str, Guess]]]:  # fmt: skip
    written, perceived = Written(), asked["perception"]
    found = [
        ("pairs", pairing.ground),
        ("scale", perceived.scale),
        *((f"dimension {c.name}", c.ground) for c in constructs),
    ]
    written.put("name", "draft")
    written.put("labels", f"Draft of {len(pairing.rows)} statements")
    written.note(f"Pairs: {pairing.ground.comment()}")
    written.doubts += [f"pairs: {pairing.ground.doubt}"] if pairing.ground.doubt else []
    put_scale(written, perceived.scale)
    written.put("constructs")
    for c in constructs:
        known = instrument is not None and c.name in instrument.constructs
        both = instrument.constructs[c.name] if known and instrument is not None else None
        written.put(c.name, {"en": both.en, "zh": both.zh} if both else c.label, c.ground, 1)
    turned = _turned(profile, asked, constructs)
    found += [(f"reversed {row}", g) for row, g in turned.items()]
    home = {column: c.name for c in constructs for column in c.items}
    if labels:
        written.note(
            "DOUBTFUL: the file has no wording; these labels are those of SERVQUAL, in its order: put in your own."
        )
    else:
        written.note(
            "Labels are the file's own wording, one text for both languages: write {en: ..., zh: ...} for reports in two."
        )
    written.put("statements")
    kept = [(r, c) for r, c in zip(perceived.rows, perceived.columns, strict=True) if c in home]
    for row, column in kept:
        body: dict[str, object] = {
            "construct": home[column],
            "labels": labels.get(row) or _wording(profile, column, row),
        }
        guess = turned.get(row)
        if guess is not None and guess.what == "reverse":
            body["reverse"] = True
        written.put(ids[row], body, replace(guess, why=f"{guess.what}: {guess.why}") if guess else None, 1)
    rows = [r for r, _ in kept]
    _batteries(written, asked, ids, names, rows)
    _items(profile, written, asked, ids, names, rows, {r for r, g in turned.items() if g.what == "reverse"})
    return written, found


def _wording(profile: FileProfile, column: str, row: str) -> object:
    """Return what a statement is called: in the file's words, or by its number where it has none."""
    if profile.columns[column].question or not row.isdigit():
        return label_of(profile, column, row)
    return {"en": f"Statement {row}", "zh": f"陈述 {row}"}


def _turned(profile: FileProfile, asked: dict[str, Battery], constructs: list[Construct]) -> dict[str, Guess]:
    """Find reversed statements: those that run against their dimension both as expected and as perceived."""
    out: dict[str, Guess] = {}
    numbers = {kind: item_numbers(profile, asked[kind]) for kind in ("expectation", "perception")}
    rows = dict(zip(asked["perception"].columns, asked["perception"].rows, strict=True))
    twin = dict(zip(asked["perception"].columns, asked["expectation"].columns, strict=True))
    kept = [
        replace(c, items=tuple(i for i in c.items if i in numbers["perception"] and twin[i] in numbers["expectation"]))
        for c in constructs
    ]
    perceived = turned_items(numbers["perception"], kept)
    expected = turned_items(numbers["expectation"], [replace(c, items=tuple(twin[i] for i in c.items)) for c in kept])
    for c in kept:
        for item in c.items:
            found = [g for g in (perceived.get(item), expected.get(twin[item])) if g is not None]
            if not found:
                continue
            strong = [g for g in found if g.what == "reverse"]
            if len(strong) == 2:
                out[rows[item]] = max(strong, key=lambda g: bool(g.doubt))
            else:
                doubt = (
                    found[0].doubt or "it runs against the others in one of the two batteries only: check its wording"
                )
                out[rows[item]] = Guess("forward", found[0].why, doubt)
    return out


def _pattern(battery: Battery, ids: dict[str, str], names: dict[str, str], rows: list[str]) -> str | None:
    """Return the pattern of a battery's columns in the codebook, where they have one."""
    columns = [names.get(c, c) for c in battery.columns]
    pairs = [(c, ids[r]) for c, r in zip(columns, battery.rows, strict=True)]
    first, one = pairs[0]
    pattern = f"{first[: -len(one)]}{{id}}" if first.endswith(one) else None
    same = pattern is not None and all(pattern.replace("{id}", i) == c for c, i in pairs)
    return pattern if same and list(battery.rows) == rows else None


def _batteries(
    written: Written, asked: dict[str, Battery], ids: dict[str, str], names: dict[str, str], rows: list[str]
) -> None:
    patterns = {kind: _pattern(b, ids, names, rows) for kind, b in asked.items()}
    if not any(patterns.values()):
        return
    written.put("batteries")
    for kind, pattern in patterns.items():
        if pattern is not None:
            body: dict[str, object] = {"pattern": pattern}
            own = asked[kind].scale
            if scale_value(own) != scale_value(asked["perception"].scale):
                written.put(
                    _KINDS[kind],
                    body | {"scale": scale_value(own)},
                    replace(asked[kind].asks, doubt=_doubts(asked[kind])),
                    1,
                )
            else:
                written.put(_KINDS[kind], body, Guess(kind, asked[kind].asks.why), 1)


def _doubts(battery: Battery) -> str:
    return battery.scale.doubt


def _items(
    profile: FileProfile, written: Written, asked: dict[str, Battery], ids: dict[str, str], names: dict[str, str], rows: list[str],
    turned: set[str],
) -> None:  # fmt: skip
    lines = Written()
    for kind, battery in asked.items():
        if _pattern(battery, ids, names, rows) is not None:
            continue
        own = scale_value(battery.scale) != scale_value(asked["perception"].scale)
        for column, row in zip(battery.columns, battery.rows, strict=True):
            if row in rows:
                body: dict[str, object] = {"kind": _KINDS[kind], "statement": ids[row]}
                body |= {"reverse": True} if row in turned and kind in ("expectation", "perception", "minimum") else {}
                lines.put(
                    names.get(column, column), body | ({"scale": scale_value(battery.scale)} if own else {}), depth=1
                )
    used = {c for b in asked.values() for c in b.columns}
    for column, scale in _outcomes(profile, used).items():
        body = {"kind": "outcome", "scale": scale_value(scale), "labels": label_of(profile, column)}
        lines.put(names.get(column, column), body, scale, 1)
    if lines.lines:
        written.put("items")
        written.lines += lines.lines
        written.doubts += lines.doubts


def _outcomes(profile: FileProfile, used: set[str]) -> dict[str, ScaleGuess]:
    """Return single items, and those of short batteries beside the pairs, that people were asked once."""
    found = {c: s for c, s in profile.items.single.items() if c not in used}
    for battery in profile.items.batteries:
        if (
            not set(battery.columns) & used
            and len(battery.columns) <= 4
            and battery.asks.what in ("", "satisfaction")
            and battery.scale.whole
        ):
            beside = battery.scale.doubt or "asked beside the pairs: check that it is an outcome"
            found |= dict.fromkeys(battery.columns, replace(battery.scale, doubt=beside))
    return dict(found)
