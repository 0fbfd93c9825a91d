"""Banner tables: questions in the rows, groups in the columns, with tests between columns of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from xmresearch.disclosure import MIN_CELL, hidden_groups
from xmresearch.display import Shown
from xmresearch.errors import DataError, nearest
from xmresearch.metrics.adjusted_tests import Adjustment, adjust
from xmresearch.metrics.banner_questions import Question, Row, rows_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
FamilyOf = Literal["row", "question", "table"]
Columns = Sequence[str | tuple[str, ...]] | Mapping[str, Sequence[str]]
NESTED = " > "
TOTAL = "total"


@dataclass(frozen=True, repr=False)
class BannerTable(Shown):
    """A banner table.

    Attributes
    ----------
    table : DataFrame
        One row per row and column of the banner: question, row, kind (answer, net, apart, mean), block, column, letter, n, n_eff (Kish),
        estimate (a share, or a mean), se, above (letters of the columns of the block that it is significantly above).
    tests : DataFrame
        One row per comparison: question, row, kind, block, first, second (letters), difference, p, p_adjusted.
    family, method : str
        Within what p values are adjusted, and how.
    families : int
        How many families there are, and
    largest : int
        how many comparisons the largest has.
    hidden : int
        Columns left out because they, or what could be worked out from them, are too small.
    level : float
        A letter is given where the adjusted p value is below 1 - level.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    family: str
    method: str
    families: int
    largest: int
    hidden: int
    level: float

    def tidy(self) -> pd.DataFrame:
        """Return one row per row and column of the banner."""
        return self.table

    def wide(self, digits: int = 1) -> pd.DataFrame:
        """Return the table as it is read: one column per group, shares in percent with letters."""
        t = self.table
        factor = np.where(t["kind"] == "mean", 1.0, 100.0)
        text = [
            "" if np.isnan(v) else f"{v:.{digits}f} {a}".strip()
            for v, a in zip(t["estimate"] * factor, t["above"], strict=True)
        ]
        head = [f"{c} ({k})" if k else c for c, k in zip(t["column"], t["letter"], strict=True)]
        index = ["question", "row", "kind"]
        keys = t[index].assign(head=head, text=text)
        order = list(dict.fromkeys(keys[index].itertuples(index=False, name=None)))
        found = keys.pivot(index=index, columns="head", values="text")
        return found.loc[order, list(dict.fromkeys(head))].reset_index()

    def summary(self) -> dict[str, Any]:
        """Return how it was tested."""
        return {
            "columns": self.table["column"].nunique(), "family": self.family, "method": self.method, "families": self.families,
            "largest": self.largest, "significant": int((self.tests["p_adjusted"] < 1 - self.level).sum()), "hidden": self.hidden,
            "level": self.level,
        }  # fmt: skip


