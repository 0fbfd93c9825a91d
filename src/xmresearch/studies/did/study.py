"""Declare the difference-in-differences study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.headline import Headline
from xmresearch.params.study import Asks, Study
from xmresearch.studies.did.params import DidParams

if TYPE_CHECKING:
    from xmresearch.data.panel import PanelData
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.params.proposal import Proposal


def _open(params: DidParams, base: Path | None = None) -> PanelData:
    from xmresearch.data.panel import load_panel

    return load_panel(**params.panel_settings(), base=base)


def _check(params: DidParams, panel: PanelData) -> list[str]:
    from xmresearch.studies.did.checking import check_study

    return check_study(params, panel)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.did.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.did.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.did.drafting import propose

    return propose(profile)


COLUMNS = {
    "units": ",d", "rows": ",d", "event_time": "+d", "p_positive": "prob", "family": "d", "changed": "brief",
}  # fmt: skip

STUDY = Study(
    name="did",
    folder=Path(__file__).parent,
    params=DidParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={"pays": Asks(("act",), advises=True), "effect": Asks(("smaller",))},
    headline=(
        Headline(
            "outcomes",
            ("outcome", "measure"),
            "estimate",
            "ci_lower",
            "ci_upper",
            unit="scale",
            leads=True,
            signed=True,
            counted_in="unit_outcome",
        ),
    ),
    demo="service_hall",
)
