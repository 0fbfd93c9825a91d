"""What partial least squares can use: options, rows, and why a model has no solution."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.errors import InsufficientData, ModelError, nearest
from xmresearch.sem.inputs import numbers_of
from xmresearch.sem.pls_algorithm import SINGULAR, Estimates, Scheme
from xmresearch.sem.pls_model import PlsModel

Array = NDArray[np.float64]
_FEWEST_ROWS, _FEWEST_DRAWS = 10, 10


def check_options(scheme: str, bootstrap: int, confidence: float) -> None:
    """Refuse options of `pls` that are none; raises ModelError."""
    if scheme not in get_args(Scheme):
        raise ModelError(f"There is no weighting scheme '{scheme}'.", nearest(scheme, get_args(Scheme)))
    if bootstrap and bootstrap < _FEWEST_DRAWS:
        raise ModelError(f"bootstrap is {bootstrap}.", f"Use 0 for none, or at least {_FEWEST_DRAWS} replicates.")
    if not 0 < confidence < 1:
        raise ModelError(f"confidence is {confidence}.", "Use a level between 0 and 1, such as 0.95.")


def usable_rows(model: PlsModel, data: pd.DataFrame) -> tuple[Array, NDArray[np.bool_]]:
    """Return the complete rows of the model's items, and which rows of the data they are.

    Parameters
    ----------
    model : PlsModel
        Read from its text.
    data : DataFrame
        One row per respondent.

    Returns
    -------
    values : ndarray
        Shape (complete rows, items).
    complete : ndarray of bool
        Shape (n,).

    Raises
    ------
    DataError
        An item is there twice, is not numeric or has an infinite value.
    InsufficientData
        Too few complete rows, or an item that is constant in them.
    """
    everything = numbers_of(data, model.items)
    complete = ~np.isnan(everything).any(axis=1)
    values = everything[complete]
    needed = max(
        _FEWEST_ROWS,
        *(len(model.causes(k)) + 2 for k in model.endogenous),
        *(len(block) + 2 for block, mode in zip(model.blocks, model.modes, strict=True) if mode == "B"),
    )
    if len(values) < needed:
        raise InsufficientData(
            f"{len(values)} complete row(s) are too few; this model needs at least {needed}.", "Collect more answers."
        )
    constant = [v for v, spread in zip(model.items, np.ptp(values, axis=0), strict=True) if spread == 0]
    if constant:
        raise InsufficientData(f"Column '{constant[0]}' is constant.", "Remove it from the model.")
    return values, complete


def unusable(model: PlsModel, r: Array, found: Estimates, consistent: bool) -> ModelError:
    """Say why the full sample gave no estimates."""
    for k, (construct, block, mode) in enumerate(zip(model.constructs, model.blocks, model.modes, strict=True)):
        within = r[np.ix_(block, block)]
        if mode == "B" and np.linalg.eigvalsh(within)[0] <= SINGULAR:
            return ModelError(
                f"The items of '{construct}' are collinear, so formative weights do not exist.", "Remove an item."
            )
        if within.sum() <= SINGULAR:
            return ModelError(
                f"The items of '{construct}' cancel each other.", "Reverse-code items so that all point the same way."
            )
        if consistent and mode == "A" and not found.rho_a[0, k] > 0 and np.isfinite(found.rho_a[0, k]):
            return ModelError(
                f"rho_A of '{construct}' is {found.rho_a[0, k]:.3f}, so its correlations cannot be corrected.",
                "Revise its items, or use consistent=False.",
            )
    if consistent and np.isfinite(found.weights).all():
        lost = next(j for j in model.endogenous if np.isnan(found.r2[0, j]))
        return ModelError(
            f"The corrected correlations of the causes of '{model.constructs[lost]}' are not positive definite, so their "
            "paths do not exist.",
            "Use consistent=False, or join constructs that cannot be told apart.",
        )
    return ModelError(
        "Constructs that explain the same construct are collinear, so their paths are not determined.",
        "Remove a path, or join the constructs.",
    )
