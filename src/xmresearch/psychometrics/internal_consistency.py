"""Internal consistency of batteries, and the reliability of the difference between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pingouin
from numpy.typing import NDArray
from scipy import stats

from xmresearch.data.answer_formats import single_battery
from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.inference.sample_designs import domain_df
from xmresearch.inference.threads import on_one_thread
from xmresearch.psychometrics.batteries import Units, service_dimensions
from xmresearch.psychometrics.factor_analysis import extract, is_heywood
from xmresearch.sampling.designs import Design
from xmresearch.sufficient.available_moments import Score, complete

Array = NDArray[np.float64]
ACCEPTABLE, UNACCEPTABLE = 0.7, 0.5
AGAINST, BEYOND_CHANCE = 0.2, 3.0


@dataclass(frozen=True, repr=False)
class OneFactor(Shown):
    """Maximum-likelihood one-factor solution of a covariance matrix.

    Attributes
    ----------
    loadings, unique : ndarray
        Unstandardised loadings and unique variances, shape (k,).
    heywood : bool
        Whether a unique variance ended at its lower bound.
    """

    loadings: Array
    unique: Array
    heywood: bool

    @property
    def omega(self) -> float:
        """McDonald's omega: the share of the sum score's modelled variance that the factor explains."""
        common = self.loadings.sum() ** 2
        return float(common / (common + self.unique.sum()))


def one_factor(cov: Array) -> OneFactor:
    """Fit one common factor by maximum likelihood.

    Parameters
    ----------
    cov : ndarray
        Covariance matrix, shape (k, k), k >= 3, positive definite.

    Returns
    -------
    OneFactor

    Raises
    ------
    InsufficientData
        Fewer than three items (not identified), or a singular matrix.

    References
    ----------
    Lawley, D. N. & Maxwell, A. E. (1971). Factor Analysis as a Statistical Method. Butterworths.
    """
    sd = np.sqrt(np.diag(cov))
    if len(sd) < 3:
        raise InsufficientData(f"One factor of {len(sd)} items is not identified; three are needed.")
    if not (sd > 0).all():
        raise InsufficientData("An item is constant, so no factor can be fitted.")
    r = cov / np.outer(sd, sd)
    if np.linalg.eigvalsh(r)[0] < 1e-10:
        raise InsufficientData("The items' correlation matrix is singular, so no factor can be fitted.")

    loadings, unique = extract(r, 1, "ml")
    lam = loadings[:, 0] * np.sign(loadings.sum() or 1.0)
    return OneFactor(lam * sd, unique * sd**2, is_heywood(unique))


@dataclass(frozen=True, repr=False)
class ReliabilityResult(Shown):
    """Reliability by dimension and battery.

    Attributes
    ----------
    table : DataFrame
        One row per dimension and battery (expectation, perception, gap; the one that was asked): construct, kind, items, n, alpha, alpha_lower,
        alpha_upper (Feldt's interval; of a design a linearised one on the scale of log(1 - alpha)), omega (NaN for two items), heywood; of
        a design also alpha_error (standard error of log(1 - alpha)) and df.
    differences : DataFrame
        One row per dimension: construct, n, r_ep (correlation of the two scores), difference_reliability (from alphas); empty where one
        battery was asked.
    reversed_items : DataFrame
        One row per item that goes against the rest of its battery: item, construct, kind, item_rest (correlation with the sum
        of the others); two items do not say which of them does.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    reversed_items: pd.DataFrame

    def rows_used(self, total: int) -> dict[str, int] | None:
        """Return the fewest respondents that a set of scores rests on, and how many that leaves out; None where nobody is.

        Parameters
        ----------
        total : int
            Respondents in all.

        Returns
        -------
        dict or None
        """
        used = int(self.table["n"].min())
        return {"used": used, "left_out": total - used, "total": total} if used < total else None

    def tidy(self) -> pd.DataFrame:
        """Return one row per dimension and battery, with the difference's reliability beside the gap's alpha."""
        if self.differences.empty:
            return self.table
        gap = self.differences.assign(kind="gap")[["construct", "kind", "r_ep", "difference_reliability"]]
        return self.table.merge(gap, on=["construct", "kind"], how="left")

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        lowest = float(self.table["alpha"].min())
        status = "pass" if lowest >= ACCEPTABLE else "fail" if lowest < UNACCEPTABLE else "warn"
        rows = [("alpha", lowest, ACCEPTABLE, status)]
        heywood = int(self.table["heywood"].sum())
        rows.append(("heywood", heywood, 0, "pass" if heywood == 0 else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


@on_one_thread
def reliability(
    frame: pd.DataFrame, codebook: Codebook, *, confidence: float = 0.95, design: Design | None = None
) -> ReliabilityResult:
    """Estimate the reliability of every dimension's expectations, perceptions and gaps, or of the one battery that was asked.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows; each battery uses its complete ones, unweighted without a design.
    codebook : Codebook
        Which items form which dimension.
    confidence : float
        Level of alpha's interval.
    design : Design, optional
        Of the sample: its weights enter all figures, and alpha's interval is that of the design.

    Returns
    -------
    ReliabilityResult

    Notes
    -----
    The reliability of a difference of scores E and P is (v_E r_E + v_P r_P - 2 c) / (v_E + v_P - 2 c), with variances v,
    covariance c and reliabilities r: strongly correlated scores make unreliable gaps.

    References
    ----------
    Feldt, L. S. (1965). Psychometrika, 30, 357-370. McDonald, R. P. (1999). Test Theory. Erlbaum.
    Johns, G. (1981). Organizational Behavior and Human Performance, 27, 443-463. Binder, D. A. (1983). International Statistical
    Review, 51, 279-292 (linearised errors).
    """
    if isinstance(frame, StreamedAnswers):
        return _streamed(frame, codebook, confidence)
    rows: list[dict[str, float | int | bool | str]] = []
    differences: list[dict[str, float | int | str]] = []
    against: list[tuple[str, str, str, float]] = []

    def of_battery(block: Array, construct: str, kind: str, items: Sequence[str]) -> float:
        """Add a battery's row and its reversed items, and return its alpha."""
        against.extend((i, construct, kind, r) for i, r in _against(items, block))
        whole = ~np.isnan(block).any(axis=1)
        row = _consistency(block[whole], confidence, None if design is None else design.weights[whole])
        if design is not None:
            row |= _by_design(block, whole, row, design, confidence)
        rows.append({"construct": construct, "kind": kind, **row})
        return float(row["alpha"])

    if not codebook.names("expectation"):
        kind = single_battery(codebook)
        for construct in service_dimensions(codebook):
            items = codebook.names(kind, construct)
            of_battery(frame[items].to_numpy(dtype=float), construct, kind, items)
    units = Units.of(codebook)
    values = frame[list(units.columns)].to_numpy(dtype=float)
    for k, unit in units.table[units.table["level"] == "dimension"].iterrows():
        at = 2 * np.array(units.members[int(str(k))])
        expected, perceived = values[:, at], values[:, at + 1]
        blocks = {"expectation": expected, "perception": perceived, "gap": perceived - expected}
        named = {
            "expectation": [units.columns[j] for j in at],
            "perception": [units.columns[j] for j in at + 1],
            "gap": [],
        }
        alphas = {kind: of_battery(block, unit["id"], kind, named[kind]) for kind, block in blocks.items()}
        both = ~np.isnan(np.hstack([expected, perceived])).any(axis=1)
        differences.append(
            {
                "construct": unit["id"],
                **_difference(
                    expected[both], perceived[both], alphas, None if design is None else design.weights[both]
                ),
            }
        )
    reversed_items = pd.DataFrame(against, columns=["item", "construct", "kind", "item_rest"])
    apart = pd.DataFrame(differences, columns=["construct", "n", "r_ep", "difference_reliability"])
    return ReliabilityResult(pd.DataFrame(rows), apart, reversed_items)


def _streamed(answers: StreamedAnswers, codebook: Codebook, confidence: float) -> ReliabilityResult:
    """Estimate the reliability of streamed answers from the moments of complete rows."""
    blocks: dict[tuple[str, str], tuple[list[str], Score]] = {}
    both: dict[str, Score] = {}
    if not codebook.names("expectation"):
        battery = single_battery(codebook)
        for construct in service_dimensions(codebook):
            items = codebook.names(battery, construct)
            blocks[construct, battery] = (items, _answers_to(items))
    units = Units.of(codebook)
    for k, unit in units.table[units.table["level"] == "dimension"].iterrows():
        at = 2 * np.array(units.members[int(str(k))])
        low, high = ([units.columns[j] for j in at + step] for step in (0, 1))
        blocks[unit["id"], "expectation"] = (low, _answers_to(low))
        blocks[unit["id"], "perception"] = (high, _answers_to(high))
        blocks[unit["id"], "gap"] = ([], _differences_of(low, high))
        both[unit["id"]] = _means_of(low, high)
    scores = {f"{construct} {kind}": score for (construct, kind), (_, score) in blocks.items()}
    found = complete(answers, scores | both)
    rows, against, alphas = [], [], {}
    for (construct, kind), (items, _) in blocks.items():
        m = found[f"{construct} {kind}"][""]
        row = _of_moments(m.cov if m.n > 1 else np.zeros((len(m.names),) * 2), m.n, confidence)
        rows.append({"construct": construct, "kind": kind, **row})
        alphas[construct, kind] = float(row["alpha"])
        against += (
            [(i, construct, kind, r) for i, r in _against_rest(items, m.cov, m.n)] if m.n > 2 and len(items) > 2 else []
        )
    differences = [
        {
            "construct": c,
            **_of_difference(
                found[c][""].cov, found[c][""].n, {k: alphas[c, k] for k in ("expectation", "perception")}
            ),
        }
        for c in both
    ]
    return ReliabilityResult(
        pd.DataFrame(rows), pd.DataFrame(differences, columns=["construct", "n", "r_ep", "difference_reliability"]),
        pd.DataFrame(against, columns=["item", "construct", "kind", "item_rest"]),
    )  # fmt: skip


def _answers_to(names: Sequence[str]) -> Score:
    columns = list(names)
    return lambda rows: rows[columns].to_numpy(dtype=float)


def _differences_of(low: Sequence[str], high: Sequence[str]) -> Score:
    return lambda rows: rows[list(high)].to_numpy(dtype=float) - rows[list(low)].to_numpy(dtype=float)


def _means_of(low: Sequence[str], high: Sequence[str]) -> Score:
    return lambda rows: np.column_stack([rows[list(names)].to_numpy(dtype=float).mean(axis=1) for names in (low, high)])


def _of_moments(cov: Array, n: int, confidence: float) -> dict[str, float | int | bool]:
    """Return what `_consistency` does, from the covariances of complete rows; Feldt's interval to three digits, as there."""
    k = len(cov)
    row: dict[str, float | int | bool] = {
        "items": k, "n": n, "alpha": np.nan, "alpha_lower": np.nan, "alpha_upper": np.nan, "omega": np.nan, "heywood": False,
    }  # fmt: skip
    if k < 2 or n < 3 or not (np.diag(cov) > 0).any() or np.isclose(np.sqrt(max(cov.sum(), 0.0)), 0):
        return row
    alpha = float(k / (k - 1) * (1 - np.trace(cov) / cov.sum()))
    df = n - 1
    low, high = (
        1 - (1 - alpha) * stats.f.isf(p, df, df * (k - 1)) for p in ((1 - confidence) / 2, (1 + confidence) / 2)
    )
    row |= {"alpha": alpha, "alpha_lower": round(float(low), 3), "alpha_upper": round(float(high), 3)}
    try:
        solution = one_factor(cov)
    except InsufficientData:
        return row
    return row | {"omega": solution.omega, "heywood": solution.heywood}


def _against_rest(items: Sequence[str], cov: Array, n: int) -> list[tuple[str, float]]:
    own, total = np.diag(cov), cov.sum(axis=1)
    rest = cov.sum() - 2 * total + own
    found = []
    for j, item in enumerate(items):
        if own[j] > 0 and rest[j] > 0:
            r = float((total[j] - own[j]) / np.sqrt(own[j] * rest[j]))
            if r < -AGAINST and np.arctanh(max(r, -1 + 1e-12)) < -BEYOND_CHANCE / np.sqrt(max(n - 3, 1)):
                found.append((item, r))
    return found


def _against(items: Sequence[str], block: Array) -> list[tuple[str, float]]:
    """Return the items that go against the sum of the others, clearly and by more than chance, and their correlation with it."""
    complete = block[~np.isnan(block).any(axis=1)]
    if len(items) < 3 or len(complete) < 3:
        return []
    total = complete.sum(axis=1)
    found = []
    for j, item in enumerate(items):
        rest = total - complete[:, j]
        if complete[:, j].std() > 0 and rest.std() > 0:
            r = float(np.corrcoef(complete[:, j], rest)[0, 1])
            if r < -AGAINST and np.arctanh(max(r, -1 + 1e-12)) < -BEYOND_CHANCE / np.sqrt(max(len(complete) - 3, 1)):
                found.append((item, r))
    return found


def _consistency(block: Array, confidence: float, weights: Array | None) -> dict[str, float | int | bool]:
    n, k = block.shape
    row: dict[str, float | int | bool] = {
        "items": k, "n": n, "alpha": np.nan, "alpha_lower": np.nan, "alpha_upper": np.nan, "omega": np.nan,
        "heywood": False,
    }  # fmt: skip
    if k < 2 or n < 3 or not (block.std(axis=0) > 0).any() or np.isclose(block.sum(axis=1).std(), 0):
        return row
    cov = np.cov(block, rowvar=False, aweights=weights)
    if weights is None:
        alpha, (low, high) = pingouin.cronbach_alpha(pd.DataFrame(block), ci=confidence)
        row |= {"alpha": float(alpha), "alpha_lower": float(low), "alpha_upper": float(high)}
    else:
        row["alpha"] = float(k / (k - 1) * (1 - np.trace(cov) / cov.sum()))
    try:
        solution = one_factor(cov)
    except InsufficientData:
        return row
    return row | {"omega": solution.omega, "heywood": solution.heywood}


def _by_design(
    block: Array, whole: NDArray[np.bool_], row: dict[str, float | int | bool], design: Design, confidence: float
) -> dict[str, float | int | bool]:
    """Return alpha's interval under a design, from its linearised error on the scale of log(1 - alpha)."""
    alpha, df = float(row["alpha"]), int(domain_df(design, whole[:, None])[0])
    if not alpha < 1 or df < 1:
        return {"alpha_error": np.nan, "df": df}
    w = design.weights * whole
    z = np.where(whole[:, None], block, 0.0)
    z = (z - w @ z / w.sum()) * whole[:, None]
    single, together = (z**2).sum(axis=1), z.sum(axis=1) ** 2
    trace, total = (w @ single) / w.sum(), (w @ together) / w.sum()
    k = block.shape[1]
    influence = -k / (k - 1) * (single / total - trace * together / total**2) / w.sum() / (1 - alpha)
    error = float(np.sqrt(design.covariance(influence[:, None])[0, 0]))
    reach = float(stats.t.ppf((1 + confidence) / 2, df)) * error
    low, high = (1 - (1 - alpha) * float(np.exp(sign * reach)) for sign in (1, -1))
    return {"alpha_lower": low, "alpha_upper": high, "alpha_error": error, "df": df}


def _difference(
    expected: Array, perceived: Array, alphas: dict[str, float], weights: Array | None
) -> dict[str, float | int]:
    if len(expected) < 3:
        return {"n": len(expected), "r_ep": np.nan, "difference_reliability": np.nan}
    return _of_difference(
        np.cov(expected.mean(axis=1), perceived.mean(axis=1), aweights=weights), len(expected), alphas
    )


def _of_difference(cov: Array, n: int, alphas: Mapping[str, float]) -> dict[str, float | int]:
    if n < 3:
        return {"n": n, "r_ep": np.nan, "difference_reliability": np.nan}
    spread = cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        true = cov[0, 0] * alphas["expectation"] + cov[1, 1] * alphas["perception"] - 2 * cov[0, 1]
        r = cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1])
        return {"n": n, "r_ep": float(r), "difference_reliability": float(true / spread)}
