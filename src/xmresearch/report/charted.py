"""The numbers of a figure that a workbook can draw as a chart of its own, which whoever opens it may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from xmresearch.report.wording import Wording

DEFAULTS = {
    "forest": ("id", "gap", "ci_lower", "ci_upper"),
    "bars": ("construct", "share", "share_lower", "share_upper"),
}
"""Kinds of figure that become a chart: estimates with intervals, by name. Columns as the kinds in `xmresearch.report.figures` have them."""


def chart_numbers(
    kind: str, frame: pd.DataFrame, settings: Mapping[str, Any], wording: Wording, axis: str
) -> dict[str, Any] | None:
    """Take what a chart needs from the table that a figure is drawn from.

    Parameters
    ----------
    kind : str
        Of the figure.
    frame : DataFrame
        What it is drawn from.
    settings : mapping
        Of the figure: name, estimate, lower, upper, percent.
    wording : Wording
        Names.
    axis : str
        What the values are, in the report's language.

    Returns
    -------
    dict or None
        JSON: axis, percent, names, and estimate, lower and upper, with None where there is no figure. None for other kinds.
    """
    if kind not in DEFAULTS:
        return None
    keys = ("name", "estimate", "lower", "upper")
    name, *columns = (settings.get(key, usual) for key, usual in zip(keys, DEFAULTS[kind], strict=True))
    if kind == "bars":
        frame = frame.sort_values(columns[0], ascending=False, kind="stable")
    numbers = {
        key: [None if pd.isna(v) else float(v) for v in frame[c]] for key, c in zip(keys[1:], columns, strict=True)
    }
    percent = bool(settings.get("percent", kind == "bars"))
    return {"axis": axis, "percent": percent, "names": [wording.name(v) for v in frame[name]], **numbers}
