"""Direct, indirect and total effects, and mediation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.claims.ranking import Joint
from xmresearch.display import Shown
from xmresearch.errors import ModelError, nearest
from xmresearch.inference.threads import on_one_thread
from xmresearch.plots import forest
from xmresearch.sem.model import Model, Parameter
from xmresearch.sem.readout import Readout
from xmresearch.sem.result import SemFit
from xmresearch.sem.simulated_intervals import read_draws
from xmresearch.sem.uncertainty import Fitted, Read, check_fitted, jointly, uncertainty

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
_EFFECTS = ("direct", "indirect", "total")


@dataclass(frozen=True, repr=False)
class EffectsResult(Shown):
    """Effects of every cause on every outcome.

    Attributes
    ----------
    table : DataFrame
        One row per cause and outcome that a path connects: cause, outcome, and for direct, indirect and total effects the
        standardised effect (direct, direct_lower, direct_upper, ...) and the raw one (direct_raw, ...); missing where the
        model has no such path.
    explained : DataFrame
        One row per outcome: outcome, r2 (explained share of its variance), ci_lower, ci_upper.
    totals : Joint
        Standardised total effects in the table's order, with the uncertainty of their differences.
    """

    table: pd.DataFrame
    explained: pd.DataFrame
    totals: Joint

    @property
    def r2(self) -> dict[str, float]:
        """Explained share of every outcome's variance."""
        return dict(zip(self.explained["outcome"], self.explained["r2"], strict=True))

    def tidy(self) -> pd.DataFrame:
        """Return one row per cause and outcome."""
        return self.table

    def of(self, outcome: str) -> pd.DataFrame:
        """Return the effects on one outcome, strongest total effect first."""
        rows = self.table[self.table["outcome"] == outcome]
        return rows.loc[rows["total"].abs().sort_values(ascending=False, kind="stable").index].reset_index(drop=True)

    def plot(self) -> Figure:
        """Draw the standardised total effects with their intervals."""
        return forest(self.table, ["cause", "outcome"], "total", "total", axis="standardised total effect")


def structural(model: Model) -> list[str]:
    """Return the variables that regressions connect, causes before outcomes where the text has them so."""
    named = [v for q in model.in_group(0) if q.op == "~" for v in (q.rhs, q.lhs)]
    return list(dict.fromkeys(named))


def ends(model: Model, q: Parameter) -> tuple[str, str] | None:
    """Return cause and outcome of a path, or of a construct's loading on another construct; None for other parameters."""
    if q.op == "~":
        return q.rhs, q.lhs
    return (q.lhs, q.rhs) if q.op == "=~" and q.rhs in model.latent else None


def _require_one_group(model: Model) -> None:
    if len(model.groups) > 1:
        raise ModelError("Effects are of a model of one group.", "Fit the groups one by one.")


