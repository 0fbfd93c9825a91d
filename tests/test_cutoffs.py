"""Cut-offs that steer a verdict: each has its published value, and turns its status on the right side of it."""

import ast
import importlib
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from xmresearch.attribution.across_channels import ConsistencyResult
from xmresearch.attribution.directly_follows import ProcessMap
from xmresearch.attribution.journey_analysis import JourneyResult
from xmresearch.attribution.order import OrderChoice
from xmresearch.attribution.result import AttributionResult
from xmresearch.attribution.shapley_values import ShapleyResult
from xmresearch.causal.arm_comparison import ArmComparison
from xmresearch.causal.experiment_result import ExperimentResult
from xmresearch.causal.goodman_bacon import BaconResult
from xmresearch.causal.honest_trends import HonestResult
from xmresearch.causal.interrupted_result import InterruptedResult
from xmresearch.causal.result import DidResult
from xmresearch.causal.robustness import SensitivityResult
from xmresearch.causal.sequential import ConfidenceSequence
from xmresearch.causal.synthetic import SyntheticResult
from xmresearch.drivers.collinearity_check import CollinearityResult
from xmresearch.drivers.quadrants import ImportanceResult
from xmresearch.drivers.result import DriverResult
from xmresearch.linkage.agreement import Climate
from xmresearch.linkage.lagged_links import CrossLag
from xmresearch.linkage.link_levels import WithinBetween
from xmresearch.linkage.service_chain import ProfitChain
from xmresearch.missing.imputations import Imputations
from xmresearch.missing.little import LittleResult
from xmresearch.psychometrics.composite import CompositeResult
from xmresearch.psychometrics.construct_validity import ValidityResult
from xmresearch.psychometrics.factor_analysis import EfaResult
from xmresearch.psychometrics.gap_scores import GapResult
from xmresearch.psychometrics.internal_consistency import ReliabilityResult
from xmresearch.psychometrics.method_variance import CommonMethodResult
from xmresearch.sem import invariance_ladder as ladder
from xmresearch.sem.agreement import Agreement
from xmresearch.sem.bayes_result import BayesianSem, posterior_warnings
from xmresearch.sem.pls_fit import PlsResult
from xmresearch.sem.pls_tables import concerns as pls_concerns
from xmresearch.sem.result import SemFit
from xmresearch.sem.tables import _verdict
from xmresearch.studies.attribution import carriers
from xmresearch.studies.monitor.watching import Watched
from xmresearch.studies.survey import few_respondents
from xmresearch.verbatims.topics import TopicResult

