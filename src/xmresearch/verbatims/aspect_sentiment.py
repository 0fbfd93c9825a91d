"""Aspects: what each clause of a text is about, and of which mind it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from xmresearch.errors import DataError
from xmresearch.verbatims.clauses import Clause, clauses_of
from xmresearch.verbatims.codeframes import Codeframe

Sentiment = Callable[[Sequence[str]], ArrayLike]


def aspects(texts: Sequence[str], codeframe: Codeframe, sentiment: Sentiment) -> pd.DataFrame:
    """Find every theme that a text speaks of, with the sentiment of the clause that does.

    Parameters
    ----------
    texts : sequence of str
        Shape (n,).
    codeframe : Codeframe
        Of the themes.
    sentiment : callable
        Gives the probability that each of several texts is positive; called once, with every clause that has a theme.

    Returns
    -------
    DataFrame
        One row per text and theme: text (its position), theme, positive (mean over the theme's clauses) and clauses (their number), in
        order. A clause without a theme belongs to the one before it in its sentence, or to the next where it is the first, unless
        it turns against that.

    Raises
    ------
    DataError
        The sentiment is no probability for each clause.

    References
    ----------
    Pontiki, M., Galanis, D., Papageorgiou, H., Manandhar, S. & Androutsopoulos, I. (2015). SemEval-2015 task 12: aspect based
    sentiment analysis. Proceedings of SemEval, 486-495.
    """
    at: list[int] = []
    themes: list[str] = []
    said: list[str] = []
    for i, text in enumerate(texts):
        for clause, about in _joined([(c, codeframe.found(c.text)) for c in clauses_of(text)]):
            at += [i] * len(about)
            themes += about
            said += [clause] * len(about)
    if not at:
        return pd.DataFrame({"text": [], "theme": [], "positive": [], "clauses": []}).astype(
            {"text": int, "theme": object, "clauses": int}
        )
    different = list(dict.fromkeys(said))
    chance = np.asarray(sentiment(different), dtype=float)
    if chance.shape != (len(different),) or not ((chance >= 0) & (chance <= 1)).all():
        raise DataError(
            "The sentiment is no probability for each clause.", "Give a function of texts to probabilities."
        )
    of = dict(zip(different, chance.tolist(), strict=True))
    rows = pd.DataFrame({"text": at, "theme": themes, "positive": [of[s] for s in said]})
    order = {name: k for k, name in enumerate(codeframe.names)}
    found = rows.groupby(["text", "theme"], sort=False)["positive"].agg(["mean", "size"]).reset_index()
    found = found.rename(columns={"mean": "positive", "size": "clauses"})
    return found.sort_values(
        ["text", "theme"], key=lambda c: c.map(order) if c.name == "theme" else c, ignore_index=True
    )


def by_theme(found: pd.DataFrame, names: Sequence[str], n: int) -> pd.DataFrame:
    """Spread aspects over one column per theme.

    Parameters
    ----------
    found : DataFrame
        Of `aspects`.
    names : sequence of str
        Of the themes.
    n : int
        Texts.

    Returns
    -------
    DataFrame
        Probability that what the text says of the theme is positive, shape (n, themes); NaN where it says nothing.
    """
    out = np.full((n, len(names)), np.nan)
    column = {name: j for j, name in enumerate(names)}
    out[found["text"].to_numpy(dtype=int), found["theme"].map(column).to_numpy(dtype=int)] = found["positive"]
    return pd.DataFrame(out, columns=list(names))


def _joined(parts: list[tuple[Clause, list[str]]]) -> list[tuple[str, list[str]]]:
    """Join clauses without a theme to their neighbours."""
    joined: list[tuple[list[str], list[str], int]] = []
    waiting: list[Clause] = []
    for clause, about in parts:
        if waiting and (waiting[0].sentence != clause.sentence or clause.turns):
            waiting = []
        if about:
            joined.append(([*(c.text for c in waiting), clause.text], about, clause.sentence))
            waiting = []
        elif joined and joined[-1][2] == clause.sentence and not clause.turns and not waiting:
            joined[-1][0].append(clause.text)
        else:
            waiting.append(clause)
    return [("，".join(words) if not words[0].isascii() else ", ".join(words), about) for words, about, _ in joined]
