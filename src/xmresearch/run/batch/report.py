"""The summary of a batch: what its runs say, whether they differ, what each of them claims once corrected, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.params.study import Study
from xmresearch.report.blocks import Block
from xmresearch.report.wording import escaped, in_line, labels
from xmresearch.run.batch.claims import STATES, by_claim, by_run, claims_over, counts
from xmresearch.run.batch.figures import OverRuns, SaidOver, figures_over, said_over
from xmresearch.run.batch.finished import Ended, Finished
from xmresearch.run.batch.naming import WORDS, command_of
from xmresearch.run.batch.part import Part, titled
from xmresearch.run.batch.sweep import Sweep
from xmresearch.run.compare.recorded import remarked

MOST_LISTED = 6
"""Runs that a sentence names; the others are counted."""
_ON_CARDS = ("differ", "off_zero", "highest", "lowest")
_POOLED = ["run", "pooled", "pooled_ci", "rank_told", "p_highest", "p_lowest", "p_mean"]


def summary_report(sweep: Sweep, ended: Ended, lang: str, level: float) -> list[Block]:
    """Write the summary of a batch.

    Parameters
    ----------
    sweep : Sweep
        What was run.
    ended : Ended
        How it ended.
    lang : {'en', 'zh'}
        Language.
    level : float
        Of all intervals.

    Returns
    -------
    list of Block
        In order.
    """
    studies = _by_study(ended.whole)
    said, left = _said(studies, sweep.exchangeable, level, lang)
    claimed = {name: claims_over(runs, level, lang) for name, (_, runs) in studies.items()}
    names = {text: text for text in _free_texts(ended, said, left, claimed, lang)}
    counted = {
        "total": ended.total,
        "whole": len(ended.whole),
        "failed": len(ended.failed),
        "not_begun": len(ended.not_begun),
    }
    facts = {"batch": sweep.name, **counted}
    report = Part(lang, names, level, facts=facts)
    parts = [
        Part(lang, names, level, suffix=f"_{k}", blocks=report.blocks, facts=facts | {"figure": each.figure.label})
        for k, each in enumerate(said, 1)
    ]
    _answer(report, parts, said, sweep, ended, len(studies))
    report.say("not_shown", {"figures": left} if left else None)
    for part, each in zip(parts, said, strict=True):
        _show_figure(part, each, len(studies) > 1, sweep.exchangeable)
    _show_claims(report, names, studies, claimed)
    _show_runs(report, ended)
    made = [table for part in parts if len(table := part.made())]
    report.section("checks", when=bool(made))
    report.table(
        "claims", pd.concat(made) if made else None, ["claim_title", "state", "settled_by", "promised", "needs"]
    )
    report.section("method")
    report.say("method", alpha=1 - level, family=max(len(said), 1))
    report.say("method_differ", {} if any(s.found is not None for s in said) else None)
    report.say("method_pooled", {} if any(s.pooled is not None for s in said) else None)
    report.say("limits")
    return report.blocks


def _by_study(runs: Sequence[Finished]) -> dict[str, tuple[Study, list[Finished]]]:
    found: dict[str, tuple[Study, list[Finished]]] = {}
    for run in runs:
        found.setdefault(run.study.name, (run.study, []))[1].append(run)
    return found


def _said(
    studies: dict[str, tuple[Study, list[Finished]]], exchangeable: bool, level: float, lang: str
) -> tuple[list[SaidOver], list[str]]:
    """Return what is said of each figure, and the labels of those that are not shown."""
    figures: list[OverRuns] = []
    left: list[str] = []
    for _, runs in studies.values():
        shown, more = figures_over(runs, level, lang)
        figures, left = figures + shown, left + more
    return [said_over(figure, exchangeable=exchangeable, family=len(figures)) for figure in figures], left


def _answer(
    report: Part, parts: Sequence[Part], said: Sequence[SaidOver], sweep: Sweep, ended: Ended, studies: int
) -> None:
    """Write the first section: the question, what went wrong, and what may be said of the first figure of each study."""
    lang = report.wording.lang
    report.title(getattr(sweep.title, lang, None), getattr(sweep.client, lang, None))
    report.section("answer")
    for key, runs in (("failed", ended.failed), ("not_begun", ended.not_begun)):
        told = {"runs": listed(report, [run.name for run in runs]), "case": "some" if ended.whole else "none_whole"}
        report.callout(f"{key}_runs", told, tone="warning", when=bool(runs))
    leading = _leading(said)
    for part, each in leading:
        _warn(parts[part], each, sweep.exchangeable)
    report.callout("simulated", tone="simulated", when=any(run.simulated for run in ended.whole))
    report.say("question")
    first: dict[str, Any] = {"runs": {"case": "whole" if len(ended.whole) == ended.total else "some"}}
    if not leading:
        report.cards(**first)
    for part, each in leading:
        worded = _worded(parts[part], each)
        on_cards = first | {claim.name: claim for claim in worded if claim.name in _ON_CARDS}
        if on_cards:
            parts[part].cards(**on_cards)
        first = {}
        parts[part].claim(*worded)
    report.say("mixed", {"studies": studies} if studies > 1 else None)
    ranked = any(each.pooled is not None for each in said)
    report.say("not_ranked", {} if ended.whole and not ranked and not sweep.exchangeable and said else None)
    other = any(each.figure.shared or each.figure.meaning for each in said)
    report.say("few", {} if sweep.exchangeable and said and not ranked and not other else None)
    report.say("no_figures", {} if ended.whole and not said else None)


def _leading(said: Sequence[SaidOver]) -> list[tuple[int, SaidOver]]:
    """Return the first figure of each study, with its place."""
    found: dict[str, tuple[int, SaidOver]] = {}
    for place, each in enumerate(said):
        found.setdefault(each.figure.study.name, (place, each))
    return list(found.values())


def _warn(part: Part, each: SaidOver, exchangeable: bool) -> None:
    figure = each.figure
    if figure.shared is not None:
        first, second = figure.shared
        case = "declared" if exchangeable else "plain"
        part.callout(
            "same_rows", {"first": first, "second": second, "case": case}, tone="warning" if exchangeable else "note"
        )
    out = {"runs": listed(part, figure.left_out), "count": len(figure.left_out)}
    part.callout("left_out", out, tone="warning", when=bool(figure.left_out))
    compared = len(figure.table) > 1 and figure.shared is None
    part.callout(
        "settings_differ", {"settings": list(figure.meaning)}, tone="warning", when=bool(figure.meaning) and compared
    )


def _worded(part: Part, each: SaidOver) -> list[Claim]:
    """Return the claims of a figure with what their words need written out."""
    told = _written(part, each)
    return [claim.about(**told, **_sides(part, claim.facts)) for claim in each.claims]


def _sides(part: Part, facts: Any) -> dict[str, Any]:
    """Write out which runs lie above and below, and how many."""
    return {
        key: value
        for side in ("above", "below")
        if side in facts
        for key, value in ((f"{side}_runs", listed(part, facts[side])), (f"{side}_count", len(facts[side])))
    }  # fmt: skip


def _written(part: Part, each: SaidOver) -> dict[str, str]:
    """Write in the figure's own format how much runs differ, and their mean."""
    spec = each.figure.format
    told = {"unit": each.figure.unit or part.wording.name("unit_points" if spec == "pct1" else "unit_own")}
    if each.found is not None:
        ends = ("sd", "lower", "upper")
        told |= {f"spread_{end}": part.wording.number(getattr(each.found, end), spec) for end in ends}
    mean = _mean(each)
    if mean:
        told["mean"] = part.wording.number(mean["mean"], spec)
        told["mean_ci"] = part.wording.interval(mean["mean_lower"], mean["mean_upper"], spec)
    return told


