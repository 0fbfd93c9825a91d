"""What a figure's alternative text says first: the finding, from the claims that rest on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xmresearch.report.answer import lead
from xmresearch.report.wording import NONE_SHOWN

MOST_FINDINGS = 2
"""Findings that an alternative text states before it says what is drawn."""
if TYPE_CHECKING:
    import pandas as pd

_MENTION = re.compile(r"@fig:(\w+)")


def findings(blocks: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Say what each figure shows.

    Parameters
    ----------
    blocks : iterable of mapping
        Of a report, in order, as `xmresearch.report.blocks.Block` has their content, with their kind.

    Returns
    -------
    dict of str to str
        By the figure's key: the first sentences of the claims that refer to it, or else of those of its section, or else the
        first of the answer; none where nothing is claimed.
    """
    named: dict[str, dict[str, None]] = {}
    within: dict[str, dict[str, None]] = {}
    place: dict[str, str] = {}
    section = ""
    for block in blocks:
        if block["kind"] == "section":
            section = block["key"]
        elif block["kind"] == "figure":
            place[block["key"]] = section
        elif block["kind"] == "prose" and block.get("claims"):
            said = lead(block["text"])
            within.setdefault(section, {})[said] = None
            for key in _MENTION.findall(block["text"]):
                named.setdefault(key, {})[said] = None
    answer = dict(list(within.get("answer", {}).items())[:1])
    found = {key: named.get(key) or within.get(at) or answer for key, at in place.items()}
    return {key: " ".join(list(said)[:MOST_FINDINGS]) for key, said in found.items() if said}


def extremes(frame: pd.DataFrame, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Find the lowest and the highest figure that is drawn, for the words of an alternative text.

    Parameters
    ----------
    frame : DataFrame
        What is drawn.
    settings : mapping
        Of the figure: 'estimate' and 'name' say which columns hold figures and their names; usual columns are known.

    Returns
    -------
    dict
        low, low_at, high and high_at, whole numbers as such; NaN and dashes where the table has no such columns or no figures.
    """
    value = next((c for c in (settings.get("estimate"), "estimate", "share") if c in frame), None)
    label = next((c for c in (settings.get("name"), "wave", "event_time", "answer") if c in frame), None)
    if value is None or label is None or not frame[value].notna().any():
        return {"low": np.nan, "low_at": NONE_SHOWN, "high": np.nan, "high_at": NONE_SHOWN}
    found: dict[str, Any] = {}
    for end, at in (("low", int(np.nanargmin(frame[value]))), ("high", int(np.nanargmax(frame[value])))):
        name = frame[label].iloc[at]
        found |= {
            end: float(frame[value].iloc[at]),
            f"{end}_at": int(name) if isinstance(name, np.integer) else str(name),
        }
    return found
