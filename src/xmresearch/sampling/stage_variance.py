"""Variances of totals over the stages of a sample, by linearisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import DataError, InsufficientData

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Lonely = Literal["fail", "remove", "adjust", "average"]
_SHOWN = 5


@dataclass(frozen=True, repr=False)
class Stage:
    """One stage of sampling.

    Attributes
    ----------
    strata, units : ndarray of int
        Stratum and sampling unit of each row, shape (n,), counted from 0; each unit lies in one stratum.
    share : ndarray
        Sampled share of each stratum, shape (strata,); 0 where units were drawn with replacement, or it is not known.
    columns : tuple of str
        Columns whose values name a stratum.
    """

    strata: Codes
    units: Codes
    share: Array
    columns: tuple[str, ...] = ()

    @property
    def n_strata(self) -> int:
        """Number of strata."""
        return int(self.strata.max()) + 1

    @property
    def n_units(self) -> int:
        """Number of sampling units."""
        return int(self.units.max()) + 1

    def stratum_of_units(self) -> Codes:
        """Return the stratum of each unit, shape (units,)."""
        stratum = np.zeros(self.n_units, dtype=np.int64)
        stratum[self.units] = self.strata
        return stratum


def stage_variance(
    x: Array, stages: Sequence[Stage], lonely: Lonely, name_of: Callable[[Stage, int], str] | None = None
) -> Array:
    """Return the variance of totals of weighted contributions, over all stages.

    Parameters
    ----------
    x : ndarray
        Contributions times weights, shape (n, k).
    stages : sequence of Stage
        The first draws primary sampling units, each further one units within those of the one before.
    lonely : str
        What a stratum with a single unit contributes; see `design`.
    name_of : callable, optional
        Names a stratum by its stage and its number, for errors.

    Returns
    -------
    ndarray
        Shape (k, k).

    Raises
    ------
    DataError, InsufficientData
        A stratum has a single unit, and `lonely` is `fail`; or all have, so that nothing shows a variance.

    References
    ----------
    Särndal, C.-E., Swensson, B. & Wretman, J. (1992). Model assisted survey sampling. Springer, chapters 4 and 6.
    """
    stage = stages[0]
    n_units, n_strata = stage.n_units, stage.n_strata
    totals = _sums(stage.units, x, n_units)
    stratum = stage.stratum_of_units()
    size = np.bincount(stratum, minlength=n_strata)
    centred = totals - (_sums(stratum, totals, n_strata) / size[:, None])[stratum]
    single = (size == 1) & (stage.share < 1)
    if single.any():
        _require_a_rule(stage, single, lonely, name_of)
    scale = np.where(single, 0.0, (1 - stage.share) * size / np.maximum(size - 1, 1))
    if lonely == "adjust" and single.any():
        alone = single[stratum]
        centred[alone] = totals[alone] - totals.sum(axis=0) / n_units
        scale = np.where(single, 1 - stage.share, scale)
    root = centred * np.sqrt(scale)[stratum][:, None]
    found = root.T @ root
    if lonely == "average" and single.any():
        found = found * n_strata / (n_strata - int(single.sum()))
    if len(stages) > 1 and (stage.share > 0).any():
        within = x * np.sqrt(stage.share)[stage.strata][:, None]
        found = found + stage_variance(within, stages[1:], lonely, name_of)
    return np.asarray(found)


def _sums(at: Codes, x: Array, n: int) -> Array:
    """Return the sums of rows by number, shape (n, k)."""
    return np.stack([np.bincount(at, weights=column, minlength=n) for column in x.T], axis=1)


def _require_a_rule(
    stage: Stage, single: NDArray[np.bool_], lonely: Lonely, name_of: Callable[[Stage, int], str] | None
) -> None:
    alone = np.flatnonzero(single)
    if lonely == "fail":
        named = [name_of(stage, int(h)) for h in alone[:_SHOWN]] if name_of is not None and stage.columns else []
        which = f": {'; '.join(named)}{'; ...' if len(alone) > _SHOWN else ''}" if named else ""
        raise DataError(
            f"{len(alone)} of {stage.n_strata} strata have a single sampling unit, which shows no variance{which}.",
            "Put small strata together, or say what they contribute: lonely = adjust, average or remove.",
        )
    if lonely != "adjust" and single.all():
        raise InsufficientData(
            "Every stratum has a single sampling unit, so nothing shows how estimates vary.",
            "Put strata together, or say lonely = adjust.",
        )