def _mean(each: SaidOver) -> Mapping[str, Any]:
    """Return the mean of all runs with its interval, as the claim about it has it; empty where nothing is claimed of it."""
    return next((claim.facts for claim in each.claims if claim.name == "off_mean"), {})


def listed(part: Part, runs: Sequence[str]) -> str:
    """Write names of runs into a sentence: the first few, and how many others there are."""
    if not runs:
        return str(part.wording.get("style", "none"))
    text = str(part.wording.get("style", "list")).join(escaped(in_line(run)) for run in runs[:MOST_LISTED])
    more = len(runs) - MOST_LISTED
    return f"{text}{str(part.wording.get('style', 'more')).format(more)}" if more > 0 else text


def _show_figure(part: Part, each: SaidOver, mixed: bool, exchangeable: bool) -> None:
    """Show a figure over the runs: forest plot, the runs with their reports, and what pooling makes of them."""
    figure, table, lang = each.figure, each.table, part.wording.lang
    part.headed(remarked(in_line(figure.label), _called(figure.study, lang) if mixed else "", lang))
    if not part.claims:
        _warn(part, each, exchangeable)
        part.claim(*_worded(part, each))
    part.say("mean", _written(part, each) if _mean(each) else None)
    percent = figure.format == "pct1"
    drawn: dict[str, Any] = {"name": "run", "estimate": "estimate", "zero": figure.signed, "percent": percent}
    if len(table) > 1 and each.pooled is not None:
        part.figure("pooled", "over_runs", table, mean=_mean(each)["mean"], **drawn)
    elif len(table) > 1:
        part.figure("runs", "over_runs", table, **drawn)
    formats = dict.fromkeys(("estimate", "ci", "pooled", "pooled_ci"), figure.format)
    part.table("figure", table, ["run", "n", "estimate", "ci", "?p_zero", "report"], formats=formats)
    if each.pooled is not None:
        ranks = table.dropna(subset=["pooled"])
        told = [f"{int(a)}–{int(b)}" for a, b in zip(ranks["rank_lower"], ranks["rank_upper"], strict=True)]
        part.table("pooled", ranks.assign(rank_told=told), _POOLED, formats=formats)


