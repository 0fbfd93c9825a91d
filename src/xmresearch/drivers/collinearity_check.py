"""How far drivers say the same: variance inflation and condition index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.drivers.obstacles import NotEstimable

Array = NDArray[np.float64]
VIF_NOTABLE, VIF_HIGH = 5.0, 10.0
"""From which on slopes are notably (Hair et al. 2019) and severely (Marquardt 1970) less certain than of unrelated drivers."""
CONDITION_HIGH = 30.0
"""Condition index from which on slopes are degraded (Belsley, Kuh & Welsch 1980)."""


@dataclass(frozen=True, repr=False)
class CollinearityResult(Shown):
    """How far drivers can be told apart.

    Attributes
    ----------
    table : DataFrame
        One row per driver: construct, vif, widened (its interval is that many times as wide as with unrelated drivers: the
        root of vif), nearest (the driver most correlated with it) and correlation (with that one).
    condition_index : float
        Root of the ratio of the largest to the smallest eigenvalue of the drivers' correlations.
    n : int
        Complete respondents.
    """

    table: pd.DataFrame
    condition_index: float
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per driver."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the worst case: none, notable or severe, with the driver, what it resembles and by how much."""
        worst = self.table.loc[self.table["vif"].idxmax()]
        severe = worst["vif"] >= VIF_HIGH or self.condition_index >= CONDITION_HIGH
        case = "severe" if severe else "notable" if worst["vif"] >= VIF_NOTABLE else "slight"
        return {
            "case": case, "construct": worst["construct"], "vif": worst["vif"], "widened": worst["widened"],
            "nearest": worst["nearest"], "correlation": worst["correlation"], "condition_index": self.condition_index,
            "affected": int((self.table["vif"] >= VIF_NOTABLE).sum()),
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        vif = float(self.table["vif"].max())
        rows = [
            ("vif_driver", vif, VIF_NOTABLE, "pass" if vif < VIF_NOTABLE else "warn" if vif < VIF_HIGH else "fail"),
            (
                "condition_index", self.condition_index, CONDITION_HIGH,
                "pass" if self.condition_index < CONDITION_HIGH else "fail",
            ),
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def collinearity(drivers: pd.DataFrame, *, weights: Array | None = None) -> CollinearityResult:
    """Measure how far drivers say the same.

    Parameters
    ----------
    drivers : DataFrame
        One column per driver, two or more, shape (n, K); rows with blanks are left out.
    weights : ndarray, optional
        Design weights, shape (n,).

    Returns
    -------
    CollinearityResult

    Raises
    ------
    InsufficientData
        Fewer than two drivers or complete rows, or a constant driver.

    References
    ----------
    Marquardt, D. W. (1970). Generalized inverses, ridge regression, biased linear estimation, and nonlinear estimation.
    Technometrics, 12, 591-612. Belsley, D. A., Kuh, E. & Welsch, R. E. (1980). Regression Diagnostics. Wiley. Hair, J. F., Risher,
    J. J., Sarstedt, M. & Ringle, C. M. (2019). When to use and how to report the results of PLS-SEM. European Business
    Review, 31, 2-24.
    """
    x = drivers.to_numpy(dtype=float)
    whole = ~np.isnan(x).any(axis=1)
    names = [str(c) for c in drivers.columns]
    if x.shape[1] < 2 or whole.sum() < 2:
        raise NotEstimable("few_respondents", "Collinearity is of two or more drivers, and two or more complete rows.")
    cov = np.cov(x[whole], rowvar=False, aweights=None if weights is None else weights[whole])
    sd = np.sqrt(np.diag(cov))
    if (sd <= 0).any():
        raise NotEstimable("constant", f"'{names[int(sd.argmin())]}' is constant, so it drives nothing.")
    r = cov / np.outer(sd, sd)
    values = np.linalg.eigvalsh(r)
    floor = np.finfo(float).eps * len(names)
    vif = np.full(len(names), np.inf) if values[0] <= floor else np.diag(np.linalg.inv(r))
    apart = np.where(np.eye(len(names), dtype=bool), 0.0, r)
    near = np.abs(apart).argmax(axis=1)
    table = pd.DataFrame({
        "construct": names, "vif": vif, "widened": np.sqrt(vif), "nearest": [names[j] for j in near],
        "correlation": apart[np.arange(len(names)), near],
    })  # fmt: skip
    return CollinearityResult(table, float(np.sqrt(values[-1] / max(values[0], floor))), int(whole.sum()))