PUBLISHED = {
    "data.encodings": {"REPEATED": 3},
    "identifiers.columns": {"FEWEST_NAMES": 5, "SHARE_OF_NAMES": 0.5},
    "identifiers.open_text": {"FEWEST_TEXTS": 5, "OWN_SHARE": 0.5},
    "identifiers.known_names": {"HAN_LENGTHS": range(2, 5), "FEWEST_LETTERS": 3},
    "sem.measures": {
        "CLOSE": 0.05, "NOT_CLOSE": 0.08, "RMSEA_LEVEL": 0.90,  # MacCallum, Browne & Sugawara (1996)
        "GOOD_FIT": {"cfi": 0.95, "rmsea": 0.06, "srmr": 0.08},  # Hu & Bentler (1999)
        "FAIR_FIT": {"cfi": 0.90, "rmsea": 0.08, "srmr": 0.10},  # Browne & Cudeck (1993); Schermelleh-Engel et al. (2003)
    },
    "sem.invariance_ladder": {"CFI_DROP": -0.010, "RMSEA_RISE": 0.015},  # Chen (2007)
    "sem.tables": {"NOTABLE_INDEX": 3.84},
    "sem.agreement": {"MOST_APART": 1e-3},
    "sem.concerns": {"CLOSE_FACTORS": 0.95, "ROWS_PER_PARAMETER": 5, "ROWS_PER_ORDINAL_GROUP": 200, "_AGAINST": 0.2, "ENOUGH_CLUSTERS": 50},  # Cameron & Miller (2015)
    "data.drawn": {"LEAST_CLUSTERS": 2, "SHARES_SUM": 1e-3, "TOTALS_APART": 1e-6},
    "sampling.survey_designs": {"FEW_DEGREES": 8, "MOST_OFF": 0.02, "UNEVEN": 2.0},  # Parker et al. (2017)
    "sem.pls_fit": {"RELIABLE": 0.7, "AVE_BOUND": 0.5, "HTMT_BOUND": 0.85, "SRMR_BOUND": 0.08, "MOST_BETTER": 0.5},
    "sem.pls_tables": {"VIF_BOUND": 5.0},  # Hair et al. (2019)
    "sem.bayes_result": {  # Vehtari et al. (2021)
        "RHAT": (1.01, 1.05), "ESS": (400.0, 100.0), "PPP": (0.05, 0.01), "MOST_DIVERGENT": 0.01,
    },
    "sem.bayes_measures": {"_HIGH_K": 0.7},  # Vehtari, Gelman & Gabry (2017)
    "inference.nuts": {"RHAT": 1.01, "ESS": 400},
    "psychometrics.factor_analysis": {"KMO_BOUND": 0.6, "KMO_LEAST": 0.5, "BARTLETT_LEVEL": 0.05, "LOWEST": 0.005},
    "psychometrics.internal_consistency": {"ACCEPTABLE": 0.7, "UNACCEPTABLE": 0.5, "AGAINST": 0.2, "BEYOND_CHANCE": 3.0},  # Nunnally (1978)
    "psychometrics.composite": {"OMEGA_BOUND": 0.7, "OMEGA_LEAST": 0.6, "AVE_BOUND": 0.5},  # Fornell & Larcker (1981)
    "psychometrics.construct_validity": {"HTMT_BOUND": 0.85, "HTMT_MOST": 0.90},  # Henseler, Ringle & Sarstedt (2015)
    "studies.sem.measurement": {"LEAST_RESPONDENTS": 100},  # Boomsma & Hoogland (2001)
    "studies.scorecard.result": {"FEW_IN_WAVE": 30},
    "studies.scorecard.scoring": {"POWER": 0.8},  # Cohen (1988)
    "studies.scorecard.raters": {
        "ICC_BOUNDS": (0.5, 0.75), "KAPPA_BOUNDS": (0.4, 0.6),  # Koo & Li (2016); Landis & Koch (1977)
    },
    "studies.scorecard.same_scale": {"LONGEST": 10.0, "SHORTER": (5.0, 7.0), "MOST_CHANCE": 0.001},
    "studies.survey": {"FEW_RESPONDENTS": 30},
    "studies.did.claims": {"WHOLE_BREACH": 1.0},  # Rambachan & Roth (2023)
    "claims.calibration": {"LEVEL": 0.05, "POWER_FLOOR": 0.8},
    "claims.partial_pooling": {"FEWEST": 3, "MOST": 2000, "SPREAD": 4.0, "DRAWS": 20_000, "_MOST_NUMBERS": 4_000_000, "_FEWEST_DRAWS": 2000},
    "verbatims.languages": {"HAN_PER_WORD": 1.6, "LESSER_SHARE": 0.2, "FEWEST_OF_EACH": 2},
    "verbatims.probabilities": {"BINS": 10},
    "verbatims.sentiment_training": {"FOLDS": 5, "FEWEST_OF_A_KIND": 5, "FEWEST_TEXTS_OF_A_TERM": 2, "INVERSE_PENALTY": 4.0, "VALENCE_SCALE": 0.5, "LEXICON_SCALE": 8.0},
    "verbatims.held_out_errors": {"CURVE_SIZES": (50, 200, 1000), "KEPT_FOR_TEST": 0.2},
    "verbatims.prevalence": {"STABLE_LEVEL": 0.05, "FEWEST_LABELS": 30, "FEWEST_TO_HELP": 10, "HALF_WIDTH": 0.05},
    "verbatims.error_rates": {"FEWEST_OF_A_KIND": 5, "FEWEST_TEXTS": 30},
    "verbatims.error_stability": {"MOST_BINS": 10, "LABELS_PER_BIN": {2: 5, 3: 15}, "FEWEST_TEXTS": 30, "FEWEST_OF_A_KIND": 5},
    "verbatims.duplicates": {"LIKE": 0.7, "SHORTEST": 12, "FEWEST_CUSTOMERS": 5, "FEWEST_REPEATS": 3, "HASHES": 32, "BANDS": 8},
    "verbatims.text_record": {"FEWEST_WORDS": 1.5, "MOST_WORDS": 300.0},
    "verbatims.valence": {
        "POSITIVE_NEGATED": -0.8, "NEGATIVE_NEGATED": -0.4, "STRESSED": 1.4, "SOFTENED": 0.7, "BEFORE_CONTRAST": 0.5, "SCOPE": 3, "WEAK": 0.5,
    },
    "verbatims.classifier_shift": {"MOST_SHIFT": 2.0, "STEP": 0.1},
    "run.batch.summary": {"FEWEST_RUNS": 2, "LEVEL": 0.95},
    "run.batch.figures": {"MOST_FIGURES": 6},
    "run.batch.report": {"MOST_LISTED": 6},
    "run.batch.naming": {"LONGEST": 120},
    "run.batch.drawn": {"_WIDE": 5.0},
    "psychometrics.method_variance": {"HARMAN_BOUND": 0.5, "SHARE_BOUND": 0.25, "SHARE_MOST": 0.5, "ALPHA": 0.05},
    "drivers.result": {"CASES_PER_DRIVER": 20},
    "drivers.collinearity_check": {
        "VIF_NOTABLE": 5.0, "VIF_HIGH": 10.0, "CONDITION_HIGH": 30.0,  # Hair et al. (2019); Marquardt (1970); Belsley et al. (1980)
    },
    "drivers.kano_model": {"FONG": 1.65},  # Fong (1996)
    "drivers.subsets": {"MOST_EXACT": 15},
    "drivers.importance_fit": {"MOST_GRADES": 20},
    "drivers.by_group": {"ROWS_PER_DRIVER": 5},
    "drivers.expected_gains": {"PROMOTER": 9, "DETRACTOR": 6},
    "psychometrics.gap_scores": {"FEW_ANSWERS": 30, "INTERVALS_APART": 0.15},
    "drivers.quadrants": {"MOST_OFF_TOTAL": 0.05},
    "disclosure": {"MIN_CELL": 10},
    "metrics.expert_judgements": {"CONSISTENT": 0.10},  # Saaty (1980)
    "metrics.league_tables": {"FUNNEL": (0.95, 0.998)},  # Spiegelhalter (2005)
    "missing.little": {"MCAR_LEVEL": 0.05},
    "missing.imputations": {"MIXED": 1.1},  # Gelman & Rubin (1992)
    "monitoring.season_terms": {"FULL_YEARS": 2, "CYCLES": {"day": 7, "week": 52, "month": 12, "quarter": 4, "year": 1}},
    "monitoring.autocorrelation": {"CHANCE": 1.645},
    "monitoring.change_points": {"FEWEST_VALUES": 8, "DRAWS": 999},
    "monitoring.forecast_models": {  # Hyndman & Athanasopoulos (2021)
        "KPSS_LEVEL": 0.05, "MOST_DIFFERENCES": 2, "SEASONAL_STRENGTH": 0.64, "MOST_ORDER": 3, "LONGEST_CYCLE": 24,
    },
    "monitoring.decomposed_models": {"SEASON_LEVEL": 0.9, "SEASON_WINDOW": 11},  # Hyndman & Khandakar (2008)
    "monitoring.holt_winters_filter": {"STARTING": 2},
    "monitoring.level_stability": {"FEWEST": 8},
    "monitoring.forecasts": {"FEWEST_VALUES": 20, "FEWEST_FIRST": 10, "FIRST_SHARE": 0.5, "MOST_ORIGINS": 60, "WIDENED": 0.75},
    "monitoring.change_shares": {"MOST_FACTORS": 12},
    "monitoring.apdex_scores": {"FRUSTRATED": 4.0},  # Sevcik (2007)
    "monitoring.dose_responses": {"KNOTS": (0.05, 0.35, 0.65, 0.95), "FEWEST_PER_EFFECT": 10},  # Harrell (2015)
    "monitoring.satisfaction_links": {"FOLDS": 5, "FEWEST_PER_EFFECT": 10},
    "monitoring.warning_times": {"MOST_ORDER": 8, "FEWEST_PAIRS": 20},
    "attribution.result": {"FEW_CONVERSIONS": 100, "ENOUGH_DRAWS": 1000, "WIDER": 1.25},
    "attribution.misfit": {"MISFIT": 0.02, "BAD_MISFIT": 0.05},
    "attribution.scores": {"FEW_SCORES": 30},
    "attribution.order": {"SURE_ORDER": 0.95},
    "studies.attribution.carriers": {"FAR_SHARE": 0.05},
    "attribution.directly_follows": {"LEAST_SHOWN": 0.5},
    "attribution.shapley_values": {"MOST_SAMPLING_ERROR": 0.02},
    "causal.result": {"PRETREND_LEVEL": 0.05, "FEW_UNITS": 10, "ENOUGH_DRAWS": 1000},
    "causal.honest_trends": {"PRETREND_LEVEL": 0.05, "SAFE_BREAKDOWN": 1.0, "FEW_PRE_PERIODS": 2},  # Rambachan & Roth (2023)
    "causal.synthetic": {"CLOSE_FIT": 0.1, "EVEN_WEIGHTS": 3.0},
    "causal.robustness": {"MOSTLY": 0.5, "SCEPTICAL": 0.5},
    "causal.goodman_bacon": {"FEW_FORBIDDEN": 0.1},
    "causal.staggered": {"SMALL_COHORT": 5},
    "causal.panel": {"UNEVEN": 3.0},
    "causal.two_by_two": {"OVERDISPERSED": 1.5},
    "causal.experiment_result": {
        "SRM_LEVEL": 0.001, "ATTRITION_LEVEL": 0.01, "FEW_ROWS": 30, "FEW_CLUSTERS": 10, "OVERDISPERSED": 1.5,
    },
    "causal.sequential": {"FEWEST": 30},
    "causal.moments_by_arm": {"FEWEST_GROUPS": 2},
    "causal.arm_comparison": {"POWER": 0.8},
    "causal.interrupted_series": {"FEWEST_SIDE": 8, "FEWEST_DRAWS": 1000, "MOST_PLACEBOS": 12, "PATH_DRAWS": 4000},
    "causal.interrupted_periods": {"PROMOTER": 9, "DETRACTOR": 6, "LARGEST": 10},
    "causal.interrupted_result": {"FEW_BEFORE": 24, "FEW_AFTER": 6, "PERSISTENT": 0.65, "ENOUGH_IF_PERSISTENT": 100, "POWER": 0.8},
    "causal.two_way_regression": {"FEW": 40},  # Angrist & Pischke (2009)
    "causal.cluster_robust": {"FEWEST_WILD": 6},  # Webb (2023)
    "verbatims.topics": {"MOST_TOPICS": 12, "MOST_FITTED": 6000, "MOST_WORDS": 5000, "COMMON": 0.5, "RELEVANCE": 0.6},  # Sievert & Shirley (2014)
    "verbatims.topic_stability": {"STABLE": 0.6, "NEARLY": 0.02, "TEXTS_PER_TOPIC": 30, "SMOOTHING": 0.1},
    "verbatims.coding_errors": {"FEW_CODED": 10},
    "verbatims.learned_codes": {"FEWEST_EXAMPLES": 5, "PLAIN_THRESHOLD": 0.5, "LEAST_F1": 0.1},  # Fan & Lin (2007)
    "verbatims.codeframes": {"WORDS_AFTER_NEGATION": 3, "HAN_AFTER_NEGATION": 4},
    "metrics.krippendorff": {"FEWEST_UNITS": 3},
    "verbatims.before_and_after": {"FEWEST_PEOPLE": 10},
    "verbatims.pain_ranks": {"MOST_REDRAWN": 4000},
    "studies.voice.reading": {"REPEATED_BY": 3, "LONG": 60.0, "LONGEST": 5000, "FEWEST_TEXTS": 50},
    "studies.voice.claims": {"MOST_NAMED": 3},
    "studies.voice.evidence": {"EVEN": 0.5, "FEWEST_LABELS": 40},
    "verbatims.new_topics": {"NEW_BELOW": 0.25},
    "linkage.link_levels": {"FEWEST_BRANCHES": 5, "GUARDED": 10, "RELIABLE": 0.7, "UNRELIABLE": 0.5},  # Bliese (2000)
    "linkage.agreement": {"AGREED": 0.7},  # LeBreton & Senter (2008)
    "linkage.lagged_links": {"FEWEST_WAVES": 3, "FEWEST_CUSTOMERS": 50, "CLOSE": 0.08, "COMPARATIVE": 0.90},  # Browne & Cudeck (1993)
    "linkage.service_chain": {"FEWEST_CHAINED": 10, "FEW_CHAINED": 30, "LEAST_RELIABLE": 0.5},
    "linkage.branch_comparison": {"FEWEST_COMPARED": 3, "MOST_LEVELS": 12},
    "linkage.matched_sources": {"MOST_LEVELS": 40},
    "studies.linkage.linking": {"ILLUSTRATED": 0.1},
    "studies.linkage.standing": {"MOST_LISTED": 40},
    "monitoring.run_rules": {"CROSSINGS_LEVEL": 0.05},  # Anhoej & Olesen (2014)
    "monitoring.control_chart": {"WIDTH": 3.0, "D2": 1.128},  # Montgomery (2009)
    "monitoring.individuals_chart": {"D4": 3.267, "MEDIAN_RANGE": 3.145},  # Wheeler (2000)
    "monitoring.run_length_limits": {"GUARANTEE": 0.9},  # Albers & Kallenberg (2004)
    "monitoring.episodes": {"REFERENCE": 0.5, "DROP": 4.0, "MOST_CARRIED": 5.0},
    "monitoring.branches": {"FEWEST_PERIODS": 5},
    "monitoring.residuals": {"PER_SEASON": 2, "MOST_LAG": 0.98},
    "studies.journeys.evidence": {"FEW_CUSTOMERS": 30, "MOST_OPEN": 0.2, "MOST_TIED": 0.1},
    "journeys.sequence_clusters": {"STRUCTURE": 0.25},  # Kaufman & Rousseeuw (1990)
    "journeys.concerns": {"HEAVY": 0.05, "TIMES_TYPICAL": 20},
    "journeys.journey_stages": {"FEWEST_PAIRS": 30},
    "journeys.customer_figures": {"FEWEST_CUSTOMERS": 2},
    "studies.monitor.watching": {
        "FEW_BASELINE": 30, "FEWEST_BASELINE": 8, "UNSTEADY": 0.01, "MOST_UNJUDGED": 0.1, "DEPENDENCE_LEFT": 0.01, "MONTHS": 24, "HARDLY_EVER": 100,
    },
    "studies.monitor.series": {"PROMOTER": 9, "DETRACTOR": 6, "FEWEST_PERIODS": 12},
    "run.file_differences": {"RELATIVE": 0.01, "OF_COLUMN": 0.001, "TIMES": 4.0, "QUANTILE": 2.7},
}  # fmt: skip
STATUSES = {"pass", "warn", "fail"}


