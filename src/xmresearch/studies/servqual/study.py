"""Declare the SERVQUAL study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.params.study import Study
from xmresearch.studies.servqual.params import ServqualParams

if TYPE_CHECKING:
    from xmresearch.data.survey import Survey


def _open(params: ServqualParams, base: Path | None = None) -> Survey:
    from xmresearch.studies.survey import open_survey

    return open_survey(params, base)


def _check(params: ServqualParams, survey: Survey) -> list[str]:
    from xmresearch.studies.servqual.checking import check_study

    return check_study(params, survey)


STUDY = Study("servqual", Path(__file__).parent, ServqualParams, _open, _check, demo="service_hall")
