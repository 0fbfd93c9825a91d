"""From the rows that a study names to journeys of channels that may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xmresearch.attribution.concerns import Concern
from xmresearch.attribution.irregular import label_concerns, length_concerns
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, nearest
from xmresearch.sufficient.event_log import EventLog
from xmresearch.sufficient.journeys import USED, Journeys, passing
from xmresearch.sufficient.label_forms import OTHER, as_written, form_key, merged_forms
from xmresearch.sufficient.paths import read_paths

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, repr=False)
class Touches(Shown):
    """Journeys of a study.

    Attributes
    ----------
    source : Journeys or EventLog
        What is streamed where times matter.
    journeys : Journeys
        The distinct sequences.
    pool : tuple of str
        Channels that are counted as '(other)'.
    dropped : tuple of str
        Channels whose touches are left out, being too rare to be shown even together.
    rare : dict of str to int
        Touches of those channels, and journeys and conversions that touched nothing else: rare_touchpoints, rare_journeys,
        rare_conversions.
    form : str
        events, paths or journeys.
    shaped : bool
        Whether a rule (mapping, window, gap, repeats, pooling) changed the journeys that were given.
    concerns : tuple of Concern
        What is odd about the log, and what was left out of it for being rare.
    """

    source: Journeys | EventLog
    journeys: Journeys
    pool: tuple[str, ...]
    dropped: tuple[str, ...]
    rare: dict[str, int]
    form: str
    shaped: bool
    concerns: tuple[Concern, ...] = ()

    def costs(self, given: Mapping[str, float] | None) -> dict[str, float] | None:
        """Return what was spent per channel, pooled and left out as the channels are.

        Raises
        ------
        DataError
            A cost is of no channel.
        """
        if given is None:
            return None
        known = {*self.journeys.channels, *self.pool, *self.dropped}
        spent: dict[str, float] = {}
        for name, amount in given.items():
            if name not in known:
                raise DataError(f"A cost is given for '{name}', which is no channel here.", nearest(name, known))
            at = OTHER if name in self.pool else name
            if name not in self.dropped:
                spent[at] = spent.get(at, 0.0) + amount
        return spent

    def stages(self, given: Mapping[str, Sequence[str]] | None) -> dict[str, list[str]] | None:
        """Return the stages without touchpoints that are pooled or left out; None where none is given."""
        if given is None:
            return None
        kept = {name: [c for c in inside if c not in (*self.pool, *self.dropped)] for name, inside in given.items()}
        return {name: inside for name, inside in kept.items() if inside}

    def names(self, given: Mapping[str, Mapping[str, str]], more: Sequence[str] = ()) -> dict[str, dict[str, str]]:
        """Return labels by language in which every channel that has none is called what it is called in the data.

        Parameters
        ----------
        given : mapping of str to mapping of str to str
            Labels by language.
        more : sequence of str
            Other names from the data.
        """
        own = {c: as_written(c) for c in (*self.journeys.channels, *more) if c != OTHER}
        return {lang: own | dict(labels) for lang, labels in given.items()}

    def not_used(self) -> dict[str, int]:
        """Return what was left out or doubtful, rare touchpoints apart from those that a mapping lacks."""
        counts = dict(self.journeys.left_out)
        for rare, rule in _RARE.items():
            counts[rule] = counts.get(rule, 0) - self.rare.get(rare, 0)
        return counts

    def left_out(self) -> pd.DataFrame:
        """Return what was not used: rule, flagged (how often)."""
        counts = self.not_used() | self.rare
        rows = sorted((rule, count) for rule, count in counts.items() if count and rule not in USED)
        return pd.DataFrame(rows, columns=["rule", "flagged"])

    def _head(self) -> Mapping[str, Any]:
        return {
            "form": self.form, "channels": len(self.journeys.channels), "pooled": len(self.pool), "dropped": len(self.dropped),
            "shaped": self.shaped, "source": self.source,
        }  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return journeys, customers, conversions, rate, touches and channels.

        The case is the form, or known where it is journeys whose customers are known.
        """
        journeys = self.journeys
        total, won = float(journeys.weight.sum()), float(journeys.conversions.sum())
        touches = float((journeys.weight * journeys.lengths).sum())
        return {
            "case": "known" if self.form == "journeys" and journeys.customers else self.form, "journeys": total, "customers": journeys.customers, "conversions": won, "nulls": total - won, "rate": won / total,
            "touches": touches, "mean_touches": touches / total, "channels": len(journeys.channels),
            "sequences": len(journeys.merged()), "pooled": len(self.pool), "other": OTHER,
        }  # fmt: skip