@pytest.mark.parametrize("module", PUBLISHED)
def test_a_cut_off_has_its_published_value(module):
    loaded = importlib.import_module(f"xmresearch.{module}")
    assert {name: getattr(loaded, name) for name in PUBLISHED[module]} == PUBLISHED[module]


def statuses(path):
    """Yield the condition of every expression that gives a status."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.IfExp) and isinstance(node.body, ast.Constant) and node.body.value in STATUSES:
            yield node.test


def test_no_status_hangs_on_a_figure_without_a_name(root):
    """0 and 1 may be written out: none, and all."""
    found, used = [], {}
    for path in sorted((root / "src/xmresearch").rglob("*.py")):
        module = ".".join(path.relative_to(root / "src/xmresearch").with_suffix("").parts)
        for test in statuses(path):
            for node in ast.walk(test):
                if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and abs(node.value) > 1e-6:
                    found += [f"{module}:{node.lineno}: {ast.unparse(test)}"] if abs(node.value) != 1 else []
                if isinstance(node, ast.Name) and node.id.isupper():
                    used.setdefault(node.id, module)
    known = {name for names in PUBLISHED.values() for name in names}
    assert not found
    assert not {f"{module}.{name}" for name, module in used.items() if name not in known | {"MAX_ITERATIONS"}}


def fit_measures(**given):
    facts = {"cfi": 0.99, "rmsea": 0.01, "srmr": 0.01} | given
    return SimpleNamespace(converged=True, concerns=(), summary=lambda: facts)


def method(one=0.01, share=0.0, marker=0.0, harman=0.1):
    table = pd.DataFrame({
        "model": ["one_factor", "method_factor", "marker_constrained"], "p_diff": [one, 0.5, 0.5],
        "share": [np.nan, share, marker], "share_lower": np.nan, "share_upper": np.nan,
    })  # fmt: skip
    stand_in = SimpleNamespace(
        table=table, component_share=harman, factor_share=harman, n=9, loadings=pd.DataFrame({"change": [0.0]})
    )
    stand_in.summary = lambda: CommonMethodResult.summary(stand_in)
    return stand_in


def composite(omega, ave=0.9):
    table = pd.DataFrame({"omega_categorical": [np.nan], "omega": [omega], "ave": [ave], "construct": "a", "group": ""})
    return SimpleNamespace(table=table, judged=table["omega"])


def alpha(value):
    return SimpleNamespace(table=pd.DataFrame({"alpha": [value], "heywood": [False]}))


def gap(n=90, apart=1.0):
    dims = pd.DataFrame({"n": [n], "boot_lower": 0.0, "boot_upper": apart, "ci_lower": 0.0, "ci_upper": 1.0})
    return SimpleNamespace(table=dims, draws=9, tidy=lambda level: dims)


def posterior(rhat=1.0, bulk=900.0, tail=900.0, ppp=0.5, divergences=0):
    facts = {"rhat": rhat, "ess_bulk": bulk, "ess_tail": tail, "chains": 4, "draws": 250}
    return SimpleNamespace(summary=lambda: facts, divergences=divergences, ppp=ppp)


def pls(vif=1.0, rho=0.9, ave=0.9, htmt=0.1, srmr=0.01, better=4):
    return SimpleNamespace(
        outer=pd.DataFrame({"weight": [1.0]}), iterations=3, converged=True, admissible=True, dropped=0,
        paths=pd.DataFrame({"vif": [vif]}), reliability=pd.DataFrame({"rho_a": [rho], "ave": [ave]}),
        htmt=pd.DataFrame({"htmt": [htmt]}), consistent=True, srmr=srmr, bootstrap=0, failed=0,
        prediction=pd.DataFrame({"q2_predict": 0.1, "rmse": [1.0] * better + [3.0] * (4 - better), "lm_rmse": 2.0}),
    )  # fmt: skip


def attribution(conversions=1e9, draws=9000, ratio=1.0, over=0.0, sd=1.0, bootstrap=9):
    """With so many conversions that a removal effect misses the log by `over` beyond chance."""
    table = pd.DataFrame({
        "channel": ["a"], "share": 1.0, "credit": [float(conversions)], "bootstrap_sd": [ratio], "sd": [sd],
        "removal_effect": 0.5 - over, "removal_lower": 0.5 - over, "removal_upper": 0.5 - over, "pass_share": 0.5,
        "passed": 0.5 * conversions,
    })  # fmt: skip
    facts = {"conversions": conversions, "draws": draws, "bootstrap": bootstrap, "customers": 0}
    return SimpleNamespace(
        table=table, facts=facts, confidence=0.95, draws=np.broadcast_to(1.0, (draws, 1)), channels=("a",)
    )


def did(kind="two_by_two", units=90, draws=9000, **facts):
    counts = {"control_units": units, "treated_units": 90}
    return SimpleNamespace(kind=kind, facts=counts | facts, draws=np.zeros(draws))


def doubt(**given):
    facts = {
        "_slope_p": 0.5, "placebo_p": 0.01, "effect": {"ci_lower": 1.0, "ci_upper": 2.0, "refitted": 1.0}, "kept": 1.0,
        "breakdown": 2.0, "prior": 0.05, "left": 1.0, "nonzero": 0, "confidence": 0.95,
    } | given  # fmt: skip
    rows = {
        "pretrend_slope": pd.DataFrame({"estimate": [0.0, facts["left"]], "ci_lower": 1.0, "ci_upper": 2.0}),
        "placebo_time": pd.DataFrame({"ci_lower": [1.0] * facts["nonzero"] + [-1.0] * (4 - facts["nonzero"]), "ci_upper": 2.0}),
        "placebo_unit": pd.DataFrame({"estimate": np.zeros(99)}),
    }  # fmt: skip
    return SimpleNamespace(
        **facts, tidy=rows.__getitem__, honest=SimpleNamespace(breakdown=facts["breakdown"]),
        _kept=lambda: facts["kept"], _prior_held=lambda: [facts["prior"]],
    )  # fmt: skip


def experiment(srm=0.5, attrition=0.5, n=900, clustered="not clustered", dispersion=1.0):
    return SimpleNamespace(
        srm_p=srm, attrition_p=attrition, clustered=clustered, arms=pd.DataFrame({"n": [n], "clusters": [n]}),
        family="count", method="exact", dispersion=dispersion,
    )  # fmt: skip


def arms(srm=0.5, n=900, clustered=False):
    return SimpleNamespace(srm_p=srm, clustered=clustered, arms=pd.DataFrame({"groups": [n]}))


def interrupted(before=900, after=900, autocorrelation=0.0, controls=1, beyond=0):
    placebo = pd.DataFrame({"beyond": [True] * beyond + [False] * 4})
    return SimpleNamespace(
        before=before, after=after, autocorrelation=autocorrelation, controls=controls, placebo=placebo
    )


def honest(periods=9, p=0.5, breakdown=2.0):
    return SimpleNamespace(n_pre=periods, pretrend_p=p, kind="relative", breakdown=breakdown)


def synthetic(fit=0.01, controls=9.0):
    weights = pd.DataFrame({"weight": [controls**-0.5]})
    effects = pd.DataFrame({"effect": [1.0]})
    return SimpleNamespace(
        relative_rmspe=fit, unit_weights=weights, n_controls=99, leave_one_out=effects, effect=1.0, confidence=0.95
    )


def efa(kmo=0.9, p=0.01):
    return SimpleNamespace(kmo=kmo, bartlett_p=p, heywood=False)


def watched(baseline=90, unjudged=0, alarms=0, dependence=0.0):
    """Under watch for 100 periods; of the baseline's scores, neighbours correlate by about what is asked."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal(baseline)
    for t in range(1, baseline):
        z[t] += dependence * z[t - 1]
    score = np.concatenate([z, np.where(np.arange(100) < unjudged, np.nan, 0.0)])
    first = np.arange(baseline + 100) < baseline
    table = pd.DataFrame(
        {"score": score, "baseline": first, "watched": ~first, "alarm": np.arange(baseline + 100) < alarms}
    )
    stand_in = SimpleNamespace(table=table, rules=SimpleNamespace(expected=370.0))
    stand_in.baseline_p = lambda: Watched.baseline_p(stand_in)
    return stand_in


