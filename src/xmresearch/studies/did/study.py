"""Declare the difference-in-differences study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xmresearch.params.study import Study
from xmresearch.studies.did.params import DidParams

if TYPE_CHECKING:
    from xmresearch.data.panel import PanelData


def _open(params: DidParams, base: Path | None = None) -> PanelData:
    from xmresearch.data.panel import load_panel

    return load_panel(params.data, base)


def _check(params: DidParams, panel: PanelData) -> list[str]:
    from xmresearch.studies.did.checking import check_study

    return check_study(params, panel)


STUDY = Study("did", Path(__file__).parent, DidParams, _open, _check, demo="service_hall")