_RARE = {
    "rare_touchpoints": "unknown_touchpoints", "rare_journeys": "empty_journeys", "rare_conversions": "empty_conversions",
}  # fmt: skip


def read_touches(
    rows: pd.DataFrame | pl.LazyFrame,
    *,
    form: str,
    columns: Mapping[str, Any],
    mapping: Mapping[str, str] | None = None,
    unknown: str = "raise",
    merge_forms: bool = False,
    max_channels: int = 40,
    min_cell: int = 10,
) -> Touches:
    """Read journeys, and count channels that too few of them touched as one, or leave them out if they are too few even so.

    Parameters
    ----------
    rows : DataFrame or polars.LazyFrame
        Events or paths.
    form : str
        'events'; 'paths' or 'journeys' for rows that hold a whole path.
    columns : mapping of str to object
        Arguments of `EventLog`, or of `read_paths`.
    mapping, unknown
        From touchpoints as written to channels; see `Labels`.
    merge_forms : bool
        Touchpoints that differ in letter case, blanks or Unicode form only are one, under the form that occurs most.
    max_channels : int
        The rarest channels beyond are pooled.
    min_cell : int
        Fewest journeys behind a channel that may be shown.

    Returns
    -------
    Touches

    Raises
    ------
    DataError
        The rows cannot be read; see `EventLog` and `read_paths`.
    InsufficientData
        There are fewer journeys or conversions than may be shown.
    """

    def read(names: Mapping[str, str] | None, rule: str) -> tuple[Journeys | EventLog, Journeys]:
        if form == "events":
            log = EventLog(rows, mapping=names, unknown=rule, **columns)
            return log, log.journeys()
        found = read_paths(rows, mapping=names, unknown=rule, **columns)
        return found, found

    if merge_forms:
        written = read(None, "keep")[1]
        volume = np.bincount(written.codes, np.repeat(written.weight, written.lengths), len(written.channels))
        labels = {as_written(c): float(n) for c, n in zip(written.channels, volume, strict=True)}
        wanted = {form_key(c) for c in columns.get("converting", ())}
        ends = tuple(c for c in labels if form_key(c) in wanted)
        if ends:
            columns = {**columns, "converting": (*columns["converting"], *ends)}
        mapping = merged_forms(labels, mapping)
    source, journeys = read(mapping, unknown)
    for what, count in (("journeys", journeys.weight.sum()), ("conversions", journeys.conversions.sum())):
        if 0 < count < min_cell:
            raise InsufficientData(
                f"There are {count:.0f} {what}; figures of fewer than {min_cell} are never published."
            )
    few, enough = _rare(journeys, max_channels, min_cell)
    pool, dropped = few if enough else (), () if enough else few
    every, rare = journeys.channels, dict.fromkeys(_RARE, 0)
    touched = {c for c, n in zip(every, passing(journeys).sum(axis=1), strict=True) if n > 0}
    if few:
        before = journeys.left_out
        own = {} if mapping is not None and unknown == "drop" else {as_written(c): c for c in every}
        place = own | dict(mapping or {})
        names = {raw: OTHER if c in pool else c for raw, c in place.items() if c not in dropped}
        source, journeys = read(names, "drop")
        rare = {kind: journeys.left_out.get(rule, 0) - before.get(rule, 0) for kind, rule in _RARE.items()}
    shaped = (
        bool(mapping or few or any(columns.get(k) for k in ("lookback", "gap", "max_touches")))
        or columns.get("repeats") == "drop"
    )
    known = [c for c in journeys.channels if c not in (OTHER if pool else None,)]
    concerns = [
        *label_concerns(sorted(touched), known, None if form == "events" else columns.get("separator", ">")),
        *length_concerns(journeys),
    ]
    if rare["rare_conversions"]:
        total = rare["rare_conversions"] + float(journeys.conversions.sum())
        facts = {
            "count": rare["rare_conversions"],
            "conversions": total,
            "touchpoints": len(touched.intersection(dropped)),
            "min_cell": min_cell,
        }
        concerns.append(Concern("rare_conversions", facts))
    return Touches(source, journeys, pool, dropped, rare, form, shaped, tuple(concerns))


def _rare(journeys: Journeys, limit: int, min_cell: int) -> tuple[tuple[str, ...], bool]:
    """Return the channels too rare to be shown and those beyond the limit, and whether they may be shown together."""
    touched = passing(journeys).sum(axis=1)
    size = len(journeys.channels)
    order = np.lexsort((np.arange(size), touched))
    count = max(int((touched < min_cell).sum()), size - limit + 1 if size > limit else 0)
    names = tuple(journeys.channels[k] for k in sorted(order[:count].tolist()))
    return names, bool(count > 1 and touched[order[:count]].sum() >= min_cell)
