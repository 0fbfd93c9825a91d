"""Constructs, reversed items and codebooks of a questionnaire that comes without one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from xmresearch.data.answers import to_numbers
from xmresearch.data.codebook import Codebook, Column, Scale
from xmresearch.data.codebook_file import instrument_names, load_codebook
from xmresearch.data.names import Labels
from xmresearch.data.profile.batteries import Battery
from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.data.profile.naming import plain, slug
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, XMError
from xmresearch.psychometrics.factor_analysis import efa, parallel_analysis

SERVQUAL_ITEMS = 22
ALIKE, MOST_ALIKE = 0.6, 0.6
"""How alike wordings are from which on they are one, and the share of items from which on it is the instrument."""
SPLIT_FROM, FEWEST_TO_TELL = 6, 4
AGAINST, BEYOND_CHANCE = 0.2, 3.0
"""Correlation with the rest, and standard errors from zero, from which on an item is taken to be reversed."""
_DRAWS = 50


@dataclass(frozen=True, repr=False)
class Construct(Shown):
    """Items that measure one thing.

    Attributes
    ----------
    name, label : str
        For models, and for readers.
    items : tuple of str
        Columns, as in the file.
    ground : Guess
        What put them together.
    split : bool
        Whether it is part of a question that was cut by correlations.
    """

    name: str
    label: str
    items: tuple[str, ...]
    ground: Guess
    split: bool = False


def item_numbers(profile: FileProfile, battery: Battery) -> pd.DataFrame:
    """Return the answers of a battery as numbers; columns that cannot be read so are left out.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    battery : Battery
        The items.

    Returns
    -------
    DataFrame
        Shape (rows, items).
    """
    scale = Scale(minimum=battery.scale.minimum, maximum=battery.scale.maximum, values=dict(battery.scale.values))
    out: dict[str, pd.Series] = {}
    for name in battery.columns:
        column = Column(name, "perception", None, None, False, scale, Labels(en=name, zh=name))
        try:
            numbers, _ = to_numbers(profile.table.frame[name], column)
        except XMError:
            continue
        out[name] = numbers
    return pd.DataFrame(out)


def factor_blocks(numbers: pd.DataFrame) -> tuple[list[list[str]], str]:
    """Put items into blocks by their correlations: as many as parallel analysis finds factors.

    Parameters
    ----------
    numbers : DataFrame
        Answers, items in columns.

    Returns
    -------
    blocks : list of list of str
        In the order of their first items; one block where no factors can be told apart.
    how : str
        In words.
    """
    names = [str(c) for c in numbers.columns]
    usable = numbers.dropna()
    filled = len(usable) * 2 < len(numbers)
    if filled:
        usable = numbers.dropna(how="all").fillna(numbers.mean())
    try:
        count = int(parallel_analysis(usable, draws=_DRAWS)["keep"].sum())
        count = min(count, len(names) // 2)
        if count < 2:
            return [names], "one factor by parallel analysis"
        loadings = efa(usable, count, rotation="promax").loadings.abs()
    except InsufficientData:
        return [names], "too few complete answers to tell factors apart"
    order = np.argsort(-loadings.to_numpy(), axis=1)
    at = {name: int(order[k, 0]) for k, name in enumerate(names)}
    while True:
        sizes = {f: sum(v == f for v in at.values()) for f in range(count)}
        lonely = next((n for n in names if sizes[at[n]] == 1), None)
        if lonely is None:
            break
        row = order[names.index(lonely)]
        at[lonely] = next(int(f) for f in row if sizes[int(f)] > 1)
    blocks: dict[int, list[str]] = {}
    for name in names:
        blocks.setdefault(at[name], []).append(name)
    found = list(blocks.values())
    rows = f"{len(usable)} rows, blanks at their means" if filled else f"{len(usable)} complete rows"
    return found, f"{len(found)} factors by parallel analysis of {rows}, each item where it loads most"


def reversed_items(numbers: pd.DataFrame) -> dict[str, Guess]:
    """Find items that run against the rest of their block.

    Parameters
    ----------
    numbers : DataFrame
        Answers of one construct, items in columns.

    Returns
    -------
    dict of str to Guess
        `what` is reverse, or forward where the signs are too weak to say; items that run along are not in it.
    """
    usable = numbers.dropna()
    if len(usable) * 2 < len(numbers):
        usable = numbers.dropna(how="all").fillna(numbers.mean())
    p, n = numbers.shape[1], int(numbers.notna().sum().min())
    if p < 2 or n < 10 or bool((usable.nunique() < 2).any()):
        return {}
    r = np.corrcoef(usable.to_numpy().T)
    first = np.linalg.eigh(r)[1][:, -1]
    sign = np.where(first < 0, -1, 1)
    if (sign < 0).sum() * 2 > p:
        sign = -sign
    even = (sign < 0).sum() * 2 == p
    standard = ((usable - usable.mean()) / usable.std()).to_numpy() * sign
    found: dict[str, Guess] = {}
    for k, name in enumerate(map(str, numbers.columns)):
        if sign[k] > 0:
            continue
        rest = np.delete(standard, k, axis=1).sum(axis=1)
        with_rest = -float(np.corrcoef(standard[:, k], rest)[0, 1])
        strong = with_rest < -AGAINST and abs(np.arctanh(with_rest)) * np.sqrt(max(n - 3, 1)) > BEYOND_CHANCE
        why = f"correlation with the rest {with_rest:+.2f}, n = {n}"
        if even:
            found[name] = Guess(
                "forward", why, "half of the items run against the other half: check which are worded negatively"
            )
        elif strong:
            few = "so few items do not tell a reversed one from one that belongs elsewhere: check its wording"
            found[name] = Guess("reverse", why, few if p < FEWEST_TO_TELL else "")
        else:
            found[name] = Guess("forward", why, "runs against the others, but weakly: check its wording")
    return found


def turned_items(numbers: pd.DataFrame, constructs: Sequence[Construct]) -> dict[str, Guess]:
    """Find the reversed items of constructs; where these were grouped by correlations, only what all items bear out is sure.

    Parameters
    ----------
    numbers : DataFrame
        Answers of all items.
    constructs : sequence of Construct
        Their items are columns of `numbers`.

    Returns
    -------
    dict of str to Guess
        As `reversed_items`.
    """
    whole = reversed_items(numbers[[i for c in constructs for i in c.items]])
    found: dict[str, Guess] = {}
    for c in constructs:
        for item, guess in reversed_items(numbers[list(c.items)]).items():
            apart = c.split and item not in whole
            doubt = "it runs against its own group only, which correlations alone made: it may belong elsewhere"
            found[item] = replace(guess, doubt=doubt) if apart and guess.sure else guess
    return found


def match_instrument(texts: Sequence[str]) -> tuple[Codebook, list[str]] | None:
    """Find the shipped instrument whose statements are worded as these items.

    Parameters
    ----------
    texts : sequence of str
        Wording of each item.

    Returns
    -------
    codebook : Codebook
    statements : list of str
        The statement of each item, '' where none is alike; None where no instrument has most of them.
    """
    best: tuple[tuple[int, bool, int], Codebook, list[str]] | None = None
    for name in instrument_names():
        book = load_codebook(name)
        found = _likest(texts, book)
        score = (sum(map(bool, found)), bool(book.select("expectation")), -len(book.columns))
        if texts and score[0] >= MOST_ALIKE * len(texts) and (best is None or score > best[0]):
            best = (score, book, found)
    return None if best is None else best[1:]


def _likest(texts: Sequence[str], book: Codebook) -> list[str]:
    """Return the statement of an instrument that is worded most like each text, none twice; '' where none is alike."""
    labels = {c.statement: c.labels for c in book.select("perception")}
    found: list[str] = []
    for text in texts:
        likeness = {
            str(s): max(difflib.SequenceMatcher(None, plain(text), plain(t)).ratio() for t in (label.en, label.zh))
            for s, label in labels.items() if str(s) not in found
        }  # fmt: skip
        likest = max(likeness, key=lambda s: likeness[s], default="")
        found.append(likest if likest and likeness[likest] >= ALIKE else "")
    return found


def battery_constructs(profile: FileProfile, battery: Battery, taken: set[str]) -> list[Construct]:
    """Say what the items of a battery measure: the battery's stem where it means something and is one factor.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    battery : Battery
        Items.
    taken : set of str
        Names in use; gets those of the constructs.

    Returns
    -------
    list of Construct
    """
    numbers = item_numbers(profile, battery)
    if numbers.shape[1] < 2:
        return []
    stem = battery.stem.strip("_.-[ ")
    label = "Factor" if battery.nameless else _wording(profile, battery) if stem.isdigit() else stem
    names = [str(c) for c in numbers.columns]
    if battery.nameless or len(names) >= SPLIT_FROM:
        blocks, how = factor_blocks(numbers)
    else:
        blocks, how = [names], "common stem"
    unnamed = battery.nameless or stem.isdigit()
    doubt = "the stem says nothing of what is measured: name it, and check that it is one thing" if unnamed else ""
    if len(blocks) == 1:
        return [
            Construct(
                slug(stem, taken, f"q{stem}" if stem.isdigit() else "construct"),
                label,
                tuple(names),
                Guess(stem, how, doubt),
            )
        ]
    doubt = "grouped by correlations alone: name the constructs, and move items, by the questionnaire"
    base = slug(stem, set(), f"q{stem}" if stem.isdigit() else "factor")
    found = []
    for k, block in enumerate(blocks, start=1):
        name = slug(f"{base}_{k}" if battery.nameless else f"{base}_f{k}", taken, f"{base}_f{k}")
        found.append(
            Construct(
                name,
                f"Factor {k}" if battery.nameless else f"{label} (factor {k})",
                tuple(block),
                Guess(name, how, doubt),
                split=True,
            )
        )
    return found


def _wording(profile: FileProfile, battery: Battery) -> str:
    """Return the wording of a numbered question without that of its rows; its number where the file has no more."""
    for column, row in zip(battery.columns, battery.rows, strict=True):
        question = " ".join(profile.columns[column].question.split())
        shared = question.replace(" ".join(row.split()), "").strip(" :：—-。.，,")
        if shared:
            return shared
    return f"Question {battery.stem}"


def marked_against(profile: FileProfile, constructs: Sequence[Construct], numbers: pd.DataFrame) -> list[Construct]:
    """Mark constructs that run against most others: a high answer may be a bad one there.

    Parameters
    ----------
    profile : FileProfile
        Of the file.
    constructs : sequence of Construct
    numbers : DataFrame
        Answers, with reversed items turned.

    Returns
    -------
    list of Construct
    """
    if len(constructs) < 2:
        return list(constructs)
    scores = pd.DataFrame({c.name: numbers[list(c.items)].mean(axis=1) for c in constructs})
    r = scores.corr()
    out = []
    for c in constructs:
        others = r.loc[c.name].drop(c.name)
        if float(others.mean()) < -AGAINST and int((others < 0).sum()) * 2 > len(others):
            doubt = f"it runs against the other constructs (mean correlation {others.mean():+.2f}): a high answer may be a bad one"
            both = f"{c.ground.doubt}; {doubt}" if c.ground.doubt else doubt
            c = replace(c, ground=replace(c.ground, doubt=both))
        out.append(c)
    return out
