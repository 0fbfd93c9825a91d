"""A survey that is checked, screened and ready to analyse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.anonymity import Anonymity
from xmresearch.data.answer_store import StreamedAnswers
from xmresearch.data.answers import Conversion
from xmresearch.data.apart_answers import apart_answers
from xmresearch.data.codebook import RATED, Codebook
from xmresearch.data.delimited import require_unique_columns
from xmresearch.data.drawn import LEAST_CLUSTERS, Drawn, category_labels, read_drawn
from xmresearch.data.formats.table import Table
from xmresearch.data.sampling_params import SamplingParams
from xmresearch.data.screening import ScreeningLog, numeric_items, require_in_range, screen
from xmresearch.data.screening_params import Screening
from xmresearch.data.survey_checks import check_columns, check_items
from xmresearch.data.weights import effective_n, positive_weights
from xmresearch.disclosure import MIN_CELL
from xmresearch.display import Shown
from xmresearch.errors import CodebookError, DataError, InsufficientData, Problems

MAX_SEGMENT_LEVELS = 40


@dataclass(frozen=True, repr=False)
class Survey(Shown):
    """A screened survey.

    Attributes
    ----------
    frame : DataFrame
        One row per respondent kept: items as float64 (reverse-keyed ones recoded so that high is good) and the
        segment columns as text; `StreamedAnswers` of a survey that is larger than is read at once.
    codebook : Codebook
        Of the columns that the data have.
    weights : ndarray or None
        Design weights, shape (n,), as given; None for a self-weighting sample.
    segments : tuple of str
        Names of the segment columns.
    log : ScreeningLog
        What screening did.
    source : str
        What the rows are: file name, data set or scenario.
    truth : DataFrame or None
        For a simulated survey, the declared values: quantity, id, level, truth.
    notes : tuple of str
        Things a reader must know, such as optional batteries that the data lack.
    population : tuple of Series and DataFrame, or None
        For a simulated survey, the exact mean and covariance of its answers, before blanks, careless respondents and
        recoding; of what the weights restore where there are weights.
    table : Table or None
        What the file said of its rows, without them; None where the rows came from no file.
    conversions : tuple of Conversion
        How answers in words became numbers.
    anonymity : Anonymity or None
        How far the people in the file hide among others; None where the rows came from no file.
    clusters : ndarray of str or None
        What each respondent was drawn with, shape (n,); None where respondents were drawn one by one.
    texts : DataFrame
        Answers in respondents' own words, one row per respondent kept, scrubbed of identifiers and names; without columns unless
        data.protect.free_text is scrubbed.
    apart : DataFrame
        Under the items that have any: what each respondent kept said instead of an answer, such as "don't know"; None where nothing.
    carried : DataFrame
        Further columns as they were read, one row per respondent kept.
    drawn : Drawn or None
        How respondents were drawn, as `sampling` says; None where nothing was said.
    respondents : DataFrame
        Who is in which row, one row per respondent kept: row (number in the data, from 0) and, where the params name a column of
        identifiers, id (as protected). It tells whether two runs have the same respondents, and is shown nowhere.
    """

    frame: pd.DataFrame
    codebook: Codebook
    weights: NDArray[np.float64] | None
    segments: tuple[str, ...]
    log: ScreeningLog
    source: str
    truth: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())
    population: tuple[pd.Series, pd.DataFrame] | None = None
    table: Table | None = None
    conversions: tuple[Conversion, ...] = ()
    anonymity: Anonymity | None = None
    clusters: NDArray[np.object_] | None = None
    texts: pd.DataFrame = field(default_factory=pd.DataFrame)
    apart: pd.DataFrame = field(default_factory=pd.DataFrame)
    carried: pd.DataFrame = field(default_factory=pd.DataFrame)
    drawn: Drawn | None = None
    respondents: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def read_from(self) -> tuple[tuple[Table, float], ...]:
        """What the file said of its rows, and how many were read."""
        return () if self.table is None else ((self.table, self.log.received),)

    @property
    def streamed(self) -> bool:
        """Whether there are more rows than are held in memory, so that figures are made of statistics."""
        return isinstance(self.frame, StreamedAnswers)

    def on_statistics(self) -> dict[str, Any] | None:
        """Return what must be said of a survey that is streamed; None of any other."""
        return {"rows": self.log.received} if self.streamed else None

    @property
    def simulated(self) -> bool:
        """Whether the rows were simulated."""
        return self.truth is not None

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> dict[str, dict[str, str]]:
        """Labels of the survey's identifiers, by language."""
        return {lang: self.codebook.label_map(lang) for lang in ("en", "zh")}

    def sampled(self, weight_column: str | None, cluster_column: str | None) -> pd.DataFrame:
        """Return the rows with the weights and clusters under these names; a name that is None adds nothing."""
        given = {weight_column: self.weights, cluster_column: self.clusters}
        added = {name: values for name, values in given.items() if name is not None and values is not None}
        return self.frame.assign(**added) if added else self.frame

    def summary(self) -> dict[str, Any]:
        """Return how many respondents there are and what they are worth."""
        n_eff = effective_n(self.weights, len(self))
        return {
            "case": "unweighted" if self.weights is None else "weighted", "n": len(self), "n_eff": n_eff,
            "deff": len(self) / n_eff, "received": self.log.received, "missing_share": 100 * self.log.missing_share,
            "source": self.source, "instrument": self.codebook.name, "scale": self._answered_on(),
            **self._asked(),
        }  # fmt: skip

    def _answered_on(self) -> str:
        """Return the answer scales in words, such as 1–7, the most used first: of what is rated, or else of all that was asked."""
        asked = [c for c in self.codebook.columns if c.kind in RATED] or self.codebook.columns
        count = Counter(f"{c.scale.minimum:g}–{c.scale.maximum:g}" for c in asked)
        return ", ".join(scale for scale, _ in count.most_common()).replace("-", "−")

    def _asked(self) -> dict[str, int]:
        """Return how many statements in how many dimensions were asked: in pairs, or in the one battery that there is."""
        book = self.codebook
        kinds = (
            ("gap",)
            if book.names("gap")
            else ("expectation", "perception")
            if book.names("expectation")
            else ("perception",)
        )
        return {
            "statements": len(book.statements(*kinds)),
            "dimensions": len({c.construct for c in book.select(kinds[-1])}),
        }

    def _head(self) -> Mapping[str, Any]:
        return self.summary()

    def _tables(self) -> Mapping[str, pd.DataFrame]:
        return {"Screening": self.log.rules}

    def absent(self) -> dict[str, Any] | None:
        """Return what the instrument offers but this survey did not ask; None if it asked everything."""
        return {"absent": list(self.notes)} if self.notes else None

    def response(self, invited: int | None) -> dict[str, Any]:
        """Return the response rate in per cent, if the number of people invited is known."""
        if invited is None:
            return {"case": "unstated"}
        if invited < self.log.received:
            raise DataError(
                f"invited is {invited}, but {self.log.received} respondents answered.", "Correct 'invited'."
            )
        return {"case": "stated", "invited": invited, "rate": 100 * self.log.received / invited}


