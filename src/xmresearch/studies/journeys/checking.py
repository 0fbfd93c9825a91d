"""Hold a study's params against its log before anything is computed."""

from __future__ import annotations

from xmresearch.data.touches import TouchData
from xmresearch.errors import Problems
from xmresearch.journeys.declared_paths import require_path
from xmresearch.studies.journeys.evidence import concerns_of, lost_time, of_change
from xmresearch.studies.journeys.params import JourneysParams
from xmresearch.studies.journeys.reading import open_cases, path_of, stages_of
from xmresearch.studies.survey import reading_lines


def check_study(params: JourneysParams, data: TouchData) -> list[str]:
    """Check columns, activities and dates; what `xmresearch check` calls.

    Parameters
    ----------
    params : JourneysParams
        Of the study.
    data : TouchData
        Its rows.

    Returns
    -------
    list of str
        Lines that say what would be looked at.

    Raises
    ------
    XMError
        What the run would raise.
    """
    found = open_cases(params, data)
    log, problems = found.log, Problems()
    with problems.step():
        path = path_of(params, log)
        if path is not None:
            require_path(path, log.activities)
    with problems.step():
        stages_of(params, log)
    with problems.step():
        of_change(params, found)
    with problems.step():
        lost_time(found, params.confidence)
    problems.settle()
    facts = found.summary()
    who = f" of {facts['customers']:,d} customers" if params.log.customer is not None else ""
    open_ = "a few" if 0 < facts["open"] < params.min_cell else f"{facts['open']:,d}"
    kind = "starts and completions" if log.paired else "completions alone"
    lines = [
        *reading_lines(data.table),
        f"Data: {facts['cases']:,d} cases{who} with {facts['events']:,d} events of {facts['activities']} activities ({kind}), "
        f"{facts['first_day']} to {facts['last_day']}; {open_} still open.",
    ]
    lines += [f"Filter {name}: {after:,d} of {before:,d} cases kept." for name, before, after in log.kept]
    lines += [f"Note: {row.flagged:,d} {row.rule.replace('_', ' ')}." for row in found.notes().itertuples(index=False)]
    lines += [f"Note: {concern}" for _, concern in concerns_of(params, found)]
    compared = f", {len(found.shown_groups)} groups" if found.groups is not None else ""
    return [
        *lines,
        f"Would run: times, paths{compared}{', path' if params.path else ''}{', stages' if params.stages else ''}.",
    ]
