"""Declare the monitoring study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmresearch.params.headline import Headline
from xmresearch.params.study import COUNTED, Asks, Study
from xmresearch.studies.monitor.params import MonitorParams

if TYPE_CHECKING:
    from xmresearch.data.panel import PanelData


def _open(params: MonitorParams, base: Path | None = None) -> PanelData:
    from xmresearch.data.panel import load_panel

    return load_panel(**params.panel_settings(), base=base)


def _check(params: MonitorParams, data: PanelData) -> list[str]:
    from xmresearch.studies.monitor.checking import check_study

    return check_study(params, data)


def _figures() -> Mapping[str, Callable[..., Any]]:
    from xmresearch.studies.monitor.figures import KINDS

    return KINDS


def _claims() -> Mapping[str, tuple[str, ...]]:
    from xmresearch.studies.monitor.claims import CLAIMS

    return CLAIMS


COLUMNS = {
    "change": "+scale", "difference": "+scale", "now": "scale", "value": "scale", "expected": "scale", "lower": "scale", "upper": "scale",
    "baseline": "scale", "level": "scale", "against": "+scale", "score": "+.2f", "q": "p", "delay": ",.1f", "optimum": ",.1f",
    "shift": "+scale", "forecast": "scale", "estimate": "+scale", "size": ".1f", "before": "+scale", "after": "+scale", "alarms": ",d", "truth": "+scale", "periods": ",d",
    "median": ",.1f", "p90": ",.1f", "within": ".1f", "share": ".1f", "open": ",d", "ratio": ".2f", "mean": ",.1f", "dispersion": ".2f",
    "counters": ",d", "counters_lower": ",d", "counters_upper": ",d", "on_most_days": ",d", "counted": ",d", "dose": ".2f", "cases": ",d", "within_truth": ".1f", "p": "p",
}  # fmt: skip

STUDY = Study(
    name="monitor",
    folder=Path(__file__).parent,
    params=MonitorParams,
    open=_open,
    check=_check,
    figures=_figures,
    claims=_claims,
    columns=COLUMNS,
    asking={
        "alarm": Asks(("above", "below"), alarm=True),
        "branches": Asks(COUNTED),
        "kept": Asks(("below",)),
        "slower": Asks(COUNTED),
        "slow_pages": Asks(("above",)),
    },
    headline=(
        Headline(
            "branches", ("branch",), "difference", "difference_lower", "difference_upper", unit="scale", signed=True
        ),
    ),
    demo="service_hall",
)
