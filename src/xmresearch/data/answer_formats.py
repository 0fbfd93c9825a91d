"""In which form a questionnaire asks for service: in pairs, as perceptions alone, or as a gap that is itself the answer."""

from __future__ import annotations

from typing import Literal

from xmresearch.data.codebook import Codebook
from xmresearch.data.survey import require_pairs
from xmresearch.errors import CodebookError

AnswerFormat = Literal["pairs", "direct", "perceptions"]


def answer_format(codebook: Codebook) -> AnswerFormat:
    """Say in which form the statements of a codebook are asked.

    Parameters
    ----------
    codebook : Codebook
        Of the columns that the data have.

    Returns
    -------
    str
        pairs (expected and perceived), direct (one answer that is the gap: much worse to much better than expected) or perceptions.

    Raises
    ------
    CodebookError
        Pairs are incomplete; gaps are asked beside expectations or perceptions, or the minimum without what is desired; no statement
        is rated.

    References
    ----------
    Carman, J. M. (1990). Consumer perceptions of service quality. Journal of Retailing, 66(1), 33-55 (gaps asked directly).
    Cronin, J. J. & Taylor, S. A. (1992). Measuring service quality. Journal of Marketing, 56(3), 55-68 (perceptions alone).
    """
    asked = {kind for kind in ("expectation", "minimum", "perception", "gap") if codebook.names(kind)}
    if "gap" in asked:
        if asked != {"gap"}:
            other = min(asked - {"gap"})
            raise CodebookError(
                f"Codebook '{codebook.name}' has gap items ('{codebook.names('gap')[0]}') beside {other} items "
                f"('{codebook.names(other)[0]}').",
                "Keep either items that are themselves the gap, or those from which gaps are taken.",
            )
        return "direct"
    if asked == {"perception"}:
        return "perceptions"
    if asked == {"minimum", "perception"}:
        raise CodebookError(
            f"Codebook '{codebook.name}' asks for the minimum ('{codebook.names('minimum')[0]}') without what is desired.",
            "Give the minimum the kind 'expectation', to measure gaps against it, or add the desired level as expectation.",
        )
    require_pairs(codebook)
    return "pairs"


def single_battery(codebook: Codebook) -> Literal["perception", "gap"]:
    """Return the kind of the one battery that a codebook without expectations has."""
    return "gap" if codebook.names("gap") else "perception"