def _called(study: Study, lang: str) -> str:
    return str(labels(lang, study.words(lang))["titles"]["report"])


def _show_claims(
    report: Part,
    names: dict[str, str],
    studies: dict[str, tuple[Study, list[Finished]]],
    claimed: dict[str, pd.DataFrame],
) -> None:
    """Show what the runs claim: counts by claim, and for each run what it claims."""
    report.section("claims", when=any(len(table) for table in claimed.values()))
    lang = report.wording.lang
    for k, (name, table) in enumerate(claimed.items(), 1):
        if table.empty:
            continue
        part = Part(lang, names, report.level, suffix=f"_{k}", blocks=report.blocks, facts={"alpha": 1 - report.level})
        study = {"study": _called(studies[name][0], lang)}
        part.say("of_study", study if len(claimed) > 1 else None)
        found = counts(table)
        part.say("claims_anew", found if found["anew"] else None)
        part.say("claims_others", found if found["others"] else None)
        heads = [
            "claim_title",
            "made",
            "settled_alone",
            "settled",
            "unsettled",
            "conditional",
            "withheld",
            "any_false",
            "false_at_most",
        ]
        part.table("by_claim", by_claim(table, report.level), heads)
        part.table("by_run", _told_by_run(table, lang), ["run", *STATES])


def _told_by_run(table: pd.DataFrame, lang: str) -> pd.DataFrame:
    style = labels(lang, WORDS / f"{lang}.yml")["style"]
    return by_run(table, str(style["apart"]), str(style["colon"])) if len(table) else pd.DataFrame()


def _show_runs(report: Part, ended: Ended) -> None:
    """Show what failed and what was not begun, with the commands that do it, and the list of all runs."""
    failed = pd.DataFrame([
        {"run": r.name, "wrong": r.error, "notebook": r.notebook, "command": command_of(r.job)} for r in ended.failed
    ])  # fmt: skip
    report.section("failures", when=bool(ended.failed or ended.not_begun))
    report.say("failures")
    report.table("failed", failed, ["run", "wrong", "notebook", "command"])
    rest = pd.DataFrame([{"run": r.name, "command": command_of(r.job)} for r in ended.not_begun])
    report.table("not_begun", rest, ["run", "command"])
    report.section("runs")
    rows = [(r.name, r.study.name, "run_whole", r.report) for r in ended.whole]
    rows += [(r.name, r.job.study, "run_failed", "") for r in ended.failed]
    rows += [(r.name, r.job.study, "run_not_begun", "") for r in ended.not_begun]
    report.table(
        "all_runs",
        pd.DataFrame(rows, columns=["run", "study", "run_state", "report"]),
        ["run", "study", "run_state", "report"],
    )


def _free_texts(
    ended: Ended, said: Sequence[SaidOver], left: Sequence[str], claimed: dict[str, pd.DataFrame], lang: str
) -> list[str]:
    """Return the texts that stand as they are, so that none is taken for the key of another."""
    unfinished = (*ended.failed, *ended.not_begun)
    texts = [text for run in ended.whole for text in (run.name, run.report)] + [run.name for run in unfinished]
    texts += [text for run in unfinished for text in (run.error, run.notebook, command_of(run.job))]
    texts += [text for each in said for text in (each.figure.label, *each.figure.meaning)] + list(left)
    texts += [titled(claim, lang) for each in said for claim in each.claims]
    for table in claimed.values():
        texts += list(table["claim_title"])
        texts += [text for row in _told_by_run(table, lang).itertuples(index=False) for text in row]
    return [text for text in texts if text]
