"""Fit measures from tests that do not rest on normality: scaled and robust ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from xmresearch.sem.measures import incremental_measures, rmsea_bounds
from xmresearch.sem.robust import Sandwich


def scaled_measures(measures: pd.Series, fitted: Sandwich, baseline: Sandwich, groups: int = 1) -> pd.Series:
    """Add scaled and robust fit measures.

    Parameters
    ----------
    measures : Series
        From `fit_measures`.
    fitted, baseline : Sandwich
        Of the model and of the independence model.
    groups : int
        How many.

    Returns
    -------
    Series
        With chisq.scaled, chisq.scaling.factor, and cfi, tli and rmsea (with intervals and p) .scaled and .robust added, in
        lavaan's names. Where the test is not shifted, the interval of rmsea.scaled rests, as in lavaan 0.6, on the unscaled
        chi-square with df x scaling degrees of freedom.

    References
    ----------
    Brosseau-Liard, P. E., Savalei, V. & Li, L. (2012). Multivariate Behavioral Research, 47, 904-930.
    Brosseau-Liard, P. E. & Savalei, V. (2014). Multivariate Behavioral Research, 49, 460-470.
    """
    m = measures.to_dict()
    chisq, df, base, base_df, n = (m[k] for k in ("chisq", "df", "baseline.chisq", "baseline.df", "ntotal"))
    if not df or not base_df:
        return measures
    scaled, factor = fitted.scaled(chisq, df)
    base_scaled, base_factor = baseline.scaled(base, base_df)
    shifted = not np.isnan(fitted.trace_squared)
    statistic, own_df, unit = (scaled, df, 1.0) if shifted else (chisq, fitted.trace, fitted.trace / df)
    relative = incremental_measures(scaled, df, base_scaled, base_df)
    tli = 1 - (scaled - df) / df * base_df / (base_scaled - base_df)
    return pd.Series(
        m | {f"{name}.scaled": value for name, value in relative.items()} | {
            "chisq.scaled": scaled, "df.scaled": df, "pvalue.scaled": float(special.chdtrc(df, scaled)),
            "chisq.scaling.factor": factor, "baseline.chisq.scaled": base_scaled, "baseline.df.scaled": base_df,
            "baseline.pvalue.scaled": float(special.chdtrc(base_df, base_scaled)),
            "baseline.chisq.scaling.factor": base_factor,
            "cfi.scaled": 1 - max(scaled - df, 0) / max(scaled - df, base_scaled - base_df, 1e-300),
            "tli.scaled": tli, "nnfi.scaled": tli,
            "rmsea.scaled": np.sqrt(groups * max(scaled - df, 0) / (n * df)),
        } | _named(_close(statistic, own_df, unit, n, df, groups, m), "scaled")
        | robust_measures(m, chisq, fitted.trace, base, baseline.trace, groups, (scaled, factor)),
        dtype=float, name="value",
    )  # fmt: skip


def robust_measures(
    m: dict[str, float],
    chisq: float,
    trace: float,
    base: float,
    base_trace: float,
    groups: int,
    scaled: tuple[float, float] | None = None,
) -> dict[str, float]:
    """Compute robust CFI, TLI and RMSEA.

    Parameters
    ----------
    m : dict of str to float
        df, baseline.df, ntotal and the bounds of RMSEA's tests.
    chisq, base : float
        Discrepancies of the model and of the independence model.
    trace, base_trace : float
        Their expectations where the model is true, which without robustness are df.
    groups : int
        How many.
    scaled : (float, float), optional
        The test statistic for RMSEA's interval and its scaling factor; chisq df / trace and trace / df unless given.

    Returns
    -------
    dict of str to float
        In lavaan's names.
    """
    df, base_df, n = m["df"], m["baseline.df"], m["ntotal"]
    statistic, factor = scaled or (chisq * df / trace, trace / df)
    tli = 1 - (chisq - trace) / df * base_df / (base - base_trace)
    return {
        "cfi.robust": 1 - max(chisq - trace, 0) / max(chisq - trace, base - base_trace, 1e-300),
        "tli.robust": tli, "nnfi.robust": tli, "rni.robust": 1 - (chisq - trace) / (base - base_trace),
        "rmsea.robust": np.sqrt(groups * max(chisq - trace, 0) / (n * df)),
    } | _named(_close(statistic, df, 1 / factor, n, df, groups, m, np.sqrt(factor)), "robust")  # fmt: skip


def _named(values: Sequence[float], kind: str) -> dict[str, float]:
    names = ("rmsea.ci.lower", "rmsea.ci.upper", "rmsea.pvalue", "rmsea.notclose.pvalue")
    return {f"{name}.{kind}": value for name, value in zip(names, values, strict=True)}


def _close(
    chisq: float, df: float, unit: float, n: float, model_df: float, groups: int, m: dict[str, float], stretch: float = 1.0
) -> tuple[float, float, float, float]:  # fmt: skip
    """Return RMSEA's bounds and its p values for a chi-square of df whose noncentrality is `unit` times the misfit."""
    low, high = (stretch * np.sqrt(groups) * b for b in rmsea_bounds(chisq, df, n))
    close, wide = (unit * n * model_df * m[k] ** 2 / groups for k in ("rmsea.close.h0", "rmsea.notclose.h0"))
    return low, high, float(1 - special.chndtr(chisq, df, close)), float(special.chndtr(chisq, df, wide))
