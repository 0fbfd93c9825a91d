"""Declare the structural equation study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.params.headline import Headline
from xmresearch.params.study import LED, Asks, Study
from xmresearch.studies.sem.params import SemParams

if TYPE_CHECKING:
    from xmresearch.data.profile.file_profile import FileProfile
    from xmresearch.data.survey import Survey
    from xmresearch.params.proposal import Proposal


def _open(params: SemParams, base: Path | None = None) -> Survey:
    from xmresearch.studies.survey import open_survey

    return open_survey(params, base)


def _check(params: SemParams, survey: Survey) -> list[str]:
    from xmresearch.studies.sem.checking import check_study

    return check_study(params, survey)


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.sem.claims import CLAIMS

    return CLAIMS


def _draft(profile: FileProfile) -> Proposal:
    from xmresearch.studies.sem.drafting import propose

    return propose(profile)


COLUMNS = {
    "p_diff": "p", "df_diff": "d", "ave": ".2f", "mi": ".1f", "direct": "+.2f", "indirect": "+.2f", "total": "+.2f",
    "share_of_total": "pct", "change": "+.2f", "index_change": "+.1f", "estimate_weighted": ".1f", "epc": "+.2f",
    "sepc_all": "+.2f", "chisq_plain": ".3f", "scaling": ".3f", "cfi_plain": ".3f", "tli_plain": ".3f", "rmsea_plain": ".3f", "logl": ",.1f",
    "aic": ",.1f", "bic": ",.1f", "rho_a": ".3f", "rho_c": ".3f", "r2_adjusted": "pct", "q2_predict": ".3f", "rmse": ".3f", "lm_rmse": ".3f",
    "mae": ".3f", "lm_mae": ".3f", "blank_share": "pct1",
}  # fmt: skip

STUDY = Study(
    name="sem",
    folder=Path(__file__).parent,
    params=SemParams,
    open=_open,
    check=_check,
    claims=_claims,
    columns=COLUMNS,
    draft=_draft,
    asking={"gain_first": Asks(LED, advises=True)},
    headline=(
        Headline("indices", ("construct",), "estimate", "ci_lower", "ci_upper", leads=True, counted_in="unit_index"),
        Headline("effects", ("outcome", "cause"), "total", "total_lower", "total_upper", signed=True),
    ),
    demo="service_hall",
)
