"""What an attribution study would make of a file."""

from __future__ import annotations

from xmresearch.data.profile.event_logs import EventLog, Paths
from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.params.proposal import Proposal, Written, unsuited

_NONE = "rows are neither events of a case at a time nor paths of touchpoints with conversions"


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
    if profile.log is not None:
        return _events(profile.log)
    if profile.paths is not None:
        return _paths(profile.paths)
    return unsuited(_NONE)


def _events(log: EventLog) -> Proposal:
    written = Written()
    written.put("form", "events", Guess("events", "a row is an event of a case"))
    written.put("events")
    for key, guess in (("customer", log.customer), ("time", log.time), ("touchpoint", log.touchpoint)):
        written.put(key, guess.what, guess, 1)
    found = [("case", log.customer), ("time", log.time), ("touchpoint", log.touchpoint)]
    if log.time_unit:
        written.put("time_format", log.time_unit, Guess(log.time_unit, "the size of the numbers"), 1)
    if log.conversion is not None:
        written.put("conversion", log.conversion.what, log.conversion, 1)
        found.append(("conversion", log.conversion))
    elif log.ends is not None:
        written.put("converting", list(log.converting), log.ends, 1)
        found.append(("conversion", log.ends))
    for key, name in (("value", log.value), ("cost", log.cost)):
        if name:
            guess = Guess(name, "its name", "check what it counts, and in which currency")
            written.put(key, name, guess, 1)
            found.append((key, guess))
    if log.lifecycle:
        written.put("lifecycle", log.lifecycle, Guess(log.lifecycle, "its answers are start, complete and the like"), 1)
    return Proposal(
        5,
        (f"every row says who ('{log.customer.what}'), when and what ('{log.touchpoint.what}')",),
        params=written,
        found=tuple(found),
    )


def _paths(paths: Paths) -> Proposal:
    written = Written()
    written.put("form", "paths", Guess("paths", paths.path.why))
    written.put("paths")
    written.put("path", paths.path.what, paths.path, 1)
    written.put("conversions", paths.conversions.what, paths.conversions, 1)
    written.put(
        "nulls",
        paths.nulls,
        Guess("nulls", "its name" if paths.nulls else "no column counts paths that did not convert"),
        1,
    ) if paths.nulls else written.lines.append("  nulls: null  # no column counts paths without a conversion")
    if paths.value:
        written.put("value", paths.value, Guess(paths.value, "its name"), 1)
    written.put("separator", paths.separator, Guess(paths.separator, "stands between the steps"), 1)
    found = (("path", paths.path), ("conversion", paths.conversions))
    return Proposal(
        5,
        (f"'{paths.path.what}' holds paths and '{paths.conversions.what}' how often they converted",),
        params=written,
        found=found,
    )
