"""Emotion over time by group, from labelled texts to changes."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.verbatims.emotion_index import emotion_over_time, successive_changes
from xmresearch.verbatims.outside_scores import corrected_flags, stated_rates
from xmresearch.verbatims.sentiment_training import train_sentiment

GOOD = ["服务很好", "办事很快，态度热情", "非常满意", "good and quick", "环境干净"]
BAD = ["等了很久", "态度恶劣", "太慢了，没人管", "rude and slow", "系统老是出错"]
VAGUE = ["今天来办事", "三号窗口", "i came on monday", "办理业务"]


def texts(rng, n, negative, day, area):
    """Texts of which some are clear and some say nothing; one in ten clear ones says the opposite of what is meant."""
    label = np.where(rng.random(n) < negative, -1, 1)
    clear, meant = rng.random(n) < 0.7, np.where(rng.random(n) < 0.1, -label, label)
    words = [rng.choice(VAGUE if not c else GOOD if m > 0 else BAD) for c, m in zip(clear, meant, strict=True)]
    return pd.DataFrame({"text": [f"{w} {k}" for k, w in enumerate(words)], "day": day, "area": area, "label": label})


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(8)
    shares = {
        ("2026-01-15", "a"): 0.3,
        ("2026-02-15", "a"): 0.3,
        ("2026-03-15", "a"): 0.6,
        ("2026-01-15", "b"): 0.5,
        ("2026-02-15", "b"): 0.5,
    }
    parts = {key: texts(rng, 1500, share, *key) for key, share in shares.items()}
    frame = pd.concat(parts.values(), ignore_index=True)
    first = parts["2026-01-15", "a"].iloc[:400]
    return frame, first, shares


def test_shares_and_changes_are_those_that_were_planted(world):
    frame, labelled, shares = world
    model, held_out = train_sentiment(labelled["text"], labelled["label"])
    found = emotion_over_time(model, held_out, labelled, frame, "text", date="day", by=["area"], target="negative")
    table = found.figures.table.set_index(["period", "area"])
    assert table.loc[("2026-01", "a"), ["method", "labels"]].tolist() == ["labels", 400]
    for (day, area), share in shares.items():
        row = table.loc[(day[:7], area)]
        assert row["lower"] <= share <= row["upper"]
    changes = found.changes.set_index(["area", "before", "after"])
    assert list(changes.index) == [
        ("a", "2026-01", "2026-02"),
        ("a", "2026-02", "2026-03"),
        ("b", "2026-01", "2026-02"),
    ]
    rose = changes.loc[("a", "2026-02", "2026-03")]
    assert rose["lower"] <= 0.3 <= rose["upper"]
    assert (changes["p_adjusted"] < 0.05).tolist() == [False, True, False]
    assert (changes["p_adjusted"] >= changes["p"]).all()
    assert found.summary()["texts"] == 7500
    index = emotion_over_time(model, held_out, labelled, frame, "text", date="day", by=["area"]).figures.table
    assert index["estimate"].to_numpy() == pytest.approx(1 - 2 * table["estimate"].to_numpy())


def test_labels_whose_period_is_not_known_stand_for_all(world):
    frame, labelled, _ = world
    model, held_out = train_sentiment(labelled["text"], labelled["label"])
    found = emotion_over_time(
        model, held_out, labelled[["text"]], frame, "text", date="day", by=["area"], target="negative"
    )
    assert set(found.figures.table["method"]) == {"error_rates"}
    none = emotion_over_time(
        model,
        held_out,
        labelled[["text"]],
        frame,
        "text",
        date="day",
        by=["area"],
        target="negative",
        without_labels="withheld",
    )
    assert set(none.figures.table["why"]) == {"no_labels"}
    assert none.changes.empty
    assert list(none.changes)[-1] == "p_adjusted"
    with pytest.raises(DataError, match="399 labelled texts and 400 held out"):
        emotion_over_time(model, held_out, labelled.iloc[1:], frame, "text", date="day")


def test_labels_of_texts_that_nobody_wrote_are_left_out_on_both_sides(world):
    frame, labelled, _ = world
    extra = pd.DataFrame({"text": ["", "系统默认好评"] * 40, "day": "2026-01-15", "area": "a", "label": [-1, 1] * 40})
    with_blanks = pd.concat([labelled, extra], ignore_index=True)
    everything = pd.concat([frame, extra], ignore_index=True)
    model, held_out = train_sentiment(with_blanks["text"], with_blanks["label"])
    found = emotion_over_time(
        model, held_out, with_blanks, everything, "text", date="day", by=["area"], target="negative"
    )
    row = found.figures.table.set_index(["period", "area"]).loc[("2026-01", "a")]
    assert row[["n", "labels"]].tolist() == [1500, 400]
    assert (found.counts.found["blank"], found.counts.found["default_praise"]) == (40, 40)


def test_changes_skip_what_is_withheld_and_need_periods():
    groups = pd.DataFrame({"period": ["2026-03", "2026-01", "2026-02"]})
    figures = corrected_flags([60, 30, 0], [200, 200, 0], stated_rates(0.9, 0.9, cases=None), groups=groups)
    changes = successive_changes(figures)
    assert changes[["before", "after"]].values.tolist() == [["2026-01", "2026-03"]]
    assert changes["change"][0] == pytest.approx(0.15 / 0.8)
    with pytest.raises(DataError, match="no column 'period'"):
        successive_changes(corrected_flags([1], [5], stated_rates(0.9, 0.9, cases=None)))