def require_pairs(codebook: Codebook) -> None:
    """Raise CodebookError unless every expectation has its perception, and the other way round."""
    expected, perceived = set(codebook.statements("expectation")), set(codebook.statements("perception"))
    if not expected or not perceived:
        lacking = "expectation" if not expected else "perception"
        raise CodebookError(
            f"Codebook '{codebook.name}' has no {lacking} items, so there are no gaps to measure.",
            "A SERVQUAL study needs each statement asked twice: as an expectation and as a perception.",
        )
    for missing, have, lack in (
        (expected - perceived, "expectation", "perception"),
        (perceived - expected, "perception", "expectation"),
    ):
        if missing:
            alone = [s for s in codebook.statements(have) if s in missing]
            raise CodebookError(
                f"Codebook '{codebook.name}': statement(s) {', '.join(repr(s) for s in alone[:5])} have an {have} "
                f"item ('{codebook.item(have, alone[0]).name}') but no {lack} item.",
                f"Add the {lack} column, or remove the statement.",
            )
    for statement in codebook.statements("expectation", "perception"):
        e, p = codebook.item("expectation", statement), codebook.item("perception", statement)
        if (e.scale, e.construct, e.reverse) != (p.scale, p.construct, p.reverse):
            raise CodebookError(
                f"Codebook '{codebook.name}': '{e.name}' and '{p.name}' ask statement '{statement}' but differ in scale, "
                "construct or direction, so their difference means nothing.",
                "Give both the same scale, construct and reverse flag.",
            )


