"""Declare the SERVQUAL study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.lazy import when_called
from xmresearch.params.study import COUNTED, LED, Asks, Study
from xmresearch.studies.servqual.headlines import HEADLINES
from xmresearch.studies.servqual.params import ServqualParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.data.survey import Survey
    from xmresearch.params.proposal import Proposal


def _open(params: ServqualParams, base: Path | None = None) -> Survey:
    from xmresearch.studies.survey import open_survey

    return open_survey(params, base)


def _check(params: ServqualParams, survey: Survey) -> list[str]:
    from xmresearch.studies.servqual.checking import check_study

    return check_study(params, survey)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.servqual.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.servqual.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.servqual.drafting import propose

    return propose(profile)


COLUMNS = {
    "groups": "d", "contribution": "+.3f", "p": "p", "p_quadrant": "prob", "p_worst": "prob", "p_worst_two": "prob",
    "importance_share": "pct", "below": "pct", "above": "pct", "adequacy": "+.2f", "superiority": "+.2f",
    "difference_reliability": ".3f", "beta": "+.2f", "f": ".2f", "df1": ".0f", "df2": ".0f", "importance": ".2f",
    "lowest": ".2f", "q25": ".2f", "median": ".2f", "q75": ".2f", "highest": ".2f", "deff": ".2f", "n_eff": ",.0f", "worth": ",.0f",
    "se": ".3f", "df": ",.0f", "n_before": ",.0f", "n_after": ",.0f", "change": "+.2f", "perception_change": "+.2f", "expectation_change": "+.2f", "target": "pct1", "before": "pct1", "raked": "pct1", "after": "pct1",
}  # fmt: skip

STUDY = Study(
    name="servqual",
    folder=Path(__file__).parent,
    params=ServqualParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={
        "first": Asks(LED, advises=True),
        "weakest": Asks(LED, advises=True),
        "focus": Asks(COUNTED),
        "inadequate": Asks(COUNTED),
    },
    headline=HEADLINES,
    influence=when_called(__package__, "influence", "influences"),
    demo="service_hall",
)