# class, check, what stands in for its result at a value, and statuses by value: just on either side of the cut-off
BOUNDARIES = [
    (SemFit, "cfi", lambda x: fit_measures(cfi=x), {0.951: "pass", 0.949: "warn", 0.901: "warn", 0.899: "fail"}),
    (SemFit, "rmsea", lambda x: fit_measures(rmsea=x), {0.059: "pass", 0.061: "warn", 0.079: "warn", 0.081: "fail"}),
    (SemFit, "srmr", lambda x: fit_measures(srmr=x), {0.079: "pass", 0.081: "warn", 0.099: "warn", 0.101: "fail"}),
    (Agreement, "second_program", lambda x: SimpleNamespace(difference=x), {0.001: "pass", 0.0011: "fail"}),
    (BayesianSem, "rhat", lambda x: posterior(rhat=x), {1.01: "pass", 1.011: "warn", 1.05: "warn", 1.051: "fail"}),
    (BayesianSem, "ess_bulk", lambda x: posterior(bulk=x), {400: "pass", 399: "warn", 100: "warn", 99: "fail"}),
    (BayesianSem, "ess_tail", lambda x: posterior(tail=x), {400: "pass", 399: "warn", 100: "warn", 99: "fail"}),
    (BayesianSem, "divergences", lambda x: posterior(divergences=x), {0: "pass", 1: "warn", 10: "warn", 11: "fail"}),
    (BayesianSem, "ppp", lambda x: posterior(ppp=x), {0.05: "pass", 0.04: "warn", 0.01: "warn", 0.009: "fail", 0.96: "warn"}),
    (PlsResult, "vif", lambda x: pls(vif=x), {4.99: "pass", 5.0: "warn"}),
    (PlsResult, "rho_a", lambda x: pls(rho=x), {0.7: "pass", 0.699: "warn"}),
    (PlsResult, "ave", lambda x: pls(ave=x), {0.5: "pass", 0.499: "warn"}),
    (PlsResult, "htmt", lambda x: pls(htmt=x), {0.849: "pass", 0.85: "warn"}),
    (PlsResult, "srmr", lambda x: pls(srmr=x), {0.079: "pass", 0.08: "warn"}),
    (PlsResult, "better_than_lm", lambda x: pls(better=x), {3: "pass", 2: "warn"}),
    (EfaResult, "kmo", lambda x: efa(kmo=x), {0.6: "pass", 0.599: "warn", 0.5: "warn", 0.499: "fail"}),
    (EfaResult, "bartlett_p", lambda x: efa(p=x), {0.049: "pass", 0.05: "fail"}),
    (ReliabilityResult, "alpha", alpha, {0.7: "pass", 0.699: "warn", 0.5: "warn", 0.499: "fail"}),
    (CompositeResult, "omega", composite, {0.7: "pass", 0.699: "warn", 0.6: "warn", 0.599: "fail"}),
    (CompositeResult, "ave", lambda x: composite(0.6, x), {0.5: "pass", 0.499: "warn"}),
    (CompositeResult, "ave", lambda x: composite(x, 0.4), {0.6: "warn", 0.599: "fail"}),
    (ValidityResult, "htmt2", lambda x: SimpleNamespace(pairs=pd.DataFrame({"htmt2": [x]})), {0.849: "pass", 0.85: "warn"}),
    (CommonMethodResult, "harman", lambda x: method(harman=x), {0.499: "pass", 0.5: "warn"}),
    (CommonMethodResult, "method_share", lambda x: method(share=x), {0.249: "pass", 0.25: "warn", 0.499: "warn", 0.5: "fail"}),
    (CommonMethodResult, "marker_share", lambda x: method(marker=x), {0.249: "pass", 0.25: "warn", 0.499: "warn", 0.5: "fail"}),
    (DriverResult, "cases_per_driver", lambda x: SimpleNamespace(n=x + 7, filled=7, table=pd.DataFrame({"beta_upper": [1.0]})), {20: "pass", 19: "warn"}),
    (CollinearityResult, "vif_driver", lambda x: SimpleNamespace(condition_index=9.0, table=pd.DataFrame({"vif": [1.0, x]})), {4.99: "pass", 5.0: "warn", 9.99: "warn", 10.0: "fail"}),
    (CollinearityResult, "condition_index", lambda x: SimpleNamespace(condition_index=x, table=pd.DataFrame({"vif": [1.0]})), {29.9: "pass", 30.0: "fail"}),
    (LittleResult, "mcar", lambda x: SimpleNamespace(p=x), {0.05: "pass", 0.049: "warn"}),
    (Imputations, "imputation", lambda x: SimpleNamespace(mixing=np.array([x, np.nan])), {1.1: "pass", 1.101: "warn"}),
    (GapResult, "gap_n", lambda x: gap(n=x), {30: "pass", 29: "warn"}),
    (GapResult, "interval_agreement", lambda x: gap(apart=x), {1.149: "pass", 1.151: "warn", 0.851: "pass", 0.849: "warn"}),
    (ImportanceResult, "points_total", lambda x: SimpleNamespace(off_total=x), {0.05: "pass", 0.051: "warn"}),
    (AttributionResult, "conversions", lambda x: attribution(conversions=x), {100: "pass", 99: "warn"}),
    (AttributionResult, "posterior_draws", lambda x: attribution(draws=x), {1000: "pass", 999: "warn"}),
    (AttributionResult, "bootstrap_over_posterior_sd", lambda x: attribution(ratio=x), {1.25: "pass", 1.251: "warn"}),
    (AttributionResult, "chain_misses_log", lambda x: attribution(over=x), {0.0199: "pass", 0.0201: "warn", 0.0499: "warn", 0.0501: "fail"}),
    (ConsistencyResult, "fewest_scores", lambda x: SimpleNamespace(table=pd.DataFrame({"scores": [x]})), {30: "pass", 29: "warn"}),
    (JourneyResult, "fewest_scores", lambda x: SimpleNamespace(touchpoints=pd.DataFrame({"exits": [1], "scores": [x]}), facts={"nulls": 1}), {30: "pass", 29: "warn"}),
    (OrderChoice, "probability_of_order", lambda x: SimpleNamespace(table=pd.DataFrame({"order": [1], "probability": [x]}), order=1, by_log_loss=0, highest=2), {0.95: "pass", 0.949: "warn"}),
    (ProcessMap, "share_of_steps_shown", lambda x: SimpleNamespace(shown=x), {0.5: "pass", 0.499: "warn"}),
    (ShapleyResult, "largest_se_over_top", lambda x: SimpleNamespace(table=pd.DataFrame({"shapley": [1.0], "se": [x]})), {0.02: "pass", 0.021: "warn"}),
    (DidResult, "units_per_arm", lambda x: did(units=x), {10: "pass", 9: "warn", 2: "warn", 1: "fail"}),
    (DidResult, "posterior_draws", lambda x: did(draws=x), {1000: "pass", 999: "warn"}),
    (DidResult, "relative_rmspe", lambda x: did("synthetic_control", relative_rmspe=x), {0.1: "pass", 0.101: "warn"}),
    (DidResult, "pretrend_p", lambda x: did(pretrend_p=x), {0.05: "pass", 0.049: "fail"}),
    (DidResult, "rhat", lambda x: did(rhat=x, ess_bulk=900, ess_tail=900, divergences=0), {1.01: "pass", 1.011: "fail"}),
    (DidResult, "ess_bulk", lambda x: did(rhat=1.0, ess_bulk=x, ess_tail=900, divergences=0), {400: "pass", 399: "fail"}),
    (HonestResult, "pre_periods", lambda x: honest(periods=x), {2: "pass", 1: "warn"}),
    (HonestResult, "pretrend_p", lambda x: honest(p=x), {0.05: "pass", 0.049: "warn"}),
    (HonestResult, "breakdown", lambda x: honest(breakdown=x), {1.0: "pass", 0.99: "warn"}),
    (SyntheticResult, "relative_rmspe", lambda x: synthetic(fit=x), {0.1: "pass", 0.101: "warn"}),
    (SyntheticResult, "effective_controls", lambda x: synthetic(controls=x), {3.01: "pass", 2.99: "warn"}),
    (BaconResult, "forbidden", lambda x: SimpleNamespace(forbidden=x, negative=0.0), {0.1: "pass", 0.101: "warn"}),
    (SensitivityResult, "slope_p", lambda x: doubt(_slope_p=x), {0.05: "pass", 0.049: "warn"}),
    (SensitivityResult, "extrapolated_share", lambda x: doubt(left=x), {0.5: "pass", 0.499: "warn"}),
    (SensitivityResult, "placebo_dates", lambda x: doubt(nonzero=x), {0: "pass", 1: "warn", 2: "warn", 3: "fail"}),
    (SensitivityResult, "placebo_p", lambda x: doubt(placebo_p=x), {0.049: "pass", 0.051: "warn"}),
    (SensitivityResult, "breakdown", lambda x: doubt(breakdown=x), {1.0: "pass", 0.99: "warn"}),
    (SensitivityResult, "leave_one_out", lambda x: doubt(kept=x), {1.0: "pass", 0.99: "warn", 0.5: "warn", 0.49: "fail"}),
    (SensitivityResult, "sceptical_prior", lambda x: doubt(prior=x), {0.5: "pass", 0.51: "warn"}),
    (ArmComparison, "srm_p", lambda x: arms(srm=x), {0.001: "pass", 0.0009: "fail"}),
    (ArmComparison, "smallest_arm", lambda x: arms(n=x), {30: "pass", 29: "warn"}),
    (ArmComparison, "smallest_arm", lambda x: arms(n=x, clustered=True), {10: "pass", 9: "warn"}),
    (InterruptedResult, "periods_before", lambda x: interrupted(before=x), {24: "pass", 23: "warn"}),
    (InterruptedResult, "periods_after", lambda x: interrupted(after=x), {6: "pass", 5: "warn"}),
    (InterruptedResult, "autocorrelation", lambda x: interrupted(99, autocorrelation=x), {0.65: "pass", 0.66: "warn"}),
    (InterruptedResult, "autocorrelation", lambda x: interrupted(x, autocorrelation=0.9), {100: "pass", 99: "warn"}),
    (InterruptedResult, "comparison_series", lambda x: interrupted(controls=x), {1: "pass", 0: "warn"}),
    (InterruptedResult, "placebo_changes", lambda x: interrupted(beyond=x), {0: "pass", 1: "fail"}),
    (ExperimentResult, "srm_p", lambda x: experiment(srm=x), {0.001: "pass", 0.0009: "fail"}),
    (ExperimentResult, "attrition_p", lambda x: experiment(attrition=x), {0.01: "pass", 0.009: "warn"}),
    (ExperimentResult, "smallest_arm_n", lambda x: experiment(n=x), {30: "pass", 29: "warn"}),
    (ExperimentResult, "smallest_arm_clusters", lambda x: experiment(n=x, clustered="by unit"), {10: "pass", 9: "warn"}),
    (ExperimentResult, "dispersion", lambda x: experiment(dispersion=x), {1.5: "pass", 1.51: "warn"}),
    (TopicResult, "topics_agree_en", lambda x: SimpleNamespace(tried=pd.DataFrame({"language": ["en"], "halved_ari": [x], "chosen": [True]})), {0.6: "pass", 0.599: "warn"}),
    (WithinBetween, "means_reliable", lambda x: SimpleNamespace(reliability=x), {0.7: "pass", 0.699: "warn", 0.5: "warn", 0.499: "fail"}),
    (Climate, "staff_reliable", lambda x: SimpleNamespace(icc2=x, table=pd.DataFrame({"rwg": [0.9]})), {0.7: "pass", 0.699: "warn", 0.5: "warn", 0.499: "fail"}),
    (Climate, "staff_agree", lambda x: SimpleNamespace(icc2=0.9, table=pd.DataFrame({"rwg": [x]})), {0.7: "pass", 0.699: "warn"}),
    (CrossLag, "lags_fit", lambda x: SimpleNamespace(cfi=0.95, rmsea=x), {0.08: "pass", 0.081: "fail"}),
    (CrossLag, "lags_fit", lambda x: SimpleNamespace(cfi=x, rmsea=0.01), {0.9: "pass", 0.899: "fail"}),
    (ProfitChain, "chain_branches", lambda x: SimpleNamespace(branches=x, reliability=(0.9, 0.9)), {30: "pass", 29: "warn"}),
    (ProfitChain, "chain_reliable", lambda x: SimpleNamespace(branches=50, reliability=(x, 0.9)), {0.5: "pass", 0.499: "fail"}),
    (Watched, "baseline_periods", lambda x: watched(baseline=x), {30: "pass", 29: "warn"}),
    (Watched, "baseline_steady", lambda x: watched(alarms=x), {2: "pass", 3: "fail"}),  # Poisson(90 / 370): .025 and .002
    (Watched, "unjudged", lambda x: watched(unjudged=x), {10: "pass", 11: "warn"}),
    (Watched, "dependence_left", lambda x: watched(dependence=x), {0.0: "pass", 0.5: "warn"}),
    (ConfidenceSequence, "first_look_n", lambda x: SimpleNamespace(smallest_n=x), {30: "pass", 29: "warn"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "check", "at", "expected"), BOUNDARIES, ids=[f"{c.__name__}-{n}" for c, n, *_ in BOUNDARIES]
)
def test_a_status_turns_at_its_cut_off(kind, check, at, expected):
    for value, status in expected.items():
        found = kind.diagnostics(at(value)).set_index("check")["status"]
        assert found[check] == status, value


@pytest.mark.parametrize(
    ("measure", "verdicts"),
    [
        ("cfi", {0.95: "good", 0.949: "acceptable", 0.90: "acceptable", 0.899: "poor"}),
        ("rmsea", {0.06: "good", 0.061: "acceptable", 0.08: "acceptable", 0.081: "poor"}),
        ("srmr", {0.08: "good", 0.081: "acceptable", 0.10: "acceptable", 0.101: "poor"}),
    ],
)
def test_the_verdict_on_fit_needs_every_measure(measure, verdicts):
    for value, verdict in verdicts.items():
        assert _verdict(fit_measures(**{measure: value})) == verdict, value


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({}, "metric"),
        ({"delta_cfi": [np.nan, -0.0099], "delta_rmsea": [np.nan, 0.0149]}, "metric"),
        ({"delta_cfi": [np.nan, -0.0101]}, "configural"),
        ({"delta_rmsea": [np.nan, 0.0151]}, "configural"),
        ({"cfi": [0.89, 0.89], "rmsea": [0.079, 0.079]}, "metric"),
        ({"cfi": [0.901, 0.901], "rmsea": [0.09, 0.09]}, "metric"),
        ({"cfi": [0.899, 0.899], "rmsea": [0.081, 0.081]}, ""),
    ],
)
def test_a_level_of_invariance_turns_at_chens_cut_offs(monkeypatch, changed, level):
    """Real fits of two groups, with the measures that are compared set to either side of each cut-off."""
    rng = np.random.default_rng(5)
    factor = rng.standard_normal((300, 1))
    data = pd.DataFrame(factor + rng.standard_normal((300, 4)), columns=list("abcd")).assign(g=["x", "y"] * 150)
    steady = {"delta_cfi": [np.nan, 0.0], "delta_rmsea": [np.nan, 0.0], "cfi": [0.99, 0.99], "rmsea": [0.01, 0.01]}
    compare = ladder.compare
    monkeypatch.setattr(ladder, "compare", lambda fits: compare(fits).assign(**(steady | changed)))
    found = ladder.invariance("f =~ a + b + c + d", data, "g", levels=["metric"])
    assert found.level == level


