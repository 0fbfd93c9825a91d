"""What a structural equation study claims, in worlds whose truth is known."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import page
import pandas as pd
import pytest
import sem_worlds
import yaml
from scipy import stats

from xmresearch.claims.claim import Condition
from xmresearch.claims.ranking import Joint
from xmresearch.data import FOLDER_VARIABLE
from xmresearch.psychometrics.composite import composite_reliability
from xmresearch.psychometrics.construct_validity import validity
from xmresearch.psychometrics.method_variance import HARMAN_BOUND, SHARE_BOUND, CommonMethodResult
from xmresearch.sem.fitting import fit
from xmresearch.sem.invariance_ladder import invariance
from xmresearch.sem.total_effects import MediationResult, effects, mediation
from xmresearch.sem.uncertainty import jointly
from xmresearch.sem.what_if import GainsResult, gains, indices
from xmresearch.studies.sem.claims import sem_claims
from xmresearch.studies.sem.drivers import NOTHING, carrying, drives_most, improves_most, marked, raising
from xmresearch.studies.sem.evidence import depending, needs, tails
from xmresearch.studies.sem.groups import difference_bound, group_claims
from xmresearch.studies.sem.measurement import few_respondents, fit_claim, measurement_claims, method_claim
from xmresearch.studies.sem.others import casewise_likelihood, rivals_claim

LEVEL = 0.95
NAMES = {"a": ("Access", "便利"), "b": ("Bearing", "态度"), "c": ("Clarity", "清晰"), "y": ("Satisfaction", "满意")}
# respondents, paths, what is wrong with the answers, settings; what is claimed first of drivers and gains, and of the instrument
WORLDS = {
    "strong": (500, (0.6, 0.1, 0.0), 0.0, {"group": "g", "levels": ["scalar"], "rivals": {"Direct": sem_worlds.MODEL + "\nz ~ a"}, "pls": True}, "first", "no_departure"),
    "null": (300, (0.0, 0.0, 0.0), 0.0, {"mediation": [["a", "y", "z"], ["b", "y", "z"]]}, "unsettled", "no_departure"),
    "near null": (300, (0.1, 0.08, 0.05), 0.0, {}, "unsettled", "no_departure"),
    "two equal": (400, (0.35, 0.35, 0.0), 0.0, {"estimator": "MLM", "mediation": [["a", "y", "z"]]}, "unsettled", "no_departure"),
    "three equal": (400, (0.3, 0.3, 0.3), 0.0, {"estimator": "ML"}, "unsettled", "no_departure"),
    "tiny": (18, (0.5, 0.2, 0.1), 0.0, {"estimator": "ML"}, None, None),
    "huge": (60_000, (0.4, 0.3, 0.0), 0.0, {"estimator": "ML", "validity_bootstrap": 0}, "first", "unsettled"),
    "failed check": (400, (0.6, 0.1, 0.0), 1.2, {"group": "g", "levels": ["metric"]}, "conditional", "failed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Write the page of a world, in both languages."""
    folder, made = tmp_path_factory.mktemp("sem"), {}
    (folder / "cb.yml").write_text(sem_worlds.codebook(), "utf-8")

    def of(world):
        if world not in made:
            n, paths, disturbed, settings, *_ = WORLDS[world]
            rng = np.random.default_rng(list(WORLDS).index(world) + 40)
            data = sem_worlds.survey(rng, n, paths, disturbed=disturbed).assign(g=rng.choice(["one", "two"], n))
            data.to_csv(folder / f"{world}.csv", index=False)
            common = {
                "data": {"path": f"{world}.csv"}, "codebook": "cb.yml", "model": sem_worlds.MODEL, "outcomes": ["y", "z"],
                "missing": "listwise", "validity_bootstrap": 200, "screening": {"duplicate_rows": {"action": "off"}},
            }  # fmt: skip
            both = [page.write("sem", folder, lang=lang, **(common | settings)) for lang in ("en", "zh")]
            made[world] = both
        return made[world]

    return of


