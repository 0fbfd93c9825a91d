"""Sentiment models in files: numbers and terms alone, so that opening one runs no code."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xmresearch.errors import DataError, brief
from xmresearch.verbatims.probabilities import Calibration
from xmresearch.verbatims.sentiment import Cut, FoldModel, SentimentModel
from xmresearch.verbatims.valence import FEATURES

FORM = 1
"""Raised when what a file holds, or what terms and valence features mean, changes."""


def save_sentiment(model: SentimentModel, path: str | Path) -> None:
    """Write a model to a file.

    Parameters
    ----------
    model : SentimentModel
        See `train_sentiment`.
    path : str or Path
        Ending in .npz. The file holds terms of the labelled texts that stand in two of them at least: keep it as those texts are kept.

    Raises
    ------
    DataError
        The file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "idf": model.idf,
        "vocabulary": _letters(sorted(model.vocabulary, key=model.vocabulary.__getitem__)),
    }
    facts: dict[str, Any] = {
        "form": FORM,
        "kinds": model.kinds,
        "labelled": model.labelled,
        "cuts": _cuts(model.cuts, "whole", arrays),
    }
    facts["folds"] = [_cuts(fold.cuts, f"fold{k}", arrays) for k, fold in enumerate(model.folds)]
    arrays |= {f"fold{k}_idf": fold.idf for k, fold in enumerate(model.folds)}
    arrays["digests"] = np.array(list(model.fold_of), dtype=np.uint64)
    arrays["fold_of"] = np.array(list(model.fold_of.values()), dtype=np.int64)
    arrays["facts"] = _letters([json.dumps(facts)])
    try:
        with Path(path).open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    except OSError as error:
        raise DataError(f"The model cannot be written to '{brief(Path(path).name)}': {error.strerror}.") from None


def load_sentiment(path: str | Path) -> SentimentModel:
    """Read a model from a file.

    Parameters
    ----------
    path : str or Path
        That `save_sentiment` wrote.

    Returns
    -------
    SentimentModel
        Says of every text what the one that was saved says.

    Raises
    ------
    DataError
        The file is not there, is no model, or is of another version.
    """
    name = brief(Path(path).name)
    try:
        with Path(path).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {k: file[k] for k in file.files}
        facts = json.loads(_text(arrays["facts"]))
        form = facts["form"]
    except FileNotFoundError:
        raise DataError(f"There is no model '{name}'.", "Train one, and save it by save_sentiment.") from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        raise DataError(f"'{name}' is no sentiment model.", "Give a file that save_sentiment wrote.") from None
    if form != FORM:
        raise DataError(f"The model '{name}' has form {form!r}; this version reads {FORM}.", "Train it again.")
    try:
        terms = _text(arrays["vocabulary"]).split("\n") if len(arrays["vocabulary"]) else []
        folds = tuple(
            FoldModel(_read_cuts(cuts, f"fold{k}", arrays, len(terms)), arrays[f"fold{k}_idf"])
            for k, cuts in enumerate(facts["folds"])
        )
        fold_of = {int(d): int(k) for d, k in zip(arrays["digests"], arrays["fold_of"], strict=True)}
        return SentimentModel(
            _read_cuts(facts["cuts"], "whole", arrays, len(terms)), {t: i for i, t in enumerate(terms)}, arrays["idf"],
            tuple(int(k) for k in facts["kinds"]), int(facts["labelled"]), folds, fold_of,
        )  # fmt: skip
    except (KeyError, ValueError, TypeError, IndexError):
        raise DataError(f"The model '{name}' is damaged.", "Train it again, or take a copy.") from None


def _letters(lines: list[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode("utf-8"), dtype=np.uint8)


def _text(letters: NDArray[np.uint8]) -> str:
    return letters.tobytes().decode("utf-8")


def _cuts(cuts: tuple[Cut, ...], owner: str, arrays: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """Put the weights of questions among the arrays, and return what else there is to each."""
    found = []
    for cut in cuts:
        arrays |= {f"{owner}_terms{cut.label}": cut.terms, f"{owner}_valence{cut.label}": cut.valence}
        facts = {"label": cut.label, "intercept": cut.intercept}
        found.append(facts | {"slope": cut.calibration.slope, "offset": cut.calibration.offset})
    return found


def _read_cuts(found: list[dict[str, Any]], owner: str, arrays: dict[str, NDArray[Any]], size: int) -> tuple[Cut, ...]:
    cuts = []
    for facts in found:
        label = int(facts["label"])
        terms, valence = arrays[f"{owner}_terms{label}"], arrays[f"{owner}_valence{label}"]
        if terms.shape != (size,) or valence.shape != (FEATURES,):
            raise ValueError(label)
        calibration = Calibration(float(facts["slope"]), float(facts["offset"]))
        cuts.append(Cut(label, terms, valence, float(facts["intercept"]), calibration))
    return tuple(cuts)
