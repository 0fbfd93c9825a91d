"""What customers will bring: purchases to come times what a purchase is worth, with intervals of their total."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from xmresearch.display import Shown
from xmresearch.errors import DataError
from xmresearch.outcomes.repeat_buying import BgNbd
from xmresearch.outcomes.spending import GammaGamma

Array = NDArray[np.float64]
MOST_AT_ONCE = 200_000


@dataclass(frozen=True, repr=False)
class CustomerValue(Shown):
    """Purchases and value to come.

    Attributes
    ----------
    by_customer : DataFrame
        One row per customer: alive (chance), purchases, purchase_value, value (expected, discounted).
    totals : DataFrame
        One row per total (purchases, value): estimate, lower, upper (of what these customers will really do, and not only of its mean).
    path : DataFrame
        period, purchases, lower, upper: expected purchases of all in each period.
    level : float
        Of the intervals.
    """

    by_customer: pd.DataFrame
    totals: pd.DataFrame
    path: pd.DataFrame
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return the totals."""
        return self.totals

    def summary(self) -> dict[str, Any]:
        """Return both totals with their intervals."""
        found: dict[str, Any] = {"customers": len(self.by_customer)}
        for row in self.totals.itertuples():
            found |= {str(row.total): row.estimate, f"{row.total}_lower": row.lower, f"{row.total}_upper": row.upper}
        return found

    def _head(self) -> dict[str, Any]:
        return self.summary()


def customer_value(
    model: BgNbd, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, *, period: float, periods: int, spending: GammaGamma | None = None,
    spent: ArrayLike | None = None, margin: float = 1.0, discount: float = 0.0, draws: int = 400, confidence: float = 0.95, seed: int = 0,
) -> CustomerValue:  # fmt: skip
    """Foretell purchases and value of customers.

    Parameters
    ----------
    model : BgNbd
        Of repeat buying.
    frequency, recency, age : array_like
        Histories, as for `bg_nbd`, shape (n,).
    period : float
        Length of a period, in the unit of recency and age.
    periods : int
        Periods to come.
    spending : GammaGamma, optional
        Of the value of purchases; without it a purchase counts 1.
    spent : array_like, optional
        Mean value of each customer's repeat purchases, shape (n,), for `spending`.
    margin : float
        Share of the value that is kept.
    discount : float
        Rate by which value loses from one period to the next, such as .01.
    draws : int
        Futures that are simulated.
    confidence : float
        Level.
    seed : int
        Of the futures.

    Returns
    -------
    CustomerValue
        Each future has parameters drawn from their normal approximation, customers who have left or not by their own chance, rates by their
        own posterior, and purchases at random; intervals hold the total in so many futures.

    Raises
    ------
    DataError
        A number is out of range, or spending has no values.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for customer base analysis. Journal of Marketing
    Research, 42(4), 415-430.
    """
    if not (period > 0 and periods >= 1 and margin > 0 and 0 <= discount < 1 and 0 < confidence < 1 and draws >= 100):
        raise DataError("period, periods, margin, discount, confidence or draws is out of range.")
    if spending is not None and spent is None:
        raise DataError("Spending needs the mean value of each customer's purchases.", "Give spent.")
    x, last, whole = (np.asarray(v, dtype="float64") for v in (frequency, recency, age))
    worth = np.ones(len(x)) if spending is None else spending.expected(x, np.asarray(spent, dtype="float64"))
    rng = np.random.default_rng(seed)
    factor = (1 + discount) ** -np.arange(1, periods + 1)
    totals, bought = np.zeros((draws, 2)), np.zeros((draws, periods))
    models = model.draws(draws, seed)
    amounts = None if spending is None else _spending_draws(spending, draws, seed + 1)
    for k, drawn in enumerate(models):
        own = (
            worth
            if amounts is None or spending is None
            else _worth(amounts[k], x, np.asarray(spent, dtype="float64"), rng)
        )
        shape = None if amounts is None else amounts[k][0]
        for part in np.array_split(np.arange(len(x)), max(1, -(-len(x) // MOST_AT_ONCE))):
            steps = _future(drawn, x[part], last[part], whole[part], period, periods, rng)
            bought[k] += steps.sum(axis=0)
            # a purchase differs from the customer's mean as well
            value = steps * own[part, None] if shape is None else _paid(steps, own[part], shape, rng)
            totals[k] += steps.sum(), margin * float((value * factor).sum())
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    expected = np.column_stack([model.expected(x, last, whole, ahead=period * (t + 1)) for t in range(periods)])
    each = np.diff(expected, axis=1, prepend=0.0)
    value = margin * worth * (each * factor).sum(axis=1)
    customers = pd.DataFrame(
        {"alive": model.alive(x, last, whole), "purchases": expected[:, -1], "purchase_value": worth, "value": value}
    )
    low, high = np.quantile(totals, tails, axis=0)
    table = pd.DataFrame(
        {"total": ["purchases", "value"], "estimate": [expected[:, -1].sum(), value.sum()], "lower": low, "upper": high}
    )
    ends = np.quantile(bought, tails, axis=0)
    path = pd.DataFrame(
        {"period": np.arange(1, periods + 1), "purchases": each.sum(axis=0), "lower": ends[0], "upper": ends[1]}
    )
    return CustomerValue(customers, table, path, confidence)


def _future(
    model: BgNbd, x: Array, last: Array, whole: Array, period: float, periods: int, rng: np.random.Generator
) -> Array:
    """Return simulated purchases of each customer and period, shape (n, periods)."""
    alive = rng.random(len(x)) < model.alive(x, last, whole)
    rate = rng.gamma(model.r + x, 1 / (model.alpha + whole))
    leaving = rng.beta(model.a, model.b + x)
    out = np.zeros((len(x), periods))
    for t in range(periods):
        tried = rng.poisson(rate * period) * alive
        # purchases up to the one after which the customer leaves
        until = rng.geometric(np.clip(leaving, 1e-12, 1.0))
        out[:, t] = np.minimum(tried, until)
        alive &= tried < until
    return out


def _spending_draws(spending: GammaGamma, draws: int, seed: int) -> Array:
    """Return draws of p, q and v, shape (draws, 3)."""
    centre = np.log([spending.p, spending.q, spending.v])
    drawn: Array = np.exp(
        np.random.default_rng(seed).multivariate_normal(centre, spending.covariance, draws, method="eigh")
    )
    return drawn


def _worth(parameters: Array, x: Array, spent: Array, rng: np.random.Generator) -> Array:
    """Return a drawn mean purchase of each customer."""
    p, q, v = parameters
    total = np.where(x > 0, x * np.nan_to_num(spent), 0.0)
    return np.asarray(p / rng.gamma(p * x + q, 1 / (v + total)))


def _paid(steps: Array, mean: Array, shape: float, rng: np.random.Generator) -> Array:
    """Return what simulated purchases bring: sums of gammas of the customers' means."""
    return np.asarray(rng.gamma(np.maximum(shape * steps, 1e-300)) * (mean / shape)[:, None] * (steps > 0))