@pytest.mark.parametrize("world", WORLDS)
def test_cards_sentences_and_checks_agree(pages, world):
    shown = [page.assert_agreement(report) for report in pages(world)]
    assert shown[0] == shown[1]
    *_, first, instrument = WORLDS[world]
    for report, language in zip(pages(world), (0, 1), strict=True):
        claims = report.claims
        if first is not None:
            assert claims["drives_first"].case == first
            assert claims["gain_first"].case == first
            assert claims["instrument"].case == instrument
        card = next(c for c in page.cards(report) for r in c["claims"] if r["name"] == "gain_first")
        named = [name for pair in NAMES.values() for name in pair if name in card["value"]]
        settled = claims["gain_first"].settled
        assert named == ([NAMES[claims["gain_first"].facts["leader"]][language]] if settled else [])
        if claims["instrument"].case == "unsettled":
            text = next(b.content["text"] for b in page.answer(report) if b.content.get("key") == "instrument")
            assert ("(measurement part: CFI", "（测量部分：CFI")[language] in text
        for block in page.answer(report):
            for record in block.content.get("claims", []):
                leader = claims[record["name"]].facts.get("leader")
                if leader and record["state"] != "settled":
                    bold = block.content["text"].split("**")[1::2]
                    assert not any(NAMES.get(leader, (leader, leader))[language].lower() in b.lower() for b in bold)
        failed = {c.check for claim in claims.values() for c in claim.conditions if c.holds is False}
        assert all(
            not c.settled for c in claims.values() if failed & {k.check for k in c.conditions if k.holds is False}
        )


def test_a_failed_check_makes_advice_conditional_and_names_the_cause(pages):
    english, chinese = pages("failed check")
    text = page.prose(english)
    assert "What to improve first cannot be said" in text
    assert "does not hold" in text
    assert "The cause is the model, not a difference between the groups." in text
    assert "improve first:" not in text.lower()
    assert "原因在模型，而非群体之间的差异" in page.prose(chinese)
    assert "configural" in english.claims["loadings_alike"].failed


def test_a_small_survey_says_so(pages):
    english, chinese = pages("tiny")
    assert "18 respondents are few" in page.prose(english)
    assert "18 名受访者" in page.prose(chinese)
    assert (
        few_respondents(fit("a =~ a1 + a2 + a3", sem_worlds.survey(np.random.default_rng(1), 100, (0, 0, 0)))) is None
    )


def test_an_index_of_few_has_the_interval_of_a_t_test(strong):
    data, fitted = strong
    few = data.iloc[:12]
    row = indices(fitted, few, ["y"], sem_worlds.scales()).table.iloc[0]
    each = ((few[["y1", "y2", "y3"]] - 1) / 6 * 100).mean(axis=1)
    low, high = stats.ttest_1samp(each, 0).confidence_interval()
    assert (row["ci_lower"], row["ci_upper"]) == pytest.approx((low, high))


def test_pls_says_what_the_figures_show(pages):
    report = pages("strong")[0]
    tables = {b.content["key"]: b.content for b in report.blocks if b.kind == "table"}
    assert "yes" in [row[-1] for row in tables["gains"]["rows"]]
    claim = report.claims["pls_closer"]
    assert claim.facts["total"] == 4
    assert f"{claim.facts['count']} of 4 paths are closer to zero" in page.prose(report)
    assert report.claims["best_model"].facts["leader"] == "structural"


SECOND_ORDER = "A =~ a1+a2+a3\nB =~ b1+b2+b3\nC =~ c1+c2+c3\nV =~ v1+v2+v3\nSAT =~ s1+s2+s3\nSQ =~ A+B+C\nSAT ~ SQ + V"


