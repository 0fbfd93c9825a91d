"""Which of two parts made a change: the one, the other, or both."""

from __future__ import annotations

from typing import Any

from xmresearch.claims.claim import UNSETTLED, Claim

Interval = tuple[float, float, float]


def part_of(
    name: str, whole: Interval, first: Interval, second: Interval, *, threshold: float, confidence: float, **facts: Any
) -> Claim:
    """Claim which of two parts, which add up to a change, made it.

    Parameters
    ----------
    name : str
        Of the claim.
    whole, first, second : tuple of float
        The change and its parts: estimate, lower and upper end of its two-sided interval. The parts add up to the change.
    threshold : float
        Smallest part that matters, not negative; at zero a part is out of it only if it goes the other way.
    confidence : float
        Level of the intervals.
    **facts
        Of its sentences.

    Returns
    -------
    Claim
        The change must exclude zero, and so must the part that made it, on the same side. first_part or second_part where the other is shown
        not to reach the threshold on that side, both_parts where both are shown to go that way and either may matter, otherwise unsettled.
        Withheld where the change itself is not shown.

    Raises
    ------
    ValueError
        The threshold is negative.

    Notes
    -----
    All of what is claimed is tested at the same level, and the claim is as strong as the weakest of these tests: it is false at most in
    1 - confidence of the cases (intersection-union test).

    References
    ----------
    Berger, R. L. (1982). Multiparameter hypothesis testing and acceptance sampling. Technometrics, 24(4), 295-300.
    """
    if not threshold >= 0:
        raise ValueError(f"the threshold is {threshold:g}; it must be at least 0")
    up = whole[1] > 0
    shown = up or whole[2] < 0
    moves, small = zip(*(_on_side(part, up, threshold) for part in (first, second)), strict=True)
    if moves == (True, True):
        verdict = "both_parts" if small[0] == small[1] else "second_part" if small[0] else "first_part"
    elif moves[0] and small[1]:
        verdict = "first_part"
    elif moves[1] and small[0]:
        verdict = "second_part"
    else:
        verdict = UNSETTLED
    made = Claim(name, "part", verdict if shown else UNSETTLED, "parts_beyond_zero", 1 - confidence, confidence, *whole)
    made = made.about(threshold=threshold, **facts)
    return made if shown else made.withhold("no_change_shown")


def _on_side(part: Interval, up: bool, threshold: float) -> tuple[bool, bool]:
    """Return whether a part goes the way of the change, and whether it is shown not to matter that way."""
    low, high = (part[1], part[2]) if up else (-part[2], -part[1])
    return low > 0, high < threshold
