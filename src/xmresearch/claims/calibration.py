"""Whether rules keep their promise: how simulated rates are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from xmresearch.claims.families import adjusted

LEVEL = 0.05
POWER_FLOOR = 0.8


@dataclass(frozen=True)
class Cell:
    """One simulated world of a calibration.

    Attributes
    ----------
    label : str
        Study, claim and world.
    events, samples : int
        In how many of the samples it happened.
    at_least, at_most : float
        What was promised of the rate.
    """

    label: str
    events: int
    samples: int
    at_least: float = 0.0
    at_most: float = 1.0

    @property
    def p(self) -> float:
        """The exact p value of the promise: how often a rate at the edge of it would give figures as far off."""
        above = float(stats.binom.sf(self.events - 1, self.samples, self.at_most)) if self.at_most < 1 else 1.0
        below = float(stats.binom.cdf(self.events, self.samples, self.at_least)) if self.at_least > 0 else 1.0
        return min(1.0, 2 * min(above, below))


def exact_interval(events: int, samples: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact binomial interval at confidence 1 - level.

    Parameters
    ----------
    events, samples : int
        How often it happened, and of how many.
    level : float
        One minus the confidence.

    Returns
    -------
    lower, upper : float

    References
    ----------
    Clopper, C. J. & Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. Biometrika, 26, 404-413.
    """
    low = float(stats.beta.ppf(level / 2, events, samples - events + 1)) if events else 0.0
    high = float(stats.beta.isf(level / 2, events + 1, samples - events)) if events < samples else 1.0
    return low, high


def judge(cells: Sequence[Cell], level: float = LEVEL) -> pd.DataFrame:
    """Hold simulated rates against what was promised of them.

    Parameters
    ----------
    cells : sequence of Cell
        Every world of a calibration; seeds, worlds and numbers of samples are fixed before any is run.
    level : float
        Of the decision over all cells.

    Returns
    -------
    DataFrame
        world, rate, lower, upper (exact interval of the cell alone), samples, promised, p_adjusted (Holm over the cells) and
        kept: False where the cell's exact interval, Holm-corrected over the cells, excludes the promise.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics, 6, 65-70.
    """
    p = adjusted([c.p for c in cells])
    rows = []
    for cell, value in zip(cells, p, strict=True):
        low, high = exact_interval(cell.events, cell.samples)
        promised = "-".join(f"{v:.3g}" for v in (cell.at_least, cell.at_most) if v not in (0.0, 1.0))
        promised = promised if "-" in promised else ("<= " if cell.at_most < 1 else ">= ") + promised
        rows.append((cell.label, cell.events / cell.samples, low, high, cell.samples, promised, value, value >= level))
    columns = ["world", "rate", "lower", "upper", "samples", "promised", "p_adjusted", "kept"]
    return pd.DataFrame(rows, columns=columns)


def power(label: str, settled: Sequence[bool], oracle: Sequence[bool]) -> Cell:
    """Return the cell of a strong world: of what the oracle test of the same level settles, how much the rule settles.

    Parameters
    ----------
    label : str
        Study, claim and world.
    settled, oracle : sequence of bool
        By sample: whether the rule settled the true claim, and whether the test that knows the sampling variance did.

    Returns
    -------
    Cell
        With the floor of .8 as its promise.
    """
    told = np.asarray(settled, dtype=bool)[np.asarray(oracle, dtype=bool)]
    return Cell(label, int(told.sum()), len(told), at_least=POWER_FLOOR)
