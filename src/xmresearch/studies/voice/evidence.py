"""Everything that a study of verbatims finds; what the data do not allow is left out, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.metrics.share_intervals import share_interval
from xmresearch.studies.voice.months import Months, negative_by_month
from xmresearch.studies.voice.params import VoiceParams
from xmresearch.studies.voice.reading import Verbatims, codes_of
from xmresearch.verbatims.aspect_sentiment import aspects, by_theme
from xmresearch.verbatims.before_and_after import theme_changes
from xmresearch.verbatims.codeframes import Codeframe
from xmresearch.verbatims.coding_errors import CodeErrors, code_errors, coder_ceiling
from xmresearch.verbatims.held_out_errors import SentimentErrors, sentiment_errors
from xmresearch.verbatims.links_with_outcomes import ThemeLinks, theme_links
from xmresearch.verbatims.new_topics import topics_since
from xmresearch.verbatims.pain_ranks import PainPoints, pain_points
from xmresearch.verbatims.quotes import exemplars
from xmresearch.verbatims.sentiment import SentimentModel, lexicon_model
from xmresearch.verbatims.sentiment_training import train_sentiment
from xmresearch.verbatims.topics import TopicResult, find_topics
from xmresearch.verbatims.touchpoint_cells import ThemeTouchpoints, theme_touchpoints

EVEN = 0.5
"""Probability of being negative from which on what is said of a theme is a complaint."""
FEWEST_LABELS = 40
"""Texts whose sentiment people told, from which on the model is trained on them."""


@dataclass(frozen=True, repr=False)
class Evidence(Shown):
    """What was found.

    Attributes
    ----------
    themes : DataFrame
        One row per theme: theme, people (who speak of it), share with lower and upper, complaining (their part), positive (mean
        probability that what they say is positive).
    sentiment : SentimentErrors or None
        Errors on texts whose sentiment people told, none of which the model had seen.
    trained : int
        Texts that the model was trained on; 0 where it is the lexicon's.
    codes, ceiling : CodeErrors and DataFrame, or None
        How far themes by rules agree with a person's, and two persons' with one another.
    complaints : DataFrame of bool
        Whether each text complains of each theme.
    pains : PainPoints or None
    places : ThemeTouchpoints or None
    links : ThemeLinks or None
    changes : DataFrame or None
        Of complaints before and after the change.
    months : Months or None
        Negative texts by month.
    topics : TopicResult or None
    since : DataFrame or None
        Topics since the change.
    quotes : DataFrame
        Quotes by theme.
    unread : dict of str to str
        Why a part is missing.
    """

    themes: pd.DataFrame
    sentiment: SentimentErrors | None
    trained: int
    codes: CodeErrors | None
    ceiling: pd.DataFrame | None
    complaints: pd.DataFrame
    pains: PainPoints | None
    places: ThemeTouchpoints | None
    links: ThemeLinks | None
    changes: pd.DataFrame | None
    months: Months | None
    topics: TopicResult | None
    since: pd.DataFrame | None
    quotes: pd.DataFrame
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def measured(self) -> bool:
        """Whether anybody told the sentiment or the themes of texts, so that errors are known."""
        return self.sentiment is not None or self.codes is not None

    @property
    def complains(self) -> NDArray[np.bool_]:
        """Whether each text complains of anything, shape (n,)."""
        return np.asarray(self.complaints.any(axis=1), dtype=bool)

    def complaining(self, said: Verbatims) -> list[str]:
        """Return the texts that complain of anything."""
        return [str(t) for t in said.rows.loc[self.complains, "read"]]

    @property
    def quoted(self) -> bool:
        """Whether there is a quote that may be shown."""
        return not self.quotes.empty

    def sentiment_table(self) -> pd.DataFrame | None:
        """Return the errors of the sentiment with intervals as tables show them; those of the two kinds once where there is no third."""
        if self.sentiment is None:
            return None
        table = self.sentiment.table.rename(columns={"lower": "estimate_lower", "upper": "estimate_upper"})
        both = self.sentiment.confusion["label"].nunique() == 2
        same = table["measure"].isin(["auc", "calibration_error"]) & (table["of"] == "positive")
        return table[~same].reset_index(drop=True) if both else table

    def links_table(self) -> pd.DataFrame | None:
        """Return what complaints go with, intervals named by what they limit."""
        return (
            None
            if self.links is None
            else self.links.table.rename(columns={"lower": "difference_lower", "upper": "difference_upper"})
        )

    def stable(self) -> pd.DataFrame | None:
        """Return how stable the topics are, by language."""
        return None if self.topics is None else self.topics.tried[self.topics.tried["chosen"]]

    def changed(self, day: str | None) -> dict[str, Any] | None:
        """Return when the change was; None where periods are not compared."""
        return None if self.changes is None else {"change": day}

    def left_out(self) -> dict[str, Any] | None:
        """Return which parts are left out for want of data; None where none is."""
        return {"parts": [f"part_{name}" for name in self.unread]} if self.unread else None

    def model(self) -> dict[str, Any]:
        """Return which model read the sentiment, and what is known of its errors."""
        case = "lexicon" if not self.trained else "trained"
        case += "" if self.sentiment else "_unknown"
        told = self.sentiment.summary() if self.sentiment else {}
        return {"case": case, "trained": self.trained, **told}

    def rules(self) -> dict[str, Any]:
        """Return how far themes agree with a person's codes."""
        return {"case": "unknown"} if self.codes is None else {"case": "known", **self.codes.summary()}

    def agreed(self) -> dict[str, Any] | None:
        """Return how far two persons agree on themes, in the mean; None where there is one only."""
        if self.ceiling is None:
            return None
        return {
            "alpha": float(self.ceiling["alpha"].mean()),
            "lowest": float(self.ceiling["alpha"].min()),
            "f1": float(self.ceiling["f1"].mean()),
        }


