"""The chain from staff to results, lagged links and claims of whole cities at the size at which they are accepted.

Seeds, cells and numbers of samples are fixed here; acceptance as in test_linkage_claims.
"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from xmresearch.claims.families import adjusted
from xmresearch.data.config import LinkageSource
from xmresearch.data.scenarios.service_hall_linkage import ServiceHallLinkage
from xmresearch.errors import InsufficientData
from xmresearch.linkage.agreement import intraclass
from xmresearch.linkage.lagged_links import cross_lag, waves_of
from xmresearch.linkage.link_levels import within_between
from xmresearch.linkage.service_chain import profit_chain
from xmresearch.studies.linkage.claims import linkage_claims
from xmresearch.studies.linkage.linking import link, linked_data
from xmresearch.studies.linkage.opening import open_sources
from xmresearch.studies.linkage.params import LinkageParams

pytestmark = pytest.mark.benchmark
SAMPLES, FITTED, CITIES = 1000, 200, 200
CHAINS = [(j, *links) for j in (20, 40, 100) for links in ((0.0, 0.6, 0.0), (0.6, 0.0, 0.6), (0.6, 0.6, 0.3))]


def chained(rng, j, a, b, direct):
    """Draw means of staff and customers with their sampling errors, and results; the first branch has ten times the customers."""
    staff = 0.4 * rng.standard_normal(j)
    customers = a * staff + 0.35 * rng.standard_normal(j)
    results = b * customers + direct * staff + 0.3 * rng.standard_normal(j)
    m, n = rng.integers(8, 30, j), rng.integers(20, 80, j)
    n[0] *= 10
    seen = staff + 0.9 * rng.standard_normal(j) / np.sqrt(m), customers + rng.standard_normal(j) / np.sqrt(n)
    return *seen, results, 0.81 / m, 1 / n


def too_often(count, total, most=0.05):
    return stats.binomtest(count, total, most, alternative="greater").pvalue


def test_chains_are_covered_and_no_chain_is_claimed_that_is_not_there():
    rows, off = [], []
    for cell in CHAINS:
        rng, covered, claimed = np.random.default_rng(cell[0]), [], []
        for _ in range(SAMPLES):
            s, c, r, s_error, c_error = chained(rng, *cell)
            try:
                found = profit_chain(s, c, r, staff_error=s_error, customers_error=c_error, draws=2000)
            except InsufficientData:  # means that do not differ beyond sampling: nothing is claimed
                continue
            truth = np.array([*cell[1:], cell[1] * cell[2]])
            covered.append((found.table["lower"] <= truth) & (truth <= found.table["upper"]))
            claimed.append(found.both)
        print(
            cell,
            "covered (a, b, direct, a b)",
            np.mean(covered, axis=0),
            "claimed",
            sum(claimed) / SAMPLES,
            "of",
            len(claimed),
        )
        off += [
            (cell, k, stats.binomtest(int(v), len(covered), 0.93, alternative="less").pvalue)
            for k, v in enumerate(np.sum(covered, axis=0))
        ]
        if cell[1] * cell[2] == 0:
            rows.append((cell, int(np.sum(claimed))))
    assert not [
        row for row, q in zip(rows, adjusted([too_often(c, SAMPLES) for _, c in rows]), strict=True) if q < 0.05
    ]
    assert not [row for row, q in zip(off, adjusted([p for *_, p in off]), strict=True) if q < 0.05]


@pytest.mark.parametrize("within", [0.5, 0.0])
def test_lagged_links_are_covered(within):
    """200 cities of 600 customers in 12 halls; a fit takes about a tenth of a second."""
    kept = []
    for seed in range(FITTED):
        city = ServiceHallLinkage(600, seed, branches=12, within=within)
        truth = city.truth().set_index("effect")["truth"]
        (x, y), _ = waves_of(city.customers(), "customer", "wave", ["satisfaction", "spend"])
        found = cross_lag(x, y)
        kept.append([found.link(k)["lower"] <= truth[k] <= found.link(k)["upper"] for k in ("x_to_y", "y_to_x")])
    print(within, "covered", np.mean(kept, axis=0))
    for count in np.sum(kept, axis=0):
        assert stats.binomtest(int(count), FITTED, 0.93, alternative="less").pvalue > 0.0125
        assert stats.binomtest(int(count), FITTED, 0.97, alternative="greater").pvalue > 0.0125


@pytest.mark.parametrize(
    "planted", [{"within": 0.5, "between": 0.0}, {"within": 0.0, "between": 2.0}, {"within": 0.0, "between": 0.0}]
)
def test_no_page_of_a_city_says_what_is_not_there(planted):
    rows = []
    for seed in range(CITIES):
        params = LinkageParams(data=LinkageSource(n=1500, seed=seed, chained=False, **planted), wave=None, draws=2000)
        data = open_sources(params)
        made = linked_data(params, data)
        links = within_between(made.moments)
        claims = linkage_claims(
            params, link(params, data, made, links), intraclass(made.moments.n, made.moments.x, made.moments.sxx)
        )
        rows.append({
            "within": claims.within.settled, "between": claims.between.settled, "chain": claims.chain is not None and claims.chain.settled,
            "opposite": claims.within.case == "below" or claims.between.case == "below",
        })  # fmt: skip
    rates = pd.DataFrame(rows).sum()
    print(planted, (rates / CITIES).to_dict())
    for name in ("within", "between"):
        if planted[name] == 0:
            assert too_often(int(rates[name]), CITIES) > 0.01, name
        else:
            assert rates[name] > 0.8 * CITIES
    assert too_often(int(rates["chain"]), CITIES) > 0.01
