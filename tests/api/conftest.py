"""A result of every method, each made once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import xmresearch as xm
from xmresearch.data.config import RolloutSource, ScenarioSource, TouchpointsSource
from xmresearch.errors import DatasetUnavailable

MODEL = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
PATHS = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\ntextual ~ a*visual\nspeed ~ b*textual\nab := a*b"


@pytest.fixture(scope="session")
def pupils() -> pd.DataFrame:
    """Holzinger and Swineford's pupils of two schools."""
    try:
        return xm.load_dataset("holzinger_swineford")
    except DatasetUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def sem_results(pupils):
    items = pupils.filter(regex=r"^x\d$")
    coarse = items.apply(lambda x: pd.cut(x, 4, labels=False).astype(float))
    scales = dict.fromkeys(items, (0.0, 10.0))
    fitted, paths = xm.sem.fit(MODEL, pupils), xm.sem.fit(PATHS, pupils, estimator="MLR", missing="fiml")
    return {
        "fit": fitted, "paths": paths, "bootstrapped": xm.sem.fit(PATHS, pupils, bootstrap=40),
        "ordered": xm.sem.fit(MODEL, coarse, estimator="WLSMV", ordered=True), "ladder": xm.sem.invariance(MODEL, pupils, "school"),
        "effects": xm.sem.effects(paths), "mediation": xm.sem.mediation(paths, [["visual", "textual", "speed"]]),
        "indices": xm.sem.indices(paths, pupils, ["speed"], scales), "gains": xm.sem.gains(paths, pupils, ["speed"], scales),
        "difference": xm.sem.difference_test(xm.sem.fit(f"{MODEL}\nvisual ~~ 0*speed", pupils), fitted),
        "pls": xm.sem.pls(f"{MODEL}\nspeed ~ visual + textual", pupils, bootstrap=50, predict=True),
        "bayes": xm.sem.sample(MODEL, pupils, draws=100, tune=100, chains=2, seed=1),
        "polychoric": xm.sem.polychoric(coarse.to_numpy(), list(coarse)), "moments": xm.sem.Moments.of(items.to_numpy(), list(items)),
        "efa": xm.psychometrics.efa(items, 3), "validity": xm.psychometrics.validity(fitted, pupils, bootstrap=50),
        "composite": xm.psychometrics.composite_reliability(fitted, pupils), "method": xm.psychometrics.common_method(MODEL, pupils),
    }  # fmt: skip


@pytest.fixture(scope="session")
def survey():
    return xm.load_survey(
        ScenarioSource(n=300, seed=3), codebook="service_hall", id_column="respondent", weight_column="weight",
        duration_column="duration", segments=["branch", "channel"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def survey_results(survey):
    frame, book, p = survey.frame, survey.codebook, xm.psychometrics
    driven, _ = p.outcome_drivers(frame, book, outcome="quality", bootstrap=50)
    cfa, _ = p.battery_cfa(frame, book)
    d, scores, outcome = xm.drivers, p.dimension_scores(frame, book, "perception", 0.5), frame["quality"]
    answers = pd.DataFrame({"a": [1.0, 3.0] * 10, "b": [2.0, 1.0] * 10})
    return {
        "dominance": d.dominance(driven), "collinearity": d.collinearity(scores), "contrasts": d.penalty_reward(scores, outcome),
        "grid": d.derived_grid(scores, outcome, bootstrap=50), "kano": d.kano(answers, answers + 2.0, bootstrap=50),
        "moved": d.gains(scores, outcome, groups=frame["branch"], bootstrap=50),
        "by_group": d.drivers_by_group(scores, outcome, frame[["channel"]]),
        "survey": survey, "gaps": p.gaps(frame, book, bootstrap=50), "priorities": p.priorities(frame, book, bootstrap=50),
        "drivers": driven, "scores": p.overall_scores(frame, book, driven=driven), "reliability": p.reliability(frame, book),
        "items": p.item_analysis(frame, book),
        "importance": p.importance_performance(frame, book, bootstrap=50), "segments": p.segment_gaps(frame, book, ["branch", "channel"]),
        "blanks": xm.missing.blanks(frame, book.names("perception")), "imputed": xm.missing.impute(frame, ["p1", "p2"], m=3),
        "pooled": xm.missing.pool([[1.0], [2.0]], [[1.0], [1.0]]), "joint": xm.missing.pool_chisq([3.0, 4.0], 2),
        "tolerance": p.zone_of_tolerance(frame, book), "cfa": cfa, "alike": p.segment_invariance(frame, book, ["channel"]),
    }  # fmt: skip


@pytest.fixture(scope="session")
def causal_results():
    city = xm.load_panel(RolloutSource(n=6000, seed=1))
    columns = {"outcome": "satisfaction", "unit": "branch", "time": "month", "cohort": "rollout"}
    found = xm.causal.did(city.rows, **columns)
    rng = np.random.default_rng(0)
    arms = pd.DataFrame({"arm": rng.choice(["a", "b", "c"], 900), "y": rng.normal(0, 1, 900)})
    many = pd.DataFrame(rng.normal(0, 1, (300, 12)).cumsum(axis=1))
    return {
        "panel": city, "did": found, "sensitivity": xm.causal.sensitivity(found), "cells": found.panel,
        "claim": xm.claims.sign("effect", estimate=1.0, lower=0.5, upper=1.5, confidence=0.95),
        "bacon": xm.causal.bacon(_balanced(rng), outcome="y", unit="u", time="t", cohort="g"),
        "experiment": xm.causal.experiment(arms, outcome="y", arm="arm", control="a"),
        "monitor": xm.causal.monitor(arms[arms["arm"] != "c"], outcome="y", arm="arm", control="a"),
        "sequential": xm.causal.group_sequential(4),
        "synthetic": xm.causal.synthetic_control(many.to_numpy(), np.arange(300) < 2, 8, method="sc"),
    }  # fmt: skip


def _balanced(rng):
    rows = [(u, t, g, u + t + rng.normal() + (t >= g > 0)) for u, g in enumerate([0, 3, 5] * 5) for t in range(1, 9)]
    return pd.DataFrame(rows, columns=["u", "t", "g", "y"])


@pytest.fixture(scope="session")
def attribution_results():
    data = xm.load_touches(TouchpointsSource(n=2000, seed=1))
    a = xm.attribution
    touches = a.read_touches(data.rows, form="events", columns={"touchpoint": "touchpoint", "conversion": "settled"})
    journeys, counts = touches.journeys, a.transitions(touches.journeys, 1)
    travelled = a.journey(touches.source, stages=data.stages, survey=data.survey, score="score", scale=(0, 10))
    return {
        "data": data, "touches": touches, "log": touches.source, "journeys": journeys, "transitions": counts,
        "order": a.choose_order(journeys, 2), "markov": a.markov(counts, journeys=journeys, draws=100), "rules": a.heuristics(touches.source),
        "shapley": a.shapley(journeys), "journey": travelled, "map": a.process_map(travelled),
        "consistency": a.consistency(data.survey, channel="touchpoint", score="score"),
    }  # fmt: skip


@pytest.fixture(scope="session")
def results(sem_results, survey_results, causal_results, attribution_results):
    return sem_results | survey_results | causal_results | attribution_results
