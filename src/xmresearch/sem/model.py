"""From terms to a model: lavaan's default parameters, and which of them are equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import ModelError, nearest
from xmresearch.sem.syntax import Term

Array = NDArray[np.float64]
EQUALITIES = (
    "loadings", "intercepts", "means", "thresholds", "regressions", "residuals", "residual.covariances",
    "lv.variances", "lv.covariances",
)  # fmt: skip


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
    group : int
        Position of its group, from 0.
    """

    lhs: str
    op: str
    rhs: str
    label: str
    free: int
    value: float | None
    start: float | None
    group: int = 0


@dataclass(frozen=True, repr=False)
class Model(Shown):
    """A structural equation model.

    Attributes
    ----------
    observed, latent : tuple of str
        Variables, in order of appearance.
    exogenous : tuple of str
        Observed variables that nothing explains; their moments are the sample's (lavaan's fixed.x).
    parameters : tuple of Parameter
        Group by group, in lavaan's order: as written, then those added by default.
    defined : tuple of Term
        `:=` terms.
    groups : tuple of str
        Labels of the groups, in order: `c(a, b)` gives a to the first; one empty label where there are none.
    means : bool
        Whether means are modelled.
    categories : tuple of int
        Thresholds of each observed variable where these are ordered; empty for continuous ones.
    """

    observed: tuple[str, ...]
    latent: tuple[str, ...]
    exogenous: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    defined: tuple[Term, ...]
    groups: tuple[str, ...] = ("",)
    means: bool = False
    categories: tuple[int, ...] = ()

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
        moments = p * (p + 1) // 2 - q * (q + 1) // 2 + (p - q if self.means else 0)
        if self.categories:
            moments = p * (p - 1) // 2 + sum(self.categories)
        return len(self.groups) * moments - self.n_free

    @property
    def fixed(self) -> NDArray[np.bool_]:
        """Which observed variables are exogenous, shape (p,)."""
        return np.array([v in self.exogenous for v in self.observed])

    def in_group(self, group: int) -> tuple[Parameter, ...]:
        """Return the parameters of one group."""
        return tuple(p for p in self.parameters if p.group == group)


def build_model(
    terms: Sequence[Term], columns: Sequence[str], *, groups: Sequence[str] = ("",), group_equal: Sequence[str] = (),
    group_partial: Sequence[str] = (),     means: bool = False, categories: Mapping[str, int] | None = None,
) -> Model:  # fmt: skip
    """Complete a model as lavaan's `sem()` and `cfa()` do.

    Parameters
    ----------
    terms : sequence of Term
        From `parse_model`.
    columns : sequence of str
        Variables of the data.
    groups : sequence of str
        Labels of the groups.
    group_equal : sequence of str
        What is equal in all groups: loadings, intercepts, means, thresholds, regressions, residuals,
        residual.covariances, lv.variances, lv.covariances.
    group_partial : sequence of str
        Parameters that stay free nevertheless, such as 'visual=~x2' or 'x3~1'.
    means : bool
        Whether to model means; they also are where a term asks for it (`~1`).
    categories : mapping of str to int, optional
        Number of thresholds of each ordered variable.

    Returns
    -------
    Model
        First loadings fixed to one unless NA frees them (a label does not; what shares the label of a fixed parameter is
        fixed as well), residual variances (zero for an item that alone
        measures a factor), covariances of exogenous latent variables and of the residuals
        of final outcomes added, observed exogenous variables fixed to the sample. With means: intercepts of observed
        variables free, means of latent ones zero, but free from the second group on where intercepts are equal; those of first-order
        factors are intercepts themselves, equal in all groups (Chen, Sousa & West 2005, Structural Equation Modeling, 12).

    Raises
    ------
    ModelError
        A variable is not in the data, a latent variable has the name of a column, a parameter is given twice.

    Notes
    -----
    Ordered variables: in one group, their underlying responses have unit variance (lavaan's delta parameterisation).
    In several groups, their residuals have unit variance in the first (theta); where thresholds are equal, intercepts
    and residual variances of variables with three or more categories are free in the others, unless they too are equal
    (Wu & Estabrook 2016).
    """
    given = [t for t in terms if t.op != ":="]
    latent = list(dict.fromkeys(t.lhs for t in given if t.op == "=~"))
    observed = _check_names(given, latent, columns)
    explained = {t.lhs for t in given if t.op == "~"} | {t.rhs for t in given if t.op == "=~"}
    explaining = {t.rhs for t in given if t.op == "~"}
    not_fixed = {n for t in given if t.op in ("~~", "~1") for n in (t.lhs, t.rhs)}
    exogenous = tuple(v for v in observed if v not in explained and v not in not_fixed)
    means = means or any(t.op == "~1" for t in given)
    ordered = categories or {}
    if ordered:
        _check_ordered(given, observed, exogenous, latent)
    complete = given + _defaults(given, observed, latent, explained, explaining, exogenous)
    if means:
        have = {t.lhs for t in given if t.op == "~1"}
        complete += [Term(v, "~1", "", 0) for v in [*observed, *latent] if v not in have]
    for v in observed:
        complete += [Term(v, "|", f"t{k + 1}", 0) for k in range(ordered.get(v, 0))]
    numbers = _Numbers(latent, exogenous, ordered, tuple(group_equal), tuple(group_partial), len(groups))
    parameters = [q for g in range(len(groups)) for q in numbers.of_group(complete, g)]
    numbers.check_partial(parameters)
    return Model(tuple(observed), tuple(latent), exogenous, tuple(parameters), tuple(t for t in terms if t.op == ":="),
                 tuple(groups), means, tuple(ordered[v] for v in observed) if ordered else ())  # fmt: skip


