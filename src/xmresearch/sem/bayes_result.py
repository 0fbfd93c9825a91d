"""What a Bayesian fit gives back: tables of a posterior's draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.plots import forest
from xmresearch.sem.concerns import CLOSE_FACTORS
from xmresearch.sem.model import Model
from xmresearch.sem.readout import Readout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
_BLOCK = 500
RHAT, ESS, PPP, MOST_DIVERGENT = (1.01, 1.05), (400.0, 100.0), (0.05, 0.01), 0.01


@dataclass(frozen=True, repr=False)
class BayesianSem(Shown):
    """The posterior of a structural equation model.

    Attributes
    ----------
    estimates : DataFrame
        One row per parameter and defined quantity: lhs, op, rhs, group, label, est (posterior mean), sd, ci_lower, ci_upper
        (equal-tailed), std_all (mean of the completely standardised draws), std_all_lower, std_all_upper, p_positive,
        rhat, ess_bulk, ess_tail. Fixed parameters have sd 0, and no p_positive, rhat and effective sizes.
    posterior : DataTree
        Groups posterior (theta, est, std_lv and std_all by chain, draw and row of the table; r2, omega; chisq), sample_stats,
        and where rows were given and not too many, log_likelihood.
    ppp : float
        Posterior predictive p of the likelihood-ratio chi-square; about .5 for a true model, near 0 for a poor one.
    measures : Series
        npar, ppp, brmsea, bcfi with 90 % intervals, pd, dic; with rows elpd_loo, se_elpd_loo, p_loo, looic and high_k (rows
        with Pareto k above .7).
    r2 : DataFrame
        Explained variance of every endogenous variable: variable, est, ci_lower, ci_upper.
    omega : DataFrame
        Reliability of the sum of each factor's observed indicators, (sum l)^2 v / ((sum l)^2 v + sum of residual
        (co)variances), items that load against the others reversed: factor, est, ci_lower, ci_upper.
    warnings : tuple of str
        What a careful reviewer would ask about.
    n : int
        Respondents used.
    dropped : int
        Respondents left out because of blanks.
    divergences : int
        Of all chains, after tuning.
    seconds : float
        Wall time of sampling.
    confidence : float
        Level of the intervals.
    model : Model
        What was fitted.
    readout : Readout
        From free parameters to the table of estimates.
    """

    estimates: pd.DataFrame
    posterior: Any
    ppp: float
    measures: pd.Series
    r2: pd.DataFrame
    omega: pd.DataFrame
    warnings: tuple[str, ...]
    n: int
    dropped: int
    divergences: int
    seconds: float
    confidence: float
    model: Model
    readout: Readout

    @property
    def theta(self) -> Array:
        """Draws of the free parameters, chain after chain, shape (chains * draws, q)."""
        draws = np.asarray(self.posterior["posterior"]["theta"].values)
        return draws.reshape(-1, draws.shape[-1])

    def tidy(self) -> pd.DataFrame:
        """Return one row per parameter."""
        return self.estimates

    def summary(self) -> dict[str, Any]:
        """Return the figures that reports quote."""
        shape = self.posterior["posterior"]["theta"].shape
        facts: dict[str, Any] = {
            "n": self.n, "dropped": self.dropped, "free": self.model.n_free, "df": self.model.df, "chains": shape[0],
            "draws": shape[1], "divergences": self.divergences, "rhat": float(self.estimates["rhat"].max()),
            "ess_bulk": float(self.estimates["ess_bulk"].min()), "ess_tail": float(self.estimates["ess_tail"].min()),
            "seconds": self.seconds,
        }  # fmt: skip
        return facts | {str(k).replace(".", "_"): float(v) for k, v in self.measures.items()}

    def plot(self) -> Figure:
        """Draw the standardised loadings and paths with their intervals."""
        table = self.estimates[self.estimates["op"].isin(["=~", "~"])]
        return forest(table, ["lhs", "op", "rhs"], "std_all", "std_all", axis="standardised estimate")

    def _head(self) -> Mapping[str, Any]:
        facts = self.summary()
        return {
            name: facts[name]
            for name in ("n", "chains", "draws", "ppp", "bcfi", "brmsea", "rhat", "divergences")
            if name in facts
        }

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        columns = ["lhs", "op", "rhs", "est", "sd", "ci_lower", "ci_upper", "std_all", "p_positive"]
        return {"Fit measures": self.measures.to_frame().T, "Estimates": self.estimates[columns]}

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        facts = self.summary()
        share = self.divergences / (facts["chains"] * facts["draws"])
        rows = [
            ("rhat", facts["rhat"], RHAT[0], _status(facts["rhat"] <= RHAT[0], facts["rhat"] <= RHAT[1])),
            ("divergences", self.divergences, 0, _status(self.divergences == 0, share <= MOST_DIVERGENT)),
            *((name, facts[name], ESS[0], _status(facts[name] >= ESS[0], facts[name] >= ESS[1]))
              for name in ("ess_bulk", "ess_tail")),
            ("ppp", self.ppp, PPP[0], _status(*(low <= self.ppp <= 1 - low for low in PPP))),
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def _status(good: bool, fair: bool) -> str:
    return "pass" if good else "warn" if fair else "fail"


@dataclass(frozen=True, repr=False)
class Draws(Shown):
    """What is read off the draws of the parameters.

    Attributes
    ----------
    theta : ndarray
        Free parameters in the data's units, shape (chains, draws, q).
    est, std_lv, std_all : ndarray
        Rows of the table, shape (chains, draws, rows).
    r2, omega : dict of str to ndarray
        By endogenous variable and by factor, shape (chains, draws).
    implied, implied_mean : ndarray
        Of the observed variables, shapes (chains * draws, p, p) and (chains * draws, p).
    """

    theta: Array
    est: Array
    std_lv: Array
    std_all: Array
    r2: dict[str, Array]
    omega: dict[str, Array]
    implied: Array
    implied_mean: Array


def read_draws(model: Model, read: Readout, theta: Array) -> Draws:
    """Read everything off the draws, block by block to bound memory.

    Parameters
    ----------
    model : Model
        What was fitted.
    read : Readout
        Of the model.
    theta : ndarray
        Shape (chains, draws, q).

    Returns
    -------
    Draws
    """
    flat = theta.reshape(-1, theta.shape[-1])
    matrices, p = read.matrices[0], len(model.observed)
    parts: list[tuple[Array, ...]] = []
    signs = _signs(model, read, flat.mean(axis=0))
    for begin in range(0, len(flat), _BLOCK):
        block = flat[begin : begin + _BLOCK]
        (a, s, _), (total, mean) = matrices.fill(block), matrices.total(block)
        r2 = 1 - np.diagonal(s, axis1=1, axis2=2) / np.diagonal(total, axis1=1, axis2=2)
        omega = [_omega(a, s, total, p + f, sign) for f, sign in enumerate(signs)]
        parts.append((*read.read(block), r2, np.stack(omega, axis=-1) if omega else np.zeros((len(block), 0)),
                      total[:, :p, :p], mean[:, :p]))  # fmt: skip
    est, std_lv, std_all, r2, reliability, implied, means = (np.concatenate(x) for x in zip(*parts, strict=True))
    shape = theta.shape[:2]
    effects = {q.lhs if q.op == "~" else q.rhs for q in model.parameters if q.op in ("~", "=~")}
    explained = {v: r2[:, k].reshape(shape) for k, v in enumerate(model.variables) if v in effects}
    reliable = {v: reliability[:, k].reshape(shape) for k, v in enumerate(model.latent) if signs[k].any()}
    est, std_lv, std_all = (x.reshape(*shape, -1) for x in (est, std_lv, std_all))
    return Draws(theta, est, std_lv, std_all, explained, reliable, implied, means)


def _signs(model: Model, read: Readout, theta: Array) -> list[Array]:
    """Return, by factor, the sign of each observed variable's loading; zero where it has none."""
    p = len(model.observed)
    a = read.matrices[0].fill(theta)[0]
    items = {(q.lhs, q.rhs) for q in model.parameters if q.op == "=~"}
    has = np.array([[(f, v) in items for v in model.observed] for f in model.latent]).reshape(-1, p)
    return [np.sign(a[:p, p + k]) * has[k] for k in range(len(model.latent))]