def test_a_second_order_driver_leads():
    """A quality of second order drives satisfaction by .8, the value of what one pays not at all."""
    rng, n = np.random.default_rng(5), 600
    q = rng.normal(size=n)
    v = 0.2 * q + rng.normal(size=n)
    latent = {k: 0.85 * q + 0.53 * rng.normal(size=n) for k in "abc"} | {
        "v": v,
        "s": 0.8 * q + 0.6 * rng.normal(size=n),
    }
    data = pd.DataFrame({
        f"{k}{j}": np.clip(np.round(4 + 1.2 * (0.85 * z + 0.5 * rng.normal(size=n))), 1, 7)
        for k, z in latent.items() for j in (1, 2, 3)
    })  # fmt: skip
    fitted = fit(SECOND_ORDER, data)
    effect = effects(fitted)
    most = drives_most("drives_first", effect, "SAT", LEVEL)
    assert (most.case, most.facts["leader"]) == ("first", "SQ")
    assert [most.facts[k] for k in ("total", "total_lower", "total_upper")] == pytest.approx(
        [0.82, 0.78, 0.87], abs=0.015
    )
    gain = improves_most(gains(fitted, data, ["SAT"], dict.fromkeys(data, (1.0, 7.0))), "SAT", LEVEL)
    assert (gain.case, gain.facts["leader"]) == ("first", "SQ")


@pytest.mark.parametrize(("name", "driver"), [("so2", "sq"), ("secondorder", "g"), ("secondorder_group", "g")])
def test_studies_with_second_order_drivers_run(name, driver):
    folder = Path(os.environ.get(FOLDER_VARIABLE, "/nowhere")) / ".." / "cases" / "sem"
    if not (folder / f"{name}.yml").exists():
        pytest.skip(f"the cases are not there: set {FOLDER_VARIABLE}")
    params = yaml.safe_load((folder / f"{name}.yml").read_text("utf-8"))
    del params["study"]
    report = page.write("sem", folder, **(params | {"validity_bootstrap": 200}))
    page.assert_agreement(report)
    gained = next(b.content for b in report.blocks if b.kind == "table" and b.content["key"] == "gains")
    assert driver in [row[0] for row in gained["rows"]]
    assert driver in report.claims["gain_first"].facts["possible"]


def test_two_equal_drivers_are_told_apart_as_rarely_as_promised():
    """A lower bound beside the rival's estimate would call one of the two the first in about a third of the samples."""
    rng = np.random.default_rng(1)
    model = "f =~ a1 + a2 + a3\ng =~ b1 + b2 + b3\nh =~ c1 + c2 + c3\nh ~ f + g"
    claims = []
    for _ in range(40):
        f = rng.normal(size=300)
        g = 0.5 * f + np.sqrt(0.75) * rng.normal(size=300)
        h = 0.35 * f + 0.35 * g + 0.75 * rng.normal(size=300)
        data = pd.DataFrame({
            f"{k}{j}": 0.75 * z + 0.66 * rng.normal(size=300) for k, z in (("a", f), ("b", g), ("c", h)) for j in (1, 2, 3)
        })  # fmt: skip
        claims.append(drives_most("drives_first", effects(fit(model, data)), "h", LEVEL))
    assert sum(c.settled for c in claims) <= 6
    assert sum(set(c.facts["possible"]) >= {"f", "g"} for c in claims) >= 34


def made(estimate, error, drivers=("a", "b", "c")):
    """Gains with independent errors."""
    estimate, error = np.asarray(estimate, dtype=float), np.asarray(error, dtype=float)
    reach = 1.959964 * error
    table = pd.DataFrame({
        "driver": drivers, "outcome": "y", "gain": 0.5, "change": estimate / 10, "index_change": estimate,
        "index_change_lower": estimate - reach, "index_change_upper": estimate + reach,
    })  # fmt: skip
    return GainsResult(table, Joint(estimate, covariance=np.diag(error**2)))


