"""What weights and clusters make of a survey's respondents, in figures for the report and for `check`."""

from __future__ import annotations

from typing import Any

import numpy as np

from xmresearch.data.survey import Survey
from xmresearch.data.weights import weight_distribution
from xmresearch.sem.concerns import ENOUGH_CLUSTERS
from xmresearch.sem.result import SemFit


def sampled_rows(fitted: SemFit) -> dict[str, Any] | None:
    """Return what the weights and clusters of a fit are.

    Parameters
    ----------
    fitted : SemFit
        Of one group.

    Returns
    -------
    dict or None
        case (weights, clusters or both), n_used, and of weights lowest, median, highest (of their mean), cv, deff and n_eff,
        of clusters how many, their mean size, and enough. None where respondents count alike and were drawn one by one.

    References
    ----------
    Kish, L. (1965). Survey Sampling. Wiley (effective n).
    """
    design = fitted.samples[0].design if fitted.rows else None
    if design is None or design.plain:
        return None
    facts: dict[str, Any] = {"n_used": fitted.n, "enough": ENOUGH_CLUSTERS}
    if design.weights is not None:
        facts |= weight_distribution(design.weights)
    if design.clusters is not None:
        facts |= {"clusters": design.count, "size": fitted.n / design.count}
    both = design.weights is not None and design.clusters is not None
    return {"case": "both" if both else "weights" if design.weights is not None else "clusters"} | facts


def design_lines(survey: Survey) -> list[str]:
    """Say what a survey's weights and clusters are, as `xmresearch check` does."""
    lines = []
    if survey.weights is not None:
        told = weight_distribution(survey.weights)
        lines.append(
            f"Weights: {told['lowest']:.2f} to {told['highest']:.2f} times their mean; {len(survey)} respondents are worth "
            f"{told['n_eff']:.0f} of equal weight."
        )
    if survey.clusters is not None:
        count = len(np.unique(survey.clusters.astype(str)))
        few = f"; fewer than {ENOUGH_CLUSTERS} are few" if count < ENOUGH_CLUSTERS else ""
        lines.append(f"Clusters: {count}, of {len(survey) / count:.1f} respondents on average{few}.")
    return lines