def test_cases_of_sentences_turn_at_their_cut_offs():
    for share, case in {0.049: "alike", 0.051: "differs", -0.051: "differs"}.items():
        compared = pd.DataFrame({"channel": ["a"], "markov": [0.5], "first": [0.5 + share]})
        assert carriers.methods_agree(attribution(conversions=1e12, sd=1e-9), compared).case == case
    for over, case in {0.0199: "no_departure", 0.0201: "failed"}.items():
        assert carriers.chain_fits(attribution(over=over)).case == case
    for ratio, case in {1.249: "no_departure", 1.251: "failed"}.items():
        assert carriers.spread_holds(attribution(draws=10**8, ratio=ratio, bootstrap=10**8)).case == case
    pairs = pd.DataFrame({"htmt2": [0.849, 0.85], "htmt2_upper": np.nan})
    table = pd.DataFrame({"ave": [0.5, 0.499], "fornell_larcker": True})
    found = ValidityResult.summary(SimpleNamespace(pairs=pairs, table=table))
    assert (found["htmt2_below"], found["convergent"]) == (1, 1)
    for omega, low in {0.7: 0, 0.699: 1}.items():
        assert CompositeResult.summary(composite(omega))["low"] == low
    assert [few_respondents(n) is None for n in (29, 30)] == [False, True]