def test_a_gain_as_uncertain_as_the_index_is_wide_is_withheld():
    """The interval of [-102, +88] on an index from 0 to 100."""
    found = improves_most(made([-7, -20, -30], [48.5, 50, 60]), "y", LEVEL)
    assert (found.case, found.withheld) == ("withheld", "as_wide_as_scale")
    assert raising(made([-7, -20, -30], [48.5, 50, 60]), "y", LEVEL).withheld == "as_wide_as_scale"
    assert improves_most(made([50, 1, 1], [10, 1, 1]), "y", LEVEL).case == "first"


def test_a_gain_that_may_be_none_leads_nothing():
    """b and c clearly harm; a's gain is not distinguishable from none at all."""
    found = improves_most(made([1, -9, -12], [1, 1, 1]), "y", LEVEL)
    assert (found.case, found.facts["possible"]) == ("unsettled", ["a", NOTHING])
    only = improves_most(made([1], [1], ["a"]), "y", LEVEL)
    assert (only.case, only.facts["possible"]) == ("unsettled", ["a", NOTHING])
    assert improves_most(made([3], [1], ["a"]), "y", LEVEL).case == "only"
    held = raising(made([2.1, 2.1, -9], [1, 1, 1]), "y", LEVEL)
    assert held.case == "unsettled"
    assert raising(made([3, 2.1, -9], [1, 1, 1]), "y", LEVEL).facts["shown"] == ["a"]


def test_sizes_of_effects_are_compared_whatever_their_signs():
    data = sem_worlds.survey(np.random.default_rng(2), 500, (-0.6, 0.1, 0.0), between=0.2)
    found = drives_most("drives_first", effects(fit(sem_worlds.MODEL, data)), "y", LEVEL)
    assert (found.case, found.facts["leader"]) == ("first", "a")
    assert found.facts["total"] < 0 < found.facts["margin_lower"]


def test_chains_are_corrected_for_their_number():
    chains = pd.DataFrame({"chain": [["a", "y", "z"], ["b", "y", "z"]]})
    two = MediationResult(chains, Joint(np.array([2.1, 2.2]), covariance=np.eye(2)))
    assert carrying(two, LEVEL).case == "unsettled"
    one = MediationResult(chains.iloc[:1], Joint(np.array([2.1]), covariance=np.eye(1)))
    assert carrying(one, LEVEL).case == "all"
    draws = np.random.default_rng(3).normal([3.0, 0.1], 1.0, (4000, 2))
    told = carrying(MediationResult(chains, Joint(draws.mean(axis=0), draws)), LEVEL)
    assert told.facts["shown"] == ["a > y > z"]
    assert list(marked(chains, told, "chain")["shown"]) == ["shown", "not_shown"]
    doubted = told.given(Condition("cfi", False))
    assert marked(chains, doubted, "chain")["shown"].isna().all()


@pytest.fixture(scope="module")
def strong():
    data = sem_worlds.survey(np.random.default_rng(4), 500, (0.6, 0.1, 0.0))
    return data, fit(sem_worlds.MODEL, data, estimator="MLR")


def test_joint_uncertainty_is_that_of_the_estimates(strong):
    """On the diagonal the errors of the standardised solution; differences by a model that names them."""
    data, fitted = strong
    paths = fitted.standardized.query("op == '~' and lhs == 'y'")
    joint = jointly(fitted, lambda t: fitted.readout.read(t)[2][..., paths.index])
    np.testing.assert_allclose(joint.estimate, paths["est"])
    np.testing.assert_allclose(np.sqrt(np.diag(joint.covariance)), paths["se"], rtol=1e-5)
    labelled = sem_worlds.MODEL.replace("y ~ a + b + c", "y ~ p*a + q*b + c") + "\nd := p - q"
    row = fit(labelled, data, estimator="MLR").standardized.query("op == ':='").iloc[0]
    low, high = joint.difference(0, 1, LEVEL)[1:]
    assert (high - low) / 2 / stats.norm.ppf(0.975) == pytest.approx(row["se"], rel=1e-4)


