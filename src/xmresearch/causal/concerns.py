"""What a careful reviewer would ask about a difference-in-differences design."""

from __future__ import annotations

from xmresearch import concerns
from xmresearch.inference.nuts import Convergence

_SENTENCES = {
    "blank_rows": "{rows} row(s) without an outcome or a covariate were left out.",
    "coded_rows": "{rows} row(s) whose outcome is a missing code were left out.",
    "dates_grouped": "The dates of column '{column}' were put into {periods} periods, {first} to {last}; period= (day, week, month, quarter or year) chooses others.",
    "start_mapped": "{starts} first treated period(s) were written in another form than the periods, such as {given}, taken for {taken}.",
    "start_within": "{starts} first treated period(s) lie within a period, such as {given}, taken for {taken}: all of that period counts as treated, its days before included.",
    "start_longer": "{starts} first treated period(s) are longer than the periods, such as {given}: treatment is taken to start with {taken}.",
    "treated_within": "Treatment of {units} unit(s) starts within a period: all of that period counts as treated, its days before included.",
    "late_entrants": "{units} unit(s) are treated in the first period in which they are seen, which is not the first of all: since when is not known, and they were left out.",
    "uneven_periods": "Periods are not evenly spaced (the widest step is {ratio:.3g} times the narrowest): trends before treatment are measured by real distances.",
    "one_unit": "{arm} has one unit: how units differ cannot be seen there, and the interval leans on the other arm.",
    "unclustered": "The interval is not clustered: {reason}. It is too narrow if units have shocks of their own.",
    "few_units": "{units} units in the smaller arm are few: the interval leans on their means being roughly normal.",
    "missing_periods": "{units} of {total} units lack some of the {periods} periods; each mean is over the units present.",
    "within_units": "{units} of {total} units lack some of the {periods} periods; effects are changes of the same units, so who is present does not shift them, unless units come or go because of how they were changing.",
    "balanced_units": "{units} of {total} units lack some of the {periods} periods and were left out: the effect is that on units seen throughout.",
    "composition_same": "Means of the units present would give {present:.3g}, where changes of the same units give {same:.3g} (p = {p:.3f}): who is present changes over time. The result rests on changes of the same units.",
    "composition_complete": "Means of the units present would give {present:.3g} (other units: {same:.3g}; p = {p:.3f}): who is present changes over time. The result rests on units seen throughout.",
    "composition_present": "The result rests on means of the units present ({present:.3g}); the same units give {same:.3g} (p = {p:.3f}): who is present changes over time, and the result mixes that with the effect.",
    "attrition": "Units seen in every period give {complete:.3g}, changes of all units {same:.3g} (p = {p:.3f}): units that come or go differ in trend or in effect.",
    "unpaired_effects": "{effects} ATT(g,t) were left out: no unit of the cohort, or of its controls, is seen in both periods.",
    "always_treated": "{units} unit(s) treated from the first usable period have no period before and were left out.",
    "one_sided_units": "{units} treated unit(s) have no row before treatment, or none after, and were left out.",
    "late_adopters": "{units} unit(s) adopt after the last period; they count as never treated.",
    "no_never": "Every unit is treated in the end: effects are estimated only while some are not yet treated.",
    "small_cohorts": "{cohorts} of {total} cohorts have fewer than {fewest} units; their covariance leans on the others.",
    "pretrend": "The arms moved apart before treatment (p = {p:.3f}): parallel trends are in doubt.",
    "overdispersed": "Counts vary {ratio:.1f} times as much as Poisson counts would: the interval is too narrow.",
    "uneven_rows": "Units have {low:.0f} to {high:.0f} rows per period and count equally; weight='rows' counts rows equally.",
    "repeated_cells": "{cells} of {total} units and periods have several rows, where others have one: rows that are there twice would count twice.",
    "sampler": "The sampler has not settled (largest r-hat {rhat:.3f}, fewest effective draws {ess:.0f}, {divergences} divergences).",
    "unadjusted_periods": "{periods} ATT(g,t) could not be adjusted for covariates and were left out: too few units.",
    "one_sided": "{cells} cell(s) of {units} unit(s) lack rows that the change could affect, or rows that it could not; they have no difference.",
    "placebo_interval": "The interval is that of {placebos} placebo treatments of untreated units (exact p = {p:.3f}): the treated units' shocks are taken to be like theirs.",
}  # fmt: skip


class Concern(concerns.Concern):
    """One thing to ask about a design, of one of these kinds.

    blank_rows, coded_rows, dates_grouped, start_mapped, start_within, start_longer, treated_within, late_entrants,
    uneven_periods, one_unit, unclustered, few_units, missing_periods, always_treated, one_sided_units, late_adopters,
    within_units, balanced_units, composition_same, composition_complete, composition_present, attrition, unpaired_effects,
    no_never, small_cohorts, pretrend, overdispersed, uneven_rows, repeated_cells, sampler, unadjusted_periods, one_sided or placebo_interval.
    """

    sentences = _SENTENCES


def unsettled(quality: Convergence) -> list[Concern]:
    """Return what there is to say of chains that have not settled."""
    if quality.settled:
        return []
    fewest = min(quality.ess_bulk, quality.ess_tail)
    return [Concern("sampler", {"rhat": quality.rhat, "ess": fewest, "divergences": quality.divergences})]
