"""Whether an experience is the same in every channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.attribution.concerns import Concern
from xmresearch.attribution.scores import FEW_SCORES, mean_scores
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData
from xmresearch.inference.equal_means import welch_test
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.sufficient.journeys import Array
from xmresearch.sufficient.sources import require_columns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAWS = 4000
SPREADS = 80
"""Points of the grid over the SD between channels."""


@dataclass(frozen=True, repr=False)
class ConsistencyResult(Shown):
    """Whether an experience is the same across channels.

    Attributes
    ----------
    table : DataFrame
        One row per experience and channel: experience, channel, scores, score, score_sd, score_lower, score_upper.
    spread : DataFrame
        One row per experience: experience, channels, best, worst, gap (between their means), gap_lower, gap_upper, p (Welch's
        test that all means are equal), p_over (posterior probability that the widest gap between true means exceeds
        `tolerance`).
    concerns : tuple of Concern
        Groups with few scores.
    tolerance, confidence : float
        The gap that matters, and the level of intervals and verdicts.
    """

    table: pd.DataFrame
    spread: pd.DataFrame
    concerns: tuple[Concern, ...]
    tolerance: float
    confidence: float = 0.95

    def tidy(self) -> pd.DataFrame:
        """Return the scores by experience and channel."""
        return self.table

    def plot(self) -> Figure:
        """Draw the mean scores of each channel with their intervals."""
        names = [*(["experience"] if self.table["experience"].nunique() > 1 else []), "channel"]
        return forest(self.table, names, "score", "score", axis="mean score", zero=None)

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        fewest = int(self.table["scores"].min())
        row = ("fewest_scores", fewest, FEW_SCORES, "pass" if fewest >= FEW_SCORES else "warn")
        return pd.DataFrame([row], columns=["check", "value", "threshold", "status"])


@on_one_thread
def consistency(
    survey: pd.DataFrame,
    *,
    channel: str,
    score: str,
    experience: str | None = None,
    tolerance: float = 0.5,
    confidence: float = 0.95,
    seed: int = 0,
) -> ConsistencyResult:
    """Compare the scores of an experience across channels such as web, phone and counter.

    Parameters
    ----------
    survey : DataFrame
        One row per answer.
    channel, score : str
        Columns.
    experience : str, optional
        Column of what was done, compared one by one; all answers together if left out.
    tolerance : float
        Gap between the best and the worst mean that matters, in units of the score.
    confidence : float
        Of intervals and verdicts.
    seed : int
        Of the posterior draws of means.

    Returns
    -------
    ConsistencyResult

    Raises
    ------
    DataError
        A column is missing.
    InsufficientData
        No experience has two channels with two scores each.

    Notes
    -----
    Among many channels the widest gap between means is wide by chance alone. The probability that it matters therefore comes
    from a hierarchical model: true means are normal about a common one, whose SD has a half-normal prior with the SD of
    answers as its scale.

    References
    ----------
    Gelman, A., Carlin, J. B., Stern, H. S., Dunson, D. B., Vehtari, A. & Rubin, D. B. (2013). Bayesian data analysis (3rd ed.),
    section 5.4. CRC Press.
    Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika, 38, 330-336.
    """
    require_columns((channel, score, experience), survey.columns)
    if not pd.api.types.is_numeric_dtype(survey[score]):
        raise DataError(
            f"Column '{score}' is of type {survey[score].dtype}, not numeric.", "Code its answers as numbers."
        )
    what = survey[experience] if experience is not None else "all"
    whole = pd.DataFrame({"experience": what, "channel": survey[channel], "score": survey[score]})
    frame = whole.dropna()
    unplaced = int((whole["score"].notna() & whole[["experience", "channel"]].isna().any(axis=1)).sum())
    table = mean_scores(frame, ["experience", "channel"], "score", confidence)
    rng = np.random.default_rng(seed)
    rows = []
    for name, group in table[table["scores"] > 1].groupby("experience", sort=True):
        if len(group) > 1:
            rows.append({"experience": name, "channels": len(group), **_gap(group, tolerance, confidence, rng)})
    if not rows:
        raise InsufficientData("No experience has scores in two channels.", "Two scores per channel are the least.")
    few = table[table["scores"] < FEW_SCORES]
    asked = [Concern("unplaced_scores", {"count": unplaced})] if unplaced else []
    asked += [
        Concern("few_scores", {"touchpoint": f"{e} / {c}", "least": FEW_SCORES})
        for e, c in few[["experience", "channel"]].itertuples(index=False)
    ]
    return ConsistencyResult(table, pd.DataFrame(rows), tuple(asked), tolerance, confidence)


def _gap(group: pd.DataFrame, tolerance: float, confidence: float, rng: np.random.Generator) -> dict[str, Any]:
    mean, n = group["score"].to_numpy(), group["scores"].to_numpy()
    error = group["score_sd"].to_numpy() / np.sqrt(n)
    best, worst = int(mean.argmax()), int(mean.argmin())
    drawn = mean + error * rng.standard_t(n - 1, (DRAWS, len(n)))
    # of the two named, so that noise among many channels does not widen the gap
    step = drawn[:, best] - drawn[:, worst]
    tail = (1 - confidence) / 2
    low, high = np.quantile(step, [tail, 1 - tail])
    true = _pooled(mean, group["score_sd"].to_numpy(), n, rng)
    over = float((np.ptp(true, axis=1) > tolerance).mean())
    names = group["channel"].to_numpy()
    return {
        "best": names[best], "worst": names[worst], "gap": float(mean[best] - mean[worst]), "gap_lower": float(low),
        "gap_upper": float(high), "p": welch_test(mean, error, n - 1)[3], "p_over": over,
    }  # fmt: skip


def _pooled(mean: Array, sd: Array, n: Array, rng: np.random.Generator) -> Array:
    """Draw true means, shape (DRAWS, K), from the hierarchical normal model, with errors drawn as well."""
    scale = np.sqrt(np.average(sd**2, weights=n - 1))
    if not scale > 0:
        return np.broadcast_to(mean, (DRAWS, len(mean)))
    error = np.maximum(sd, 1e-6 * scale) * np.sqrt((n - 1) / rng.chisquare(n - 1, (DRAWS, len(n))) / n)
    spread = np.linspace(0, 4 * scale, SPREADS + 1)[1:] - 2 * scale / SPREADS
    weight = 1 / (error[:, None] ** 2 + spread[:, None] ** 2)
    total = weight.sum(axis=2)
    centre = (weight * mean).sum(axis=2) / total
    log_p = 0.5 * (np.log(weight).sum(axis=2) - np.log(total) - (weight * (mean - centre[:, :, None]) ** 2).sum(axis=2))
    log_p -= 0.5 * (spread / scale) ** 2
    at = (log_p + rng.gumbel(size=log_p.shape)).argmax(axis=1)
    rows = np.arange(DRAWS)
    common = centre[rows, at] + rng.standard_normal(DRAWS) / np.sqrt(total[rows, at])
    between = spread[at][:, None] ** 2
    keep = between / (between + error**2)
    drawn: Array = keep * mean + (1 - keep) * common[:, None] + np.sqrt(keep) * error * rng.standard_normal(error.shape)
    return drawn
