"""How often each answer to the hall's overall questions is given, exactly: the truth of scores made from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from xmresearch.data.scenarios import service_hall as hall

Array = NDArray[np.float64]


def answer_chances(item: str, *, weighted: bool = False) -> pd.DataFrame:
    """Return the probability of every answer to quality, satisfaction or recommend, by branch and channel.

    Parameters
    ----------
    item : str
        The question.
    weighted : bool
        Whether shares are those of the city's visitors (what the design weights restore) or of the sampled mix of branches.

    Returns
    -------
    DataFrame
        One row per branch and channel: branch, channel, share, and a column for each answer, named by it. They are the same in every
        month.

    Raises
    ------
    KeyError
        There is no such question.

    See Also
    --------
    xmresearch.data.scenarios.service_hall.ServiceHall : the simulation.
    """
    if item not in hall.OUTCOMES:
        raise KeyError(item)
    at = hall.OUTCOMES.index(item)
    branch, channel = np.indices((len(hall.BRANCHES), len(hall.CHANNELS))).reshape(2, -1)
    sampled = hall.BRANCH_SHARE if weighted else hall.BRANCH_SAMPLED
    shift = (hall.BRANCH_SHIFT[branch] + hall.CHANNEL_SHIFT[channel]) / hall.PERCEIVED_SD
    mean = hall.OUTCOME_MEAN[at] + hall.OUTCOME_SCALE[at] * (shift @ hall.OUTCOME_PATH[at])
    sd = float(hall.OUTCOME_SCALE[at] * hall.OUTCOME_SD[at])
    levels = np.arange(hall.OUTCOME_LOW[at], hall.OUTCOME_HIGH[at] + 1)
    below: Array = special.ndtr((levels[:-1][None, :] + 0.5 - mean[:, None]) / sd)
    chances = np.diff(np.hstack([np.zeros((len(mean), 1)), below, np.ones((len(mean), 1))]), axis=1)
    table = pd.DataFrame({
        "branch": np.array(hall.BRANCHES, dtype=object)[branch], "channel": np.array(hall.CHANNELS, dtype=object)[channel],
        "share": sampled[branch] * hall.CHANNEL_SHARE[channel],
    })  # fmt: skip
    return pd.concat([table, pd.DataFrame(chances, columns=[float(v) for v in levels])], axis=1)