def _omega(a: Array, s: Array, total: Array, factor: int, sign: Array) -> Array:
    p = len(sign)
    true = (a[:, :p, factor] @ sign) ** 2 * total[:, factor, factor]
    error = np.einsum("i,dij,j->d", sign, s[:, :p, :p], sign)
    with np.errstate(invalid="ignore"):
        return np.asarray(true / (true + error))


def estimate_table(read: Readout, draws: Draws, confidence: float) -> pd.DataFrame:
    """Summarise the draws of every row of the table of estimates.

    Parameters
    ----------
    read : Readout
        Names of the rows.
    draws : Draws
        From `read_draws`.
    confidence : float
        Level of the equal-tailed intervals.

    Returns
    -------
    DataFrame
        As `BayesianSem.estimates`.
    """
    import arviz  # type: ignore[import-untyped]

    est = draws.est
    varies = np.flatnonzero(np.ptp(est, axis=(0, 1)) > 0)
    found = est[..., varies]
    at = {"chain_axis": 0, "draw_axis": 1}
    figures = {
        "p_positive": (found > 0).mean(axis=(0, 1)), "rhat": arviz.rhat(found, **at),
        "ess_bulk": arviz.ess(found, method="bulk", **at),
        "ess_tail": arviz.ess(found, method="tail", prob=(0.05, 0.95), **at),
    }  # fmt: skip
    (low, high), (std_low, std_high) = (_interval(x, confidence) for x in (est, draws.std_all))
    sd = np.zeros(est.shape[-1])
    sd[varies] = found.std(axis=(0, 1), ddof=1)
    table = pd.DataFrame({
        "lhs": read.lhs, "op": read.op, "rhs": read.rhs, "group": read.group, "label": read.label,
        "est": est.mean(axis=(0, 1)), "sd": sd, "ci_lower": low, "ci_upper": high,
        "std_all": draws.std_all.mean(axis=(0, 1)), "std_all_lower": std_low, "std_all_upper": std_high,
    })  # fmt: skip
    for name, values in figures.items():
        column = np.full(len(table), np.nan)
        column[varies] = values
        table[name] = column
    return table


