"""How the lexicon's model travels to texts of three kinds, how fast texts are read, and what labels bring. Run with 'make bench'.

Texts of XMRESEARCH_DATA: Chinese takeaway reviews, English sentences about goods, English comments of patients. None of them was used to
train what ships, which is a lexicon.
"""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from xmresearch.verbatims.held_out_errors import auc, label_curve
from xmresearch.verbatims.probabilities import calibration_error
from xmresearch.verbatims.sentiment import lexicon_model
from xmresearch.verbatims.sentiment_training import train_sentiment

pytestmark = pytest.mark.benchmark
VOICE = Path(os.environ.get("XMRESEARCH_DATA", "")) / "voice"
TEXTS_A_SECOND = 5000


def labelled():
    """Texts and labels by name; patients' neutral comments are left out."""
    if not VOICE.is_dir():
        pytest.skip("needs voice in XMRESEARCH_DATA")
    chinese = pd.read_csv(VOICE / "waimai_10k.csv")
    yield "waimai", chinese["review"].tolist(), np.where(chinese["label"] == 1, 1, -1)
    english = pd.read_csv(VOICE / "amazon_snippets_en.csv")
    yield "amazon", english["text"].tolist(), np.where(english["mean_rating_-4_to_4"] > 0, 1, -1)
    patients = pd.read_csv(VOICE / "patient_comments_multilabel_en.csv").dropna(
        subset=["Comment sentiment", "FFT answer"]
    )
    patients = patients[patients["Comment sentiment"] != 3]
    yield "patients", patients["FFT answer"].tolist(), np.where(patients["Comment sentiment"] < 3, 1, -1)


def test_the_lexicon_travels_and_labels_help():
    rows, models = [], {}
    for name, texts, labels in labelled():
        negative = labels < 0
        models[name], held_out = train_sentiment(texts, labels)
        told = lexicon_model().predict(texts)["negative"]
        rows += [
            {"texts": name, "model": "lexicon", **auc(told, negative), "calibration": calibration_error(told, negative)},
            {"texts": name, "model": "five folds", **auc(held_out["negative"], negative), "calibration": calibration_error(held_out["negative"], negative)},
        ]  # fmt: skip
        for other, model in models.items():
            if other != name:
                rows.append(
                    {
                        "texts": name,
                        "model": f"of {other}",
                        **auc(model.predict(texts)["negative"], negative),
                        "calibration": np.nan,
                    }
                )
        print(f"\n{name}\n{label_curve(texts, labels).round(3).to_string(index=False)}")
    table = pd.DataFrame(rows)
    print(f"\n{table.round(4).to_string(index=False)}")
    own = table[table["model"] == "five folds"].set_index("texts")
    lexicon = table[table["model"] == "lexicon"].set_index("texts")
    assert (own["estimate"] > lexicon["estimate"]).all()
    assert (own["calibration"] <= 0.03).all()
    assert (lexicon["lower"] > 0.75).all()


def test_texts_are_read_at_the_promised_rate_on_one_core():
    """The model of half of the texts reads the other half."""
    for name, texts, labels in labelled():
        model, _ = train_sentiment(texts[::2], labels[::2])
        other = texts[1::2]
        for chosen, what in ((model, "trained"), (lexicon_model(), "lexicon")):
            chosen.predict(other[:100])
            start = time.process_time()
            chosen.predict(other)
            rate = len(other) / (time.process_time() - start)
            print(f"\n{name}, {what}: {rate:,.0f} texts a second of processor time")
            assert rate >= TEXTS_A_SECOND