@pytest.mark.parametrize("kind", ["bootstrap", "draws"])
def test_claims_may_rest_on_replicates(strong, kind):
    """The delta method, bootstrap replicates and draws tell the same of a strong driver."""
    data, fitted = strong
    theta = np.random.default_rng(5).multivariate_normal(fitted.solution.theta, fitted.covariance, 2000)

    class Posterior:
        readout, confidence = fitted.readout, LEVEL

    Posterior.theta = theta
    found = Posterior() if kind == "draws" else replace(fitted, replicates=theta)
    own, other = (drives_most("drives_first", effects(f), "y", LEVEL) for f in (fitted, found))
    assert (other.case, other.facts["leader"]) == ("first", "a")
    assert other.facts["margin_lower"] == pytest.approx(own.facts["margin_lower"], abs=0.03)
    gain = improves_most(gains(found, data, ["y"], sem_worlds.scales()), "y", LEVEL)
    assert (gain.case, gain.facts["leader"]) == ("first", "a")
    assert carrying(mediation(found, [["a", "y", "z"]]), LEVEL).case == "all"


def test_what_did_not_converge_means_nothing(strong):
    _, fitted = strong
    broken = replace(fitted, converged=False)
    claim = depending(drives_most("drives_first", effects(fitted), "y", LEVEL), needs(broken))
    assert (claim.case, claim.withheld) == ("withheld", "not_converged")
    assert fit_claim(broken).withheld == "not_converged"


def test_conditions_are_the_checks(strong):
    _, fitted = strong
    assert all(c.holds for c in needs(fitted))
    poor = fitted.measures.copy()
    poor[["cfi", "cfi.scaled", "cfi.robust"]] = 0.89
    assert [c.check for c in needs(replace(fitted, measures=poor)) if not c.holds] == ["cfi"]
    assert fit_claim(fitted).case == "no_departure"
    told = fit_claim(replace(fitted, measures=poor))
    assert (told.case, told.facts["missed"]) == ("unsettled", ["cfi"])
    assert fit_claim(fit("f =~ a1 + a2 + a3", strong[0])).withheld == "saturated"


def test_a_construct_keyed_the_wrong_way_is_not_settled(strong):
    data = strong[0].assign(a1=8 - strong[0]["a1"])
    text = "\n".join(sem_worlds.MODEL.splitlines()[:5]).replace("a =~ a1 + a2 + a3", "a =~ a2 + a1 + a3")
    fitted = fit(text, data)
    told = measurement_claims(fitted, composite_reliability(fitted), validity(fitted, bootstrap=200))
    assert "reversed_item" in told.reliable.failed
    assert told.instrument.case != "no_departure"


def test_unrelated_constructs_are_distinct():
    """HTMT2 near zero is vague on a logarithmic scale, and far from its bound all the same."""
    rng = np.random.default_rng(3)
    unrelated = sem_worlds.survey(rng, 300, (0.0, 0.0, 0.0))
    fitted = fit("\n".join(sem_worlds.MODEL.splitlines()[:5]), unrelated)
    told = measurement_claims(fitted, composite_reliability(fitted), validity(fitted, bootstrap=200))
    assert (told.distinct.case, told.instrument.case) == ("all", "no_departure")


def test_tails_agree_with_intervals():
    table = pd.DataFrame({"x": [0.80, 0.72], "x_lower": [0.75, 0.69], "x_upper": [0.84, 0.75]})
    above, below = tails(table, "x", 0.7, LEVEL)
    assert (above < 0.025).tolist() == [True, False]
    assert (below > 0.5).all()
    assert tails(table.assign(x_lower=0.7), "x", 0.7, LEVEL)[0] == pytest.approx([0.025] * 2)
    beside = pd.DataFrame({"x": [0.02], "x_lower": [0.03], "x_upper": [0.14]})  # percentiles may leave out the estimate
    above, below = tails(beside, "x", 0.9, LEVEL, np.log)
    assert above > 0.99
    assert below < 0.01


