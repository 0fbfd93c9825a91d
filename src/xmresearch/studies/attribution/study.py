"""Declare the attribution study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.headline import Headline
from xmresearch.params.study import LED, Asks, Study
from xmresearch.studies.attribution.params import AttributionParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.data.touches import TouchData
    from xmresearch.params.proposal import Proposal


def _open(params: AttributionParams, base: Path | None = None) -> TouchData:
    from xmresearch.data.touches import load_touches

    return load_touches(**params.touch_settings(), base=base)


def _check(params: AttributionParams, data: TouchData) -> list[str]:
    from xmresearch.studies.attribution.checking import check_study

    return check_study(params, data)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.attribution.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.attribution.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.attribution.drafting import propose

    return propose(profile)


COLUMNS = {
    "touches": ",.0f", "removal_effect": ".4f", "pass_share": ".4f", "removal": ".4f", "credit": ",.0f",
    "p_top_three": "prob", "order": "d", "states": ",d", "transitions": ",d", "log_evidence": ",.1f", "probability":
    "prob", "log_loss": ".4f", "log_loss_gap": ".5f", "gap_se": ".5f", "markov": "pct1", "shapley": "pct1", "last":
    "pct1", "linear": "pct1", "position": "pct1", "time_decay": "pct1", "last_non_direct": "pct1", "cost": ",.0f",
    "budget_share": "pct1", "cost_per_conversion": ",.2f", "value_share": "pct1", "value_credit": ",.0f", "lift":
    ",.0f", "bootstrap_sd": ".4f", "count": ",.0f", "part": "pct1", "mean_hours": "hours", "median_hours": "hours",
    "journeys": ",.0f", "converted": ",.0f", "lost_here": ",.0f", "conversion_rate": "pct", "reach": "pct", "exits":
    ",.0f", "lost": "pct1", "exit_rate": "pct1", "p_over": "prob", "first": "pct1", "chain_sd": ".4f",
}  # fmt: skip

STUDY = Study(
    name="attribution",
    folder=Path(__file__).parent,
    params=AttributionParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={"fix": Asks(LED, advises=True), "leak": Asks(LED, advises=True), "barren": Asks(("counted",))},
    headline=(Headline("credits", ("channel",), "share", "share_lower", "share_upper", unit="share"),),
    demo="service_hall",
)
