"""Whether a metric was asked on one scale in both of the waves that are compared."""

from __future__ import annotations

from xmresearch.claims.claim import Claim, Condition
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.rows import Rows

LONGEST, SHORTER = 10.0, (5.0, 7.0)
"""Top of the scale that waves are often put on after another, and tops of those others, which start at 1."""
MOST_CHANCE = 0.001
"""Chance, by the other wave's answers, of no answer above a shorter scale's top below which the wave is taken to have had that scale."""


def on_other_scales(rows: Rows, asked: tuple[Asked, ...]) -> frozenset[str] | None:
    """Return the metrics one of whose two waves looks like a shorter scale; None where no metric can be judged.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics; those with a top of 10 are judged.

    Returns
    -------
    frozenset of str or None
        A wave looks so whose answers start at 1 and end at 5 or 7, where so many would hardly all do by the other wave's answers.
    """
    judged = [m for m in asked if m.measure.levels[-1] == LONGEST]
    if not rows.before or not judged:
        return None
    found = set()
    for metric in judged:
        waves = [rows.of(w)[metric.item].dropna() for w in (rows.before, rows.after)]
        for one, other in (waves, waves[::-1]):
            if len(one) and len(other) and one.max() in SHORTER and one.min() >= 1:
                chance = float((other <= one.max()).mean()) ** len(one)
                found |= {metric.item} if chance < MOST_CHANCE else set()
    return frozenset(found)


def of_one_scale(claim: Claim | None, away: frozenset[str] | None, metrics: list[str]) -> Claim | None:
    """Let a claim of a change depend on one scale in both waves."""
    if claim is None or away is None:
        return claim
    return claim.given(Condition("same_scale", not away & set(metrics)))