def banner(
    frame: pd.DataFrame, questions: Sequence[Question], columns: Columns, *, weights: str | None = None, family: FamilyOf = "row",
    method: Adjustment = "holm", min_cell: int = MIN_CELL, confidence: float = 0.95,
) -> BannerTable:  # fmt: skip
    """Tabulate questions by groups, and test the columns of each block against one another.

    Parameters
    ----------
    frame : DataFrame
        One row per respondent.
    questions : sequence of Question
        Rows.
    columns : sequence of str or tuple of str, or mapping
        Blocks of columns: the values of a column; of a tuple the values of the last within each value of those before it (nested, tested
        within them). A mapping of titles to columns of 0 and 1 gives blocks whose columns may overlap.
    weights : str, optional
        Column of weights above 0.
    family : {'row', 'question', 'table'}
        Comparisons that are adjusted together: those of a row within a block (or, nested, within each outer value), of a question, or all.
    method : str
        Of `adjust`.
    min_cell : int
        Columns of fewer people are left out, and others from which they could be worked out.
    confidence : float
        Level.

    Returns
    -------
    BannerTable
        Shares are compared by the pooled z test at Kish's effective numbers, means by Welch's with linearised variances; what columns
        share is taken into account.

    Raises
    ------
    DataError
        A column is not there or a weight is not above 0; see `rows_of`.

    References
    ----------
    Fleiss, J. L., Levin, B. & Paik, M. C. (2003). Statistical methods for rates and proportions, 3rd ed. Wiley. Kish, L. (1965). Survey
    sampling. Wiley. Welch, B. L. (1947). Biometrika, 34, 28-35.
    """
    w = _weights(frame, weights)
    rows = [row for question in questions for row in rows_of(question, frame)]
    blocks = _blocks(frame, columns)
    hide = hidden_groups({b: [m for _, _, m in members] for b, members in blocks.items()}, max(min_cell, MIN_CELL))
    shown = [(TOTAL, "", "", TOTAL, np.ones(len(frame), dtype=bool))]
    for block, members in blocks.items():
        kept = [m for m, away in zip(members, hide[block], strict=True) if not away]
        shown += [
            (block, letter, outer, name, mask) for letter, (outer, name, mask) in zip(_letters(), kept, strict=False)
        ]
    cells, tests = [], []
    for row in rows:
        found = [_cell(row, mask, w) for *_, mask in shown]
        for (block, letter, _, name, _), cell in zip(shown, found, strict=True):
            small = cell["n"] < max(min_cell, MIN_CELL)
            blank = dict.fromkeys(("n", "n_eff", "estimate", "se"), np.nan) if small else {}
            cells.append(
                {"question": row.question, "row": row.label, "kind": row.kind, "block": block, "column": name, "letter": letter,
                 **cell, **blank, "above": ""}
            )  # fmt: skip
        for a, b in combinations(range(1, len(shown)), 2):
            if shown[a][0] == shown[b][0] and shown[a][2] == shown[b][2]:
                if min(found[a]["n"], found[b]["n"]) < max(min_cell, MIN_CELL):
                    continue
                gap, p = _compare(row, (shown[a][4], shown[b][4]), (found[a], found[b]), w)
                tests.append(
                    (row.question, row.label, row.kind, shown[a][0], shown[a][2], shown[a][1], shown[b][1], gap, p)
                )
    names = ["question", "row", "kind", "block", "outer", "first", "second", "difference", "p"]
    return _finished(
        pd.DataFrame(cells),
        pd.DataFrame(tests, columns=names),
        family,
        method,
        int(sum(h.sum() for h in hide.values())),
        confidence,
    )


def _finished(
    cells: pd.DataFrame, tests: pd.DataFrame, family: FamilyOf, method: Adjustment, hidden: int, confidence: float
) -> BannerTable:
    """Adjust p values within families, and give letters."""
    keys = {"row": ["question", "row", "kind", "block", "outer"], "question": ["question"], "table": []}[family]
    tests["p_adjusted"] = np.nan
    groups = list(tests.groupby(keys, sort=False).indices.values()) if keys else [np.arange(len(tests))]
    for at in groups:
        tests.iloc[at, -1] = adjust(tests["p"].to_numpy()[at], method)
    above: dict[tuple[Any, ...], list[str]] = {}
    for t in tests[tests["p_adjusted"] < 1 - confidence].itertuples():
        higher, lower = (t.first, t.second) if t.difference > 0 else (t.second, t.first)
        above.setdefault((t.question, t.row, t.kind, t.block, higher), []).append(str(lower))
    at_cell = zip(cells["question"], cells["row"], cells["kind"], cells["block"], cells["letter"], strict=True)
    cells["above"] = ["".join(sorted(above.get(key, []), key=lambda c: (len(c), c))) for key in at_cell]
    sizes = [len(at) for at in groups if len(at)]
    return BannerTable(
        cells, tests.drop(columns="outer"), family, method, len(sizes), max(sizes, default=0), hidden, confidence
    )


def _weights(frame: pd.DataFrame, name: str | None) -> Array:
    if name is None:
        return np.ones(len(frame))
    if name not in frame.columns:
        raise DataError(f"The data have no column '{name}'.", nearest(name, map(str, frame.columns)))
    w = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    if not (np.isfinite(w).all() and (w > 0).all()):
        raise DataError(
            f"Weight column '{name}' has a value that is not above zero.", "Every respondent needs a weight."
        )
    return np.asarray(w)


