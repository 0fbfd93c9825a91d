"""The sample behind a survey: its design, with weights raked to what is known of the population, and what that did to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from xmresearch.data.drawn import Drawn, are_shares
from xmresearch.data.survey import Survey
from xmresearch.data.weights import weight_distribution
from xmresearch.disclosure import hidden_groups
from xmresearch.display import Shown
from xmresearch.errors import InsufficientData
from xmresearch.sampling.calibration import Calibrated
from xmresearch.sampling.designs import Design
from xmresearch.sampling.raking import rake
from xmresearch.sampling.sampling_stages import design
from xmresearch.sampling.trimming import Trimmed, trim

FEW_DEGREES = 8
"""Degrees of freedom below which a standard error is itself hardly known (Parker et al. 2017)."""
MOST_OFF = 0.02
"""How far, as a share of the population, trimming may move a margin off its target without a warning."""
UNEVEN = 2.0
"""Design effect of the weights alone from which on a reader is warned."""
_WEIGHT = "(weight)"


@dataclass(frozen=True, repr=False)
class SurveySample(Shown):
    """How a survey's respondents were drawn, and what they are worth.

    Attributes
    ----------
    design : Design
        With the weights that estimates use.
    survey : Survey
        The survey itself.
    drawn : Drawn
        What the params and the columns say.
    weights : DataFrame
        Distribution of the weights, one row for each step (weights_given, weights_raked, weights_trimmed): see `weight_distribution`.
    margins : DataFrame or None
        One row per category: segment, value, n, target, before (as the weights given had it), raked and, if trimmed, after (shares); None where
        weights are not raked. Rows of small groups are not in it.
    hidden : int
        Categories that are too small to show.
    raised, lowered : int
        Weights that were trimmed.
    off : float
        Largest distance of a margin from its target, as a share of the population.
    """

    design: Design
    survey: Survey
    drawn: Drawn
    weights: pd.DataFrame
    margins: pd.DataFrame | None = None
    hidden: int = 0
    raised: int = 0
    lowered: int = 0
    off: float = 0.0

    def summary(self) -> dict[str, Any]:
        """Return how many respondents there are, how they were drawn, and what their weights make of them."""
        first, params = self.design.stages[0], self.drawn.params
        known = first.share[first.share > 0]
        return self.survey.summary() | {
            "case": "drawn", "strata": first.n_strata, "units": first.n_units, "df": self.design.df,
            "size": len(self.design) / first.n_units, "clustered": params.clusters is not None,
            "share_lowest": float(known.min()) if len(known) else float("nan"),
            "share_highest": float(known.max()) if len(known) else float("nan"),
            **weight_distribution(self.design.weights),
        }  # fmt: skip

    def tidy(self) -> pd.DataFrame:
        """Return the distribution of the weights, one row for each step."""
        return self.weights

    def steps(self) -> dict[str, str]:
        """Return the case of every sentence that the design needs: how respondents were drawn, how weighted, from how many."""
        params, many = self.drawn.params, self.design.stages[0].n_strata > 1
        unit = "clusters" if params.clusters else "respondents"
        weighted = "given" if self.survey.weights is not None else "sizes" if params.population else "equal"
        finite = unit if (self.design.stages[0].share > 0).any() else "none"
        return {"drawn": f"{unit}_in_strata" if many else unit, "weighed": weighted, "finite": finite}

    def said(self, what: str) -> dict[str, Any] | None:
        """Return the facts of one of those sentences, by its name; None where it has nothing to say."""
        case = self.steps()[what]
        return None if case == "none" else self.summary() | {"case": case}

    def raked(self) -> dict[str, Any] | None:
        """Return what raking did; None where weights are not raked."""
        if self.margins is None:
            return None
        names = [*self.drawn.params.margins]
        deff = self.weights.set_index("step")["deff"]
        return {"columns": names, "deff_given": deff["weights_given"], "deff_raked": deff["weights_raked"]}

    def trimmed(self) -> dict[str, Any] | None:
        """Return what trimming did; None where nothing is trimmed."""
        bounds = self.drawn.params.trim
        if bounds is None:
            return None
        case = "untouched" if not self.raised + self.lowered else "raked" if self.margins is not None else "weights"
        return {
            "case": case, "raised": self.raised, "lowered": self.lowered, "off": self.off, "lower": bounds.lower,
            "upper": bounds.upper,
        }  # fmt: skip

    def few_units(self) -> dict[str, Any] | None:
        """Return what must be said of few degrees of freedom; None where there are enough."""
        if self.design.df >= FEW_DEGREES:
            return None
        return {"df": self.design.df, "units": self.design.stages[0].n_units, "few": FEW_DEGREES}

    def hidden_margins(self) -> dict[str, Any] | None:
        """Return how many categories of margins are not shown; None where all are."""
        return {"count": self.hidden} if self.hidden else None

    def diagnostics(self) -> pd.DataFrame:
        """Return checks with figure, threshold and status."""
        df, deff = self.design.df, weight_distribution(self.design.weights)["deff"]
        rows = [
            ("degrees_of_freedom", float(df), float(FEW_DEGREES), "pass" if df >= FEW_DEGREES else "warn"),
            ("weights_uneven", deff, UNEVEN, "pass" if deff < UNEVEN else "warn"),
        ]
        if self.margins is not None:
            rows.append(("margins_off", self.off, MOST_OFF, "pass" if self.off <= MOST_OFF else "warn"))
        return pd.DataFrame(rows, columns=["check", "value", "threshold", "status"])

    def _head(self) -> Mapping[str, Any]:
        told = self.summary()
        return {k: told[k] for k in ("n", "strata", "units", "df", "n_eff", "deff", "lowest", "highest")}


def survey_sample(survey: Survey, *, min_cell: int = 10) -> SurveySample | None:
    """Make the design of a survey's sample: weights given, raked to margins and trimmed, with strata, clusters and population.

    Parameters
    ----------
    survey : Survey
        As `load_survey` gives it with `sampling`.
    min_cell : int
        Categories of margins with fewer respondents are not shown.

    Returns
    -------
    SurveySample or None
        None where nothing was said of how respondents were drawn.

    Raises
    ------
    DataError
        Weights cannot have all margins, or not within the bounds.
    InsufficientData
        The design leaves no degree of freedom.

    Notes
    -----
    Respondents left out by screening count as not having answered: they are no part of the sample. Raking starts from the design
    weights, and variances are those of the residuals on the margins; trimming takes the weights as they come out.

    References
    ----------
    Deville, J.-C., Särndal, C.-E. & Sautory, O. (1993). Generalized raking procedures in survey sampling. JASA, 88, 1013-1020. Parker,
    J. D. et al. (2017). National Center for Health Statistics data presentation standards for proportions. Vital and Health
    Statistics, 2 (175).
    """
    drawn = survey.drawn
    if drawn is None:
        return None
    params = drawn.params
    frame = drawn.frame if survey.weights is None else drawn.frame.assign(**{_WEIGHT: survey.weights})
    sampled = design(
        frame, weights=None if survey.weights is None else _WEIGHT, strata=params.strata, clusters=params.clusters,
        population=drawn.population, nest=params.nest, lonely=params.lonely,
    )  # fmt: skip
    if sampled.df < 1:
        raise InsufficientData(
            f"sampling: {sampled.stages[0].n_units} sampling units in {sampled.stages[0].n_strata} strata leave no degree of freedom.",
            "Put strata together: standard errors need more sampling units than strata.",
        )
    steps = {"given": sampled.weights}
    margins = None
    if params.margins:
        margins = rake(sampled, params.margins, size=_population(sampled, params.margins))
        sampled = margins.design
        steps["raked"] = sampled.weights
    cut = None
    if params.trim is not None:
        cut = trim(sampled, params.trim.lower, params.trim.upper, relative=True)
        sampled = cut.design
        steps["trimmed"] = sampled.weights
    return _told(survey, drawn, sampled, steps, margins, cut, min_cell)


def _population(sampled: Design, margins: Mapping[str, Mapping[str, float]]) -> float:
    """Return how many people the margins are of: what counts add up to, otherwise the sum of the weights."""
    counts = [sum(wanted.values()) for wanted in margins.values() if not are_shares(wanted)]
    return counts[0] if counts else float(sampled.weights.sum())


def _told(
    survey: Survey, drawn: Drawn, sampled: Design, steps: Mapping[str, NDArray[np.float64]], margins: Calibrated | None, cut: Trimmed | None,
    min_cell: int,
) -> SurveySample:  # fmt: skip
    """Put together what the steps did to the weights and to the margins."""
    spread = pd.DataFrame([{"step": f"weights_{k}", **weight_distribution(w)} for k, w in steps.items()])
    raised, lowered = (cut.raised, cut.lowered) if cut else (0, 0)
    if margins is None:
        return SurveySample(sampled, survey, drawn, spread, None, 0, raised, lowered)
    table, hidden = _margins(survey, sampled, margins, steps, min_cell)
    off = float((table["after" if cut else "raked"] - table["target"]).abs().max())
    return SurveySample(
        sampled,
        survey,
        drawn,
        spread,
        table[~hidden].reset_index(drop=True),
        int(hidden.sum()),
        raised,
        lowered,
        off,
    )


def _margins(
    survey: Survey, sampled: Design, margins: Calibrated, steps: Mapping[str, NDArray[np.float64]], min_cell: int
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return target and weighted shares of every category, and which of them are too small to show."""
    rows: list[dict[str, Any]] = []
    masks: dict[str, list[NDArray[np.bool_]]] = {}
    for name, part in margins.margins.groupby("variable", sort=False):
        inside = [(sampled.frame[name] == v).to_numpy() for v in part["level"]]
        masks[str(name)] = inside
        for value, target, members in zip(part["level"], part["target"] / part["target"].sum(), inside, strict=True):
            shares = {k: float(w[members].sum() / w.sum()) for k, w in steps.items()}
            rows.append({
                "segment": name, "value": value, "n": int(members.sum()), "target": target, "before": shares["given"],
                "raked": shares["raked"], **({"after": shares["trimmed"]} if "trimmed" in shares else {}),
            })  # fmt: skip
    return pd.DataFrame(rows), _small(survey, masks, min_cell)


def _small(survey: Survey, masks: Mapping[str, list[NDArray[np.bool_]]], min_cell: int) -> NDArray[np.bool_]:
    """Say which categories to hide; all of them where they would give away a small group beside the segments' tables."""
    groups = {s: survey.frame[s] for s in survey.segments if s not in masks}
    shown = {s: [*((g == v).to_numpy() for v in g.dropna().unique()), g.isna().to_numpy()] for s, g in groups.items()}
    alone, marks = hidden_groups(shown, min_cell), hidden_groups({**shown, **masks}, min_cell)
    told = any((marks[s] != alone[s]).any() for s in shown)
    hidden = np.concatenate([marks[name] for name in masks])
    return np.ones_like(hidden) if told else hidden