@on_one_thread
def effects(fitted: Fitted) -> EffectsResult | None:
    """Estimate the effects of every cause on every outcome.

    Parameters
    ----------
    fitted : SemFit or a posterior
        Of a model of one group with regressions.

    Returns
    -------
    EffectsResult or None
        None for a model without regressions.

    Raises
    ------
    ModelError
        Several groups.

    References
    ----------
    Bollen, K. A. (1987). Sociological Methodology, 17, 37-69.
    """
    read = check_fitted(fitted).readout
    model = read.model
    _require_one_group(model)
    names = structural(model)
    if not names:
        return None
    at = {v: k for k, v in enumerate(model.variables)}
    pattern = np.zeros((len(at), len(at)), dtype=bool)
    for q in model.in_group(0):
        if directed := ends(model, q):
            pattern[at[directed[1]], at[directed[0]]] = True
    dependent = list(dict.fromkeys(q.lhs for q in model.in_group(0) if q.op == "~"))
    reach = pattern.copy()
    for _ in at:
        reach |= reach @ pattern
    pairs = [(c, o) for o in names if o in dependent for c in names if c != o and reach[at[o], at[c]]]
    cause, outcome = (np.array([at[p[k]] for p in pairs]) for k in (0, 1))
    values = uncertainty(fitted, lambda theta: _paths(read, theta, cause, outcome))
    estimate, _, low, high = (v.reshape(6, len(pairs)) for v in values)
    table: dict[str, Any] = {"cause": [p[0] for p in pairs], "outcome": [p[1] for p in pairs]}
    chained = (reach @ pattern) | (pattern @ reach)
    absent = np.tile([~pattern[outcome, cause], ~chained[outcome, cause], np.zeros(len(pairs), dtype=bool)], (2, 1))
    estimate, low, high = (np.where(absent, np.nan, v) for v in (estimate, low, high))
    for k, name in enumerate(_EFFECTS):
        table |= {name: estimate[k], f"{name}_lower": low[k], f"{name}_upper": high[k]}
    for k, name in enumerate(_EFFECTS, 3):
        table[f"{name}_raw"] = estimate[k]
    share, _, lower, upper = uncertainty(fitted, lambda theta: _explained(read, theta, [at[v] for v in dependent]))
    explained = pd.DataFrame({"outcome": dependent, "r2": share, "ci_lower": lower, "ci_upper": upper})
    explained[["ci_lower", "ci_upper"]] = explained[["ci_lower", "ci_upper"]].clip(0, 1)
    if isinstance(fitted, SemFit) and fitted.replicates is None and len(pairs):
        indirect = products(fitted, lambda theta: _paths(read, theta, cause, outcome)[..., len(pairs) : 2 * len(pairs)])
        if indirect.draws is not None:
            tail = (1 - fitted.confidence) / 2
            bounds = np.quantile(indirect.draws, [tail, 1 - tail], axis=0)
            table["indirect_lower"], table["indirect_upper"] = np.where(absent[1], np.nan, bounds)
    totals = jointly(fitted, lambda theta: _paths(read, theta, cause, outcome)[..., 2 * len(pairs) : 3 * len(pairs)])
    return EffectsResult(pd.DataFrame(table), explained, totals)


def _paths(read: Readout, theta: Array, cause: Array, outcome: Array) -> Array:
    """Return standardised direct, indirect and total effects, then the raw ones, shape (..., 6 pairs)."""
    matrices = read.matrices[0]
    a, _, _ = matrices.fill(theta)
    direct = a[..., outcome, cause]
    total = (np.linalg.inv(np.eye(matrices.m) - a))[..., outcome, cause]
    sd = np.sqrt(np.abs(np.diagonal(matrices.total(theta)[0], axis1=-2, axis2=-1)))
    scale = sd[..., cause] / sd[..., outcome]
    raw = [direct, total - direct, total]
    return np.concatenate([*(x * scale for x in raw), *raw], axis=-1)


def _explained(read: Readout, theta: Array, at: Sequence[int]) -> Array:
    matrices = read.matrices[0]
    _, s, _ = matrices.fill(theta)
    total, _ = matrices.total(theta)
    residual, variance = (np.diagonal(x, axis1=-2, axis2=-1)[..., list(at)] for x in (s, total))
    return np.asarray(1 - residual / variance)


def check_chains(model: Model, chains: Sequence[Sequence[str]]) -> None:
    """Raise ModelError for a chain without a mediator, or with neighbours that no path connects."""
    present = {(q.rhs, q.lhs) for q in model.in_group(0) if q.op == "~"}
    for chain in chains:
        if len(chain) < 3:
            raise ModelError(f"The chain {' -> '.join(chain)} has no mediator.", "Name cause, mediator and outcome.")
        for step in pairwise(chain):
            if step not in present:
                wrong = next((v for v in step if v not in model.variables), step[1])
                raise ModelError(
                    f"Mediation: the model has no path from '{step[0]}' to '{step[1]}'.",
                    nearest(wrong, structural(model)),
                )


