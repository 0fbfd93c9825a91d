"""Declare the scorecard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.lazy import when_called
from xmresearch.params.study import COUNTED, LED, Asks, Study
from xmresearch.studies.scorecard.headlines import HEADLINES
from xmresearch.studies.scorecard.params import ScorecardParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.data.survey import Survey
    from xmresearch.params.proposal import Proposal


def _open(params: ScorecardParams, base: Path | None = None) -> Survey:
    from xmresearch.studies.scorecard.opening import open_scorecard

    return open_scorecard(params, base)


def _check(params: ScorecardParams, survey: Survey) -> list[str]:
    from xmresearch.studies.scorecard.checking import check_study

    return check_study(params, survey)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.scorecard.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.scorecard.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.scorecard.drafting import propose

    return propose(profile)


COLUMNS = {
    "n_eff": ",.0f", "estimate": "scale", "change": "+scale", "before": "scale", "after": "scale", "n_before": ",d", "n_after": ",d",
    "p": "p", "p_above": "prob", "p_below": "prob", "smallest": "scale", "answers_needed": ",d", "pooled": "scale", "kept": "pct",
    "p_first": "prob", "p_last": "prob", "benchmark": "scale", "target": "scale", "difference": "+scale", "odds_ratio": ".2f", "share": "pct1",
    "truth": "scale", "link": "+.2f", "tau": ".2f", "weight": "pct1", "first_share": "pct", "n_all": ",d", "ci": "scale",
    "net_score": "scale", "other_score": "scale", "agreement": ".2f", "averaged": ".2f", "between_share": "pct", "rater_share": "pct",
    "subjects": ",d", "raters": ",d", "spread": ".2f", "spread_left": ".2f", "gap": ".2f", "gap_left": ".2f", "left": "pct",
}  # fmt: skip

STUDY = Study(
    name="scorecard",
    folder=Path(__file__).parent,
    params=ScorecardParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={"moved": Asks(("below",)), "worst": Asks(LED), "missed": Asks(COUNTED)},
    headline=HEADLINES,
    influence=when_called(__package__, "influence", "influences"),
    demo="service_hall",
)
