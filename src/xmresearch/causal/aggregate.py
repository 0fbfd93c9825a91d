"""From group-time effects to simple, group, dynamic and calendar effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.causal.att import AttPosterior
from xmresearch.causal.draws import stretch, welch_df
from xmresearch.display import Shown

Array = NDArray[np.float64]
Index = NDArray[np.int64]
AGGREGATES = ("simple", "group", "dynamic", "calendar")


@dataclass(frozen=True, repr=False)
class Aggregate(Shown):
    """Weighted means of group-time effects.

    Attributes
    ----------
    key : ndarray
        Cohort, event time or period of each effect, shape (E,).
    weights : ndarray
        Of the group-time effects in each, shape (A, E).
    estimate : ndarray
        Shape (E,).
    draws : ndarray
        Shape (S, E).
    overall : float
        Their mean after treatment.
    overall_draws : ndarray
        Shape (S,).
    df : float
        Degrees of freedom of the overall effect.
    """

    key: Index
    weights: Array
    estimate: Array
    draws: Array
    overall: float
    overall_draws: Array
    df: float


def aggregates(post: AttPosterior, rng: np.random.Generator) -> dict[str, Aggregate]:
    """Aggregate in the four ways of Callaway & Sant'Anna (2021), section 3.1.

    Parameters
    ----------
    post : AttPosterior
        Group-time effects.
    rng : Generator
        Source of randomness.

    Returns
    -------
    dict of str to Aggregate
        simple: all effects after treatment, by cohort share. group: by cohort over its periods; overall by cohort share.
        dynamic: by event time; overall the mean of those after treatment. calendar: by period; overall their mean.
    """
    pairs, after = post.pairs, post.pairs.after
    one = np.zeros(len(after), dtype=np.int64)
    shared = post.share_draws * post.draws
    return {
        "simple": _aggregate(post, shared, one, after, one[:1], rng),
        "group": _by_cohort(post, rng),
        "dynamic": _aggregate(post, shared, pairs.event_time, np.ones_like(after), None, rng),
        "calendar": _aggregate(post, shared, pairs.time, after, None, rng),
    }


def each_effect(post: AttPosterior, rng: np.random.Generator) -> Array:
    """Return draws of the group-time effects with the tails of Student's t, shape (S, A)."""
    parts = np.array([(pull**2).sum(axis=0) for pull in post.pulls])
    return stretch(post.draws, post.estimate, welch_df(parts, post.df), rng)


def _aggregate(
    post: AttPosterior, shared: Array, key: Index, used: NDArray[np.bool_], over: Index | None, rng: np.random.Generator
) -> Aggregate:
    """Return the means within each key by cohort share, and the mean over the keys in `over` (left out: those >= 0)."""
    keys = np.unique(key[used])
    member = ((key[:, None] == keys) & used[:, None]).astype(float)
    weights = post.share[:, None] * member / (post.share @ member)
    chosen = keys >= 0 if over is None else np.isin(keys, over)
    return _finish(
        post, keys, weights, chosen / chosen.sum(), (shared @ member) / (post.share_draws @ member), None, rng
    )


def _by_cohort(post: AttPosterior, rng: np.random.Generator) -> Aggregate:
    """Return the mean of each cohort's effects, and the mean over cohorts by their share."""
    key, after = post.pairs.cohort, post.pairs.after
    keys, first = np.unique(key[after], return_index=True)
    first = np.flatnonzero(after)[first]
    member = ((key[:, None] == keys) & after[:, None]).astype(float)
    weights = member / member.sum(axis=0)
    over, draws = post.share[first] / post.share[first].sum(), post.draws @ weights
    shares = post.share_draws[:, first]
    return _finish(post, keys, weights, over, draws, (draws * shares).sum(axis=1) / shares.sum(axis=1), rng)


def _finish(
    post: AttPosterior, keys: Index, weights: Array, over: Array, draws: Array, overall: Array | None,
    rng: np.random.Generator,
) -> Aggregate:  # fmt: skip
    """Give draws of effects, and of their mean, the tails of Student's t."""
    overall = draws @ over if overall is None else overall
    ends = post.estimate @ np.column_stack([weights, weights @ over])
    df = welch_df(post.parts(np.column_stack([weights, weights @ over])), post.df)
    sample = stretch(np.column_stack([draws, overall]), ends, df, rng)
    return Aggregate(keys, weights, ends[:-1], sample[:, :-1], float(ends[-1]), sample[:, -1], float(df[-1]))
