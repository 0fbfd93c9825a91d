"""The headline figures of two runs, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from xmresearch.claims.change import at_level, changes_of
from xmresearch.params.headline import Headline
from xmresearch.report.wording import DEFAULT_FORMAT, Wording
from xmresearch.run.compare.recorded import RecordedRun, remarked

ENDS = ("estimate", "lower", "upper")


def headline_figures(run: RecordedRun) -> pd.DataFrame:
    """Return the headline figures of a run.

    Parameters
    ----------
    run : RecordedRun
        A finished run.

    Returns
    -------
    DataFrame
        One row per figure: figure (its key), label and unit (in the language of the run), group (its table), estimate, lower, upper, n, format, leads (whether it is the first of all);
        figures without an interval are left out.
    """
    parts = [part for headline in run.study.headline for part in [_of_table(run, headline)] if part is not None]
    columns = ["figure", "label", "unit", "group", *ENDS, "n", "format", "leads"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _of_table(run: RecordedRun, headline: Headline) -> pd.DataFrame | None:
    frame, names = run.frame(headline.table), list(headline.names)
    wanted = [*names, headline.estimate, headline.lower, headline.upper, *filter(None, [headline.only])]
    if frame is None or not set(wanted) <= set(frame.columns):
        return None
    block = run.tables[headline.table]
    labels = [_label(block, frame, names, k, headline.estimate, run.lang) for k in range(len(frame))]
    table = pd.DataFrame({
        "figure": [headline.key(row) for row in frame[names].itertuples(index=False)], "label": labels, "unit": _units(run, headline, frame), "group": headline.table, "leads": headline.leads,
        "name": frame[names[0]].astype(str), "n": frame["n"] if "n" in frame else float("nan"),
        "format": [_format(headline, d) for d in (frame["decimals"] if "decimals" in frame else [2] * len(frame))],
        **{end: frame[getattr(headline, end)].astype(float) for end in ENDS},
    })  # fmt: skip
    if headline.only:
        table = table[frame[headline.only].astype(bool)]
    table = table.dropna(subset=list(ENDS)).drop_duplicates("figure")
    if headline.prefer:
        first = next((n for n in headline.prefer if n in set(table["name"])), None)
        table = table[table["name"] == first]
    return table.drop(columns="name") if len(table) else None


def _label(block: Mapping[str, Any], frame: pd.DataFrame, names: list[str], row: int, estimate: str, lang: str) -> str:
    """Return the words that the run's table has for a figure: its name and, but for plain estimates, what is measured."""
    words = dict(zip(map(str, frame.columns), (w for w, _ in block["sheet"]), strict=True))

    def shown(column: str) -> str:
        word = words[column]
        if word in block["head"] and row < len(block["rows"]):
            return str(block["rows"][row][block["head"].index(word)])
        return str(frame[column].iloc[row])

    name = " / ".join(shown(n) for n in names)
    return remarked(name, "" if estimate == "estimate" else words[estimate], lang)


def _units(run: RecordedRun, headline: Headline, frame: pd.DataFrame) -> list[str]:
    """Return the words for what each figure is counted in; '' where the study does not say."""
    words = Wording(run.lang, {}, words=run.study.words(run.lang))
    keys = frame[headline.counted_in] if headline.counted_in in frame else [headline.counted_in] * len(frame)
    return [words.name(key) if words.has("values", str(key)) else "" for key in keys]


def _format(headline: Headline, decimals: float) -> str:
    if headline.unit == "share":
        return "pct1"
    return f",.{int(decimals)}f" if headline.unit == "scale" else DEFAULT_FORMAT


def side_by_side(before: RecordedRun, after: RecordedRun, correlation: Mapping[str, float]) -> pd.DataFrame:
    """Set the figures that both runs have beside one another, with their changes.

    Parameters
    ----------
    before, after : RecordedRun
        The two.
    correlation : mapping of str to float
        Of the two estimates, by figure, where the same respondents are in both; other figures are of independent samples.

    Returns
    -------
    DataFrame
        From `changes_of`, with figure, label, group, format, leads, n_before, n_after and pairing (paired or independent); at the level of the
        later run.
    """
    then, now, level = headline_figures(before), headline_figures(after), after.level
    for table, own in ((then, before.level), (now, level)):
        ends = at_level(table["estimate"], table["lower"], table["upper"], own, level)
        table[list(ENDS)] = ends.T
    both = then.merge(now, on="figure", suffixes=("_then", "_now"))
    both = both.set_index("figure").reindex([f for f in now["figure"] if f in set(then["figure"])]).reset_index()
    table = pd.DataFrame({
        "figure": both["figure"], "label": both["label_now"], "unit": both["unit_now"], "group": both["group_now"], "format": both["format_now"],
        "leads": both["leads_now"].astype(bool), "n_before": both["n_then"], "n_after": both["n_now"], "before": both["estimate_then"], "before_lower": both["lower_then"],
        "before_upper": both["upper_then"], "after": both["estimate_now"], "after_lower": both["lower_now"],
        "after_upper": both["upper_now"], "correlation": [correlation.get(f, 0.0) for f in both["figure"]],
        "pairing": ["paired" if f in correlation else "independent" for f in both["figure"]],
    })  # fmt: skip
    return changes_of(table, confidence=level)


def without_partner(before: RecordedRun, after: RecordedRun) -> dict[str, list[str]]:
    """Return the labels of figures that only one of two runs has: gone and new."""
    then, now = headline_figures(before), headline_figures(after)
    return {
        "gone": list(then.loc[~then["figure"].isin(now["figure"]), "label"]),
        "new": list(now.loc[~now["figure"].isin(then["figure"]), "label"]),
    }
