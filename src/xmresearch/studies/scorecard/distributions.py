"""Answers as they were given: shares, banner tables, odds, five grades."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.answers import fitting_scales, plain_word
from xmresearch.errors import DataError, XMError, brief
from xmresearch.metrics.banner_questions import Question
from xmresearch.metrics.banner_tables import BannerTable, banner
from xmresearch.metrics.cumulative_links import cumulative_link
from xmresearch.metrics.public_service_grades import GRADES, service_grades
from xmresearch.studies.scorecard.asked import Asked
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WAVE, WEIGHT, Rows

_SHOWN = 3
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
        metric, answer, n_all, share, side (low, middle or high: of a net score its groups, of others the halves of the scale).
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
                row = {
                    "metric": metric.item,
                    "answer": label,
                    "n_all": int(there.sum()),
                    "share": float(share[block].sum()),
                    "side": word,
                }
                found.append(row)
    return pd.DataFrame(found, columns=["metric", "answer", "n_all", "share", "side"])


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


def columns_tested(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams) -> BannerTable | None:
    """Return nets and means by group, with letters; None without segments, or where people answer several times."""
    if not params.segments or rows.repeated:
        return None
    questions = []
    for metric in asked:
        levels, values = metric.measure.levels, metric.measure.values
        answers: dict[object, str] = {float(v): f"{v:g}" for v in levels}
        high = [float(v) for v, s in zip(levels, values, strict=True) if s == values.max()]
        low = [float(v) for v, s in zip(levels, values, strict=True) if s == values.min()]
        nets = {"net": {"net_promoters": high, "net_detractors": low}, "share": {"net_counted": high}, "mean": {}}
        questions.append(Question(metric.item, answers, nets[metric.measure.kind], mean=metric.measure.kind == "mean"))
    weights = WEIGHT if rows.weighted else None
    found = banner(
        rows.of(rows.after).reset_index(drop=True), questions, params.segments, weights=weights, min_cell=params.min_cell,
        confidence=params.confidence,
    )  # fmt: skip
    keep = found.table["kind"].isin(["net", "mean"]) & found.table["n"].notna()
    tests = found.tests[found.tests["kind"].isin(["net", "mean"])]
    sizes = tests.groupby(["question", "row", "block"]).size()
    return BannerTable(
        found.table[keep].reset_index(drop=True), tests, found.family, found.method, len(sizes), int(sizes.max()) if len(sizes) else 0,
        found.hidden, found.level,
    )  # fmt: skip


def banner_rows(found: BannerTable | None) -> pd.DataFrame | None:
    """Return a banner table in the words of reports: metric, row_name, segment, value, letter, n, estimate (shares in per cent), above."""
    if found is None:
        return None
    names = {"question": "metric", "row": "row_name", "block": "segment", "column": "value"}
    factor = np.where(found.table["kind"] == "mean", 1.0, 100.0)
    return found.table.assign(estimate=found.table["estimate"] * factor, se=found.table["se"] * factor).rename(
        columns=names
    )


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