def test_the_bound_of_a_difference_inverts_the_noncentral_chi_square():
    bound = difference_bound(20.0, 6, 400, 2, 0.05)
    assert stats.ncx2.cdf(20.0, 6, bound**2 * 400 * 6 / 2) == pytest.approx(0.05, abs=1e-6)
    assert difference_bound(0.5, 6, 400, 2, 0.05) == 0.0
    assert np.isnan(difference_bound(np.nan, 6, 400, 2, 0.05))


def test_groups_that_differ_differ_and_means_need_equal_intercepts():
    rng = np.random.default_rng(6)
    one, two = (sem_worlds.survey(rng, 300, (0.3, 0.3, 0.3)) for _ in range(2))
    text = "a =~ a1 + a2 + a3\nb =~ b1 + b2 + b3"
    two["a2"] = np.clip(two["a2"] + 2, 1, 7)
    data = pd.concat([one, two], ignore_index=True).assign(g=np.repeat(["one", "two"], 300))
    told = group_claims(invariance(text, data, "g", levels=["scalar"], estimator="MLR"))
    assert told.configural.case != "failed"
    assert told.intercepts_alike.case == "differs"
    assert "intercepts_alike" in told.means_differ.failed
    assert group_claims(None).configural is None


def shares(share, low, high, *, harman=0.3, one=0.0):
    row = {"model": "method_factor", "p_diff": 0.1, "share": share, "share_lower": low, "share_upper": high}
    first = {"model": "one_factor", "p_diff": one, "share": np.nan, "share_lower": np.nan, "share_upper": np.nan}
    loadings = pd.DataFrame({"change": [0.01]})
    return CommonMethodResult(
        pd.DataFrame([first, row]), loadings, pd.DataFrame(), harman, harman, np.nan, 300, LEVEL, ()
    )


@pytest.mark.parametrize(
    ("found", "case"),
    [
        (shares(0.1, 0.0, SHARE_BOUND - 0.01), "no_departure"),
        (shares(0.1, 0.0, SHARE_BOUND + 0.1), "unsettled"),
        (shares(0.1, 0.0, SHARE_BOUND - 0.01, harman=HARMAN_BOUND), "unsettled"),
        (shares(0.1, 0.0, SHARE_BOUND - 0.01, one=0.2), "unsettled"),
        (shares(0.5, SHARE_BOUND + 0.05, 0.7), "failed"),
        (shares(np.nan, np.nan, np.nan), "withheld"),
    ],
)
def test_the_way_of_asking(found, case):
    assert method_claim(found).case == case


def test_casewise_likelihoods_sum_to_the_model_s(strong):
    data, fitted = strong
    assert casewise_likelihood(fitted).sum() == pytest.approx(fitted.measures["logl"])
    blank = data.mask(np.random.default_rng(7).random(data.shape) < 0.1)
    full = fit(sem_worlds.MODEL, blank, missing="fiml")
    assert casewise_likelihood(full).sum() == pytest.approx(full.measures["logl"])


def test_rivals_of_other_items_cannot_be_compared(strong):
    data, fitted = strong
    assert rivals_claim(fitted, {"other": fit("a =~ a1 + a2 + a3\nb =~ b1 + b2", data)}, "structural") is None
    worse = fit(sem_worlds.MODEL.replace("y ~ a + b + c", "y ~ b\na ~~ c\nb ~~ a + c"), data, estimator="MLR")
    told = rivals_claim(fitted, {"worse": worse}, "structural")
    assert (told.case, told.facts["leader"]) == ("first", "structural")


def test_claims_of_a_model_without_paths(strong):
    data, _ = strong
    fitted = fit("a =~ a1 + a2 + a3\nb =~ b1 + b2 + b3", data)
    told = sem_claims(["y"], fitted, fitted, composite_reliability(fitted), validity(fitted))
    assert told.drivers.drives_first is None
    assert told.rivals is None
    assert told.measured.distinct.withheld == "no_bootstrap"