def examine(params: VoiceParams, said: Verbatims, frame: Codeframe) -> Evidence:
    """Read themes and sentiment of texts, and estimate what hurts.

    Parameters
    ----------
    params : VoiceParams
        Of the study.
    said : Verbatims
        What is analysed.
    frame : Codeframe
        Of the themes.

    Returns
    -------
    Evidence

    Raises
    ------
    DataError
        Labels or codes are none of those that are known.
    """
    read, people, names = said.rows["read"].tolist(), said.people, frame.names
    unread: dict[str, str] = {}
    model, errors, held_out = _model(said, people, params.confidence)
    found = aspects(read, frame, lambda texts: 1 - _negative(model, texts))
    positive = by_theme(found, names, len(read))
    complaints = (1 - positive) > EVEN
    common: dict[str, Any] = {"people": people, "min_cell": params.min_cell, "confidence": params.confidence}
    drawn: dict[str, Any] = {"bootstrap": params.bootstrap, "seed": params.seed}

    def part[T](name: str, make: Callable[[], T], *needs: object) -> T | None:
        if any(n is None for n in needs):
            return None
        try:
            return make()
        except InsufficientData as reason:
            unread[name] = str(reason)
            return None

    place, rating, date = (said.column(c) for c in ("touchpoint", "rating", "date"))
    late = None if date is None or params.change is None else (date >= pd.Timestamp(params.change)).to_numpy()
    dated = None if date is None else date.notna().to_numpy()
    topics = part("topics", lambda: _topics(read, params, people))
    codes, ceiling = _agreement(said, frame, params)
    return Evidence(
        themes=_themes(positive, complaints, people, params),
        sentiment=errors, trained=0 if held_out is None else len(held_out), codes=codes, ceiling=ceiling, complaints=complaints,
        pains=part("pains", lambda: pain_points((1 - positive).where(complaints), **common, **drawn)),
        places=part("places", lambda: theme_touchpoints(complaints, place, **common), place),
        links=part("links", lambda: theme_links(complaints, rating, **common, **drawn), rating),
        changes=part("changes", lambda: _changes(complaints, late, dated, people, params), late),
        months=None if date is None else negative_by_month(model.predict(read, held_out=True), date, held_out, params),
        topics=topics,
        since=part("since", lambda: _since(topics, late, dated, people, params), topics, late),
        quotes=_quotes(said, positive, params),
        unread=unread,
    )  # fmt: skip


def _model(
    said: Verbatims, people: NDArray[Any], confidence: float
) -> tuple[SentimentModel, SentimentErrors | None, pd.DataFrame | None]:
    """Train on the texts whose sentiment people told, where there are enough; measure errors where there are any."""
    labels = said.column("sentiment")
    told = [] if labels is None else np.flatnonzero(labels.notna().to_numpy()).tolist()
    if not told or labels is None:
        return lexicon_model(), None, None
    texts = [said.rows["read"].iloc[i] for i in told]
    given = _labels(labels.iloc[told])
    try:
        if len(told) >= FEWEST_LABELS:
            model, held_out = train_sentiment(texts, given, customers=people[told].tolist())
            return model, sentiment_errors(held_out, confidence=confidence), held_out.set_index(pd.Index(told))
        model = lexicon_model()
        return model, sentiment_errors(model.predict(texts).assign(label=given), confidence=confidence), None
    except InsufficientData:
        return lexicon_model(), None, None


def _labels(column: pd.Series) -> list[object]:
    return [int(v) if v in ("-1", "0", "1") else v for v in column.str.lower()]


