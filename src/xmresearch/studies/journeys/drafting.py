"""What a journeys study would make of a file."""

from __future__ import annotations

from xmresearch.data.profile.file_profile import FileProfile
from xmresearch.data.profile.guess import Guess
from xmresearch.params.proposal import Proposal, Written, unsuited

_NONE = "rows are no events of a case at a time"


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
    log = profile.log
    if log is None:
        return unsuited(_NONE)
    written = Written()
    written.put("log")
    for key, guess in (("case", log.customer), ("activity", log.touchpoint), ("time", log.time)):
        written.put(key, guess.what, guess, 1)
    found = [("case", log.customer), ("activity", log.touchpoint), ("time", log.time)]
    if log.time_unit:
        written.put("time_format", log.time_unit, Guess(log.time_unit, "the size of the numbers"), 1)
    if log.lifecycle:
        written.put("lifecycle", log.lifecycle, Guess(log.lifecycle, "its answers are start, complete and the like"), 1)
    if log.ends is not None and log.converting:
        written.note(
            f"Cases seem to end in {log.ends.what}. If that is so, say it, and other cases are still open: ends: [...]; what they are for: goal: [...]"
        )
    return Proposal(
        4,
        (f"every row says which case ('{log.customer.what}'), when and what ('{log.touchpoint.what}')",),
        params=written,
        found=tuple(found),
    )
