"""Declare the study of drivers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.lazy import when_called
from xmresearch.params.study import COUNTED, LED, Asks, Study
from xmresearch.studies.drivers.headlines import HEADLINES
from xmresearch.studies.drivers.params import DriversParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.data.survey import Survey
    from xmresearch.params.proposal import Proposal


def _open(params: DriversParams, base: Path | None = None) -> Survey:
    from xmresearch.studies.survey import open_survey

    return open_survey(params, base)


def _check(params: DriversParams, survey: Survey) -> list[str]:
    from xmresearch.studies.drivers.checking import check_study

    return check_study(params, survey)


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.drivers.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.drivers.drafting import propose

    return propose(profile)


COLUMNS = {
    "beta": "+.2f", "johnson_share": "pct", "first": "pct1", "last": "pct1", "vif": ".1f", "widened": ".1f", "shift": "+.2f",
    "gain": "+.2f", "cost": ".3g", "per_cost": ".3g", "p_first": "prob", "p_value": "prob", "p_quadrant": "prob",
    "importance": ".2f", "performance": ".2f", "penalty": "+.2f", "reward": "+.2f", "asymmetry": "+.2f", "n_low": ",d",
    "n_high": ",d", "slope": "+.2f", "f": ".2f", "df1": ".0f", "df2": ".0f", "p": "p", "groups": "d", "M": ",.0f", "O": ",.0f",
    "A": ",.0f", "I": ",.0f", "R": ",.0f", "Q": ",.0f", "better": ".2f", "worse": "+.2f", "p_category": "prob", "opportunity": ".1f",
    "lowest": ".2f", "q25": ".2f", "median": ".2f", "q75": ".2f", "highest": ".2f", "deff": ".2f", "n_eff": ",.0f", "target": "pct1",
    "before": "pct1", "raked": "pct1", "after": "pct1", "important": ".1f", "satisfied": ".1f", "complete": "prob", "general": "prob",
}  # fmt: skip

STUDY = Study(
    name="drivers",
    folder=Path(__file__).parent,
    params=DriversParams,
    open=_open,
    check=_check,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={"fix": Asks(LED, advises=True), "focus": Asks(COUNTED)},
    headline=HEADLINES,
    influence=when_called(__package__, "influence", "influences"),
    demo="service_hall",
)
