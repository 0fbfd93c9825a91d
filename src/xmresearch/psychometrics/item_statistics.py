"""Items one by one: how they are answered, and how each goes with the rest of its battery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import RATED, Codebook, Column
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError, InsufficientData
from xmresearch.psychometrics.answer_moments import shape_of, streamed_shapes
from xmresearch.sufficient.available_moments import Score, complete, summed

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class ItemResult(Shown):
    """Items one by one.

    Attributes
    ----------
    table : DataFrame
        One row per item: construct, kind, statement, item, n (answers), mean, sd, skew, kurtosis (see `answer_shapes`), floor and ceiling (shares of answers at the lowest and
        the highest value of the scale), complete (respondents who answered the whole battery), item_rest (correlation with the sum of its other
        items) and alpha_without (alpha of the others). NaN where there are too few items, or they do not vary.
    """

    table: pd.DataFrame

    def tidy(self, kind: str | None = None) -> pd.DataFrame:
        """Return the items, or those of one kind.

        Parameters
        ----------
        kind : str, optional
            expectation, minimum or perception.

        Returns
        -------
        DataFrame
            Of one kind, with the ceiling of the same statement's expectation as expected_ceiling, where it was asked.
        """
        if kind is None:
            return self.table
        expected = self.table[self.table["kind"] == "expectation"].set_index("statement")["ceiling"]
        own = self.table[self.table["kind"] == kind]
        return own.assign(expected_ceiling=own["statement"].map(expected)).reset_index(drop=True)

    def _head(self) -> Mapping[str, Any]:
        return {"items": len(self.table), "lowest_item_rest": float(self.table["item_rest"].min())}

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {"Items": self.table}


def item_analysis(frame: pd.DataFrame, codebook: Codebook, *, weights: Array | None = None) -> ItemResult:
    """Describe every item, and how it goes with the rest of its battery.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent; reverse-keyed items recoded so that high is good.
    codebook : Codebook
        Which items form which battery: those of one kind (expectation, minimum, perception) and construct.
    weights : ndarray, optional
        Design weights, shape (n,), above 0.

    Returns
    -------
    ItemResult

    Raises
    ------
    CodebookError
        The codebook has no such items.
    DataError
        An item is not there, or weights are not one per row.
    InsufficientData
        An item has no answer.

    Notes
    -----
    Means and shares use all answers to an item; item_rest and alpha_without the respondents who answered the whole battery. The item itself is left out of the sum
    that it is correlated with, since it would correlate with itself.

    References
    ----------
    Nunnally, J. C. & Bernstein, I. H. (1994). Psychometric theory (3rd ed.), chapter 8. McGraw-Hill.
    Terwee, C. B. et al. (2007). Journal of Clinical Epidemiology, 60, 34-42 (floor and ceiling).
    """
    batteries = [(kind, c, codebook.select(kind, c)) for c in codebook.constructs for kind in RATED]
    batteries = [(kind, c, columns) for kind, c, columns in batteries if columns]
    if not batteries:
        raise CodebookError(
            f"Codebook '{codebook.name}' has no rated items.", "Give items a kind: expectation or perception."
        )
    lacking = [c.name for _, _, columns in batteries for c in columns if c.name not in frame]
    if lacking:
        raise DataError(f"The data have no column '{lacking[0]}'.", "Correct the codebook, or load the survey with it.")
    if isinstance(frame, StreamedAnswers):
        if weights is not None:
            raise DataError("Streamed answers have no weights.", "Give a DataFrame.")
        return ItemResult(_streamed(frame, batteries))
    w = np.ones(len(frame)) if weights is None else np.asarray(weights, dtype="float64")
    if w.shape != (len(frame),):
        raise DataError(f"There are {len(frame)} rows and weights of shape {w.shape}.", "Give one weight per row.")
    rows: list[dict[str, Any]] = []
    for kind, construct, columns in batteries:
        block = frame[[c.name for c in columns]].to_numpy(dtype="float64")
        whole = ~np.isnan(block).any(axis=1)
        rest, without = _with_the_rest(block[whole], w[whole])
        for j, column in enumerate(columns):
            there = ~np.isnan(block[:, j])
            if not there.any():
                raise InsufficientData(f"Column '{column.name}' holds no answer.", "Remove the item from the codebook.")
            x, v = block[there, j], w[there] / w[there].sum()
            mean, sd, skew, kurtosis = shape_of(x, w[there])
            rows.append({
                "construct": construct, "kind": kind, "statement": column.statement, "item": column.name, "n": len(x), "mean": mean,
                "sd": sd, "skew": skew, "kurtosis": kurtosis, "floor": float(v @ (x <= column.scale.minimum)), "ceiling": float(v @ (x >= column.scale.maximum)),
                "complete": int(whole.sum()), "item_rest": rest[j], "alpha_without": without[j],
            })  # fmt: skip
    return ItemResult(pd.DataFrame(rows))


def _streamed(answers: StreamedAnswers, batteries: Sequence[tuple[str, str, Sequence[Column]]]) -> pd.DataFrame:
    """Return the table of items, of streamed answers."""
    items = [column for _, _, columns in batteries for column in columns]
    names = [c.name for c in items]
    low, high = (np.array([getattr(c.scale, end) for c in items]) for end in ("minimum", "maximum"))

    def ends(rows: pd.DataFrame) -> Array:
        x = rows[names].to_numpy(dtype="float64")
        return np.vstack([(x <= low).sum(axis=0), (x >= high).sum(axis=0)]).astype("float64")

    shapes = streamed_shapes(answers, names).set_index("item")
    floor, ceiling = summed(answers, ends) / shapes["n"].to_numpy()
    at = {name: k for k, name in enumerate(names)}
    scores = {
        f"{kind} {construct}": _answers_to([c.name for c in columns]) for kind, construct, columns in batteries
    }  # fmt: skip
    moments = complete(answers, scores)
    rows: list[dict[str, Any]] = []
    for kind, construct, columns in batteries:
        whole = moments[f"{kind} {construct}"][""]
        rest, without = _of_rest(whole.cov if whole.n > 1 else np.empty((0, 0)), whole.n, len(columns))
        for j, column in enumerate(columns):
            shape = shapes.loc[column.name]
            if not shape["n"]:
                raise InsufficientData(f"Column '{column.name}' holds no answer.", "Remove the item from the codebook.")
            rows.append({
                "construct": construct, "kind": kind, "statement": column.statement, "item": column.name, "n": int(shape["n"]),
                **{k: float(shape[k]) for k in ("mean", "sd", "skew", "kurtosis")}, "floor": float(floor[at[column.name]]),
                "ceiling": float(ceiling[at[column.name]]), "complete": whole.n, "item_rest": rest[j], "alpha_without": without[j],
            })  # fmt: skip
    return pd.DataFrame(rows)


def _answers_to(names: Sequence[str]) -> Score:
    columns = list(names)
    return lambda rows: rows[columns].to_numpy(dtype="float64")


def _with_the_rest(block: Array, weights: Array) -> tuple[Array, Array]:
    """Return each item's correlation with the sum of the others, and the others' alpha; shapes (k,)."""
    n, k = block.shape
    return _of_rest(np.cov(block, rowvar=False, aweights=weights) if k > 1 and n > 2 else np.empty((0, 0)), n, k)


def _of_rest(cov: Array, n: int, k: int) -> tuple[Array, Array]:
    nothing = np.full(k, np.nan)
    if k < 2 or n < 3:
        return nothing, nothing
    total, own = cov.sum(), np.diag(cov)
    with_others = cov.sum(axis=1) - own
    others = total - 2 * with_others - own  # variance of their sum
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = np.where((own > 0) & (others > 1e-12 * total), with_others / np.sqrt(own * others), np.nan)
        alpha = (k - 1) / (k - 2) * (1 - (own.sum() - own) / others) if k > 2 else nothing
    return rest, np.where(np.isfinite(alpha), alpha, np.nan)
