"""The summary of a fit as text, in the layout of lavaan's `summary(fit, fit.measures = TRUE, standardized = TRUE)`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.display import Shown

_WIDE, _SECOND, _NAME, _NUMBER = 56, 12, 22, 9
_HEADS = ("Estimate", "Std.Err", "z-value", "P(>|z|)", "Std.lv", "Std.all")
_SECTIONS = {
    "=~": "Latent Variables:",
    "~": "Regressions:",
    "~~": "Covariances:",
    "~1": "Intercepts:",
    "|": "Thresholds:",
}
_ERRORS = {
    "ML": "Standard", "MLM": "Robust.sem", "MLMV": "Robust.sem", "MLR": "Sandwich", "WLSMV": "Robust.sem",
}  # fmt: skip
# Blocks of fit measures: the title, and each line with its name among the measures.
_BLOCKS: Mapping[str, Sequence[tuple[str, str]]] = {
    "Model Test User Model:": [
        ("Test statistic", "chisq"), ("Degrees of freedom", "df"), ("P-value (Chi-square)", "pvalue"),
        ("Scaling correction factor", "chisq.scaling.factor"),
    ],
    "Model Test Baseline Model:": [
        ("Test statistic", "baseline.chisq"), ("Degrees of freedom", "baseline.df"), ("P-value", "baseline.pvalue"),
    ],
    "User Model versus Baseline Model:": [
        ("Comparative Fit Index (CFI)", "cfi"), ("Tucker-Lewis Index (TLI)", "tli"),
        ("Robust Comparative Fit Index (CFI)", "cfi.robust"), ("Robust Tucker-Lewis Index (TLI)", "tli.robust"),
    ],
    "Loglikelihood and Information Criteria:": [
        ("Loglikelihood user model (H0)", "logl"), ("Akaike (AIC)", "aic"), ("Bayesian (BIC)", "bic"),
        ("Sample-size adjusted Bayesian (SABIC)", "bic2"),
    ],
    "Root Mean Square Error of Approximation:": [
        ("RMSEA", "rmsea"), ("90 Percent confidence interval - lower", "rmsea.ci.lower"),
        ("90 Percent confidence interval - upper", "rmsea.ci.upper"), ("Robust RMSEA", "rmsea.robust"),
        ("90 Percent confidence interval - lower", "rmsea.ci.lower.robust"),
        ("90 Percent confidence interval - upper", "rmsea.ci.upper.robust"),
    ],
    "Standardized Root Mean Square Residual:": [("SRMR", "srmr")],
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Heading(Shown):
    """What a fit was, above its figures.

    Attributes
    ----------
    steps : int
        Of the search for the estimates.
    trouble : str
        Why it did not converge; empty where it did.
    estimator : str
        ML, MLM, MLMV, MLR or WLSMV.
    free, n, dropped : int
        Free parameters; respondents used and left out.
    sizes : tuple of int
        Respondents by group.
    groups : tuple of str
        Their labels.
    draws : int
        Bootstrap replicates behind the standard errors; 0 where there are none.
    observed : bool
        Whether standard errors are from the observed information.
    weights, cluster : str
        Columns of weights and of clusters; empty where there are none.
    clusters : int
        How many.
    """

    steps: int
    trouble: str
    estimator: str
    free: int
    n: int
    dropped: int
    sizes: tuple[int, ...]
    groups: tuple[str, ...]
    draws: int
    observed: bool
    weights: str = ""
    cluster: str = ""
    clusters: int = 0


def printout(heading: Heading, measures: pd.Series, estimates: pd.DataFrame, r2: pd.Series) -> str:
    """Print a fit.

    Parameters
    ----------
    heading : Heading
        What was fitted, and how.
    measures, estimates, r2 : Series, DataFrame, Series
        As in `SemFit`.

    Returns
    -------
    str
        Header, tests, fit measures, estimates with standard errors and both standardised solutions, explained variances. Residual
        (co)variances and intercepts of dependent variables have a leading dot.

    References
    ----------
    Rosseel, Y. (2012). lavaan: an R package for structural equation modeling. Journal of Statistical Software, 48(2).
    """
    lines = [*_header(heading), *_fit(measures), *_standard_errors(heading)]
    several = len(heading.groups) > 1
    for g, group in enumerate(heading.groups, 1):
        lines += ["", "", f"Group {g} [{group}]:"] if several else []
        own = estimates[estimates["group"] == group] if several else estimates
        lines += _estimates(own[own["op"] != ":="], r2[group] if several and len(r2) else r2)
    defined = estimates[estimates["op"] == ":="]
    if len(defined):
        lines += ["", f"{'Defined Parameters:':<{_NAME}}{_heads()}"]
        lines += [_row(f"    {row['lhs']}", row) for _, row in defined.iterrows()]
    return "\n".join(lines) + "\n"


def _header(heading: Heading) -> Iterator[str]:
    how = f"did NOT end normally ({heading.trouble})" if heading.trouble else "ended normally"
    yield f"xmresearch {how} after {heading.steps} iterations"
    yield ""
    yield _line("Estimator", heading.estimator)
    yield _line("Number of model parameters", str(heading.free))
    yield ""
    if heading.dropped:
        yield _line("", "Used", "Total")
    total = str(heading.n + heading.dropped) if heading.dropped else ""
    yield _line("Number of observations", str(heading.n), total)
    if len(heading.groups) > 1:
        for group, n in zip(heading.groups, heading.sizes, strict=True):
            yield _line(f"  {group}", str(n))
    if heading.cluster:
        yield _line(f"Number of clusters [{heading.cluster}]", str(heading.clusters))
    if heading.weights:
        yield _line("Sampling weights variable", heading.weights)


def _fit(measures: pd.Series) -> Iterator[str]:
    scaled = "chisq.scaled" in measures
    for title, entries in _BLOCKS.items():
        rows = []
        for label, name in entries:
            first, second = measures.get(name, np.nan), measures.get(f"{name}.scaled", np.nan)
            if name.endswith(".robust") or "scaling" in name:
                first, second = np.nan, first
            if np.isfinite(first) or np.isfinite(second):
                rows.append(_line(label, *(_figure(f, 0 if name.endswith("df") else 3) for f in (first, second))))
        if rows:
            yield from ("", title)
            if scaled and title.startswith("Model Test"):
                yield _line("", "Standard", "Scaled")
            yield from rows


def _standard_errors(heading: Heading) -> Iterator[str]:
    yield from ("", "Parameter Estimates:")
    yield _line(
        "Standard errors",
        "Bootstrap" if heading.draws else "Robust.cluster" if heading.cluster else _ERRORS[heading.estimator],
    )
    if heading.draws:
        yield _line("Number of successful bootstrap draws", str(heading.draws))
    else:
        yield _line("Information", "Observed" if heading.observed else "Expected")


def _estimates(table: pd.DataFrame, r2: pd.Series) -> Iterator[str]:
    variance = (table["op"] == "~~") & (table["lhs"] == table["rhs"])
    parts = {title: table[(table["op"] == op) & ~variance] for op, title in _SECTIONS.items()}
    parts["Variances:"] = table[variance]
    for title, rows in parts.items():
        if not len(rows):
            continue
        yield from ("", f"{title:<{_NAME}}{_heads()}")
        last = ""
        for _, row in rows.iterrows():
            lhs, op, rhs = str(row["lhs"]), str(row["op"]), str(row["rhs"])
            dot = "." if op in ("~~", "~1") and lhs in r2.index else " "
            if op in ("=~", "~") or (op == "~~" and lhs != rhs):
                if lhs != last:
                    yield f" {dot}{lhs} {op}"
                last, name = lhs, f"{'.' if op == '~~' and rhs in r2.index else ' '}{rhs}"
            else:
                name = f" {lhs}|{rhs}" if op == "|" else f"{dot}{lhs}"
            label = f" ({row['label']})" if row["label"] else ""
            yield _row(f"   {name}{label}", row)
    if len(r2):
        yield from ("", f"{'R-Square:':<{_NAME}}{_HEADS[0]:>{_NUMBER}}")
        yield from (f"{f'    {name}':<{_NAME}}{value:>{_NUMBER}.3f}" for name, value in r2.items())


def _heads() -> str:
    return "".join(f"{head:>{_NUMBER}}" for head in _HEADS)


def _row(name: str, row: pd.Series) -> str:
    fixed = not row["se"] > 0
    figures = [
        row["est"],
        *((np.nan,) * 3 if fixed else (row["se"], row["z"], row["pvalue"])),
        row["std_lv"],
        row["std_all"],
    ]
    return f"{name:<{_NAME}}{''.join(f'{_figure(f):>{_NUMBER}}' for f in figures)}".rstrip()


def _line(label: str, first: str, second: str = "") -> str:
    return f"{f'  {label}':<{_WIDE - _SECOND}}{first:>{_SECOND}}{second:>{_SECOND}}".rstrip()


def _figure(value: float, decimals: int = 3) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else ""
