"""The reticular action model: implied moments, and their first and second derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.sem.model import Model

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Implied(Shown):
    """Implied moments of the observed variables, and their derivatives in factors.

    Attributes
    ----------
    cov : ndarray
        Implied covariances, shape (..., p, p).
    mean : ndarray
        Implied means, shape (..., p); zero without a mean structure.
    u, v : ndarray
        Shape (..., cells, p): the derivative of cov with respect to cell k is u_k v_k' + v_k u_k'.
    w : ndarray
        Shape (..., cells): the derivative of the mean is w_k u_k.
    """

    cov: Array
    mean: Array
    u: Array
    v: Array
    w: Array


class Matrices:
    """The implied moments of one group.

    Parameters
    ----------
    model : Model
        With m variables, p of them observed and listed first.
    cov, mean : ndarray
        Sample covariances, shape (p, p), and means, shape (p,), for the moments of exogenous variables.
    group : int
        Position of the group.

    Notes
    -----
    With directed effects A, (co)variances S and intercepts a of all variables, and B = (I - A)^-1, the moments of all
    variables are B S B' and B a; the observed ones come first (McArdle & McDonald 1984). The free entries of A, of S
    and of a, in this order, are the cells.
    """

    def __init__(self, model: Model, cov: Array, mean: Array | None = None, group: int = 0) -> None:
        at = {v: k for k, v in enumerate(model.variables)}
        self.p, self.m, self.n_free, self.means = len(model.observed), len(at), model.n_free, model.means
        self._a, self._s, self._c = np.zeros((self.m, self.m)), np.zeros((self.m, self.m)), np.zeros(self.m)
        self._unit = bool(model.categories) and len(model.groups) == 1
        cells: tuple[list[tuple[int, int, int]], ...] = ([], [], [])
        for q in model.in_group(group):
            if q.op == "|":
                continue
            kind = {"~~": 1, "~1": 2}.get(q.op, 0)
            row = at[q.rhs] if q.op == "=~" else at[q.lhs]
            column = at[q.lhs] if q.op == "=~" else at.get(q.rhs, 0)
            if q.free >= 0:
                cells[kind].append((row, column, q.free))
            elif kind == 0:
                self._a[row, column] = q.value
            elif kind == 1:
                self._s[row, column] = self._s[column, row] = cov[row, column] if q.value is None else q.value
            elif q.value is not None:
                self._c[row] = q.value
            elif mean is not None:
                self._c[row] = mean[row]
        self._directed, self._undirected, self._intercepts = (
            np.array(found, dtype=np.int64).reshape(-1, 3).T for found in cells
        )
        if self._unit:
            self._s[range(self.p), range(self.p)] = 0.0
        self._free = np.concatenate([self._directed[2], self._undirected[2], self._intercepts[2]])
        self._order = np.argsort(self._free, kind="stable")
        self._one_to_one = np.array_equal(self._free[self._order], np.arange(self.n_free))
        self._distinct = len(np.unique(self._free)) == len(self._free)
        self._halves = np.where(self._undirected[0] == self._undirected[1], 0.5, 1.0)

    def fill(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return A and S, each of shape (..., m, m), and the intercepts, shape (..., m), at parameters (..., q)."""
        lead = theta.shape[:-1]
        a, s, c = (_repeated(x, lead) for x in (self._a, self._s, self._c))
        rows, columns, free = self._directed
        a[..., rows, columns] = theta[..., free]
        rows, columns, free = self._undirected
        s[..., rows, columns] = s[..., columns, rows] = theta[..., free]
        rows, _, free = self._intercepts
        c[..., rows] = theta[..., free]
        if self._unit:
            b = np.linalg.inv(np.eye(self.m) - a)
            at = np.arange(self.p)
            s[..., at, at] = 1 - np.diagonal(b @ s @ np.swapaxes(b, -1, -2), axis1=-2, axis2=-1)[..., : self.p]
        return a, s, c

    def total(self, theta: Array) -> tuple[Array, Array]:
        """Return the covariances (..., m, m) and the means (..., m) of all variables."""
        a, s, c = self.fill(theta)
        b = np.linalg.inv(np.eye(self.m) - a)
        return b @ s @ np.swapaxes(b, -1, -2), (b @ c[..., None])[..., 0]

    def implied(self, theta: Array) -> Implied:
        """Return the implied moments and their derivatives at parameters of shape (..., q)."""
        a, s, c = self.fill(theta)
        b = np.linalg.inv(np.eye(self.m) - a)
        gt = np.swapaxes(b[..., : self.p, :], -1, -2)
        full = b @ s @ gt
        eta = (b @ c[..., None])[..., 0]
        (a_rows, a_columns, _), (s_rows, s_columns, _) = self._directed, self._undirected
        blank = np.zeros((*theta.shape[:-1], len(self._intercepts[0]), self.p))
        u = np.concatenate([gt[..., a_rows, :], gt[..., s_rows, :], gt[..., self._intercepts[0], :]], axis=-2)
        v = np.concatenate([full[..., a_columns, :], gt[..., s_columns, :] * self._halves[:, None], blank], axis=-2)
        w = np.zeros(u.shape[:-1])
        w[..., : len(a_rows)] = eta[..., a_columns]
        w[..., len(a_rows) + len(s_rows) :] = 1.0
        return Implied(full[..., : self.p, :], eta[..., : self.p], u, v, w)

    def pooled(self, cells: Array) -> Array:
        """Sum values of cells, along the first axis, into values of free parameters."""
        if self._one_to_one:
            return np.asarray(cells[self._order])
        out = np.zeros((self.n_free, *cells.shape[1:]))
        if self._distinct:
            out[self._free] = cells
            return out
        np.add.at(out, self._free, cells)
        return out

    def pooled_both(self, cells: Array) -> Array:
        """Sum a (cells, cells) matrix along both axes."""
        return self.pooled(self.pooled(cells).T).T

    def curvature(self, theta: Array, residual: Array, slope: Array) -> Array:
        """Return the second derivatives of tr(residual cov) / 2 + slope'mean, both held fixed.

        Parameters
        ----------
        theta : ndarray
            Free parameters, shape (q,).
        residual : ndarray
            Symmetric, shape (p, p).
        slope : ndarray
            Shape (p,).

        Returns
        -------
        ndarray
            Shape (q, q).
        """
        a, s, c = self.fill(theta)
        b = np.linalg.inv(np.eye(self.m) - a)
        g = b[: self.p]
        total, eta = b @ s @ b.T, b @ c
        pulled, crossed, lean = g.T @ residual @ g, g.T @ residual @ total[: self.p], g.T @ slope
        (i, j, _), (k, r, _), (h, _, _) = self._directed, self._undirected, self._intercepts
        n, ns = len(i), len(i) + len(k)
        cells = np.zeros((len(self._free), len(self._free)))
        turn = b[np.ix_(j, i)]
        both = turn.T * crossed[np.ix_(i, j)].T
        cells[:n, :n] = both + both.T + pulled[np.ix_(i, i)] * total[np.ix_(j, j)]
        means = lean[:, None][i].T * turn.T * eta[j][:, None]
        cells[:n, :n] += means + means.T
        mixed = (pulled[np.ix_(i, k)] * b[np.ix_(j, r)] + pulled[np.ix_(i, r)] * b[np.ix_(j, k)]) * self._halves
        cells[:n, n:ns], cells[n:ns, :n] = mixed, mixed.T
        shift = lean[i][:, None] * b[np.ix_(j, h)]
        cells[:n, ns:], cells[ns:, :n] = shift, shift.T
        return self.pooled_both(cells)


def _repeated(x: Array, lead: tuple[int, ...]) -> Array:
    """Return copies of an array, shape (*lead, *x.shape)."""
    out = np.empty((*lead, *x.shape))
    out[...] = x
    return out
