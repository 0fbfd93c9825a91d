"""Confirmatory factor analysis of an instrument's battery, and its invariance by segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.codebook import Codebook
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData, ModelError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sampling.designs import Design
from xmresearch.sem.fitting import fit
from xmresearch.sem.invariance_ladder import CFI_DROP, RMSEA_RISE, InvarianceResult, invariance
from xmresearch.sem.result import SemFit
from xmresearch.sem.robust import Estimator
from xmresearch.sufficient.available_moments import item_moments

GROUP_PER_ITEM = 3
LEVELS = ("configural", "metric", "scalar")
_WEIGHT, _CLUSTER = "(weight)", "(cluster)"


def battery_model(codebook: Codebook, kind: str = "perception") -> str:
    """Return the measurement model that a codebook claims: each dimension behind its own items.

    Parameters
    ----------
    codebook : Codebook
        Which items form which dimension.
    kind : str
        Of the items, such as perception.

    Returns
    -------
    str
        In lavaan's syntax; dimensions of a single item are left out, so it may be empty.
    """
    named = {d: codebook.names(kind, d) for d in codebook.constructs}
    return "\n".join(f"{d} =~ {' + '.join(items)}" for d, items in named.items() if len(items) > 1)


@on_one_thread
def battery_cfa(
    frame: pd.DataFrame, codebook: Codebook, *, kind: str = "perception", estimator: Estimator = "MLR",
    confidence: float = 0.95, design: Design | None = None,
) -> tuple[SemFit | None, str | None]:  # fmt: skip
    """Fit the measurement model that a codebook claims.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows; incomplete ones count, by full information, where the estimator allows it. Unweighted without a design.
    codebook : Codebook
        Which items form which dimension.
    kind : str
        Of the items.
    estimator : {'ML', 'MLM', 'MLMV', 'MLR'}
        See `xmresearch.sem.fitting.fit`.
    confidence : float
        Level of the intervals.
    design : Design, optional
        Of the sample: its weights and clusters enter, with MLR; strata and finite populations, which would narrow intervals, do not.

    Returns
    -------
    fitted : SemFit or None
        None where the model cannot be fitted or does not converge.
    obstacle : str or None
        Why not.

    References
    ----------
    Joreskog, K. G. (1969). Psychometrika, 34, 183-202.
    """
    model = battery_model(codebook, kind)
    if not model:
        return None, "No dimension has two items of this kind."
    missing: Any = "fiml" if estimator in ("ML", "MLR") else "listwise"
    if isinstance(frame, StreamedAnswers):
        estimator, missing = "ML", "listwise"
    rows, sampled = _with_design(frame, design)
    try:
        fitted = fit(model, rows, estimator=estimator, missing=missing, confidence=confidence, **sampled)
    except (InsufficientData, ModelError) as error:
        return None, str(error)
    return (fitted, None) if fitted.converged else (None, f"Estimation did not converge: {fitted.reason}.")


def _with_design(frame: pd.DataFrame, design: Design | None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return rows with weights and clusters, and the settings that name these."""
    if design is None:
        return frame, {}
    stage = design.stages[0]
    rows = frame.assign(**{_WEIGHT: design.weights, _CLUSTER: np.char.add("c", stage.units.astype(str))})
    return rows, {"sampling_weights": _WEIGHT, "cluster": _CLUSTER if stage.n_units < len(frame) else None}


@dataclass(frozen=True, repr=False)
class SegmentInvariance(Shown):
    """Measurement invariance by segment.

    Attributes
    ----------
    table : DataFrame
        One row per segment and level: segment, level, groups (compared), n, chisq, df, cfi, rmsea, delta_cfi, delta_rmsea,
        holds; as `xmresearch.sem.invariance_ladder.InvarianceResult.table`.
    ladders : dict of str to InvarianceResult
        By segment.
    hidden : int
        Groups that are too small to be compared, or whose model could not be fitted.
    least : int
        Respondents that a group needs.
    complete, left_out : int
        Respondents without a blank, who are used, and with one, who are not.
    """

    table: pd.DataFrame
    ladders: dict[str, InvarianceResult]
    hidden: int
    least: int
    complete: int
    left_out: int

    def tidy(self) -> pd.DataFrame:
        """Return one row per segment and level."""
        return self.table

    def summary(self) -> dict[str, Any]:
        """Return the bounds by which levels are judged, and how many respondents a group needs."""
        return {"least": self.least, "cfi_fall": -CFI_DROP, "rmsea_rise": RMSEA_RISE}

    def hidden_summary(self) -> dict[str, Any] | None:
        """Return how many groups are left out; None if there are none."""
        return {"count": self.hidden, "least": self.least} if self.hidden else None