def _interval(draws: Array, confidence: float) -> tuple[Array, Array]:
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=(0, 1))
    return low, high


def quantity_table(name: str, draws: dict[str, Array], confidence: float) -> pd.DataFrame:
    """Return means and equal-tailed intervals of named quantities.

    Parameters
    ----------
    name : str
        Heading of the names.
    draws : dict of str to ndarray
        Shape (chains, draws) each.
    confidence : float
        Level of the intervals.

    Returns
    -------
    DataFrame
        With columns `name`, est, ci_lower, ci_upper.
    """
    rows = [(k, float(v.mean()), *(float(x) for x in _interval(v, confidence))) for k, v in draws.items()]
    return pd.DataFrame(rows, columns=[name, "est", "ci_lower", "ci_upper"])


def posterior_warnings(table: pd.DataFrame, latent: set[str], ppp: float, divergences: int, high_k: float) -> list[str]:
    """Return what a careful reviewer would ask about."""
    found = []
    if divergences:
        found.append(f"{divergences} divergent transition(s): parts of the posterior may not have been reached.")
    if not float(table["rhat"].max()) <= RHAT[0]:
        found.append(f"The chains disagree: the largest r-hat is {table['rhat'].max():.3f}. Take more draws.")
    if not min(table["ess_bulk"].min(), table["ess_tail"].min()) >= ESS[0]:
        found.append(f"Fewer than {ESS[0]:.0f} effective draws for some parameter: take more draws.")
    if ppp < PPP[0]:
        found.append(f"The model does not reproduce the covariances: posterior predictive p = {ppp:.3f}.")
    columns = (table[name].tolist() for name in ("lhs", "op", "rhs", "std_all"))
    for lhs, op, rhs, value in zip(*columns, strict=True):
        if op == "~~" and lhs != rhs and lhs in latent and abs(value) > CLOSE_FACTORS:
            found.append(f"'{lhs}' and '{rhs}' correlate {value:.2f}: they are hardly two things.")
    if high_k:
        found.append(f"{high_k:.0f} row(s) have a Pareto k above 0.7: the leave-one-out figures are rough.")
    return found


def draw_tree(read: Readout, names: list[str], draws: Draws, chisq: Array, sample_stats: Any) -> Any:
    """Gather the draws in a DataTree with named coordinates.

    Parameters
    ----------
    read : Readout
        Names of the rows.
    names : list of str
        Of the free parameters.
    draws : Draws
        From `read_draws`.
    chisq : ndarray
        Shape (chains, draws).
    sample_stats : Dataset
        Of the sampler.

    Returns
    -------
    DataTree
    """
    import xarray

    rows = [f"{a} {op} {b}".strip() for a, op, b in zip(read.lhs, read.op, read.rhs, strict=True)]
    axes = ("chain", "draw")
    variables = {
        "theta": ((*axes, "parameter"), draws.theta),
        **{k: ((*axes, "row"), x) for k, x in (("est", draws.est), ("std_lv", draws.std_lv), ("std_all", draws.std_all))},
        "r2": ((*axes, "variable"), np.stack([*draws.r2.values()], axis=-1) if draws.r2 else np.zeros((*chisq.shape, 0))),
        "omega": ((*axes, "factor"), np.stack([*draws.omega.values()], axis=-1) if draws.omega else np.zeros((*chisq.shape, 0))),
        "chisq": (axes, chisq),
    }  # fmt: skip
    coords = {
        "chain": np.arange(chisq.shape[0]), "draw": np.arange(chisq.shape[1]), "parameter": names, "row": rows,
        "variable": list(draws.r2), "factor": list(draws.omega),
    }  # fmt: skip
    dataset = xarray.Dataset(variables, coords, {"sample_dims": ["chain", "draw"]})
    return xarray.DataTree.from_dict({"posterior": dataset, "sample_stats": sample_stats})