def test_warnings_turn_at_their_cut_offs():
    def posterior_asks(rhat=1.0, bulk=900.0, tail=900.0, ppp=0.5, between=0.5):
        row = {"lhs": "f", "op": "~~", "rhs": "g", "std_all": between, "rhat": rhat, "ess_bulk": bulk, "ess_tail": tail}
        return len(posterior_warnings(pd.DataFrame([row]), {"f", "g"}, ppp, 0, 0))

    for name, quiet, loud in (
        ("rhat", 1.01, 1.011), ("bulk", 400, 399), ("tail", 400, 399), ("ppp", 0.05, 0.049), ("between", 0.95, 0.951),
    ):  # fmt: skip
        assert (posterior_asks(**{name: quiet}), posterior_asks(**{name: loud})) == (0, 1), name
    model = SimpleNamespace(constructs=[], modes=[])
    weights = SimpleNamespace(converged=[True], iterations=[3])
    for vif, asked in {5.0: 0, 5.01: 2}.items():
        paths = pd.DataFrame({"lhs": ["a"], "rhs": ["b"], "vif": [vif]})
        outer = pd.DataFrame({"construct": ["a"], "item": ["b"], "vif": [vif], "weight": [1.0], "mode": ["B"]})
        assert len(list(pls_concerns(model, weights, paths, outer, consistent=False))) == asked