def _negative(model: SentimentModel, texts: Any) -> NDArray[np.float64]:
    """Return how negative clauses are, 0 to 1: neutral ones stand in the middle."""
    told = model.predict(texts)
    return np.asarray(np.clip((1 - told["index"].to_numpy(dtype=float)) / 2, 0, 1))


def _agreement(said: Verbatims, frame: Codeframe, params: VoiceParams) -> tuple[CodeErrors | None, pd.DataFrame | None]:
    first, second = (codes_of(said.column(c), frame.names) for c in ("themes", "themes_again"))
    if first is None:
        return None, None
    at, people = first
    given = frame.code([said.rows["read"].iloc[i] for i in at.tolist()])
    errors = code_errors(given, people, confidence=params.confidence, seed=params.seed)
    if second is None:
        return errors, None
    both = np.intersect1d(at, second[0])
    try:
        rows = [
            people.loc[np.searchsorted(at, both)].reset_index(drop=True),
            second[1].loc[np.searchsorted(second[0], both)].reset_index(drop=True),
        ]
        return errors, coder_ceiling(*rows, confidence=params.confidence, seed=params.seed)
    except InsufficientData:
        return errors, None


def _themes(
    positive: pd.DataFrame, complaints: pd.DataFrame, people: NDArray[Any], params: VoiceParams
) -> pd.DataFrame:
    """Count people by theme; a theme of too few is not shown."""
    n = len(np.unique(people))
    speaks, complains = (m.groupby(people).any().sum() for m in (positive.notna(), complaints))
    low, high = share_interval(speaks, n, confidence=params.confidence)
    table = pd.DataFrame(
        {"theme": positive.columns, "people": speaks.to_numpy(), "share": speaks.to_numpy() / n, "share_lower": low, "share_upper": high,
         "complaining": (complains / speaks.where(speaks > 0)).to_numpy(), "positive": positive.mean().to_numpy()}
    )  # fmt: skip
    shown = table[table["people"] >= params.min_cell].sort_values(
        "people", ascending=False, kind="stable", ignore_index=True
    )
    few = (complains.reindex(shown["theme"]).to_numpy() < params.min_cell) & (
        complains.reindex(shown["theme"]).to_numpy() > 0
    )
    return shown.assign(complaining=shown["complaining"].mask(few))


def _changes(
    complaints: pd.DataFrame, late: Any, dated: Any, people: NDArray[Any], params: VoiceParams
) -> pd.DataFrame:
    found = theme_changes(complaints[dated], late[dated], people=people[dated], confidence=params.confidence)
    shown = (found["people_before"] + found["people_after"]) >= params.min_cell
    small = found[["people_before", "people_after"]].apply(lambda c: (c > 0) & (c < params.min_cell)).any(axis=1)
    points = {
        f"points{end}": 100 * found[column]
        for end, column in (("", "change"), ("_lower", "lower"), ("_upper", "upper"))
    }
    return found.assign(**points)[shown & ~small].reset_index(drop=True)


def _since(
    topics: TopicResult | None, late: Any, dated: Any, people: NDArray[Any], params: VoiceParams
) -> pd.DataFrame:
    if topics is None:
        raise InsufficientData("There are no topics.")
    names = topics.table["topic"].tolist()
    found = topics_since(
        topics.topic[dated], late[dated], names=names, people=people[dated], confidence=params.confidence
    )
    terms = dict(zip(names, topics.table["terms"], strict=True))
    few = found[["n_before", "n_after"]].apply(lambda c: (c > 0) & (c < params.min_cell)).any(axis=1)
    held = ["before", "after", "difference", "lower", "upper", "n_before", "n_after"]
    shown = found.assign(terms=found["topic"].map(terms)).astype(dict.fromkeys(held, float))
    shown.loc[few, held] = np.nan
    return shown


def _topics(read: list[str], params: VoiceParams, people: NDArray[Any]) -> TopicResult:
    return find_topics(read, people=people, number=params.topics, min_cell=params.min_cell,
                       confidence=params.confidence, seed=params.seed)  # fmt: skip


def _quotes(said: Verbatims, positive: pd.DataFrame, params: VoiceParams) -> pd.DataFrame:
    """Choose quotes of complaints of each theme: texts that speak of one theme alone come first."""
    alone = positive.notna().sum(axis=1) == 1
    tables = []
    for theme in positive.columns if params.quotes else ():
        bad = ((1 - positive[theme]) > EVEN).to_numpy()
        groups = np.where(bad, theme, "")
        weight = (1 - positive[theme]).fillna(0).to_numpy() + alone.to_numpy()
        tables.append(
            exemplars(
                said.rows["text"].tolist(),
                groups,
                weight=weight,
                people=said.people,
                number=params.quotes,
                min_cell=params.min_cell,
            )
        )
    made = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["group", "quote"])
    return made.rename(columns={"group": "theme"})
