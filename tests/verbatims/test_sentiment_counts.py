"""Sentiment by period and group: the same from memory, in chunks and from folders of Parquet."""

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims import sentiment_counts as module
from xmresearch.verbatims.sentiment import lexicon_model
from xmresearch.verbatims.sentiment_counts import count_sentiment
from xmresearch.verbatims.sentiment_training import train_sentiment

TEXTS = [
    "服务很好",
    "等了很久，没人管",
    "good",
    "never again",
    "zzz",
    "",
    None,
    "系统默认好评",
    "此用户没有填写评价",
    "態度恶劣",
]
FIELDS = ("n", "total", "cross", "cells")


@pytest.fixture
def frame():
    days = [dt.date(2026, 1, 31), dt.date(2026, 2, 1)] * 5
    return pd.DataFrame({"text": TEXTS, "day": days, "area": ["a", "b", "a", "b", "a", "a", "a", "b", "b", None]})


def alike(one, other):
    pd.testing.assert_frame_equal(one.scores.groups, other.scores.groups)
    for field in FIELDS:
        np.testing.assert_allclose(getattr(one.scores, field), getattr(other.scores, field))
    assert one.found == other.found


def test_texts_are_scored_and_those_left_out_are_counted(frame):
    counts = count_sentiment(lexicon_model(), frame, "text", by=["area"], date="day")
    assert counts.found == {
        "texts": 10,
        "blank": 2,
        "default_praise": 1,
        "default_nothing": 1,
        "no_group": 1,
        "unknown": 1,
    }
    assert counts.scores.groups.to_dict("list") == {"period": ["2026-01", "2026-02"], "area": ["a", "b"]}
    assert counts.scores.n.tolist() == [3, 2]
    told = lexicon_model().predict(TEXTS)["negative"]
    assert counts.scores.total[:, 0] == pytest.approx([told[[0, 2, 4]].sum(), told[[1, 3]].sum()])
    whole = count_sentiment(lexicon_model(), frame, "text")
    assert whole.scores.n.tolist() == [6]
    both = count_sentiment(lexicon_model(), frame, "text", scores=("negative", "positive"))
    assert both.scores.total.sum() == pytest.approx(6)


def test_chunks_frames_and_partitions_agree(frame, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    large = frame.iloc[rng.integers(0, len(frame), 500)].reset_index(drop=True)
    given = {"text": "text", "by": ["area"], "date": "day", "every": "week"}
    whole = count_sentiment(lexicon_model(), large, **given)
    monkeypatch.setattr(module, "CHUNK", 7)
    alike(whole, count_sentiment(lexicon_model(), large, **given))
    rows = pl.from_pandas(large)
    alike(whole, count_sentiment(lexicon_model(), rows.lazy(), **given))
    rows[:300].write_parquet(tmp_path / "a.parquet", row_group_size=100)
    rows[300:].write_parquet(tmp_path / "b.parquet")
    alike(whole, count_sentiment(lexicon_model(), tmp_path, **given))
    alike(whole, count_sentiment(lexicon_model(), str(tmp_path), **given))


def test_a_model_is_sent_to_workers_as_it_is():
    model, held_out = train_sentiment([f"{w} {k}" for k in range(9) for w in ("很好", "很差")], [1, -1] * 9)
    model.predict(["好"])
    sent = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(sent.predict(TEXTS, held_out=True), model.predict(TEXTS, held_out=True))
    assert held_out["kind"].tolist() == [1, -1] * 9
    for few in ([], ["好"]):  # folds without a text
        for asked in (True, False):
            assert len(model.predict(few, held_out=asked)) == len(few)


@pytest.mark.parametrize(
    ("every", "days", "periods"),
    [
        ("month", ["2026-01-05", "20260206", "2026年3月1日", "2026-04"], ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ("quarter", [dt.date(2026, 3, 31), dt.datetime(2026, 4, 1, 8)], ["2026-Q1", "2026-Q2"]),
        ("week", [pd.Timestamp("2026-01-04"), pd.Timestamp("2026-01-05")], ["2026-W01", "2026-W02"]),
        ("year", [2025, 2026], ["2025", "2026"]),
        ("day", ["2026-01-05 10:00", "2026-01-06"], ["2026-01-05", "2026-01-06"]),
    ],
)
def test_dates_of_any_form_have_their_period(every, days, periods):
    frame = pd.DataFrame({"text": ["good"] * len(days), "day": pd.Series(days, dtype="object")})
    counts = count_sentiment(lexicon_model(), frame, "text", date="day", every=every)
    assert counts.scores.groups["period"].tolist() == periods


def test_dates_that_cannot_be_read_are_counted_as_without_group():
    days = ["2026-01-05", "soon", None, pd.NaT, "2026"]  # a year is longer than a month
    frame = pd.DataFrame({"text": ["good"] * 5, "day": pd.Series(days, dtype="object")})
    counts = count_sentiment(lexicon_model(), frame, "text", date="day")
    assert counts.found["no_group"] == 4
    assert counts.scores.n.tolist() == [1]


def test_what_does_not_fit_is_refused(frame, tmp_path):
    model = lexicon_model()
    with pytest.raises(DataError, match="no column 'words'"):
        count_sentiment(model, frame, "words")
    with pytest.raises(DataError, match="no column 'words'"):
        count_sentiment(model, pl.from_pandas(frame).lazy(), "words")
    with pytest.raises(DataError, match="every is 'hour'"):
        count_sentiment(model, frame, "text", date="day", every="hour")
    with pytest.raises(DataError, match="no partitions"):
        count_sentiment(model, frame, "text", scheduler="tcp://x:1")
    with pytest.raises(DataError, match="not a text"):
        count_sentiment(model, frame.assign(text=1), "text")
    for empty in (frame.iloc[:0], frame.iloc[5:7], frame.iloc[7:8]):
        with pytest.raises(InsufficientData, match="No text is left"):
            count_sentiment(model, empty, "text", by=["area"])