@dataclass(frozen=True, repr=False)
class MediationResult(Shown):
    """Specific indirect effects.

    Attributes
    ----------
    table : DataFrame
        One row per chain: chain (joined by arrows), cause, outcome, indirect (standardised, with indirect_lower,
        indirect_upper), indirect_raw, total (standardised, of cause on outcome), share_of_total (missing where the total
        effect is not distinguishable from zero).
    indirect : Joint
        The standardised indirect effects, with the uncertainty of their differences.
    """

    table: pd.DataFrame
    indirect: Joint

    def tidy(self) -> pd.DataFrame:
        """Return one row per chain."""
        return self.table

    def plot(self) -> Figure:
        """Draw the standardised indirect effects with their intervals."""
        return forest(self.table, "chain", "indirect", "indirect", axis="standardised indirect effect")


@on_one_thread
def mediation(fitted: Fitted, chains: Sequence[Sequence[str]]) -> MediationResult | None:
    """Estimate what runs along each of several chains of paths.

    Parameters
    ----------
    fitted : SemFit or a posterior
        Of a model of one group.
    chains : sequence of sequence of str
        Variables from the cause over the mediators to the outcome, three at least.

    Returns
    -------
    MediationResult or None
        None without chains. Intervals of indirect effects are Monte Carlo ones, unless the fit was bootstrapped or holds a
        posterior, whose draws are then used.

    Raises
    ------
    ModelError
        A chain is too short, or the model has no path between two of its neighbours.

    References
    ----------
    Bollen, K. A. (1987). Sociological Methodology, 17, 37-69.
    MacKinnon, D. P., Lockwood, C. M. & Williams, J. (2004). Multivariate Behavioral Research, 39, 99-128.
    """
    if not chains:
        return None
    model = check_fitted(fitted).readout.model
    _require_one_group(model)
    check_chains(model, chains)
    at = {v: k for k, v in enumerate(model.variables)}
    matrices = fitted.readout.matrices[0]

    def read(theta: Array) -> Array:
        a, _, _ = matrices.fill(theta)
        total = np.linalg.inv(np.eye(matrices.m) - a)
        sd = np.sqrt(np.abs(np.diagonal(matrices.total(theta)[0], axis1=-2, axis2=-1)))
        found = []
        for chain in chains:
            where = [at[v] for v in chain]
            product = np.prod(np.stack([a[..., j, i] for i, j in pairwise(where)]), axis=0)
            scale = sd[..., where[0]] / sd[..., where[-1]]
            whole = total[..., where[-1], where[0]]
            found += [product * scale, product, whole * scale]
        return np.stack(found, axis=-1)

    estimate, _, low, high = (v.reshape(len(chains), 3) for v in uncertainty(fitted, read))
    joint = products(fitted, lambda theta: read(theta)[..., ::3])
    if joint.draws is not None:
        tail = (1 - fitted.confidence) / 2
        low[:, 0], high[:, 0] = np.quantile(joint.draws, [tail, 1 - tail], axis=0)
    table = pd.DataFrame({
        "chain": [list(c) for c in chains], "cause": [c[0] for c in chains], "outcome": [c[-1] for c in chains],
        "indirect": estimate[:, 0], "indirect_lower": low[:, 0], "indirect_upper": high[:, 0],
        "indirect_raw": estimate[:, 1], "total": estimate[:, 2],
        "share_of_total": np.where(low[:, 2] * high[:, 2] > 0, estimate[:, 0] / estimate[:, 2], np.nan),
    })  # fmt: skip
    return MediationResult(table, joint)


def products(fitted: Fitted, read: Read) -> Joint:
    """Return products of paths with draws of their skewed distribution: as `jointly`, but Monte Carlo for the delta method."""
    if isinstance(fitted, SemFit) and fitted.replicates is None:
        draws = read_draws(fitted, read)
        if draws is not None:
            return Joint(read(fitted.solution.theta), draws)
    return jointly(fitted, read)
