"""Whether a run claims an alarm, for what starts commands and looks at their exit code."""

from __future__ import annotations

import json
from pathlib import Path

from xmresearch.report.blocks import MIME
from xmresearch.run.compare.recorded import RecordedRun
from xmresearch.run.plan import Plan


def alarm_claimed(plan: Plan, folder: Path) -> bool:
    """Return whether a run of a study with alarms claims one, settled.

    Parameters
    ----------
    plan : Plan
        Of the run.
    folder : Path
        Of its result.

    Returns
    -------
    bool
        False too where the params do not ask for it (`alarm_exit`).
    """
    watched = [claim for claim, asks in plan.study.asking.items() if asks.alarm]
    if not watched or not getattr(plan.params, "alarm_exit", False):
        return False
    notebook = json.loads((folder / "executed.ipynb").read_text("utf-8"))
    outputs = [o for cell in notebook["cells"] for o in cell.get("outputs", [])]
    blocks = tuple(o["data"][MIME] for o in outputs if MIME in o.get("data", {}))
    said = RecordedRun(folder, plan.study, {}, blocks, None).claims
    return any(claim in said and said[claim].asks(plan.study.asking[claim].verdicts) for claim in watched)
