"""An independent second fit of a model, by semopy, held against ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import ModelError, XMError
from xmresearch.inference.threads import on_one_thread
from xmresearch.sem.fitting import estimate, objective_of
from xmresearch.sem.interchange import not_for_semopy, write_semopy
from xmresearch.sem.likelihood import CompleteSample
from xmresearch.sem.model import Model
from xmresearch.sem.preparation import Prepared, prepared
from xmresearch.sem.readout import Readout
from xmresearch.sem.result import SemFit
from xmresearch.sem.samples import Data
from xmresearch.sem.semopy_process import SemopyProcess
from xmresearch.sem.starts import starting_values

Array = NDArray[np.float64]
MOST_APART = 1e-3
BETTER = 1e-8
_DIGITS = 7


@dataclass(frozen=True, repr=False)
class Agreement(Shown):
    """What a second program makes of the same model.

    Attributes
    ----------
    case : {'agrees', 'differs', 'unlike', 'improper', 'failed'}
        unlike: the model has what the program does not estimate alike; improper: our fit did not converge or has a negative
        variance, which the program does not allow; failed: the program is not there, found no minimum or took too long.
    difference : float
        Largest absolute difference between standardised estimates; NaN where none was made.
    n : int
        Complete rows that both programs used; 0 where no comparison was made.
    weighted : bool
        Whether the second program, which knows no weights, was given covariances that were weighted before.
    """

    case: str
    difference: float = float("nan")
    n: int = 0
    weighted: bool = False

    def summary(self) -> dict[str, Any]:
        """Return case (ending in _weighted where covariances were), difference, most_apart (the threshold) and n_compared."""
        compared = self.weighted and self.case in ("agrees", "differs")
        return {
            "case": f"{self.case}_weighted" if compared else self.case, "difference": self.difference, "most_apart": MOST_APART, "n_compared": self.n,
        }  # fmt: skip

    def diagnostics(self) -> pd.DataFrame:
        """Return the check with figure, threshold and status; no row where nothing was compared."""
        rows = []
        if not np.isnan(self.difference):
            status = "pass" if self.difference <= MOST_APART else "fail"
            rows.append(("second_program", self.difference, MOST_APART, status))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])


def second_program(
    model: str, data: Data, *, ordered: Sequence[str] | bool = (), group: str | None = None,
    sampling_weights: str | None = None, **_: Any,
) -> SecondProgram:  # fmt: skip
    """Start a second fit of a model, by semopy, and return at once.

    Parameters
    ----------
    model : str
        In lavaan's syntax.
    data : DataFrame or Moments
        As for `xmresearch.sem.fitting.fit`; complete rows are used, and only their covariances are handed over.
    ordered, group, sampling_weights
        As for `fit`, whose other settings may be given and change nothing: the second fit is by maximum likelihood, and clusters
        move errors, not estimates. semopy knows no weights, so it is given weighted covariances.

    Returns
    -------
    SecondProgram
        Its `compare` waits for the second fit and holds it against ours.

    Notes
    -----
    The process ends with this one. What it found is kept in the user's cache folder under a hash of model, covariances and
    versions. Of semopy only the estimates are used, with a tighter tolerance than its own: its fit measures are not lavaan's.

    References
    ----------
    Igolkina, A. A. & Meshcheryakov, G. (2020). Structural Equation Modeling, 27, 952-963.
    """
    if ordered or group is not None:
        return SecondProgram("unlike")
    try:
        ready = prepared(model, data, "ML", (), "listwise", sampled=(sampling_weights, None))
    except XMError:
        # too few complete rows, which full information can do without
        return SecondProgram("failed")
    if not_for_semopy(ready.model) or _reaches_across(ready.model):
        return SecondProgram("unlike")
    return SecondProgram(
        "failed",
        ready,
        SemopyProcess(
            _job(ready, starting_values(ready.model, [s.cov for s in ready.samples], [s.mean for s in ready.samples]))
        ),
    )


class SecondProgram:
    """A second fit under way.

    Parameters
    ----------
    without : str
        The case of an `Agreement` without a comparison.
    ready : Prepared, optional
        The model and the complete rows; none where nothing can be compared.
    run : SemopyProcess, optional
        The process.
    """

    def __init__(self, without: str, ready: Prepared | None = None, run: SemopyProcess | None = None) -> None:
        self._without, self._ready, self._run = without, ready, run

    def __repr__(self) -> str:
        return f"SecondProgram({'not comparable' if self._ready is None else f'n = {self._ready.samples[0].n:.0f}'})"

    @on_one_thread
    def compare(self, fitted: SemFit) -> Agreement:
        """Wait for the second fit and hold it against ours.

        Parameters
        ----------
        fitted : SemFit
            Of the same model. Where it used incomplete rows, our own maximum likelihood fit to the complete ones is compared
            instead of it.

        Returns
        -------
        Agreement

        Raises
        ------
        ModelError
            The fit is of another model.
        """
        if self._ready is None or self._run is None:
            return Agreement(self._without)
        model, samples = self._ready.model, self._ready.samples
        read = Readout(model, objective_of(model, samples).matrices)
        ours = self._ours(self._ready, fitted)
        if ours is None or any(
            q.op == "~~" and q.lhs == q.rhs and value < 0
            for q, value in zip(model.parameters, read.read(ours)[0], strict=False)
        ):
            return Agreement("improper")

        def apart(found: Mapping[str, Any]) -> float:
            theirs = np.array([found["estimates"][f"p{k}"] for k in range(model.n_free)])
            difference = np.abs(read.read(theirs)[2] - read.read(ours)[2])
            return round(float(np.max(difference, where=np.isfinite(difference), initial=0.0)), _DIGITS)

        first = self._run.result()
        if first is None:
            return Agreement(self._without)
        rows = self._ready.rows
        n, weighted = len(rows[0]) if rows else round(samples[0].n), samples[0].design.weights is not None
        if first["converged"] and (near := apart(first)) <= MOST_APART:
            return Agreement("agrees", near, n, weighted)
        # it may have stopped in a worse place than ours: by its own likelihood, is ours a better minimum?
        again = SemopyProcess(_job(self._ready, ours)).result()
        if again and again["converged"] and again["discrepancy"] < first["discrepancy"] - BETTER:
            first = again
        if not first["converged"]:
            return Agreement(self._without)
        difference = apart(first)
        return Agreement("agrees" if difference <= MOST_APART else "differs", difference, n, weighted)

    @staticmethod
    def _ours(ready: Prepared, fitted: SemFit) -> Array | None:
        """Return our maximum likelihood estimates, shape (q,); None where there are none."""
        model = ready.model
        given = {(q.lhs, q.op, q.rhs): q.free for q in fitted.model.parameters}
        free = {(q.lhs, q.op, q.rhs): q.free for q in model.parameters if q.free >= 0}
        if not free.keys() <= given.keys():
            raise ModelError("The fit is of another model than the second program's.", "Fit the same text.")
        if len(fitted.samples) > 1 or not isinstance(fitted.samples[0], CompleteSample):
            solution = estimate(model, objective_of(model, ready.samples))
            return solution.theta if solution.converged else None
        theta = np.empty(model.n_free)
        for key, number in free.items():
            theta[number] = fitted.solution.theta[given[key]]
        return theta if fitted.converged else None


def _reaches_across(model: Model) -> bool:
    """Say whether residuals of an observed outcome and of an observed cause covary, which semopy places elsewhere."""
    sending = {q.lhs for q in model.parameters if q.op == "=~"} | {q.rhs for q in model.parameters if q.op == "~"}
    return any(
        (q.lhs in sending) != (q.rhs in sending) for q in model.parameters if q.op == "~~" and (q.free >= 0 or q.value)
    )


def _job(ready: Prepared, start: Array) -> str:
    """Write down what the process is to do, without names of variables."""
    model, sample = ready.model, ready.samples[0]
    names = {v: f"v{k}" for k, v in enumerate(model.variables)}
    text = write_semopy(model, names, number=True)
    starts = {f"p{k}": value for k, value in enumerate(start.tolist())}
    return json.dumps({"model": text, "cov": sample.cov.tolist(), "n": sample.n, "start": starts}, sort_keys=True)
