"""The banner table of a scorecard: its metrics by its segments, or what the params ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from xmresearch.data.answers import plain_word
from xmresearch.data.codebook import Column
from xmresearch.data.survey import Survey
from xmresearch.errors import CodebookError, brief, nearest
from xmresearch.metrics.banner_cells import cell_counts, joined_levels, without_small_cells
from xmresearch.metrics.banner_questions import Question
from xmresearch.metrics.banner_tables import NESTED, BannerTable, banner
from xmresearch.studies.scorecard.asked import Asked, scale_levels
from xmresearch.studies.scorecard.more_params import Banner, BannerQuestion, Net
from xmresearch.studies.scorecard.params import ScorecardParams
from xmresearch.studies.scorecard.rows import WEIGHT, Rows
from xmresearch.studies.scorecard.several_answers import several_answers


def columns_tested(rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams, survey: Survey) -> BannerTable | None:
    """Return the banner table; None without segments, or where people answer several times.

    Parameters
    ----------
    rows : Rows
        In waves.
    asked : tuple of Asked
        The metrics.
    params : ScorecardParams
        Of the study; `banner` says what is tabulated.
    survey : Survey
        Its codebook and what its file says of questions with several answers.

    Returns
    -------
    BannerTable or None

    Raises
    ------
    CodebookError, DataError
        `banner` names an item, answer or column that is not there, or whose cells are no several answers.
    """
    if params.banner is not None:
        return _as_asked(rows, asked, params, params.banner, survey)
    if not params.segments or rows.repeated:
        return None
    return _nets_and_means(
        _tabulated(rows.of(rows.after), rows, [_of_metric(m) for m in asked], params.segments, params)
    )


def _of_metric(metric: Asked) -> Question:
    levels, values = metric.measure.levels, metric.measure.values
    answers: dict[object, str] = {float(v): f"{v:g}" for v in levels}
    high = [float(v) for v, s in zip(levels, values, strict=True) if s == values.max()]
    low = [float(v) for v, s in zip(levels, values, strict=True) if s == values.min()]
    names = ("net_for", "net_against") if metric.paired else ("net_promoters", "net_detractors")
    nets = {"net": dict(zip(names, (high, low), strict=True)), "share": {"net_counted": high}, "mean": {}}
    return Question(metric.item, answers, nets[metric.measure.kind], mean=metric.measure.kind == "mean")


def _tabulated(
    part: pd.DataFrame, rows: Rows, questions: list[Question], columns: list[str | tuple[str, ...]] | list[str],
    params: ScorecardParams, *, weighted: bool = True,
) -> BannerTable:  # fmt: skip
    how = params.banner or Banner(columns=["_"])
    return banner(
        part.reset_index(drop=True), questions, columns, weights=WEIGHT if rows.weighted and weighted else None, family=how.family,
        method=how.correction, min_cell=params.min_cell, confidence=params.confidence,
    )  # fmt: skip


def _nets_and_means(found: BannerTable) -> BannerTable:
    keep = found.table["kind"].isin(["net", "mean"]) & found.table["n"].notna()
    tests = found.tests[found.tests["kind"].isin(["net", "mean"])]
    sizes = tests.groupby(["question", "row", "block"]).size()
    return BannerTable(
        found.table[keep].reset_index(drop=True), tests, found.family, found.method, len(sizes), int(sizes.max()) if len(sizes) else 0,
        found.hidden, found.level,
    )  # fmt: skip


def _as_asked(
    rows: Rows, asked: tuple[Asked, ...], params: ScorecardParams, wanted: Banner, survey: Survey
) -> BannerTable:
    part = rows.of(rows.after)
    frame, questions = part, [_of_metric(m) for m in asked] if not wanted.questions else []
    columns: list[str | tuple[str, ...]] = [k[0] if len(k) == 1 else k for k in wanted.blocks()]
    for one in wanted.questions:
        if one.options is not None:
            more, made = several_answers(one, rows.carried.loc[part.index], survey)
            frame = frame.assign(**{str(c): more[c] for c in more})
        else:
            cells, made = _single(one, rows, part, survey)
            frame = frame.assign(**{one.item: cells})
        questions.append(made)
    plain = _tabulated(frame, rows, questions, columns, params, weighted=False)
    questions = [_joined(q, plain, params.min_cell) for q in questions]
    counts = cell_counts(_tabulated(frame, rows, questions, columns, params, weighted=False))
    return without_small_cells(_tabulated(frame, rows, questions, columns, params), counts, params.min_cell)


def _single(one: BannerQuestion, rows: Rows, part: pd.DataFrame, survey: Survey) -> tuple[pd.Series, Question]:
    """Return an item's answers, with what was said instead of one, and its question."""
    names = [c.name for c in survey.codebook.columns]
    if one.item not in names:
        raise CodebookError(
            f"banner.questions: codebook '{survey.codebook.name}' has no item '{brief(one.item)}'.",
            f"{nearest(one.item, names)} A question with several answers needs 'options'.",
        )
    column = survey.codebook.column(one.item)
    if column.scale.minimum % 1 or column.scale.maximum % 1:
        raise CodebookError(
            f"banner.questions: '{one.item}' runs from {column.scale.minimum:g} to {column.scale.maximum:g}; a banner table needs whole "
            "numbers."
        )
    words = {v: w for w, v in column.scale.values.items()}
    answers: dict[object, str] = {v: f"{v:g}" + (f" {words[v]}" if v in words else "") for v in scale_levels(column)}
    nets = {f"net_{one.item}={k}": _codes(net, column) for k, net in enumerate(one.nets)}
    cells = part[one.item].astype(object)
    said: list[str] = []
    if one.item in rows.apart:
        given = rows.apart.loc[part.index, one.item]
        said = sorted({f"{one.item}={v}" for v in given.dropna()})
        cells = cells.where(given.isna(), [f"{one.item}={v}" for v in given])
    return cells, Question(one.item, {**answers, **{s: s for s in said}}, nets, mean=one.mean, apart=said)


