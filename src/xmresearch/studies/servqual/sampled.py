"""What the design of a sample makes of a SERVQUAL study: how its figures came about, in words."""

from __future__ import annotations

from xmresearch.sampling.survey_designs import SurveySample


def how_made(sample: SurveySample | None, *, streamed: bool = False) -> dict[str, str]:
    """Return what the notes below tables say of how figures came about, with a design and without.

    Parameters
    ----------
    sample : SurveySample or None
        None without a design.
    streamed : bool
        Whether figures are made of statistics.

    Returns
    -------
    dict of str to str
    """
    if sample is None:
        return {
            "resampled": "normal_draws" if streamed else "bayesian_bootstrap", "compared": "welch_test", "alpha_interval": "feldt_interval",
            "cfa_rows": "cfa_plain", "dash": "dash_suppressed",
        }  # fmt: skip
    return {
        "resampled": "unit_bootstrap", "compared": "wald_test", "alpha_interval": "design_interval",
        "cfa_rows": "cfa_design", "dash": "dash_or_one_unit",
    }  # fmt: skip