def _check_names(given: Sequence[Term], latent: list[str], columns: Sequence[str]) -> list[str]:
    """Return the observed variables in lavaan's order."""
    named = dict.fromkeys(n for t in given for n in ((t.rhs,) if t.op == "=~" else (t.lhs, t.rhs)) if n)
    indicators = list(dict.fromkeys(t.rhs for t in given if t.op == "=~" and t.rhs not in latent))
    observed = indicators + [v for v in _regression_order(given) if v not in latent and v not in indicators]
    observed += [v for v in named if v not in latent and v not in observed]
    for t in given:
        for name in (t.lhs, t.rhs):
            if name and name not in latent and name not in columns:
                raise ModelError(f"Model line {t.line}: the data have no variable '{name}'.", nearest(name, columns))
        if t.op == "=~" and t.lhs in columns:
            raise ModelError(f"Model line {t.line}: '{t.lhs}' is defined by =~ but is also a column of the data.")
    return observed


def _check_ordered(given: Sequence[Term], observed: list[str], exogenous: tuple[str, ...], latent: list[str]) -> None:
    causes = [t for t in given if t.op == "~" and t.rhs in observed]
    if causes or exogenous:
        name = causes[0].rhs if causes else exogenous[0]
        raise ModelError(
            f"Ordered variable '{name}' explains others; ordered variables can only be indicators and outcomes.",
            "Give it a latent variable of its own, or treat the variables as continuous.",
        )
    fixed = [t for t in given if t.op == "~~" and t.lhs == t.rhs and t.lhs not in latent]
    if fixed:
        raise ModelError(
            f"Model line {fixed[0].line}: an ordered variable's residual variance is not a free parameter."
        )


def _regression_order(given: Sequence[Term]) -> list[str]:
    outcomes = [t.lhs for t in given if t.op == "~"]
    return list(dict.fromkeys(outcomes + [t.rhs for t in given if t.op == "~"]))


def _defaults(
    given: Sequence[Term], observed: list[str], latent: list[str], explained: set[str], explaining: set[str],
    exogenous: tuple[str, ...],
) -> list[Term]:  # fmt: skip
    """List the variances and covariances that lavaan adds."""
    have = {frozenset((t.lhs, t.rhs)) for t in given if t.op == "~~"}
    added = [Term(v, "~~", v, 0) for v in [*observed, *latent] if v not in exogenous and frozenset((v,)) not in have]
    free_latent = [v for v in latent if v not in explained]
    measured = {t.rhs for t in given if t.op == "=~"}
    outcomes = {t.lhs for t in given if t.op == "~"} - explaining - measured
    final = [v for v in [*latent, *observed] if v in outcomes]
    for group, start in ((free_latent, 1), (final, 1), (list(exogenous), 0)):
        for i, a in enumerate(group):
            for b in group[i + start :]:
                if frozenset((a, b)) not in have:
                    added.append(Term(a, "~~", b, 0))
    return added


def _single_indicators(terms: Sequence[Term], latent: Iterable[str]) -> set[str]:
    """Return the observed variables that alone measure a factor, whose residual variance is zero unless the text says."""
    items: dict[str, list[str]] = {}
    for t in terms:
        if t.op == "=~":
            items.setdefault(t.lhs, []).append(t.rhs)
    return {names[0] for names in items.values() if len(names) == 1} - set(latent)


