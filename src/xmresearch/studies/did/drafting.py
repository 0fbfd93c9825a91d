"""What a difference-in-differences study would make of a file."""

from __future__ import annotations

from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.data.profile.panels import Panel
from xmresearch.params.proposal import Proposal, Written, unsuited

_NONE = "no column says which units got a change and when: no unit, period and first period with the change"


def propose(profile: FileProfile) -> Proposal:
    """Say whether a file suits the study, and draft its params.

    Parameters
    ----------
    profile : FileProfile
        What is known of the file.

    Returns
    -------
    Proposal
    """
    panel = profile.panel
    if panel is None:
        return unsuited(_NONE)
    written = Written()
    found = _columns(panel, written)
    found += _people(panel, written)
    return Proposal(
        5,
        (f"'{panel.unit.what}' comes back over '{panel.time.what}', and '{panel.cohort.what}' says since when it has the change",),
        params=written, found=tuple(found),
    )  # fmt: skip


def _columns(panel: Panel, written: Written) -> list[tuple[str, Guess]]:
    written.put("outcome", panel.outcome.what, panel.outcome)
    written.put("family", panel.family.what, panel.family)
    better = Guess(
        "lower" if panel.lower_better else "higher",
        "its name" if panel.lower_better else "nothing says otherwise",
        "" if panel.lower_better else "say whether more of the outcome is better",
    )
    written.put("better", better.what, better)
    if panel.levels:
        written.put(
            "levels", [_number(v) for v in panel.levels], Guess("levels", "the lowest and highest answer that occur")
        )
    if panel.missing:
        codes = Guess(
            f"{len(panel.missing)} code(s)", "far from all other answers", "check that these are codes for no answer"
        )
        written.put("missing_codes", [_number(v) for v in panel.missing], codes)
    written.put("unit", panel.unit.what, panel.unit)
    written.put("time", panel.time.what, panel.time)
    written.put("cohort", panel.cohort.what, panel.cohort)
    return [("outcome", panel.outcome), ("family", panel.family), ("unit", panel.unit), ("time", panel.time), ("cohort", panel.cohort), ("better", better)]  # fmt: skip


def _people(panel: Panel, written: Written) -> list[tuple[str, Guess]]:
    """Say what rows are: where a unit has one row a period it may be a person, of whom nothing may be shown."""
    if not panel.one_row:
        rows = Guess("answers", "units have several rows in a period")
        written.put("rows_are", "answers", rows)
        return [("rows", rows)]
    rows = Guess(
        "people", "a unit has one row in each period",
        "the careful choice, which shows no unit: aggregates where units are places or firms with public figures",
    )  # fmt: skip
    written.put("rows_are", "people", rows)
    written.put("branches", False, Guess("no", "units may be people, of whom none is shown"))
    return [("rows", rows)]


def _number(value: float) -> float:
    return int(value) if float(value).is_integer() else value
