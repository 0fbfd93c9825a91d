"""A million texts by month and area, from Parquet: processor time, and the most memory that the process ever held. Run with 'make bench'."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

pytestmark = pytest.mark.benchmark
VOICE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "voice"
TEXTS, MOST_GIGABYTES, TEXTS_A_SECOND = 1_000_000, 8.0, 5000


def written(folder):
    """Texts put together of halves of real ones, so that nearly all differ, a third of them English."""
    if not VOICE.is_dir():
        pytest.skip("needs voice in XMRESEARCH_DATA")
    rng = np.random.default_rng(0)
    chinese = pd.read_csv(VOICE / "waimai_10k.csv")["review"].to_numpy()
    english = pd.read_csv(VOICE / "amazon_snippets_en.csv")["text"].to_numpy()
    for part in range(10):
        n = TEXTS // 10
        pick = np.where(rng.random(n) < 1 / 3, "en", "zh")
        texts = []
        for language in pick:
            source = english if language == "en" else chinese
            a, b = source[rng.integers(0, len(source), 2)]
            texts.append(a[: len(a) // 2] + b[len(b) // 2 :])
        days = pl.date_range(pl.date(2025, 1, 1), pl.date(2025, 12, 31), eager=True)
        pl.DataFrame(
            {
                "text": texts,
                "day": days.gather(rng.integers(0, len(days), n)),
                "area": rng.choice(["n", "s", "e", "w"], n),
            }
        ).write_parquet(folder / f"{part}.parquet")


def read(folder):
    """Train on the reviews, score every text, and correct by month; run in a process of its own."""
    from xmresearch.verbatims.prevalence import corrected_shares
    from xmresearch.verbatims.score_counts import LabelledScores
    from xmresearch.verbatims.sentiment_counts import count_sentiment
    from xmresearch.verbatims.sentiment_training import train_sentiment

    table = pd.read_csv(VOICE / "waimai_10k.csv").sample(2000, random_state=1)
    model, held_out = train_sentiment(table["review"].tolist(), np.where(table["label"] == 1, 1, -1))
    start = time.process_time()
    counts = count_sentiment(model, folder, "text", by=["area"], date="day")
    seconds = time.process_time() - start
    result = corrected_shares(counts.scores, LabelledScores.of(held_out))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"\n{counts.found}; {len(result.table)} groups, {dict(result.table['method'].value_counts())}")
    print(f"{counts.found['texts'] / seconds:,.0f} texts a second of processor time, at most {most:.2f} GB")
    assert counts.found["texts"] == TEXTS
    assert len(counts.scores.n) == 48
    assert counts.found["texts"] / seconds >= TEXTS_A_SECOND
    assert most <= MOST_GIGABYTES


def test_a_million_texts_are_read_within_memory(tmp_path):
    written(tmp_path)
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from test_sentiment_scale import read; read({str(tmp_path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
