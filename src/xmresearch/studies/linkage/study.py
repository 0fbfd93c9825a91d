"""Declare the linkage study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.headline import Headline
from xmresearch.params.study import COUNTED, Asks, Study
from xmresearch.studies.linkage.params import LinkageParams

if TYPE_CHECKING:
    from xmresearch.studies.linkage.opening import LinkageData


def _open(params: LinkageParams, base: Path | None = None) -> LinkageData:
    from xmresearch.studies.linkage.opening import open_sources

    return open_sources(params, base)


def _check(params: LinkageParams, data: LinkageData) -> list[str]:
    from xmresearch.studies.linkage.checking import check_study

    return check_study(params, data)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.linkage.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.linkage.claims import CLAIMS

    return CLAIMS


COLUMNS = {
    "estimate": "+.3g", "lower": "+.3g", "upper": "+.3g", "se": ".3g", "p": "p", "q": "p", "truth": "+.3g", "x": ".2f", "y": ".2f",
    "mean": ".2f", "rwg": "r", "sd": ".2f", "observed": ".2f", "adjusted": ".2f", "difference": "+.2f", "pooled": ".2f", "rate": ".1f",
    "widest": "+.3g", "farthest": "+.3g", "most": "pct1", "share": "pct1", "branches": ",d", "people": ",.0f", "common": ",d", "alone": ",d",
}  # fmt: skip

STUDY = Study(
    name="linkage",
    folder=Path(__file__).parent,
    params=LinkageParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    asking={"staff_branches": Asks(COUNTED), "customer_branches": Asks(COUNTED)},
    headline=(Headline("links", ("effect",), "estimate", "estimate_lower", "estimate_upper", signed=True),),
    demo="service_hall",
)
