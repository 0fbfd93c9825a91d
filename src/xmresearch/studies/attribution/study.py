"""Declare the attribution study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.params.study import Study
from xmresearch.studies.attribution.params import AttributionParams

if TYPE_CHECKING:
    from xmresearch.data.touches import TouchData


def _open(params: AttributionParams, base: Path | None = None) -> TouchData:
    from xmresearch.data.touches import load_touches

    return load_touches(params.data, params.survey.data if params.survey else None, base)


def _check(params: AttributionParams, data: TouchData) -> list[str]:
    from xmresearch.studies.attribution.checking import check_study

    return check_study(params, data)


STUDY = Study("attribution", Path(__file__).parent, AttributionParams, _open, _check, demo="service_hall")
