"""Units leave because of their level: bias and coverage of changes of the same units, and of the check. Run with 'make bench'."""

import numpy as np
import pytest
from leaving_units import KEYS, rows

from xmresearch.causal.designs import did

REPLICATIONS = 400
pytestmark = pytest.mark.benchmark
CASES = [
    ("two_by_two", {}), ("event_study", {}), ("event_study", {"base": "all"}), ("staggered", {}),
    ("staggered", {"overall": "dynamic", "cohort_weights": "fixed"}),
]  # fmt: skip


@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_intervals_cover_under_dropout_by_level(kind, options, gaps):
    found = [
        did(rows(1000 + s, kind, gaps=gaps), kind=kind, draws=1000, **options, **KEYS) for s in range(REPLICATIONS)
    ]
    estimate, sd = (np.array([r.effect[k] for r in found]) for k in ("estimate", "sd"))
    covered = np.mean([r.effect["ci_lower"] <= 1 <= r.effect["ci_upper"] for r in found])
    present = np.nanmean([r.facts.get("effect_cross_sections", np.nan) for r in found])
    warned = np.mean([r.facts["composition_p"] < 0.05 for r in found])
    print(
        f"{kind} {options} gaps {gaps}: bias {estimate.mean() - 1:+.3f} (means of those present {present - 1:+.3f}), "
        f"SD {sd.mean():.3f} for {estimate.std(ddof=1):.3f}, coverage {covered:.3f}, difference seen {warned:.2f}"
    )
    # In a few samples an arm has nobody who is seen in both periods of some effect.
    assert np.mean([r.facts["compared"] == "within" for r in found]) >= (0.99 if gaps else 1.0)
    assert abs(estimate.mean() - 1) < 3 * estimate.std(ddof=1) / np.sqrt(REPLICATIONS)
    assert 0.93 <= covered <= 0.97
    assert present < 0.95


@pytest.mark.parametrize("kind", ["two_by_two", "event_study", "staggered"])
def test_gaps_at_random_are_called_a_difference_as_rarely_as_promised(kind):
    found = [
        did(rows(2000 + s, kind, leave=False, gaps=0.1), kind=kind, draws=100, **KEYS) for s in range(REPLICATIONS)
    ]
    rates = {k: np.nanmean([r.facts[k] < 0.05 for r in found]) for k in ("composition_p", "attrition_p")}
    print(kind, rates)
    assert rates["composition_p"] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)
