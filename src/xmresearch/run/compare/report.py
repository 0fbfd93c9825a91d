"""The report of a comparison: did figures change, what was claimed, and what differs in settings and data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from xmresearch.claims.change import figure_changed, figures_changed
from xmresearch.claims.claim import Claim, Condition
from xmresearch.params.actions import Action
from xmresearch.params.study import Asks
from xmresearch.report.blocks import MIME, Block
from xmresearch.report.compose import Report
from xmresearch.report.wording import labels
from xmresearch.run.compare.difference import Difference
from xmresearch.run.compare.recorded import RecordedRun
from xmresearch.run.compare.targets import held_against, targets_claim
from xmresearch.run.compare.telling import (
    WORDS,
    after_lang,
    free_texts,
    inputs_of,
    rows_of,
    told_of,
    with_words,
)
from xmresearch.run.register import recorded_actions
from xmresearch.run.register_table import WORDS as REGISTER_WORDS
from xmresearch.run.register_table import as_table

MOST_IN_FIGURE = 30
"""Figures up to which changes are drawn."""


@dataclass(frozen=True)
class _Told:
    """What `Report` asks of a study: here the comparison's own words, and no columns or figures of its own."""

    columns: Mapping[str, str]
    asking: Mapping[str, Asks] = field(default_factory=dict)

    @property
    def figures(self) -> Callable[[], Mapping[str, Callable[..., Any]]]:
        """Return the kinds of figure that only it draws: none."""
        return dict

    def words(self, lang: str) -> Path:
        """Return the file of its own words."""
        return WORDS / f"{lang}.yml"


def comparison_claims(found: Difference) -> tuple[Claim, Claim | None] | None:
    """Claim what changed; None where the runs have no figure in common.

    Parameters
    ----------
    found : Difference
        Of two runs.

    Returns
    -------
    tuple of Claim or None
        How many headline figures changed, and whether the first of them did (None where none is the first); conditional where settings
        that give figures their meaning, or the questions, differ.
    """
    if found.figures.empty:
        return None
    given = _conditions(found)
    names, level = list(found.figures["figure"]), found.after.level
    changed = figures_changed("changed", found.figures, names, confidence=level).given(*given)
    first = found.figures.iloc[0]
    if not first["leads"]:
        return changed, None
    told = told_of(first, after_lang(found))
    lead = figure_changed("lead", first, len(names), confidence=level).given(*given)
    return changed, lead.about(
        figure=names[0],
        change=told["change_alone"],
        unit=told["unit_told"],
        was=told["was"],
        now=told["is"],
        interval=told["change_interval"],
    )


def _conditions(found: Difference) -> tuple[Condition, Condition]:
    """Return what every claim of a change depends on."""
    items = None if found.items is None else not found.items
    return Condition("same_settings", not found.meaning), Condition("same_items", items)


def comparison_report(found: Difference, on: date | None = None) -> list[Block]:
    """Write the report of a comparison in the language of the later run.

    Parameters
    ----------
    found : Difference
        Of two runs.
    on : date, optional
        Day of the later data, which due dates of the earlier run's action register are held against.

    Returns
    -------
    list of Block
        In order.
    """
    lang, before, after = after_lang(found), found.before, found.after
    free = free_texts(found)
    names = free | dict(zip(found.figures["figure"], found.figures["label"], strict=True))
    runs = _runs(before, after)
    report = Report(lang, _Told({}), names | {v: v for v in runs.values()}, level=after.level, facts=runs)
    claims = comparison_claims(found)
    report.title(None, after.client)
    report.section("answer")
    report.callout("same_run", tone="warning", when=before.key == after.key)
    report.callout("settings_differ", {"settings": found.meaning}, tone="warning", when=bool(found.meaning))
    report.callout("items_differ", {"items": found.items}, tone="warning", when=bool(found.items))
    report.callout("nothing_common", tone="warning", when=claims is None)
    report.callout("simulated", tone="simulated", when=before.simulated or after.simulated)
    report.say("question")
    if claims is not None:
        changed, lead = claims
        report.cards(changed=changed, lead=lead)
        report.claim(changed, lead)
    actions = recorded_actions(before.folder)
    targets = targets_claim(before, after, actions, _conditions(found))
    report.claim(targets)
    _show_figures(report, found)
    _show_register(report, found, actions, targets, on)
    _show_claims(report, found)
    report.section("settings")
    report.say("settings" if len(found.settings) else "settings_same")
    report.table("settings", found.settings, ["setting", "was", "is", "effect"])
    report.section("data")
    report.say("data")
    report.say("code_differs", None if found.same_code else {})
    report.say("items_unknown", {} if found.items is None else None)
    report.say("lang_differs", None if before.params["lang"] == lang else {})
    report.table("inputs", inputs_of(found), ["what", "was", "is", "same"])
    report.table("rows", rows_of(found), ["what", "was", "is"], formats={"was": ",d", "is": ",d"})
    report.section("checks")
    report.ledger()
    report.section("method")
    report.say("method", alpha=1 - after.level)
    report.say("method_pairs", {} if found.pairing.case == "paired" else None)
    report.say("limits")
    return report.blocks


