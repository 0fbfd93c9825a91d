"""From terms to matrices: lavaan's default parameters, and the reticular action model they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import ModelError, nearest
from xmresearch.sem.syntax import Term

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the model.

    Attributes
    ----------
    lhs, op, rhs, label : str
        As in lavaan.
    free : int
        Position among the free parameters; -1 if fixed.
    value : float or None
        Fixed value; None for a free parameter, and for a moment of exogenous observed variables, which is the sample's.
    start : float or None
        Given start.
    """

    lhs: str
    op: str
    rhs: str
    label: str
    free: int
    value: float | None
    start: float | None


@dataclass(frozen=True)
class Model:
    """A structural equation model of covariances.

    Attributes
    ----------
    observed, latent : tuple of str
        Variables, in order of appearance.
    exogenous : tuple of str
        Observed variables that nothing explains; their moments are the sample's (lavaan's fixed.x).
    parameters : tuple of Parameter
        In lavaan's order: as written, then those added by default.
    defined : tuple of Term
        `:=` terms.
    """

    observed: tuple[str, ...]
    latent: tuple[str, ...]
    exogenous: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    defined: tuple[Term, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Observed, then latent variables: the order of all matrices."""
        return self.observed + self.latent

    @property
    def n_free(self) -> int:
        """Number of distinct free parameters."""
        return 1 + max((p.free for p in self.parameters), default=-1)

    @property
    def df(self) -> int:
        """Degrees of freedom: moments that are modelled, less free parameters."""
        p, q = len(self.observed), len(self.exogenous)
        return p * (p + 1) // 2 - q * (q + 1) // 2 - self.n_free


def build_model(terms: Sequence[Term], columns: Sequence[str]) -> Model:
    """Complete a model as lavaan's `sem()` and `cfa()` do.

    Parameters
    ----------
    terms : sequence of Term
        From `parse_model`.
    columns : sequence of str
        Variables of the data.

    Returns
    -------
    Model
        First loadings fixed to one, residual variances, covariances of exogenous latent variables and of the residuals
        of final outcomes added, observed exogenous variables fixed to the sample.

    Raises
    ------
    ModelError
        A variable is not in the data, a latent variable has the name of a column, a parameter is given twice.
    """
    given = [t for t in terms if t.op not in (":=",)]
    if any(t.op == "~1" for t in given):
        line = next(t.line for t in given if t.op == "~1")
        raise ModelError(f"Model line {line}: intercepts need a mean structure, which is not estimated here.")
    latent = list(dict.fromkeys(t.lhs for t in given if t.op == "=~"))
    named = dict.fromkeys(name for t in given for name in ((t.rhs,) if t.op == "=~" else (t.lhs, t.rhs)))
    indicators = list(dict.fromkeys(t.rhs for t in given if t.op == "=~" and t.rhs not in latent))
    observed = indicators + [v for v in _regression_order(given) if v not in latent and v not in indicators]
    observed += [v for v in named if v not in latent and v not in observed]
    for t in given:
        for name in (t.lhs, t.rhs):
            if name not in latent and name not in columns:
                raise ModelError(f"Model line {t.line}: the data have no variable '{name}'.", nearest(name, columns))
        if t.op == "=~" and t.lhs in columns:
            raise ModelError(f"Model line {t.line}: '{t.lhs}' is defined by =~ but is also a column of the data.")
    explained = {t.lhs for t in given if t.op == "~"} | {t.rhs for t in given if t.op == "=~"}
    explaining = {t.rhs for t in given if t.op == "~"}
    free_variances = {n for t in given if t.op == "~~" for n in (t.lhs, t.rhs)}
    exogenous = tuple(v for v in observed if v not in explained and v not in free_variances)
    complete = _markers(given) + _defaults(given, observed, latent, explained, explaining, exogenous)
    return Model(tuple(observed), tuple(latent), exogenous, _numbered(complete, exogenous),
                 tuple(t for t in terms if t.op == ":="))  # fmt: skip


def _regression_order(given: Sequence[Term]) -> list[str]:
    outcomes = [t.lhs for t in given if t.op == "~"]
    return list(dict.fromkeys(outcomes + [t.rhs for t in given if t.op == "~"]))


def _markers(given: Sequence[Term]) -> list[Term]:
    """Fix the first loading of each factor to one, unless its modifier says otherwise."""
    seen: set[str] = set()
    done = []
    for t in given:
        if t.op == "=~" and t.lhs not in seen:
            seen.add(t.lhs)
            if t.fixed is None and not t.free and not t.label:
                t = replace(t, fixed=1.0)
        done.append(t)
    return done


def _defaults(
    given: Sequence[Term], observed: list[str], latent: list[str], explained: set[str], explaining: set[str],
    exogenous: tuple[str, ...],
) -> list[Term]:  # fmt: skip
    """List the variances and covariances that lavaan adds."""
    have = {frozenset((t.lhs, t.rhs)) for t in given if t.op == "~~"}
    added = [Term(v, "~~", v, 0) for v in [*observed, *latent] if v not in exogenous and frozenset((v,)) not in have]
    free_latent = [v for v in latent if v not in explained]
    final = [v for v in [*latent, *observed] if v in {t.lhs for t in given if t.op == "~"} and v not in explaining]
    for group in (free_latent, final, list(exogenous)):
        start = 0 if group == list(exogenous) else 1
        for i, a in enumerate(group):
            for b in group[i + start :]:
                if frozenset((a, b)) not in have:
                    added.append(Term(a, "~~", b, 0))
    return added


def _numbered(terms: Sequence[Term], exogenous: tuple[str, ...]) -> tuple[Parameter, ...]:
    """Number the free parameters; equal labels share a number."""
    parameters: list[Parameter] = []
    numbers: dict[str, int] = {}
    seen: set[tuple[str, frozenset[str], str]] = set()
    count = 0
    for t in terms:
        key = (t.op, frozenset((t.lhs, t.rhs)), t.lhs if t.op != "~~" else "")
        if key in seen:
            raise ModelError(f"Model line {t.line}: '{t.lhs} {t.op} {t.rhs}' is given twice.")
        seen.add(key)
        sample = t.op == "~~" and t.lhs in exogenous and t.rhs in exogenous
        if t.fixed is not None or sample:
            parameters.append(Parameter(t.lhs, t.op, t.rhs, t.label, -1, t.fixed, t.start))
            continue
        if t.label and t.label in numbers:
            number = numbers[t.label]
        else:
            number, count = count, count + 1
            if t.label:
                numbers[t.label] = number
        parameters.append(Parameter(t.lhs, t.op, t.rhs, t.label, number, None, t.start))
    return tuple(parameters)


class Matrices:
    """The model's implied covariances and their derivatives.

    Parameters
    ----------
    model : Model
        With m variables, p of them observed and listed first.
    sample : ndarray
        Sample covariances, shape (p, p), for the moments of exogenous variables.

    Notes
    -----
    With directed effects A and (co)variances S of all variables, the observed have B S B' in their corner, B = (I - A)^-1
    (McArdle & McDonald 1984).
    """

    def __init__(self, model: Model, sample: Array) -> None:
        at = {v: k for k, v in enumerate(model.variables)}
        self.p, self.m, self.n_free = len(model.observed), len(at), model.n_free
        self._a, self._s = np.zeros((self.m, self.m)), np.zeros((self.m, self.m))
        cells = []
        for q in model.parameters:
            directed = q.op != "~~"
            row, column = (at[q.rhs], at[q.lhs]) if q.op == "=~" else (at[q.lhs], at[q.rhs])
            if q.free >= 0:
                cells.append((directed, row, column, q.free))
                continue
            value = sample[row, column] if q.value is None else q.value
            if directed:
                self._a[row, column] = value
            else:
                self._s[row, column] = self._s[column, row] = value
        frame = np.array(cells, dtype=np.int64).reshape(-1, 4)
        self._directed = frame[frame[:, 0] == 1][:, 1:]
        self._undirected = frame[frame[:, 0] == 0][:, 1:]
        self._free = np.concatenate([self._directed[:, 2], self._undirected[:, 2]])
        self._order = np.argsort(self._free, kind="stable")
        self._one_to_one = len(self._free) == self.n_free

    def fill(self, theta: Array) -> tuple[Array, Array]:
        """Return A and S, each of shape (m, m), at a parameter vector."""
        a, s = self._a.copy(), self._s.copy()
        rows, columns, free = self._directed.T
        a[rows, columns] = theta[free]
        rows, columns, free = self._undirected.T
        s[rows, columns] = theta[free]
        s[columns, rows] = theta[free]
        return a, s

    def total(self, theta: Array) -> Array:
        """Return the covariances of all variables, shape (m, m)."""
        a, s = self.fill(theta)
        b = np.linalg.inv(np.eye(self.m) - a)
        return np.asarray(b @ s @ b.T)

    def implied(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return the implied covariances and their derivatives in factors.

        Parameters
        ----------
        theta : ndarray
            Free parameters, shape (q,).

        Returns
        -------
        implied : ndarray
            Shape (p, p).
        u, v : ndarray
            Shape (cells, p): the derivative with respect to cell k of A or S is u_k v_k' + v_k u_k'. `pooled` sums over
            the cells that share a parameter.
        """
        a, s = self.fill(theta)
        b = np.linalg.inv(np.eye(self.m) - a)
        g = b[: self.p]
        c = b @ s @ g.T
        (a_rows, a_columns, _), (s_rows, s_columns, _) = self._directed.T, self._undirected.T
        u = np.vstack([g.T[a_rows], g.T[s_rows]])
        v = np.vstack([c[a_columns], g.T[s_columns] * np.where(s_rows == s_columns, 0.5, 1.0)[:, None]])
        return np.asarray(c[: self.p]), u, v

    def pooled(self, cells: Array) -> Array:
        """Sum values of cells, along the first axis, into values of free parameters."""
        if self._one_to_one:
            return np.asarray(cells[self._order])
        out = np.zeros((self.n_free, *cells.shape[1:]))
        np.add.at(out, self._free, cells)
        return out