class _Numbers:
    """Numbers the free parameters, group by group; equal labels, and what is equal across groups, share a number."""

    def __init__(
        self,
        latent: Sequence[str],
        exogenous: Sequence[str],
        ordered: Mapping[str, int],
        equal: tuple[str, ...],
        partial: tuple[str, ...],
        groups: int,
    ) -> None:
        for name in equal:
            if name not in EQUALITIES:
                raise ModelError(f"group_equal has '{name}', which cannot be made equal.", nearest(name, EQUALITIES))
        self._latent, self._exogenous, self._ordered = set(latent), set(exogenous), ordered
        self._partial = {name.replace(" ", ""): name for name in partial}
        self._equal, self._groups, self._count = equal, groups, 0
        self._labelled: dict[str, int] = {}
        self._held: dict[str, float] = {}
        self._first: dict[tuple[str, str, str], int] = {}
        self._parts: set[str] = set()

    def of_group(self, terms: Sequence[Term], group: int) -> list[Parameter]:
        """Return the parameters of one group, in order; groups must be asked for in turn."""
        found: list[Parameter] = []
        seen: set[tuple[str, frozenset[str], str]] = set()
        marked: set[str] = set()
        mine = [term.in_group(group, self._groups) for term in terms]
        alone = _single_indicators(mine, self._latent)
        self._parts = {t.rhs for t in mine if t.op == "=~"} & self._latent
        for t in mine:
            if t.op == "=~" and t.lhs not in marked:
                marked.add(t.lhs)
                t = t if t.free or t.fixed is not None else replace(t, fixed=1.0)
            if t.op == "~~" and t.lhs == t.rhs and t.line == 0 and t.lhs in alone and not self._ordered:
                t = replace(t, fixed=0.0)
            key = (t.op, frozenset((t.lhs, t.rhs)), t.lhs if t.op != "~~" else "")
            if key in seen:
                raise ModelError(f"Model line {t.line}: '{t.lhs} {t.op} {t.rhs}' is given twice.")
            seen.add(key)
            if t.label and t.fixed is None and not t.free:
                t = replace(t, fixed=self._held.get(t.label))
            if t.label and t.fixed is not None:
                self._held[t.label] = t.fixed
            t = self._default(t, group)
            is_sample = (t.op == "~1" and t.lhs in self._exogenous) or (
                t.op == "~~" and t.lhs in self._exogenous and t.rhs in self._exogenous
            )
            number = -1 if t.fixed is not None or is_sample else self._number(t, group)
            found.append(Parameter(t.lhs, t.op, t.rhs, t.label, number, t.fixed, t.start, group))
        return found

    def _default(self, t: Term, group: int) -> Term:
        """Fix what is not free by default: latent means that the text does not name, and the scale of ordered responses."""
        if t.fixed is not None or t.free or t.label:
            return t
        released = group > 0 and "thresholds" in self._equal and self._ordered.get(t.lhs, 0) > 1
        if t.op == "~1" and t.lhs in self._latent:
            if t.line:
                return t
            moves = group > 0 and "intercepts" in self._equal and "means" not in self._equal
            return t if moves and t.lhs not in self._parts else replace(t, fixed=0.0)
        if self._ordered and t.op == "~1" and not (released and "intercepts" not in self._equal):
            return replace(t, fixed=0.0)
        if self._ordered and t.op == "~~" and t.lhs == t.rhs and t.lhs not in self._latent:
            return t if released and "residuals" not in self._equal else replace(t, fixed=1.0)
        return t

    def _number(self, t: Term, group: int) -> int:
        if t.label and t.label in self._labelled:
            return self._labelled[t.label]
        key = (t.lhs, t.op, t.rhs)
        tied = self._kind(t) in self._equal and "".join(key) not in self._partial
        if not t.label and group and tied and key in self._first:
            return self._first[key]
        number, self._count = self._count, self._count + 1
        if t.label:
            self._labelled[t.label] = number
        self._first.setdefault(key, number)
        return number

    def check_partial(self, parameters: Sequence[Parameter]) -> None:
        """Refuse a partial release of a parameter that the model does not have."""
        known = ["".join((p.lhs, p.op, p.rhs)) for p in parameters]
        for name, given in self._partial.items():
            if name not in known:
                raise ModelError(f"group_partial has '{given}', which is no parameter.", nearest(name, known))

    def _kind(self, t: Term) -> str:
        is_latent = t.lhs in self._latent
        if t.op == "~~" and t.lhs == t.rhs:
            return "lv.variances" if is_latent else "residuals"
        if t.op == "~~":
            return "lv.covariances" if is_latent else "residual.covariances"
        if t.op == "~1":
            return "means" if is_latent else "intercepts"
        return {"=~": "loadings", "~": "regressions", "|": "thresholds"}[t.op]