def _runs(before: RecordedRun, after: RecordedRun) -> dict[str, str]:
    """Return what the two runs are called: by their names or, where these are the same, with their keys."""
    apart = before.name != after.name
    return {
        f"{which}_{part}": value
        for which, run in (("before", before), ("after", after))
        for part, value in (
            ("name", run.name if apart else f"{run.name} {run.key[:8]}"), ("key", run.key), ("title", run.title),
        )
    }  # fmt: skip


def as_notebook(blocks: Sequence[Block]) -> dict[str, Any]:
    """Return blocks as the notebook that the assembler takes, with a cell for each section."""
    cells: list[list[Any]] = [[]]
    for block in blocks:
        if block.kind == "section" and cells[-1]:
            cells.append([])
        cells[-1].append({"output_type": "display_data", "data": {MIME: {"kind": block.kind, **block.content}}})
    return {"cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs": outputs} for outputs in cells]}


def _show_figures(report: Report, found: Difference) -> None:
    report.section("figures", when=not found.figures.empty or any(found.alone.values()))
    alone = [f for part in found.alone.values() for f in part]
    report.say("gone", {"figures": alone} if alone else None)
    if found.figures.empty:
        return
    levels = {"level_before": found.before.level, "level_after": found.after.level}
    report.say("figures", family=int(found.figures["p"].notna().sum()))
    report.say("pairing", found.pairing)
    report.say("level_differs", levels if found.before.level != found.after.level else None)
    first = found.figures["group"].iloc[0]
    drawn = max(found.figures.groupby("group", sort=False), key=lambda part: (len(part[1]), part[0] == first))[1]
    if drawn["format"].nunique() == 1 and 1 < len(drawn) <= MOST_IN_FIGURE:
        percent = bool((drawn["format"] == "pct1").all())
        report.figure(
            "change", "forest", drawn.dropna(subset=["change_lower"]), name="figure", estimate="change", lower="change_lower",
            upper="change_upper", percent=percent,
        )  # fmt: skip
    shown = [
        "figure",
        "was",
        "was_ci_told",
        "is",
        "now_ci_told",
        "change_told",
        "change_interval",
        "p_adjusted",
        "pairing",
    ]
    report.table("figures", with_words(found.figures, after_lang(found)), shown)


def _show_register(
    report: Report, found: Difference, actions: Sequence[Action], targets: Claim | None, on: date | None
) -> None:
    """Show what became of the earlier run's action register; names of owners stand as they were given."""
    if not actions:
        return
    lang, words = after_lang(found), report.wording
    report.section("register")
    report.say("register" if on is None else "register_on", on="" if on is None else on.isoformat())
    frame = held_against(found.before, found.after, actions, targets, on)
    told = frame.assign(**{c: [words.name(v) for v in frame[c]] for c in ("outcome", "late")})
    heads = labels(lang, REGISTER_WORDS / f"{lang}.yml")["register"] | {
        c: words.get("columns", c) for c in ("outcome", "late")
    }
    content = as_table(told, heads, caption=words.get("tables", "register"), note=words.get("notes", "register"))
    report.blocks.append(Block("table", content))


def _show_claims(report: Report, found: Difference) -> None:
    rows = found.claims
    report.section("claims", when=len(rows) > 0)
    differ = (rows["state_before"] != rows["state_after"]) | (rows["verdict_before"] != rows["verdict_after"])
    report.say("claims_same" if not differ.any() else "claims_changed", changed=int(differ.sum()), total=len(rows))
    report.table(
        "claims_compared", rows, ["claim_title", "state_before", "verdict_before", "state_after", "verdict_after"]
    )
    report.table("words_compared", rows, ["claim_title", "said_before", "said_after"])