@on_one_thread
def segment_invariance(
    frame: pd.DataFrame, codebook: Codebook, segments: Sequence[str], *, kind: str = "perception",
    estimator: Estimator = "ML", min_cell: int = 10, design: Design | None = None,
) -> SegmentInvariance | None:  # fmt: skip
    """Ask for every segment whether its groups use the instrument alike.

    Parameters
    ----------
    frame : DataFrame
        The survey's rows with the segments' columns; complete ones are used, unweighted without a design.
    codebook : Codebook
        Which items form which dimension.
    segments : sequence of str
        Columns.
    kind, estimator
        As for `battery_cfa`.
    min_cell : int
        Smallest group that may be shown, however few items there are.
    design : Design, optional
        As for `battery_cfa`; models are then fitted by MLR.

    Returns
    -------
    SegmentInvariance or None
        None without segments or without a model. Groups with fewer than three complete rows per item, or than `min_cell`, are left out; a segment
        with fewer than two groups left, or whose model cannot be fitted, has no rows.

    References
    ----------
    Chen, F. F. (2007). Structural Equation Modeling, 14, 464-504.
    """
    model = battery_model(codebook, kind)
    if not segments or not model:
        return None
    items = [c for c in codebook.names(kind) if c in model.replace("+", " ").split()]
    least = max(GROUP_PER_ITEM * len(items), min_cell)
    if isinstance(frame, StreamedAnswers):
        return _streamed_invariance(frame, model, items, segments, least, estimator)
    whole, sampled = _with_design(frame, design)
    if design is not None:
        estimator = "MLR"
    complete = whole.dropna(subset=items)
    rows, ladders, hidden = [], {}, 0
    for segment in segments:
        sizes = complete[segment].value_counts()
        kept = sizes.index[sizes >= least]
        hidden += frame[segment].nunique() - len(kept)
        if len(kept) < 2:
            continue
        part = complete[complete[segment].isin(kept)]
        try:
            ladder = invariance(model, part, segment, levels=LEVELS, estimator=estimator, **sampled)
        except (InsufficientData, ModelError):
            hidden += len(kept)
            continue
        ladders[segment] = ladder
        rows.append(ladder.table.assign(segment=segment, groups=len(kept), n=len(part)))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return SegmentInvariance(table, ladders, hidden, least, len(complete), len(frame) - len(complete))


def _streamed_invariance(
    answers: StreamedAnswers,
    model: str,
    items: Sequence[str],
    segments: Sequence[str],
    least: int,
    estimator: Estimator,
) -> SegmentInvariance:
    """Ask the same of streamed answers, from the moments of each group's complete rows."""
    rows, ladders, hidden = [], {}, 0
    whole = item_moments(answers, items)[""].n
    for segment in segments:
        moments = item_moments(answers, items, segment)
        kept = {level: m for level, m in moments.items() if m.n >= least}
        hidden += len(answers.levels(segment)) - len(kept)
        if len(kept) < 2:
            continue
        try:
            ladder = invariance(model, kept, segment, levels=LEVELS, estimator=estimator)
        except (InsufficientData, ModelError):
            hidden += len(kept)
            continue
        ladders[segment] = ladder
        rows.append(ladder.table.assign(segment=segment, groups=len(kept), n=sum(m.n for m in kept.values())))
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    return SegmentInvariance(table, ladders, hidden, least, whole, len(answers) - whole)
