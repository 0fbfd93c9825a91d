"""The kinds of difference-in-differences, which of them fits the data, and what may be asked of them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np

from xmresearch.causal.att import CONTROLS
from xmresearch.causal.event_study import event_study
from xmresearch.causal.families import FAMILIES
from xmresearch.causal.few_treated import few_treated
from xmresearch.causal.hierarchical import hierarchical
from xmresearch.causal.panel import Panel
from xmresearch.causal.result import DidResult
from xmresearch.causal.staggered import staggered
from xmresearch.causal.two_by_two import two_by_two
from xmresearch.errors import ParamsError, nearest

KINDS: dict[str, Callable[..., DidResult]] = {
    "two_by_two": two_by_two,
    "event_study": event_study,
    "staggered": staggered,
    "hierarchical": hierarchical,
    "synthetic_control": few_treated,
}
TRIPLE = ("two_by_two", "event_study", "staggered", "synthetic_control")
CLUSTERS = ("unit", "none")
INFERENCES = ("auto", "exact", "nuts")
FEWEST_DRAWS = 100


def choose_kind(panel: Panel, cluster: str | None = None) -> tuple[str, str]:
    """Pick the kind that fits the data.

    Parameters
    ----------
    panel : Panel
        The data.
    cluster : str, optional
        As in `did`.

    Returns
    -------
    kind, why : str
    """
    dates, periods = len(panel.cohorts), len(panel.periods)
    if panel.covariates.shape[2]:
        return "staggered", "there are covariates to adjust for"
    if dates > 1:
        return "staggered", f"units were treated from {dates} different periods on"
    if periods == 2:
        return "two_by_two", "there are two periods and one adoption date"
    arms = np.array([panel.treated.sum(), (~panel.treated).sum()])
    if arms.max() < 2:
        return "two_by_two", "each arm has one unit, so periods are collapsed to before and after"
    if cluster == "none":
        return "two_by_two", "the interval was asked not to be clustered"
    seen = (panel.n > 0).astype(float)
    if not all((seen[arm].sum(axis=0) > 0).all() for arm in (panel.treated, ~panel.treated)):
        return "two_by_two", "an arm is missing in some period, so periods are collapsed to before and after"
    return "event_study", f"there is one adoption date and {periods} periods"


def require_options(s: SimpleNamespace) -> None:
    """Refuse arguments of `did` that are none; raises ParamsError."""
    if s.kind != "auto" and s.kind not in KINDS:
        raise ParamsError(f"There is no kind '{s.kind}'.", nearest(s.kind, ("auto", *KINDS)))
    if s.family not in FAMILIES:
        raise ParamsError(f"There is no outcome family '{s.family}'.", nearest(s.family, FAMILIES))
    if s.cluster not in (None, *CLUSTERS) and s.unit is None:
        raise ParamsError(f"cluster is '{s.cluster}', but there is no unit that lies in it.", "Give the unit.")
    if s.inference not in INFERENCES:
        raise ParamsError(f"inference is '{s.inference}'.", nearest(s.inference, INFERENCES))
    if s.control not in CONTROLS:
        raise ParamsError(f"There is no control '{s.control}'.", nearest(s.control, CONTROLS))
    if s.anticipation < 0:
        raise ParamsError(f"anticipation is {s.anticipation}.", "Give a number of periods of at least 0.")
    if not s.smallest >= 0:
        raise ParamsError(f"smallest is {s.smallest}.", "Give a number of at least 0.")
    if not 0 < s.confidence < 1:
        raise ParamsError(f"confidence is {s.confidence}.", "Give a number between 0 and 1, such as 0.95.")
    if s.draws < FEWEST_DRAWS:
        raise ParamsError(f"draws is {s.draws}.", f"Give at least {FEWEST_DRAWS}.")