def _codes(net: Net, column: Column) -> list[object]:
    """Return the answers of a net as codes; words are those of the codebook's scale."""
    named = {plain_word(w): v for w, v in column.scale.values.items()}
    known, found = scale_levels(column), []
    for answer in net.answers:
        code = named.get(plain_word(answer), answer) if isinstance(answer, str) else answer
        if code not in known:
            raise CodebookError(
                f"banner.questions: a net of '{column.name}' has the answer '{brief(answer)}', which is not on its scale.",
                f"Its answers run from {known[0]:g} to {known[-1]:g}"
                + (f"; words: {', '.join(map(repr, column.scale.values))}." if column.scale.values else "."),
            )
        found.append(code)
    return list(found)


def _joined(question: Question, plain: BannerTable, min_cell: int) -> Question:
    """Add the answers of a question to its nets, neighbours together until every column has enough of each."""
    if question.several:
        return question
    cells = plain.table[(plain.table["question"] == question.name) & (plain.table["kind"] == "answer")]
    cells = cells.assign(count=(cells["estimate"] * cells["n"]).round().fillna(0.0))
    levels = [v for v in question.answers if v not in question.apart]
    wide = cells.pivot(index="row", columns=["block", "column"], values="count").loc[
        [question.answers[v] for v in levels]
    ]
    blocks = joined_levels(wide.to_numpy(dtype="float64"), min_cell)
    if len(blocks) < 2:
        return replace(question, only_nets=True)
    named = {
        question.answers[levels[b[0]]] + (f" – {question.answers[levels[b[-1]]]}" if len(b) > 1 else ""): [levels[k] for k in b]
        for b in blocks
    }  # fmt: skip
    taken = {tuple(sorted(map(str, codes))) for codes in question.nets.values()}
    own = {label: codes for label, codes in named.items() if tuple(sorted(map(str, codes))) not in taken}
    return replace(question, nets={**question.nets, **own}, only_nets=True)


def banner_rows(found: BannerTable | None, *, weighted: bool) -> pd.DataFrame | None:
    """Return a banner table in the words of reports.

    Parameters
    ----------
    found : BannerTable or None
        None gives None.
    weighted : bool
        Whether the effective numbers are shown as well.

    Returns
    -------
    DataFrame or None
        metric, row_name, segment, value, letter, n, n_eff (where there are weights), estimate (shares in per cent), above.
    """
    if found is None:
        return None
    names = {"question": "metric", "row": "row_name", "block": "segment", "column": "value"}
    factor = np.where(found.table["kind"] == "mean", 1.0, 100.0)
    told = found.table.assign(estimate=found.table["estimate"] * factor, se=found.table["se"] * factor).rename(
        columns=names
    )
    return told if weighted else told.drop(columns="n_eff")


def nested_names(found: BannerTable | None, names: Mapping[str, str]) -> dict[str, str]:
    """Return names of nested columns and their blocks, made of those that they are nested of.

    Parameters
    ----------
    found : BannerTable or None
        None gives no names.
    names : mapping of str to str
        Of columns, and of their values as `column=value`, in one language.

    Returns
    -------
    dict of str to str
    """
    made: dict[str, str] = {}
    pairs = found.table[["block", "column"]].drop_duplicates() if found is not None else pd.DataFrame()
    for block, column in pairs.itertuples(index=False, name=None):
        keys, values = block.split(NESTED), column.split(NESTED)
        if len(keys) > 1 and len(keys) == len(values):
            made[block] = NESTED.join(names.get(k, k) for k in keys)
            made[f"{block}={column}"] = NESTED.join(names.get(f"{k}={v}", v) for k, v in zip(keys, values, strict=True))
    return made
