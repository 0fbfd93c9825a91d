"""Removal effects and shares of credit of many chains, and their draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from xmresearch.attribution.absorption import Absorption
from xmresearch.attribution.chain import Array
from xmresearch.attribution.customer_weights import CustomerWeights
from xmresearch.attribution.hierarchy import StepPosterior
from xmresearch.attribution.worth import WorthOfConversion
from xmresearch.display import Shown
from xmresearch.sufficient.transition_table import Transitions


@dataclass(frozen=True, repr=False)
class Effects(Shown):
    """Removal effects and shares of credit, shape (B, K, G): of conversions, then of value.

    Attributes
    ----------
    effect, share : ndarray
        Shape (B, K, G).
    """

    effect: Array
    share: Array

    @classmethod
    def of(cls, solve: Absorption, parts: Iterable[tuple[Array, Array | None]]) -> Effects:
        """Solve the chain for sets of step probabilities, shape (B, m), and of mean values by last state, shape (B, S)."""
        effects = []
        for probability, worth in parts:
            converts = solve.chain.converting(probability)
            gain = converts[..., None] if worth is None else np.stack([converts, converts * worth], axis=2)
            total, passing = solve.passing(probability, gain)
            effects.append(np.divide(passing, total[:, None], out=np.zeros_like(passing), where=total[:, None] > 0))
        effect = np.concatenate(effects)
        total = effect.sum(axis=1, keepdims=True)
        return cls(effect, np.divide(effect, total, out=np.zeros_like(effect), where=total > 0))


def drawn(
    solve: Absorption,
    posterior: StepPosterior,
    counts: Transitions,
    worth: WorthOfConversion | None,
    units: CustomerWeights | None,
    draws: int,
    rng: np.random.Generator,
) -> tuple[Effects, Array]:
    """Draw effects and the conversion rate, with customers as units where there are any.

    Parameters
    ----------
    solve : Absorption
        Of the chain.
    posterior : StepPosterior
        Of its steps.
    counts : Transitions
        What both were made of.
    worth : WorthOfConversion or None
        None without values.
    units : CustomerWeights or None
        None where journeys count as independent.
    draws : int
        How many.
    rng : Generator
        Their source.

    Returns
    -------
    effects : Effects
    rate : ndarray
        Share of journeys that convert, shape (draws,).
    """
    if units is None:
        parts = ((p, None if worth is None else worth.draw(len(p), rng)) for p in posterior.draw(draws, rng))
        return Effects.of(solve, parts), rng.beta(counts.conversions + 0.5, counts.nulls + 0.5, draws)
    rates: list[Array] = []

    def each(who: CustomerWeights) -> Iterator[tuple[Array, Array | None]]:
        for probability, weights in posterior.by_customers(who, draws, rng):
            rates.append(who.rate(weights))
            yield probability, None if worth is None else who.worth(weights)

    found = Effects.of(solve, each(units))
    return found, np.concatenate(rates)
