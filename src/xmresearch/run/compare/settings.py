"""Which settings two runs differ in, and what that does to the meaning of figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd
import yaml

from xmresearch.params.base import StudyParams
from xmresearch.run.public_params import dotted

Effect = Literal["effect_rows", "effect_showing", "effect_claims", "effect_meaning"]
UNSET = "unset"


def effect_of(key: str, params: type[StudyParams]) -> Effect:
    """Return what a difference in a setting does.

    Parameters
    ----------
    key : str
        With dots into sections.
    params : type of StudyParams
        The study's model.

    Returns
    -------
    str
        effect_rows (other rows are read), effect_showing (shown differently), effect_claims (claims are held against other bounds) or
        effect_meaning (the figures mean something else).
    """
    top, *within = key.split(".")
    if top in params.of_rows:
        return "effect_rows"
    if top in params.of_showing:
        return "effect_showing"
    return "effect_claims" if params.of_claims & {top, *within} else "effect_meaning"


def settings_changed(before: Mapping[str, Any], after: Mapping[str, Any], params: type[StudyParams]) -> pd.DataFrame:
    """List the settings that differ, as params files write them.

    Parameters
    ----------
    before, after : mapping
        Params of two runs, as JSON.
    params : type of StudyParams
        The study's model.

    Returns
    -------
    DataFrame
        setting (with dots into sections, and numbers from 1 into lists), before, after, effect; those that change the meaning first.
    """
    then, now = dotted(before), dotted(after)
    order: list[Effect] = ["effect_meaning", "effect_claims", "effect_rows", "effect_showing"]
    rows = [
        (key, _written(then, key), _written(now, key), effect_of(key, params))
        for key in dict.fromkeys([*then, *now])
        if key != "study" and then.get(key) != now.get(key)
    ]
    rows.sort(key=lambda row: order.index(row[3]))
    return pd.DataFrame(rows, columns=["setting", "was", "is", "effect"])


def _written(settings: Mapping[str, Any], key: str) -> str:
    """Write a value as a params file does."""
    if settings.get(key) is None:
        return UNSET
    text = yaml.safe_dump(settings[key], default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")
