"""Say what a run would do, without fitting anything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from xmresearch.errors import anonymous
from xmresearch.run.manifest import is_whole
from xmresearch.run.plan import plan_run
from xmresearch.run.register import require_subjects


def check_study(params_file: str | Path, overrides: Sequence[str] = (), *, lang: str | None = None) -> str:
    """Validate params and data, and describe the run.

    Parameters
    ----------
    params_file, overrides, lang
        As for `run_study`.

    Returns
    -------
    str
        Several lines: data, screening, analysis, and whether a result is at hand.

    Raises
    ------
    XMError
        What `run_study` would raise because of params or data; of steps that do not depend on one another, all at once.
    """
    plan = plan_run(params_file, overrides, lang=lang)
    study, params = plan.study, plan.params
    with closing(plan.rows), plan.rows.used():
        data = study.open(params, plan.base)
        require_subjects(plan.actions, data)
        checked = study.check(params, data)
    state = "is at hand already" if is_whole(plan.folder) else "would be computed"
    lines = [
        f"Params are valid: study {params.study}, name {params.name}, language {params.lang}.",
        *checked,
        *([f"Action register: {len(plan.actions)} action(s)."] if plan.actions else []),
        f"Result {plan.identity.key} {state}.",
    ]
    return "\n".join(map(anonymous, lines))