def prepare_survey(
    raw: pd.DataFrame,
    codebook: Codebook,
    *,
    screening: Screening | None = None,
    id_column: str | None = None,
    weight_column: str | None = None,
    duration_column: str | None = None,
    cluster_column: str | None = None,
    sampling: SamplingParams | None = None,
    segments: Sequence[str] = (),
    source: str = "table",
    truth: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (),
    population: tuple[pd.Series, pd.DataFrame] | None = None,
    table: Table | None = None,
    texts: Sequence[str] = (),
    apart: Mapping[str, pd.Series] | None = None,
    carried: Sequence[str] = (),
) -> Survey:
    """Check a table against its codebook, screen it and recode reverse-keyed items.

    Parameters
    ----------
    raw : DataFrame
        One row per respondent.
    codebook : Codebook
        What the columns measure; each must be in the table.
    screening : Screening, optional
        The rules; the defaults if absent.
    id_column, weight_column, duration_column, cluster_column : str, optional
        Respondent identifier, design weight (> 0), length of the interview in seconds, what respondents were drawn with.
    sampling : SamplingParams, optional
        Strata, clusters, sizes and margins of the population; `xmresearch.sampling.survey_sample` makes a design of them.
    segments : sequence of str
        Columns to report by.
    source : str
        What the rows are, for the report.
    truth : DataFrame, optional
        Declared values of a simulated survey.
    notes : tuple of str
        Passed on to the survey.
    population : tuple of Series and DataFrame, optional
        Exact mean and covariance of a simulated survey's answers.
    table : Table, optional
        What the file said of its rows, without them; passed on to the survey.
    texts : sequence of str
        Columns of answers in respondents' own words, passed on to the survey.
    apart : mapping of str to Series, optional
        What was blanked when the file was read because it says that there is no answer, by column; see `Table.apart`.
    carried : sequence of str
        Further columns, passed on to the survey as they are.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        A column is missing or there twice; an answer is no number or outside its scale; a weight is not positive; a cluster is blank; a
        segment is empty; the design of the sample cannot be as given. What is wrong in several places is said of all of them.
    InsufficientData
        Fewer than ten respondents are left, an item has no answer at all, or there is a single cluster.
    """
    problems = Problems()
    with problems.step():
        require_unique_columns(raw)
    problems.settle()
    rules = screening or Screening()
    given = {
        "id_column": id_column, "weight_column": weight_column, "duration_column": duration_column,
        "cluster_column": cluster_column,
    }  # fmt: skip
    asked = {k: v for k, v in given.items() if v is not None} | (sampling.columns if sampling else {})
    check_columns(raw, codebook, asked, segments, problems)
    there = {k: v if v in raw.columns else None for k, v in given.items()}
    raw, silent = apart_answers(raw.reset_index(drop=True), codebook, apart)
    items, conversions = numeric_items(raw, codebook, problems, table.doubts if table is not None else {})
    if rules.out_of_range.action == "error":
        items = require_in_range(items, codebook, problems)
    sound = not problems.errors
    present = codebook if sound else replace(codebook, columns=tuple(c for c in codebook.columns if c.name in items))
    keep = np.ones(len(raw), dtype=bool)
    log = None
    with problems.step():
        items, keep, log = screen(
            raw, items, present, rules, id_column=there["id_column"], duration_column=there["duration_column"]
        )
    frame = (items if keep.all() else items.loc[keep]).reset_index(drop=True)
    if log is not None and log.kept < MIN_CELL:
        problems.errors.append(
            InsufficientData(
                f"{log.kept} of {log.received} respondent(s) are left after screening; a report needs at least "
                f"{MIN_CELL}.",
                "Groups that small are never published.",
            )
        )
    elif sound:
        check_items(frame, codebook, problems, error_on_constant=rules.constant_items.action == "error")
    for column in codebook.columns:
        if column.reverse and column.name in frame:
            frame[column.name] = column.scale.minimum + column.scale.maximum - frame[column.name]
    weights = None
    if there["weight_column"] is not None:
        with problems.step():
            weights = positive_weights(raw.loc[keep, there["weight_column"]], there["weight_column"])
    clusters = None
    if there["cluster_column"] is not None:
        with problems.step():
            clusters = _clusters(raw.loc[keep, there["cluster_column"]], there["cluster_column"])
    drawn = read_drawn(raw.loc[keep], sampling, problems) if sampling else None
    for name in segments:
        with problems.step():
            if name in raw.columns:
                frame[name] = _segment(raw.loc[keep, name], name)
    problems.settle()
    return Survey(
        frame,
        codebook,
        weights,
        tuple(segments),
        log,
        source,
        truth,
        notes,
        population,
        table,
        conversions,
        clusters=clusters,
        texts=raw.loc[keep, list(texts)].reset_index(drop=True),
        apart=silent.loc[keep].reset_index(drop=True),
        carried=raw.loc[keep, list(carried)].reset_index(drop=True),
        drawn=drawn,
        respondents=_respondents(raw.loc[keep], there["id_column"]),
    )


def _respondents(kept: pd.DataFrame, id_column: str | None) -> pd.DataFrame:
    """Return the row numbers and identifiers of those kept."""
    given = {"row": kept.index.to_numpy()} | ({"id": kept[id_column].to_numpy()} if id_column is not None else {})
    return pd.DataFrame(given)


def _clusters(given: pd.Series, name: str) -> NDArray[np.object_]:
    text = category_labels(given)
    blank = text.isna()
    if blank.any():
        raise DataError(
            f"Cluster column '{name}', data row {int(given.index[int(blank.to_numpy().argmax())]) + 1}: blank "
            f"({int(blank.sum())} such row(s)).",
            "Every respondent needs a cluster; give one who was drawn alone a cluster of their own.",
        )
    if text.nunique() < LEAST_CLUSTERS:
        raise InsufficientData(
            f"Cluster column '{name}' has a single cluster; standard errors need at least {LEAST_CLUSTERS}.",
            "Leave cluster_column out, or name another column.",
        )
    codes: NDArray[np.object_] = text.to_numpy(dtype=object)
    return codes


def _segment(given: pd.Series, name: str) -> pd.Series:
    text = category_labels(given)
    if text.notna().sum() == 0:
        raise DataError(f"Segment column '{name}' is empty.", "Remove it from 'segments', or fill it.")
    levels = text.nunique()
    if levels > MAX_SEGMENT_LEVELS:
        raise DataError(
            f"Segment column '{name}' has {levels} different values; at most {MAX_SEGMENT_LEVELS} can be reported.",
            "Group them first (age into bands, dates into quarters).",
        )
    return text.astype(object).where(text.notna(), None).reset_index(drop=True)
