"""Declare the study of verbatims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.study import COUNTED, LED, Asks, Study
from xmresearch.studies.voice.headlines import HEADLINES
from xmresearch.studies.voice.params import VoiceParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.params.proposal import Proposal
    from xmresearch.studies.voice.opening import CodedData


def _open(params: VoiceParams, base: Path | None = None) -> CodedData:
    from xmresearch.studies.voice.opening import open_verbatims

    return open_verbatims(params, base)


def _check(params: VoiceParams, data: CodedData) -> list[str]:
    from xmresearch.studies.voice.checking import check_study

    return check_study(params, data)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.voice.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.voice.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.voice.drafting import propose

    return propose(profile)


COLUMNS = {
    "people": ",d", "frequency": "pct1", "severity": ".2f", "pain": ".3f", "share": "pct1", "cumulative": "pct1", "p_first": "prob",
    "complaining": "pct", "positive": "pct", "coded": ",d", "given": ",d", "precision": ".2f", "recall": ".2f", "f1": ".2f", "alpha": ".2f",
    "elsewhere": "pct1", "with_it": ".2f", "without": ".2f", "difference": "+.2f", "before": "pct1", "after": "pct1", "points": "+.1f",
    "p": "p", "beta": "+.2f", "halved_ari": ".2f", "reseeded_ari": ".2f", "topics": "d", "counted": "pct1", "estimate": ".3f", "stability": ".2f", "n": ",.0f",
}  # fmt: skip

STUDY = Study(
    name="voice",
    folder=Path(__file__).parent,
    params=VoiceParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={"worst": Asks(LED, advises=True), "changed": Asks(COUNTED)},
    headline=HEADLINES,
    demo="service_hall",
)
