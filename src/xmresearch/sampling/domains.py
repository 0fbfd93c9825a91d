"""Groups of a complex sample, and contrasts between estimates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from xmresearch.errors import DataError, InsufficientData, brief, nearest
from xmresearch.sampling.designs import Design
from xmresearch.sampling.estimates import Estimates, estimated


def by(
    design: Design, group: str, estimator: Callable[..., Estimates], names: str | Sequence[str], **settings: Any
) -> Estimates:
    """Estimate in every group of a column; the groups are domains of one design.

    Parameters
    ----------
    design : Design
        Of the sample.
    group : str
        Column; its blanks belong to no group.
    estimator : callable
        `mean`, `total`, `net_promoter` or another that takes a domain.
    names : str or sequence of str
        Passed on to it.
    **settings
        Passed on to it.

    Returns
    -------
    Estimates
        Of all groups, in order of their names, with the covariance between them; `group` in the table says which.

    Raises
    ------
    DataError, InsufficientData
        The column is not there, or has no values; a group has fewer than two values.

    References
    ----------
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted survey sampling. Springer, section 5.8.
    """
    if group not in design.frame.columns:
        raise DataError(f"The sample has no column '{group}'.", nearest(group, map(str, design.frame.columns)))
    texts = design.frame[group].astype("string").where(design.rows())
    codes, levels = pd.factorize(texts, sort=True)
    if len(levels) == 0:
        raise InsufficientData(f"Column '{group}' has no values.", "Groups need a column that says who is in which.")
    found = []
    for at, level in enumerate(levels):
        try:
            found.append(estimator(design, names, domain=codes == at, **settings))
        except InsufficientData as error:
            raise InsufficientData(f"Group '{brief(level)}' of '{group}': {error.problem}", error.hint) from error
    table = pd.concat([e.table.assign(group=str(v)) for e, v in zip(found, levels, strict=True)], ignore_index=True)
    table.insert(0, "group", table.pop("group"))
    influence = np.concatenate([e.influence for e in found], axis=1)
    return Estimates(table, design.covariance(influence), influence, found[0].df, found[0].level)


def contrast(
    design: Design,
    estimates: Estimates | Sequence[Estimates],
    coefficients: ArrayLike,
    term: str = "contrast",
    *,
    confidence: float = 0.95,
) -> Estimates:
    """Estimate a linear combination of estimates of one design, with their covariance.

    Parameters
    ----------
    design : Design
        Of the sample.
    estimates : Estimates or sequence of Estimates
        Of it, such as those of all groups.
    coefficients : array_like
        Shape (k,): one for every row of their tables, in order.
    term : str
        Its name.
    confidence : float
        Level.

    Returns
    -------
    Estimates

    Raises
    ------
    DataError
        There are not as many coefficients as estimates.

    References
    ----------
    Lumley, T. (2004). Analysis of complex survey samples. Journal of Statistical Software, 9 (8).
    """
    given = [estimates] if isinstance(estimates, Estimates) else list(estimates)
    at = np.asarray(coefficients, dtype="float64")
    influence = np.concatenate([e.influence for e in given], axis=1)
    values = np.concatenate([e.table["estimate"].to_numpy() for e in given])
    if at.shape != values.shape:
        raise DataError(
            f"{len(values)} estimates need as many coefficients, not {at.size}.", "Give one for each, in order."
        )
    used = (influence != 0).any(axis=1)
    return estimated(design, [term], np.array([at @ values]), (influence @ at)[:, None], used, confidence=confidence)
