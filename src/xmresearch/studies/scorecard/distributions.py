"""Answers as they were given: shares, odds, five grades."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answers import fitting_scales, plain_word
from xmresearch.disclosure import hidden_counts
from xmresearch.errors import DataError, XMError, brief
from xmresearch.metrics.cumulative_links import cumulative_link
from xmresearch.metrics.public_service_grades import GRADES, service_grades
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WAVE, WEIGHT, Rows

_SHOWN = 3
_PAIRED = {"-1": "net_against", "0": "net_neither", "1": "net_for"}
_BY_DEFAULT: Mapping[str, bool] = {
    "1": True,
    "0": False,
    "默认": True,
    "系统默认": True,
    "主动": False,
    "主动评价": False,
}


def answer_shares(rows: Rows, asked: tuple[Asked, ...], min_cell: int) -> pd.DataFrame:
    """Return the share of each answer in the later wave, empty answers included.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics.
    min_cell : int
        Fewest people who gave an answer, or answers that are put together; a metric with fewer on one side of its scale is left out.

    Returns
    -------
    DataFrame
        metric, answer, n_all, share, side (low, middle or high: of a net score its groups, of others the halves of the scale; apart: what
        was said instead of an answer, as a share of all who said anything, who are its n_all).
    """
    part, found = rows.of(rows.after), []
    for metric in asked:
        y, w = part[metric.item].to_numpy(dtype="float64"), part[WEIGHT].to_numpy()
        there = np.isfinite(y)
        if there.sum() < min_cell:
            continue
        levels = metric.measure.levels
        share = np.array([w[there & (y == v)].sum() for v in levels]) / w[there].sum()
        counts = np.array([(there & (y == v)).sum() for v in levels])
        middle = (levels[0] + levels[-1]) / 2
        sides = np.sign(metric.measure.values) if metric.measure.kind == "net" else np.sign(levels - middle)
        if any(0 < counts[sides == s].sum() < min_cell for s in (-1, 0, 1)):
            continue
        for side, word in ((-1, "low"), (0, "middle"), (1, "high")):
            for block in _blocks(np.flatnonzero(sides == side), counts, min_cell):
                label = f"{levels[block[0]]:g}" + (f"–{levels[block[-1]]:g}" if len(block) > 1 else "")
                label = _PAIRED.get(label, label) if metric.paired else label
                row = {
                    "metric": metric.item,
                    "answer": label,
                    "n_all": int(there.sum()),
                    "share": float(share[block].sum()),
                    "side": word,
                }
                found.append(row)
        found += _apart(rows, part, metric, there, min_cell)
    return pd.DataFrame(found, columns=["metric", "answer", "n_all", "share", "side"])


def _apart(
    rows: Rows, part: pd.DataFrame, metric: Asked, there: NDArray[np.bool_], min_cell: int
) -> list[dict[str, object]]:
    """Return what was said instead of an answer; what too few said stands together, and nothing where all of it is too few."""
    if metric.item not in rows.apart:
        return []
    said, w = rows.apart.loc[part.index, metric.item], part[WEIGHT].to_numpy()
    sizes = said.value_counts()
    small = list(sizes.index[hidden_counts(sizes.to_numpy(), min_cell)])
    names = said.map(lambda v: "other_no_answer" if v in small else f"{metric.item}={v}", na_action="ignore")
    asked = there | said.notna().to_numpy(dtype=bool)
    order = [f"{metric.item}={v}" for v in sorted(sizes.index, key=str) if v not in small] + ["other_no_answer"] * bool(
        small
    )
    if sizes.sum() < min_cell:
        return []
    return [
        {
            "metric": metric.item, "answer": name, "n_all": int(asked.sum()),
            "share": float(w[(names == name).to_numpy(dtype=bool)].sum() / w[asked].sum()), "side": "apart",
        }
        for name in order
    ]  # fmt: skip


def _blocks(at: NDArray[np.int64], counts: NDArray[np.int64], min_cell: int) -> list[list[int]]:
    """Put neighbouring answers together until each block has enough, or nobody; those left over join the block before."""
    blocks: list[list[int]] = []
    run: list[int] = []
    for k in at.tolist():
        if counts[k] == 0 and not run:
            blocks.append([k])
            continue
        run.append(k)
        if counts[run].sum() >= min_cell:
            blocks.append(run)
            run = []
    while run and counts[run].sum() > 0 and blocks:
        run = blocks.pop() + run
        if counts[run].sum() >= min_cell:
            break
    return [*blocks, run] if run else blocks


def odds_of_waves(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams) -> pd.DataFrame | None:
    """Return how the odds of a higher answer changed, for metrics that are means, with the segments held alike.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics.
    params : ScorecardParams
        Of the study.

    Returns
    -------
    DataFrame or None
        metric, odds_ratio with ci_lower and ci_upper, p; None where there is no such metric, one wave, or people answer several times.
    """
    if not rows.before or rows.repeated:
        return None
    both = rows.frame[rows.frame[WAVE].isin([rows.before, rows.after])]
    found = []
    for metric in asked:
        if metric.measure.kind != "mean":
            continue
        part = both.dropna(subset=[metric.item, *params.segments])
        keys = [metric.item, WAVE, *params.segments]
        cells = part.assign(square=part[WEIGHT] ** 2).groupby(keys, sort=True)[[WEIGHT, "square"]].sum().reset_index()
        scale = cells[WEIGHT].sum() / cells["square"].sum()
        x = cells[params.segments].astype(str).assign(later=(cells[WAVE] == rows.after).astype("float64"))
        x = x[[c for c in x if x[c].nunique() > 1]]
        if "later" not in x:
            continue
        try:
            fitted = cumulative_link(
                cells[metric.item], x, frequencies=cells[WEIGHT] * scale, squares=cells["square"] * scale**2 if rows.weighted else None,
                confidence=params.confidence,
            )  # fmt: skip
        except XMError:  # a row of dashes
            found.append({"metric": metric.item, **dict.fromkeys(("odds_ratio", "ci_lower", "ci_upper", "p"), np.nan)})
            continue
        row = fitted.table.set_index("term").loc["later"]
        found.append({
            "metric": metric.item, "odds_ratio": np.exp(row["estimate"]), "ci_lower": np.exp(row["lower"]),
            "ci_upper": np.exp(row["upper"]), "p": row["p"],
        })  # fmt: skip
    return pd.DataFrame(found) if found else None


def filled_in(given: pd.Series, name: str) -> pd.Series:
    """Return where the system filled in the praise: by yes and no in the words that are known, 1 and 0, or 默认 and 主动.

    Raises
    ------
    DataError
        A cell says neither; a blank says no.
    """
    words = given.astype("string").str.strip().map(plain_word, na_action="ignore")
    met = [w for w in words.dropna().unique() if w]
    others = [w for w in met if w not in _BY_DEFAULT]
    forms = fitting_scales(others, 2).get("yes_no", []) if others else []
    if others and len(forms) != 1:
        raise DataError(
            f"default_column: '{brief(name)}' holds {', '.join(repr(brief(w)) for w in others[:_SHOWN])}, which is neither yes nor no.",
            "Write yes where the system filled in the praise, and no where customers gave it.",
        )
    said = {**_BY_DEFAULT, **{w: bool(forms[0][w]) for w in others}}
    return words.map(said).fillna(value=False).astype(bool)


def five_grades(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams) -> pd.DataFrame | None:
    """Return good rates with and without the system's praise; None where no column says which is its."""
    if params.default_column is None:
        return None
    graded = [m for m in asked if list(m.measure.levels) == [float(k + 1) for k in range(len(GRADES))]]
    if not graded:
        return None
    part = rows.of(rows.after)
    praised = filled_in(part[params.default_column], params.default_column)
    codes = part[graded[0].item]
    given = codes if graded[0].measure.values[0] > 0 else len(GRADES) + 1 - codes
    table = service_grades(given, by_default=praised, weights=part[WEIGHT], confidence=params.confidence)
    return table[table["n"] >= params.min_cell].rename(columns={"lower": "share_lower", "upper": "share_upper"})
