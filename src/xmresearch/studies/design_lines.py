"""What `check` says of how the respondents of a survey were drawn."""

from __future__ import annotations

from xmresearch.sampling.survey_designs import FEW_DEGREES, SurveySample


def design_lines(sample: SurveySample) -> list[str]:
    """Say how respondents were drawn and what their weights become, as `xmresearch check` does.

    Parameters
    ----------
    sample : SurveySample
        Of the survey.

    Returns
    -------
    list of str
    """
    told, params = sample.summary(), sample.drawn.params
    units = (
        f"{told['units']} clusters of {told['size']:.1f} respondents on average" if params.clusters else "respondents"
    )
    few = f"; fewer than {FEW_DEGREES} are few" if told["df"] < FEW_DEGREES else ""
    strata = f" in {told['strata']} strata" if told["strata"] > 1 else ""
    lines = [f"Sample: {units}{strata}, {told['df']} degrees of freedom{few}."]
    if params.margins:
        lines.append(f"Raked to {len(params.margins)} margin(s): {', '.join(params.margins)}.")
    if params.trim is not None:
        lines.append(
            f"Trimmed: {sample.raised} weights raised, {sample.lowered} lowered; margins are off by up to {sample.off:.1%}."
        )
    return [*lines, f"Weights as used: {_spread(told, len(sample.survey))}."]


def _spread(told: dict[str, float], n: int) -> str:
    return (
        f"{told['lowest']:.2f} to {told['highest']:.2f} times their mean; {n} respondents are worth {told['n_eff']:.0f} of "
        "equal weight"
    )
