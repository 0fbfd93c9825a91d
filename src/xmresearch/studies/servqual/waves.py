"""The two waves that a SERVQUAL study compares; all else that it says is of the later one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.survey import Survey
from xmresearch.data.survey_checks import check_items
from xmresearch.disclosure import called, hidden_counts
from xmresearch.display import Shown
from xmresearch.errors import DataError, InsufficientData, Problems, brief
from xmresearch.inference.wave_means import People, Weighted
from xmresearch.studies.servqual.params import ServqualParams
from xmresearch.studies.wave_choice import chosen_waves, ordered_waves


@dataclass(frozen=True, repr=False)
class Waves(Shown):
    """Two waves of a survey.

    Attributes
    ----------
    then, now : Survey
        The earlier and the later one.
    before, after : str
        Their names, as 'column=wave'.
    left_out : int
        Answers without a wave.
    hidden : int
        Waves that are too small to be named.
    """

    then: Survey
    now: Survey
    before: str
    after: str
    left_out: int
    hidden: int

    @property
    def weights(self) -> Weighted:
        """Design weights of both waves."""
        return self.then.weights, self.now.weights

    @property
    def people(self) -> People | None:
        """Who answered in each wave; None where that was not told."""
        if self.then.clusters is None or self.now.clusters is None:
            return None
        return self.then.clusters, self.now.clusters

    @property
    def fewest(self) -> int:
        """Respondents of the smaller wave."""
        return min(len(self.then), len(self.now))

    def summary(self) -> dict[str, Any]:
        """Return the names and sizes of both waves."""
        return {"before": self.before, "after": self.after, "n_then": len(self.then), "n_now": len(self.now)}

    def hidden_summary(self) -> dict[str, Any] | None:
        """Return how many waves are not shown, and answers without a wave; None where there are none."""
        return {"hidden": self.hidden, "left_out": self.left_out} if self.hidden or self.left_out else None

    def line(self) -> str:
        """Say which waves are compared, as `xmresearch check` does."""
        names = [brief(name.partition("=")[2]) for name in (self.before, self.after)]
        return (
            f"Waves: '{names[0]}' ({len(self.then)} respondents) and '{names[1]}' ({len(self.now)}) are compared; all but the change is "
            "of the later."
        )


def waves_of_study(survey: Survey, params: ServqualParams) -> Waves | None:
    """Take the two waves to compare from a survey.

    Parameters
    ----------
    survey : Survey
        Screened.
    params : ServqualParams
        Of the study.

    Returns
    -------
    Waves or None
        None where no column of waves is given.

    Raises
    ------
    DataError
        An unknown wave; a person who answered twice in a wave.
    InsufficientData
        One wave only, or too few answers in one that is compared.
    """
    column = params.wave_column
    if column is None:
        return None
    given = survey.frame[column]
    known = given.notna()
    order = ordered_waves(given[known], params.waves)
    sizes = given[known].value_counts().reindex(order, fill_value=0).to_numpy()
    hide = hidden_counts(sizes, params.min_cell)
    shown = [w for w, away in zip(order, hide, strict=True) if not away]
    chosen = chosen_waves(params.compare, order, shown)
    for wave in chosen:
        if wave not in shown:
            raise InsufficientData(
                f"{called('Wave', wave, int(sizes[order.index(wave)]))} has fewer than {params.min_cell} respondents, or would tell of one "
                "that has.",
                "Put waves together (wave_period), or name others under 'compare'.",
            )
    if len(chosen) < 2:
        raise InsufficientData(
            f"wave_column: '{brief(column)}' holds one wave with {params.min_cell} respondents or more, and a change needs two.",
            "Leave wave_column out, or put dates into shorter waves (wave_period).",
        )
    then, now = (_wave(survey, (given == wave).to_numpy(), wave) for wave in chosen)
    names = [f"{column}={wave}" for wave in chosen]
    return Waves(then, now, names[0], names[1], int((~known).sum()), int(hide.sum()))


def _wave(survey: Survey, members: NDArray[np.bool_], wave: str) -> Survey:
    """Return the survey's rows of one wave, with enough answers to every item and nobody twice."""
    taken = replace(
        survey,
        frame=survey.frame[members].reset_index(drop=True),
        weights=None if survey.weights is None else survey.weights[members],
        clusters=None if survey.clusters is None else survey.clusters[members],
        **{k: _rows_of(getattr(survey, k), members) for k in ("texts", "apart", "carried", "respondents")},
    )
    problems = Problems()
    check_items(taken.frame, taken.codebook, problems, error_on_constant=False)
    if problems.errors:
        raise InsufficientData(
            f"{called('Wave', wave, len(taken))}: {problems.errors[0].problem}",
            "Put waves together (wave_period), or remove the item from the codebook.",
        )
    people = taken.clusters
    if people is not None and len(set(people)) < len(people):
        raise DataError(
            f"person_column: {len(people) - len(set(people))} answer(s) of {called('wave', wave, len(taken))} are of people who answered "
            "before in it.",
            "Keep one answer of each person in a wave, or leave person_column out if the column names something else.",
        )
    return taken


def _rows_of(table: pd.DataFrame, members: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the rows of members, of a table that has one for each respondent or none at all."""
    return table[members].reset_index(drop=True) if len(table) == len(members) else table
