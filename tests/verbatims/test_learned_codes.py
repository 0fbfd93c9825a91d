"""Learned codes: planted themes are learned, errors are measured on unseen texts, and real comments are coded better than by a plain model."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score
from verbatim_worlds import corpus

from xmresearch.claims.calibration import exact_interval
from xmresearch.errors import DataError, InsufficientData
from xmresearch.metrics.krippendorff import krippendorff_alpha
from xmresearch.verbatims.coding_errors import code_errors, coder_ceiling
from xmresearch.verbatims.learned_codes import codes_out_of_fold, learn_codes

COMMENTS = Path(os.environ.get("XMRESEARCH_DATA", "")) / "voice" / "patient_comments_multilabel_en.csv"


def planted(seed, n=400):
    texts, truth = corpus(seed, n=n)
    theme = pd.Series([t.split()[1] for t in truth])
    return texts, pd.get_dummies(theme).astype(bool)


def test_planted_themes_are_learned_in_both_languages():
    texts, codes = planted(1)
    learned = learn_codes(texts, codes, seed=1)
    more, truth = planted(2, n=300)
    errors = code_errors(learned.code(more), truth)
    assert errors.macro_f1 > 0.8
    assert errors.lower < errors.macro_f1 < errors.upper
    assert learned.tidy()["learned"].all()
    assert len(repr(learned)) < 2000


def test_figures_are_those_of_a_second_program():
    rng = np.random.default_rng(3)
    people = pd.DataFrame(rng.random((300, 3)) < [0.5, 0.2, 0.1], columns=list("abc"))
    given = people ^ (rng.random((300, 3)) < 0.1)
    found = code_errors(given, people)
    assert found.macro_f1 == pytest.approx(f1_score(people, given, average="macro"))
    assert found.micro_f1 == pytest.approx(f1_score(people, given, average="micro"))
    np.testing.assert_allclose(found.table["precision"], precision_score(people, given, average=None))
    np.testing.assert_allclose(found.table["recall"], recall_score(people, given, average=None))
    np.testing.assert_allclose(found.table["f1"], f1_score(people, given, average=None))


def test_the_interval_of_f1_and_of_its_mean_holds_the_planted_one():
    """Themes of shares .4 and .2, recall .8, given to .05 of the others: F1 by these shares. 400 samples of 300 texts."""
    share, recall, false = np.array([0.4, 0.2]), 0.8, 0.05
    truth = 2 * share * recall / (share + share * recall + (1 - share) * false)
    held, held_mean = 0, 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        people = rng.random((300, 2)) < share
        given = np.where(people, rng.random((300, 2)) < recall, rng.random((300, 2)) < false)
        found = code_errors(*(pd.DataFrame(x, columns=["a", "b"]) for x in (given, people)), bootstrap=300, seed=seed)
        held += int(((found.table["f1_lower"] <= truth) & (truth <= found.table["f1_upper"])).sum())
        held_mean += found.lower <= truth.mean() <= found.upper
    assert exact_interval(held, 800, 0.01)[1] > 0.94
    assert exact_interval(held_mean, 400, 0.01)[1] > 0.93


@pytest.mark.parametrize(("coded", "counted"), [(9, False), (10, True)])
def test_a_theme_of_few_texts_is_not_in_the_mean(coded, counted):
    people = pd.DataFrame({"a": [True] * 50 + [False] * 50, "b": [True] * coded + [False] * (100 - coded)})
    given = people.assign(b=False)
    found = code_errors(given, people)
    assert found.table["counted"].tolist() == [True, counted]
    assert found.macro_f1 == (0.5 if counted else 1)


def test_two_coders_are_the_ceiling():
    rng = np.random.default_rng(4)
    first = pd.DataFrame(rng.random((200, 2)) < 0.3, columns=["a", "b"])
    second = first ^ (rng.random((200, 2)) < [0.02, 0.3])
    found = coder_ceiling(first, second).set_index("theme")
    for theme in "ab":
        expected = krippendorff_alpha(np.column_stack([first[theme], second[theme]]).astype(float))["alpha"]
        assert found.loc[theme, "alpha"] == pytest.approx(expected)
        assert found.loc[theme, "f1"] == pytest.approx(f1_score(first[theme], second[theme]))
    assert found.loc["a", "alpha"] > 0.9 > 0.6 > found.loc["b", "alpha"]


def test_somebody_s_texts_are_in_one_fold():
    """Ten people who each say one thing of their own over and over, codes by person: nothing can be learned for a new person."""
    rng = np.random.default_rng(5)
    people = np.repeat(np.arange(20), 15)
    word = [f"p{chr(97 + i)}{chr(97 + i)}" for i in range(20)]
    code = rng.permutation(20) < 10
    texts = [word[i] for i in people]
    examples = pd.DataFrame({"a": code[people]})
    apart, _ = codes_out_of_fold(texts, examples, people=people)
    mixed, _ = codes_out_of_fold(texts, examples)
    assert mixed.macro_f1 > 0.95
    assert apart.macro_f1 < 0.85


@pytest.mark.parametrize(("n", "learned"), [(4, False), (5, True)])
def test_a_theme_of_too_few_examples_is_not_learned(n, learned):
    texts = ["queue line wait"] * 60 + ["helicopter rotor"] * n
    codes = pd.DataFrame({"wait": [True] * 60 + [False] * n, "air": [False] * 60 + [True] * n})
    if not learned:
        with pytest.raises(InsufficientData, match="No theme has 5 texts"):
            learn_codes(texts, codes)
        return
    assert learn_codes(texts, codes).tidy()["learned"].tolist() == [True, True]


def test_what_cannot_be_learned_from_is_told():
    with pytest.raises(DataError, match="2 texts and 1 rows"):
        learn_codes(["a", "b"], pd.DataFrame({"a": [True]}))
    with pytest.raises(DataError, match="blank"):
        learn_codes(["a"], pd.DataFrame({"a": [None]}, dtype=object))
    with pytest.raises(InsufficientData, match="10 are needed"):
        codes_out_of_fold(["a"] * 9, pd.DataFrame({"a": [True, False, True] * 3}))
    with pytest.raises(DataError, match="same texts"):
        code_errors(pd.DataFrame({"a": [True]}), pd.DataFrame({"b": [True]}))


@pytest.mark.skipif(not COMMENTS.is_file(), reason="needs the comments in XMRESEARCH_DATA")
def test_real_comments_are_coded_better_than_by_a_plain_model(capsys):
    """pxtextmining's comments, themes of ten and more: five folds, thresholds chosen within."""
    comments = pd.read_csv(COMMENTS).dropna(subset=["FFT answer"])
    codes = comments.iloc[:, 8:].notna()
    learned, plain = codes_out_of_fold(comments["FFT answer"].tolist(), codes.loc[:, codes.sum() >= 10])
    with capsys.disabled():
        print(
            f"\npatient comments: macro-F1 {learned.macro_f1:.3f} [{learned.lower:.3f}, {learned.upper:.3f}], plain one-vs-rest {plain.macro_f1:.3f}"
        )
    assert learned.table["counted"].all()
    assert learned.lower > plain.upper
    assert learned.macro_f1 > 0.45
    assert learned.micro_f1 > plain.micro_f1
