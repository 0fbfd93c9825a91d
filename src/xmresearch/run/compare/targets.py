"""The earlier run's action register held against the later run: targets reached, missed or open, and what is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from xmresearch.claims.change import targets_reached
from xmresearch.claims.claim import Claim, Condition
from xmresearch.params.actions import Action
from xmresearch.run.compare.figures import headline_figures
from xmresearch.run.compare.recorded import RecordedRun
from xmresearch.run.register_table import figure_about, register_rows

TARGET_COLUMNS = ("what", "action", "owner", "due", "target", "now", "outcome", "late")


def targets_claim(
    before: RecordedRun, after: RecordedRun, actions: Sequence[Action], given: Sequence[Condition]
) -> Claim | None:
    """Claim which targets are reached; None where there is none, or the later run has none of their figures.

    Parameters
    ----------
    before, after : RecordedRun
        The run whose register it is, and the one that it is held against.
    actions : sequence of Action
        The register.
    given : sequence of Condition
        What the claim depends on.

    Returns
    -------
    Claim or None
        Of the lines with a target, by their number from 1; a target above the earlier figure, or at it, is to be reached from below.
    """
    then, now = headline_figures(before), headline_figures(after)
    names, ends, targets, upward = [], [], [], []
    for number, action in enumerate(actions, 1):
        if action.target is None or action.about is None:
            continue
        was, is_ = (figure_about(figures, action.about) for figures in (then, now))
        if is_ is None:
            continue
        names.append(str(number))
        ends.append([float(is_[k]) for k in ("estimate", "lower", "upper")])
        targets.append(action.target)
        upward.append(was is None or action.target >= float(was["estimate"]))
    if not names:
        return None
    return targets_reached("targets", np.transpose(ends), targets, upward, names, confidence=after.level).given(*given)


def held_against(
    before: RecordedRun, after: RecordedRun, actions: Sequence[Action], claim: Claim | None, on: date | None
) -> pd.DataFrame:
    """Say of each line of a register what became of it.

    Parameters
    ----------
    before, after : RecordedRun
        The run whose register it is, and the one that it is held against.
    actions : sequence of Action
        The register.
    claim : Claim or None
        From `targets_claim`.
    on : date or None
        Day of the later data; without it nothing is said of due dates.

    Returns
    -------
    DataFrame
        `TARGET_COLUMNS`: as written in the language of the later run, with outcome (outcome_reached, outcome_missed, outcome_open, and of
        lines without a target outcome_asks or outcome_quiet: whether the claim still asks for action) and late (late_yes, late_no or
        late_unknown).
    """
    told = register_rows(after, actions, str(after.params["lang"]))[: len(actions)]
    rows: list[dict[str, Any]] = []
    for number, (action, line) in enumerate(zip(actions, told, strict=True), 1):
        outcome = _outcome(str(number), action, after, claim)
        rows.append({**line, "outcome": f"outcome_{outcome}", "late": f"late_{_late(action, outcome, on)}"})
    return pd.DataFrame(rows, columns=list(TARGET_COLUMNS))


def _outcome(number: str, action: Action, after: RecordedRun, claim: Claim | None) -> str:
    if action.target is not None:
        if claim is None or claim.state not in ("settled", "unsettled"):
            return "open"
        return (
            "reached" if number in claim.facts["reached"] else "missed" if number in claim.facts["missed"] else "open"
        )
    if action.claim is None:
        return "open"
    said, asking = after.claims.get(action.claim), after.study.asking.get(action.claim)
    return "asks" if said is not None and asking is not None and said.asks(asking.verdicts) else "quiet"


def _late(action: Action, outcome: str, on: date | None) -> str:
    if on is None or action.due is None:
        return "unknown"
    return "yes" if action.due < on and outcome != "reached" else "no"