def _blocks(frame: pd.DataFrame, columns: Columns) -> dict[str, list[tuple[str, str, Mask]]]:
    """Return the columns of each block: what they are nested in, their names, and who is in them."""
    if isinstance(columns, Mapping):
        needed = [c for members in columns.values() for c in members]
    else:
        needed = [c for given in columns for c in ((given,) if isinstance(given, str) else given)]
    for name in needed:
        if name not in frame.columns:
            raise DataError(f"The data have no column '{name}'.", nearest(name, map(str, frame.columns)))
    if isinstance(columns, Mapping):
        return {t: [("", c, (frame[c] == 1).to_numpy(dtype=bool)) for c in members] for t, members in columns.items()}
    blocks = {}
    for given in columns:
        names = (given,) if isinstance(given, str) else given
        keys = [frame[n].astype("string") for n in names]
        whole = keys[0].str.cat(keys[1:], sep=NESTED) if len(keys) > 1 else keys[0]
        outer = keys[0].str.cat(keys[1:-1], sep=NESTED) if len(keys) > 2 else keys[0] if len(keys) > 1 else None
        members = []
        for value in sorted(whole.dropna().unique()):
            mask = (whole == value).to_numpy(dtype=bool, na_value=False)
            members.append(("" if outer is None else str(outer[mask].iloc[0]), str(value), mask))
        blocks[NESTED.join(names)] = members
    return blocks


def _letters() -> Any:
    for size in range(1, 4):
        for at in range(26**size):
            yield "".join(chr(65 + at // 26**k % 26) for k in reversed(range(size)))


def _cell(row: Row, mask: Mask, w: Array) -> dict[str, float]:
    at = mask & np.isfinite(row.values)
    y, v = row.values[at], w[at]
    n = len(y)
    if n == 0:
        return {"n": 0.0, "n_eff": 0.0, "estimate": np.nan, "se": np.nan}
    estimate = float(v @ y / v.sum())
    se = float(np.sqrt(n / (n - 1) * (v**2 @ (y - estimate) ** 2)) / v.sum()) if n > 1 else np.nan
    return {"n": float(n), "n_eff": float(v.sum() ** 2 / (v**2).sum()), "estimate": estimate, "se": se}


def _compare(
    row: Row, masks: tuple[Mask, Mask], cells: tuple[dict[str, float], dict[str, float]], w: Array
) -> tuple[float, float]:
    """Return the difference of two columns and its two-sided p value."""
    a, b = cells
    gap = a["estimate"] - b["estimate"]
    there = np.isfinite(row.values)
    first, second = (m & there for m in masks)
    common = first & second
    joint = float((w[common] ** 2).sum() / (w[first].sum() * w[second].sum()))
    if row.kind == "mean":
        y, v = row.values[common], w[common]
        together = float((v**2 * (y - a["estimate"]) * (y - b["estimate"])).sum() / (w[first].sum() * w[second].sum()))
        variance = a["se"] ** 2 + b["se"] ** 2 - 2 * together
        spread = a["se"] ** 4 / (a["n"] - 1) + b["se"] ** 4 / (b["n"] - 1)
        df = (a["se"] ** 2 + b["se"] ** 2) ** 2 / spread if spread > 0 else np.inf
        return gap, float(2 * stats.t.sf(abs(gap) / np.sqrt(variance), df)) if variance > 0 else np.nan
    pooled = (a["estimate"] * a["n_eff"] + b["estimate"] * b["n_eff"]) / (a["n_eff"] + b["n_eff"])
    variance = pooled * (1 - pooled) * (1 / a["n_eff"] + 1 / b["n_eff"] - 2 * joint)
    return gap, float(2 * stats.norm.sf(abs(gap) / np.sqrt(variance))) if variance > 1e-15 else np.nan
