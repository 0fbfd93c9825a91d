"""First of several: who leads, whether that is settled, and who may be the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from xmresearch.claims.claim import UNSETTLED, Claim
from xmresearch.display import Shown

Array = NDArray[np.float64]
FEWEST_TAIL_DRAWS = 5


@dataclass(frozen=True, repr=False)
class Joint(Shown):
    """Estimates of several figures with what their differences need: joint draws, or a covariance.

    Attributes
    ----------
    estimate : ndarray
        Shape (K,).
    draws : ndarray or None
        Joint draws, shape (S, K): of a posterior or of a bootstrap.
    covariance : ndarray or None
        Shape (K, K); used where there are no draws.
    df : float
        Degrees of freedom of t intervals; infinite for normal ones.
    """

    estimate: Array
    draws: Array | None = None
    covariance: Array | None = None
    df: float = np.inf

    def tail(self, i: int, j: int) -> float:
        """Return the one-sided tail against i exceeding j: P(theta_i <= theta_j), or the p value of it.

        Tails below what the draws resolve are those of a normal distribution with the draws' mean and spread.
        """
        if self.draws is None:
            gap, (variance, scale) = float(self.estimate[i] - self.estimate[j]), self._variance(i, j)
            return _t_tail(gap, variance, self.df, scale=scale)
        gaps = self.draws[:, i] - self.draws[:, j]
        below = int((gaps <= 0).sum())
        if below >= FEWEST_TAIL_DRAWS:
            return below / len(gaps)
        near = _t_tail(float(gaps.mean()), float(gaps.var()), np.inf, scale=float(gaps.var()))
        return min(near, FEWEST_TAIL_DRAWS / len(gaps))

    def difference(self, i: int, j: int, confidence: float) -> tuple[float, float, float]:
        """Return theta_i - theta_j and its two-sided interval."""
        tail = (1 - confidence) / 2
        gap = float(self.estimate[i] - self.estimate[j])
        if self.draws is not None:
            low, high = np.quantile(self.draws[:, i] - self.draws[:, j], [tail, 1 - tail])
            return gap, float(low), float(high)
        reach = float(stats.t.ppf(1 - tail, self.df)) * float(np.sqrt(max(self._variance(i, j)[0], 0.0)))
        return gap, gap - reach, gap + reach

    def _variance(self, i: int, j: int) -> tuple[float, float]:
        """Return the variance of a difference, and the sum of the two variances; NaN without a covariance."""
        if self.covariance is None:
            return np.nan, np.nan
        cov = self.covariance
        both = float(cov[i, i] + cov[j, j])
        return both - 2 * float(cov[i, j]), both


def first_of(
    name: str,
    joint: Joint,
    names: Sequence[str],
    *,
    confidence: float,
    lowest: bool = False,
    **facts: Any,
) -> Claim:
    """Claim that one of K figures is the first: that it exceeds every other.

    Parameters
    ----------
    name : str
        Of the claim.
    joint : Joint
        The figures and the uncertainty of their differences.
    names : sequence of str
        Of the figures, K in all.
    confidence : float
        The leader's difference from every rival must exclude zero at this two-sided level.
    lowest : bool
        Whether the first is the lowest.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        first, only (K = 1) or unsettled. Facts: leader, runner_up, margin (with margin_lower and margin_upper, the
        difference between the two in the direction asked for), possible (everyone who may be the first, the leader at the
        head), several (how many they are), others (the same without the leader), candidates (K) and p_first where there are draws.

    Notes
    -----
    The claim is false in at most 1 - confidence of the cases for every K: the worst case is two equal figures with the
    rest far off [1]_, so that the differences need no correction. The possible firsts hold the true one in at least
    `confidence` of the cases: one is left out where its one-sided tail against the leader is below
    (1 - confidence) / 2 / (K - 1) [2]_, or where the claim is settled.

    References
    ----------
    .. [1] Gutmann, S. & Maymin, Z. (1987). Is the selected population the best? Annals of Statistics, 15, 456-461.
    .. [2] Gupta, S. S. (1965). On some multiple decision (selection and ranking) rules. Technometrics, 7, 225-245. Hsu,
       J. C. (1984). Constrained simultaneous confidence intervals for multiple comparisons with the best. Annals of
       Statistics, 12, 1136-1144.
    """
    towards = -1.0 if lowest else 1.0
    facing = Joint(
        towards * joint.estimate, None if joint.draws is None else towards * joint.draws, joint.covariance, joint.df
    )
    order = np.argsort(-facing.estimate, kind="stable")
    k, top = len(order), int(order[0])
    common = {"leader": names[top], "candidates": k, **facts}
    made = Claim(
        name, "first", "only", "differences_exclude_zero", 1 - confidence, confidence, float(joint.estimate[top])
    )
    if k == 1:
        return made.about(runner_up=names[top], possible=[names[top]], several=1, others=[], p_first=1.0, **common)
    tails = {int(j): facing.tail(top, int(j)) for j in order[1:]}
    level = (1 - confidence) / 2
    settled = all(t < level for t in tails.values())
    rivals = [] if settled else [names[j] for j, t in tails.items() if not t < level / (k - 1)]
    gap, low, high = facing.difference(top, int(order[1]), confidence)
    if facing.draws is not None:
        common["p_first"] = float((facing.draws.argmax(axis=1) == top).mean())
    verdict = "first" if settled else UNSETTLED
    made = Claim(name, "first", verdict, made.rule, made.promised, confidence, float(joint.estimate[top]))
    made = made.about(
        runner_up=names[int(order[1])], margin=gap, margin_lower=low, margin_upper=high, possible=[names[top], *rivals],
        several=1 + len(rivals), others=rivals, **common,
    )  # fmt: skip
    return made.withhold("no_interval") if any(np.isnan(t) for t in tails.values()) else made


def _t_tail(gap: float, variance: float, df: float, *, scale: float) -> float:
    """Return P(T >= gap / sd); without spread a difference is certain, and equal figures are never told apart."""
    if np.isnan(variance):
        return np.nan
    if variance <= 1e-12 * scale:
        return 0.0 if gap > 0 else 1.0
    return float(stats.t.sf(gap / np.sqrt(variance), df))
