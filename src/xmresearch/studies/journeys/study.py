"""Declare the journeys study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.headline import Headline
from xmresearch.params.study import COUNTED, LED, Asks, Study
from xmresearch.studies.journeys.params import JourneysParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.data.touches import TouchData
    from xmresearch.params.proposal import Proposal


def _open(params: JourneysParams, base: Path | None = None) -> TouchData:
    from xmresearch.data.touches import load_cases

    return load_cases(**params.source_settings(), base=base)


def _check(params: JourneysParams, data: TouchData) -> list[str]:
    from xmresearch.studies.journeys.checking import check_study

    return check_study(params, data)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.journeys.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.journeys.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.journeys.drafting import propose

    return propose(profile)


COLUMNS = {
    "lost": "hours", "wait_median_hours": "hours", "wait_mean_hours": "hours", "work_median_hours": "hours", "work_mean_hours": "hours",
    "median_hours": "hours", "mean_hours": "hours", "q90_hours": "hours", "extra_hours": "hours", "hours": "hours", "again_hours": "hours",
    "count": ",d", "cases": ",d", "customers": ",d", "exits": ",d", "part": "pct1", "cases_before": ",d",
    "cases_after": ",d",
    "so_far": "pct1",
    "cluster": "d",
    "without_goal": "pct1",
    "with_goal": "pct1", "came_again": "pct1", "goal_share": "pct1", "again": ",d",
    "straight": ",d", "reach": "pct", "pain": "pct1", "exit_rate": "pct1", "back": "pct1", "arrivals": ".1f", "queue_mean": ".1f", "queue_most": ",d",
    "rank_upper": "d", "weight": "r", "rated": ",d", "score": ".2f", "score_gap": "+.2f", "inside": "pct1", "others": "pct1", "working_part": "pct",
    "kept": ",d", "before": ",d", "kept_share": "pct1", "estimate": "hours", "truth": "hours", "promise": ".1f", "short": "+.2f", "rank": ".0f",
}  # fmt: skip

STUDY = Study(
    name="journeys",
    folder=Path(__file__).parent,
    params=JourneysParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={
        "worst_step": Asks(LED, advises=True),
        "changed": Asks(("above",)),
        "conformance": Asks(("below",)),
        "group_time": Asks(COUNTED),
        "lowest_stage": Asks(LED),
    },
    headline=(Headline("bottlenecks", ("activity",), "lost", "lost_lower", "lost_upper"),),
    demo="service_hall",
)
