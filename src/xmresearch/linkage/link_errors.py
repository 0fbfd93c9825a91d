"""Wrong links between files: how many there may be, and how far they hide an effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy import stats

from xmresearch.display import Shown
from xmresearch.errors import DataError


@dataclass(frozen=True, repr=False)
class BoundedEffect(Shown):
    """An effect of linked data, with what wrong links may have hidden of it.

    Attributes
    ----------
    estimate, lower, upper : float
        As found.
    share, most : float
        Share of links that are wrong, and the most that it may be.
    nearest, farthest : float
        The effect lies between these if links go wrong without regard to the measures: as found, and divided by 1 - share.
    widest_lower, widest_upper : float
        Ends of the interval with wrong links allowed for, by the most that there may be.
    """

    estimate: float
    lower: float
    upper: float
    share: float
    most: float
    nearest: float
    farthest: float
    widest_lower: float
    widest_upper: float

    def summary(self) -> dict[str, Any]:
        """Return the bounds."""
        return {
            "share": self.share, "most": self.most, "nearest": self.nearest, "farthest": self.farthest,
            "widest_lower": self.widest_lower, "widest_upper": self.widest_upper,
        }  # fmt: skip


def wrong_share(wrong: int, checked: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the share of wrong links of those that were checked, and its one-sided upper bound.

    Parameters
    ----------
    wrong, checked : int
        Links that a clerical review of a random sample found wrong, and how many it looked at.
    confidence : float
        Level of the bound.

    Returns
    -------
    share, most : float

    Raises
    ------
    DataError
        None were checked, or more are wrong than were checked.

    References
    ----------
    Clopper, C. J. & Pearson, E. S. (1934). Biometrika, 26, 404-413.
    """
    if not 0 <= wrong <= checked or checked < 1:
        raise DataError(
            f"{wrong} of {checked} links cannot be wrong.",
            "Give how many were checked and how many of those were wrong.",
        )
    most = 1.0 if wrong == checked else float(stats.beta.ppf(confidence, wrong + 1, checked - wrong))
    return wrong / checked, most


def linkage_bounds(
    estimate: float, lower: float, upper: float, *, share: float, most: float | None = None
) -> BoundedEffect:
    """Bound an effect of data whose links are wrong in part.

    Parameters
    ----------
    estimate, lower, upper : float
        Effect and interval, as found.
    share : float
        Share of links that are wrong, at least 0 and below 1.
    most : float, optional
        The most that it may be; the share itself if absent.

    Returns
    -------
    BoundedEffect

    Raises
    ------
    DataError
        A share is below 0 or not below 1, or the most is below the share.

    Notes
    -----
    A wrong link gives a row the outcome of somebody whose experience has nothing to do with it. With a share e of such links the slope found is
    (1 - e) times the true one, if they are as likely anywhere; where the wrong partner is of the same branch, the link between
    branches is not hidden at all. So the truth lies between what is found and what is found divided by 1 - e, with the same sign.

    References
    ----------
    Neter, J., Maynes, E. S. & Ramanathan, R. (1965). The effect of mismatching on the measurement of response errors. JASA, 60, 1005-1027.
    """
    top = share if most is None else most
    if not 0 <= share <= top < 1:
        raise DataError(
            f"A share of wrong links of {share:g} (at most {top:g}) is no share below 1.", "Give shares such as 0.05."
        )
    return BoundedEffect(
        estimate, lower, upper, share, top, estimate, estimate / (1 - share), min(lower, lower / (1 - top)), max(upper, upper / (1 - top))
    )  # fmt: skip
