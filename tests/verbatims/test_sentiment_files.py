"""A model in a file says what the one in memory says, and a wrong file is told."""

import numpy as np
import pandas as pd
import pytest

from xmresearch.errors import DataError
from xmresearch.verbatims import sentiment_files as module
from xmresearch.verbatims.sentiment import lexicon_model
from xmresearch.verbatims.sentiment_files import load_sentiment, save_sentiment
from xmresearch.verbatims.sentiment_training import train_sentiment

TEXTS = [f"{w} {k}" for k in range(12) for w in ("服务很好", "good 👍", "太慢了", "rude", "今天来了", "on monday")]
LABELS = [1, 1, -1, -1, 0, 0] * 12


@pytest.fixture(scope="module")
def model():
    return train_sentiment(TEXTS, LABELS)[0]


@pytest.mark.parametrize("held_out", [False, True])
def test_a_model_comes_back_as_it_was(model, tmp_path, held_out):
    save_sentiment(model, tmp_path / "m.npz")
    back = load_sentiment(tmp_path / "m.npz")
    texts = [*TEXTS, "很慢", "never again", "", "其他"]
    pd.testing.assert_frame_equal(
        model.predict(texts, held_out=held_out), back.predict(texts, held_out=held_out), check_exact=True
    )
    assert (back.kinds, back.labelled, back.fold_of) == (model.kinds, model.labelled, model.fold_of)
    save_sentiment(lexicon_model(), str(tmp_path / "l.npz"))
    pd.testing.assert_frame_equal(lexicon_model().predict(texts), load_sentiment(tmp_path / "l.npz").predict(texts))


def test_wrong_files_are_told(model, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no model 'none.npz'"):
        load_sentiment(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    np.savez(tmp_path / "pickled.npz", facts=np.array([{"form": 1}], dtype="object"))
    np.save(tmp_path / "one.npy", np.arange(3))
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in ("text.npz", "other.npz", "pickled.npz", "one.npy", "empty.npz"):
        with pytest.raises(DataError, match="is no sentiment model"):
            load_sentiment(tmp_path / name)
    save_sentiment(model, tmp_path / "m.npz")
    (tmp_path / "cut.npz").write_bytes((tmp_path / "m.npz").read_bytes()[:2000])
    with pytest.raises(DataError, match="is no sentiment model"):
        load_sentiment(tmp_path / "cut.npz")
    with np.load(tmp_path / "m.npz") as file:
        arrays = {k: file[k] for k in file.files}
    np.savez(tmp_path / "short.npz", **(arrays | {"whole_terms-1": arrays["whole_terms-1"][1:]}))
    np.savez(tmp_path / "less.npz", **{k: v for k, v in arrays.items() if k != "fold0_idf"})
    for name in ("short.npz", "less.npz"):
        with pytest.raises(DataError, match="is damaged"):
            load_sentiment(tmp_path / name)
    monkeypatch.setattr(module, "FORM", 2)
    with pytest.raises(DataError, match="has form 1; this version reads 2"):
        load_sentiment(tmp_path / "m.npz")
    with pytest.raises(DataError, match="cannot be written"):
        save_sentiment(model, tmp_path / "no" / "m.npz")
