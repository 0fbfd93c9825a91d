"""Hold the params of a monitoring study against its rows before anything is charted."""

from __future__ import annotations

import numpy as np

from xmresearch.data.panel import PanelData
from xmresearch.errors import InsufficientData, Problems
from xmresearch.studies.monitor.handled_cases import handled
from xmresearch.studies.monitor.measured_pages import measured
from xmresearch.studies.monitor.params import MonitorParams
from xmresearch.studies.monitor.series import feedback_series
from xmresearch.studies.monitor.staffed_counters import staffed
from xmresearch.studies.monitor.watching import FEWEST_BASELINE, baseline_of, longer_baseline
from xmresearch.studies.survey import reading_lines


def check_study(params: MonitorParams, data: PanelData) -> list[str]:
    """Check columns, answers, dates and the baseline; what `xmresearch check` calls.

    Parameters
    ----------
    params : MonitorParams
        Of the study.
    data : PanelData
        Its rows.

    Returns
    -------
    list of str
        Lines that say what would be watched.

    Raises
    ------
    XMError
        What the run would raise before it charts anything.
    """
    problems = Problems()
    for part in (handled, staffed, measured):
        with problems.step():
            part(params, data)
    with problems.step():
        feedback_series(params, data)
    problems.settle()
    series = feedback_series(params, data)
    base = baseline_of(params, series)
    shown = (series.n > 0) & (series.rows >= params.smallest_shown())
    if (base & shown).sum() < FEWEST_BASELINE:
        raise InsufficientData(
            f"The baseline has {int((base & shown).sum())} periods that may be shown; the fewest is {FEWEST_BASELINE}.",
            longer_baseline(params.period),
        )
    facts = series.summary()
    last = int(np.flatnonzero(base)[-1])
    lines = [
        *reading_lines(data.table),
        f"Data: {facts['rows']:,d} rows from {data.source}; {facts['blank']:,d} without an answer, {facts['undated']:,d} without a date.",
        f"Series: {params.kpi} by {params.period}, {facts['periods']:,d} periods, {facts['first_period']} to {facts['last_period']}; "
        f"{int((~shown).sum()):,d} without data or with too few rows to be shown.",
        f"Baseline: {int(base.sum()):,d} periods, to {series.names[last]}; {len(base) - 1 - last:,d} are watched.",
    ]
    branches = f", {len(series.branches):,d} branches in the newest {params.newest}" if series.branches else ""
    return [
        *lines,
        f"Would run: {', '.join(params.rules)} for a false alarm every {params.run_length:g} periods{branches}.",
    ]
