"""From free parameters to what is reported: estimates, standardised solutions, defined quantities."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from xmresearch.sem.defined import Definitions
from xmresearch.sem.matrices import Matrices
from xmresearch.sem.model import Model

Array = NDArray[np.float64]
_STEP = 1e-5


class Readout:
    """Reads all rows of the table of estimates off a vector of free parameters.

    Parameters
    ----------
    model : Model
        What was fitted.
    matrices : sequence of Matrices
        One per group.
    """

    def __init__(self, model: Model, matrices: Sequence[Matrices]) -> None:
        self.model, self.matrices = model, matrices
        self.definitions = Definitions(model.defined, [q.label for q in model.parameters])
        rows = [(q.lhs, q.op, q.rhs, model.groups[q.group], q.label) for q in model.parameters]
        rows += [(t.lhs, ":=", t.rhs, "", t.lhs) for t in model.defined]
        self.lhs, self.op, self.rhs, self.group, self.label = (list(c) for c in zip(*rows, strict=True))
        self.free = np.array([q.free for q in model.parameters], dtype=np.int64)
        at = {v: k for k, v in enumerate(model.variables)}
        self._parts = []
        for g in range(len(matrices)):
            where = [k for k, q in enumerate(model.parameters) if q.group == g]
            mine = [model.parameters[k] for k in where]
            kinds = np.array([{"=~": 0, "~": 0, "~~": 1, "~1": 2, "|": 3}[q.op] for q in mine])
            row = np.array([at[q.rhs] if q.op == "=~" else at[q.lhs] for q in mine])
            column = np.array([at[q.lhs] if q.op == "=~" else at.get(q.rhs, 0) for q in mine])
            self._parts.append((np.array(where), kinds, row, column))
        self._labels: dict[str, int] = {}
        for k, q in enumerate(model.parameters):
            if q.label:
                self._labels.setdefault(q.label, k)

    def read(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return estimates, and those standardised by latent (std_lv) and by all variables (std_all).

        Parameters
        ----------
        theta : ndarray
            Free parameters, shape (..., q).

        Returns
        -------
        est, std_lv, std_all : ndarray
            Shape (..., rows). A covariance of residuals is divided by their own SDs, as in lavaan.
        """
        p = len(self.model.observed)
        out = np.empty((3, *theta.shape[:-1], len(self.free)))
        for matrices, (where, kinds, row, column) in zip(self.matrices, self._parts, strict=True):
            a, s, c = matrices.fill(theta)
            total, _ = matrices.total(theta)
            sd, own = (np.sqrt(np.abs(np.diagonal(x, axis1=-2, axis2=-1))) for x in (total, s))
            own = np.where(np.diagonal(s, axis1=-2, axis2=-1) < 0, np.nan, own)
            est = np.where(kinds == 0, a[..., row, column], np.where(kinds == 1, s[..., row, column], c[..., row]))
            tau = self.free[where[kinds == 3]]
            est[..., kinds == 3] = theta[..., tau]
            out[0][..., where] = est
            latent = np.arange(len(self.model.variables)) >= p
            with np.errstate(divide="ignore", invalid="ignore"):
                for k, (scale, residual) in enumerate(
                    ((np.where(latent, sd, 1.0), np.where(latent, own, 1.0)), (sd, own)), 1
                ):
                    directed = scale[..., column] / scale[..., row]
                    both = np.where(
                        row == column,
                        1 / scale[..., row] ** 2,
                        1 / (residual[..., row] * residual[..., column]),
                    )
                    one = 1 / scale[..., row]
                    factor = np.where(kinds == 0, directed, np.where(kinds == 1, both, one))
                    out[k][..., where] = est * factor
        if not self.definitions.terms:
            return out[0], out[1], out[2]
        whole = [np.concatenate([x, self._defined(x)], axis=-1) for x in out]
        return whole[0], whole[1], whole[2]

    def _defined(self, values: Array) -> Array:
        """Return the defined quantities, shape (..., terms), from the values of all parameters."""
        found = self.definitions.evaluate({name: values[..., k] for name, k in self._labels.items()})
        return np.stack([np.broadcast_to(v, values.shape[:-1]) for v in found], axis=-1)

    def labelled(self, theta: Array) -> Array:
        """Return the defined quantities in the parameters' own units, shape (..., terms); theta has shape (..., q)."""
        values = {}
        for name, k in self._labels.items():
            q = self.model.parameters[k]
            if q.free < 0 and q.value is None:  # a moment of exogenous variables, which is the sample's
                return self.read(theta)[0][..., -len(self.definitions.terms) :]
            values[name] = theta[..., q.free] if q.free >= 0 else np.full(theta.shape[:-1], q.value)
        found = self.definitions.evaluate(values)
        return np.stack([np.broadcast_to(v, theta.shape[:-1]) for v in found], axis=-1)

    def errors(self, theta: Array, cov: Array, read: Callable[[Array], Array]) -> Array:
        """Return delta-method standard errors of anything read off the parameters.

        Parameters
        ----------
        theta : ndarray
            Shape (q,).
        cov : ndarray
            Covariances of the parameters, shape (q, q).
        read : callable
            From parameters of shape (..., q) to values of shape (..., k).

        Returns
        -------
        ndarray
            Shape (k,); slopes are central differences.
        """
        slope = self._slopes(theta, cov, read)
        return np.asarray(np.sqrt(np.maximum(np.einsum("qk,qr,rk->k", slope, cov, slope, optimize=True), 0.0)))

    def covariances(self, theta: Array, cov: Array, read: Callable[[Array], Array]) -> Array:
        """Return delta-method covariances of a few things read off the parameters, shape (k, k); as `errors` otherwise."""
        slope = self._slopes(theta, cov, read)
        return np.asarray(slope.T @ cov @ slope)

    @staticmethod
    def _slopes(theta: Array, cov: Array, read: Callable[[Array], Array]) -> Array:
        """Return central differences, shape (q, k)."""
        step = slope_steps(theta, cov)
        moves = np.diag(step)
        return np.asarray((read(theta + moves) - read(theta - moves)) / (2 * step[:, None]))


def slope_steps(theta: Array, cov: Array) -> Array:
    """Return steps for central differences, in units of the parameters or, where these are near zero, of their errors.

    Parameters
    ----------
    theta : ndarray
        Shape (q,).
    cov : ndarray
        Covariances of the parameters, shape (q, q).

    Returns
    -------
    ndarray
        Shape (q,), positive.
    """
    size = np.maximum(np.abs(theta), np.sqrt(np.maximum(np.nan_to_num(np.diag(cov)), 0.0)))
    return _STEP * np.where(size > 0, size, 1.0)
