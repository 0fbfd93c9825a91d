"""Declare the structural equation study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.params.study import Study
from xmresearch.studies.sem.params import SemParams

if TYPE_CHECKING:
    from xmresearch.data.survey import Survey


def _open(params: SemParams, base: Path | None = None) -> Survey:
    from xmresearch.studies.survey import open_survey

    return open_survey(params, base)


def _check(params: SemParams, survey: Survey) -> list[str]:
    from xmresearch.studies.sem.checking import check_study

    return check_study(params, survey)


STUDY = Study("sem", Path(__file__).parent, SemParams, _open, _check, demo="service_hall")
