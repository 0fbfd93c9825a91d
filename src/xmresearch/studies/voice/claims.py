"""The claims of a study of verbatims: what hurts most, where, with what it goes, what changed and what is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from xmresearch.claims.claim import UNSETTLED, Claim, Condition, cases
from xmresearch.claims.families import count_of
from xmresearch.display import Shown
from xmresearch.studies.voice.evidence import Evidence
from xmresearch.studies.voice.naming import cell_name
from xmresearch.studies.voice.params import VoiceParams

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "worst": cases("first"),
    "places": cases("count"),
    "linked": cases("count"),
    "changed": cases("count"),
    "fresh": cases("count"),
}

MOST_NAMED = 3
"""Cells that a sentence names, of those that stand out most clearly."""


@dataclass(frozen=True, repr=False)
class VoiceClaims(Shown):
    """What the study says; None where there is nothing to claim it of.

    Attributes
    ----------
    worst : Claim or None
        Which theme hurts most: how many complain of it times how badly.
    places : Claim or None
        In how many cells a theme is complained of more, or less, at a touchpoint than elsewhere, by Holm.
    linked : Claim or None
        With complaints of how many themes ratings differ, by Holm.
    changed : Claim or None
        Of how many themes complaints changed, by Holm.
    fresh : Claim or None
        How many topics came up, grew or receded, by Holm.
    """

    worst: Claim | None
    places: Claim | None
    linked: Claim | None
    changed: Claim | None
    fresh: Claim | None


def voice_claims(params: VoiceParams, found: Evidence) -> VoiceClaims:
    """Settle what a study of verbatims may say.

    Parameters
    ----------
    params : VoiceParams
        Of the study.
    found : Evidence
        What was found.

    Returns
    -------
    VoiceClaims
        Claims that rest on themes and sentiment depend on how well both are read, as far as that is known.
    """
    read = reading_conditions(params, found)
    level = params.confidence
    worst = None
    if found.pains is not None:
        row = found.pains.table.iloc[0]
        told = {k: row[k] for k in ("frequency", "frequency_lower", "frequency_upper", "severity")}
        worst = found.pains.worst(n=found.pains.people, **told).given(*read)
    places = linked = changed = fresh = None
    if found.places is not None:
        shown = found.places.table[~found.places.table["hidden"]].sort_values("p", kind="stable")
        cells = shown.assign(cell=[cell_name(t, p) for t, p in shown[["theme", "touchpoint"]].itertuples(index=False)])
        places = _count("places", cells, level, shown["stands"] == "above", shown["stands"] == "below", "cell")
        up, down = (places.facts[side][:MOST_NAMED] for side in ("up", "down"))
        places = places.about(up=up, down=down).given(*read)
    if found.links is not None:
        table = found.links.table.sort_values("p", kind="stable")
        clear = table["p_adjusted"] < 1 - level
        linked = _count(
            "linked", table, level, clear & (table["difference"] < 0), clear & (table["difference"] > 0), "theme"
        )
        linked = linked.about(n=found.links.n).given(*read)
    if found.changes is not None and len(found.changes):
        table = found.changes.sort_values("p", kind="stable")
        changed = _count(
            "changed", table, level, table["verdict"] == "rose", table["verdict"] == "fell", "theme"
        ).given(*read)
    if found.since is not None and found.topics is not None:
        table = found.since.sort_values("p", kind="stable")
        grew = table["change"].isin(["new", "grew"])
        fresh = _count("fresh", table, level, grew, table["change"] == "receded", "topic")
        agrees = bool((found.topics.diagnostics()["status"] == "pass").all())
        fresh = fresh.about(new=table.loc[table["change"] == "new", "topic"].tolist()).given(
            Condition("topics_agree", agrees)
        )
    return VoiceClaims(worst, places, linked, changed, fresh)


def reading_conditions(params: VoiceParams, found: Evidence) -> tuple[Condition, Condition]:
    """Return whether themes and sentiment are read well enough; None where nobody told any.

    A check fails where even the upper end of its interval is below what the params ask for.
    """
    f1 = None if found.codes is None or np.isnan(found.codes.macro_f1) else bool(found.codes.upper >= params.least_f1)
    auc = None
    if found.sentiment is not None:
        rows = found.sentiment.table
        ends = rows.loc[rows["measure"] == "auc", "upper"]
        auc = bool((ends >= params.least_auc).all())
    return Condition("themes_read", f1), Condition("sentiment_read", auc)


def _count(name: str, table: pd.DataFrame, level: float, up: pd.Series, down: pd.Series, of: str) -> Claim:
    """Claim of how many rows something is shown, by the tests of the table, with those on either side."""
    made = count_of(name, [str(k) for k in range(len(table))], table["p"].to_numpy(), confidence=level)
    shown = up | down
    verdict = "all" if len(table) and shown.all() else "some" if shown.any() else UNSETTLED
    return Claim(name, "count", verdict, made.rule, made.promised, level, withheld=made.withheld).about(
        count=int(shown.sum()), total=len(table), up=list(dict.fromkeys(table.loc[up, of])), down=list(dict.fromkeys(table.loc[down, of])),
    )  # fmt: skip


@dataclass(frozen=True, repr=False)
class ReadingChecks(Shown):
    """How well themes and sentiment are read, as checks of the report.

    Attributes
    ----------
    table : DataFrame
        check, value, threshold, status; of what people told, none where they told nothing.
    """

    table: pd.DataFrame

    def diagnostics(self) -> pd.DataFrame:
        """Return check, value, threshold and status."""
        return self.table


def reading_checks(params: VoiceParams, found: Evidence) -> ReadingChecks:
    """Return the checks behind `reading_conditions`: a figure below what is asked for is a warning, an interval below it a failure."""
    rows: list[tuple[str, float, float, str]] = []
    themes, sentiment = (c.holds for c in reading_conditions(params, found))
    if themes is not None and found.codes is not None:
        f1 = found.codes.macro_f1
        rows.append(("themes_read", f1, params.least_f1, _status(f1 >= params.least_f1, held=themes)))
    if sentiment is not None and found.sentiment is not None:
        auc = float(found.sentiment.summary()["auc"])
        rows.append(("sentiment_read", auc, params.least_auc, _status(auc >= params.least_auc, held=sentiment)))
    return ReadingChecks(pd.DataFrame(rows, columns=["check", "value", "threshold", "status"]))


def _status(reached: bool, *, held: bool) -> str:
    return "fail" if not held else "pass" if reached else "warn"
