"""Sentiment models: trained on labelled texts, with errors that are those of texts they did not see."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from xmresearch.errors import DataError, InsufficientData
from xmresearch.verbatims.held_out_errors import auc, label_curve, sentiment_errors
from xmresearch.verbatims.probabilities import calibration_error
from xmresearch.verbatims.sentiment import digest, lexicon_model
from xmresearch.verbatims.sentiment_training import _folds, _together, label_values, train_sentiment
from xmresearch.verbatims.text_record import record_texts

ANNOYING = [
    "我不高兴", "办完事很不开心", "我不太满意", "对服务不是很满意", "不方便", "没有帮助", "態度不好", "再也不来了", "this is not good",
    "never again", "the staff were not helpful", "i was not very happy with it", "not easy to use", "i will never buy this again",
]  # fmt: skip
PLEASING = [
    "我很高兴",
    "对服务很满意",
    "服務很好",
    "方便",
    "没有问题",
    "this is good",
    "the staff were helpful",
    "not bad at all",
    "👍👍",
]


def planted(n, seed, neutral=False):
    """Texts of made-up words, each of which raises or lowers the chance that its text is negative."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("bcdfgklmnprstvz"))
    words = ["".join(w) + "ux" for w in rng.choice(letters, (40, 4))]
    weights = rng.normal(0, 1.2, 40)
    chosen = rng.integers(0, 40, (n, 5))
    logit = weights[chosen].sum(axis=1)
    noise = rng.logistic(size=n)
    label = (
        np.where(logit + noise < -1, -1, np.where(logit + noise > 1, 1, 0))
        if neutral
        else np.where(logit + noise < 0, -1, 1)
    )
    return [" ".join(words[k] for k in row) for row in chosen], label, 1 / (1 + np.exp(logit))


@pytest.fixture(scope="module")
def reviews(waimai):
    return train_sentiment(*waimai)


def test_chinese_reviews_reach_the_promised_auc_and_calibration(reviews, waimai):
    """Issue 16: AUC .945 at least, calibration error .03 at most, out of fold."""
    _, held_out = reviews
    assert held_out["label"].tolist() == waimai[1].tolist()
    assert roc_auc_score(waimai[1] < 0, held_out["negative"]) >= 0.945
    assert calibration_error(held_out["negative"], waimai[1] < 0) <= 0.03


def test_english_sentences_reach_the_promised_auc_and_calibration(amazon):
    """Issue 16: AUC .86 at least, calibration error .03 at most, out of fold; negation is understood."""
    model, held_out = train_sentiment(*amazon)
    assert roc_auc_score(amazon[1] < 0, held_out["negative"]) >= 0.86
    assert calibration_error(held_out["negative"], amazon[1] < 0) <= 0.03
    assert model.predict(ANNOYING)["kind"].tolist() == [-1] * len(ANNOYING)
    assert model.predict(PLEASING)["kind"].tolist() == [1] * len(PLEASING)


def test_a_model_of_reviews_understands_negation_and_traditional_characters(reviews):
    model, _ = reviews
    assert model.predict(ANNOYING)["kind"].tolist() == [-1] * len(ANNOYING)
    assert model.predict(PLEASING)["kind"].tolist() == [1] * len(PLEASING)
    plain, traditional = (model.predict([t])["negative"][0] for t in ("服务态度很恶劣", "服務態度很惡劣"))
    assert plain == traditional > 0.9


def test_three_kinds_are_told_apart(patients):
    model, held_out = train_sentiment(*patients)
    assert model.kinds == (-1, 0, 1)
    errors = sentiment_errors(held_out)
    rows = errors.table.set_index(["measure", "of"])["estimate"]
    assert rows["auc", "negative"] > 0.9
    assert rows["calibration_error", "negative"] <= 0.03
    assert rows["calibration_error", "positive"] <= 0.03
    assert errors.confusion["n"].sum() == len(held_out)
    assert ((held_out["negative"] + held_out["positive"]) <= 1 + 1e-12).all()


def test_the_lexicon_alone_is_a_model_that_says_it_learned_nothing():
    model = lexicon_model()
    assert model.labelled == 0
    assert model.predict(ANNOYING)["kind"].tolist() == [-1] * len(ANNOYING)
    assert model.predict(PLEASING)["kind"].tolist() == [1] * len(PLEASING)
    blank = model.predict(["", None, "zzz"])
    assert not blank["known"].any()
    assert (blank["negative"] == 0.5).all()
    assert model.predict([]).empty


def test_the_lexicon_travels_to_texts_that_it_never_saw(waimai, amazon, patients):
    """Measured: .914, .829 and .836 (tests/benchmarks/test_sentiment_travel.py)."""
    model = lexicon_model()
    for (texts, labels), least in ((waimai, 0.90), (amazon, 0.81), (patients, 0.80)):
        told = model.predict([t for t, k in zip(texts, labels, strict=True) if k])["negative"]
        assert roc_auc_score(labels[labels != 0] < 0, told) > least


def test_probabilities_are_those_of_a_planted_truth():
    """The chance of each text is known: calibrated ones miss it little, and held-out ones keep the order of the truth."""
    texts, labels, chance = planted(4000, 1)
    model, held_out = train_sentiment(texts, labels)
    bins = (10 * held_out["negative"]).astype(int)
    off = (held_out["negative"] - chance).groupby(bins).sum().abs().sum() / len(chance)
    assert off <= 0.03
    found, best = (roc_auc_score(labels < 0, p) - 0.5 for p in (held_out["negative"], chance))
    assert best > found > 0.95 * best
    assert (model.predict(texts)["known"]).all()


def test_held_out_errors_are_honest_where_labels_are_noise():
    """Of labels by chance nothing can be learned: AUC is .5, though texts repeat and customers wrote several."""
    rng = np.random.default_rng(5)
    names = ["".join(pair) for pair in itertools.product("bcdfghjklmnpqrstvwz", "aeiouy", "bdgklmnprst")]
    texts = [f"{names[4 * k]}ux" for k in range(300)] * 2
    labels = np.tile(rng.choice([-1, 1], 300), 2)  # equal texts, equal labels: a leak between folds would show
    _, held_out = train_sentiment(texts, labels)
    assert abs(roc_auc_score(labels < 0, held_out["negative"]) - 0.5) < 0.09
    customers = [k // 4 for k in range(600)]
    by_customer = np.repeat(rng.choice([-1, 1], 150), 4)
    words = [f"{names[8 * customers[k]]} {names[k]}" for k in range(600)]
    _, held_out = train_sentiment(words, by_customer, customers=customers)
    assert abs(roc_auc_score(by_customer < 0, held_out["negative"]) - 0.5) < 0.09
    _, leaking = train_sentiment(words, by_customer)
    assert roc_auc_score(by_customer < 0, leaking["negative"]) > 0.9


@pytest.mark.parametrize("neutral", [False, True])
def test_labelled_texts_among_others_are_scored_as_they_were_held_out(neutral):
    """To the last digits, in any order; other texts by a model that their letters choose."""
    texts, labels, _ = planted(600, 3, neutral)
    model, held_out = train_sentiment(texts, labels)
    others, _, _ = planted(900, 4, neutral)
    found = model.predict([*others, *texts[::-1]], held_out=True)
    again = found.iloc[:899:-1].reset_index(drop=True)
    columns = ["negative", "positive", "index", "known", "kind"]
    pd.testing.assert_frame_equal(again[columns], held_out[columns], check_exact=False, rtol=1e-12)
    whole = model.predict(texts)
    assert np.abs(whole["negative"] - held_out["negative"]).max() > 0.05
    used = {digest(t) % 5 for t in others}
    assert used == set(range(5))
    seen, fresh = (train_sentiment(texts, labels)[0].predict(others, held_out=h)["negative"] for h in (True, False))
    assert np.corrcoef(seen, fresh)[0, 1] > 0.97


def test_the_strongest_terms_are_those_that_were_planted(reviews):
    texts, labels, _ = planted(3000, 6)
    model, _ = train_sentiment(texts, labels)
    every = model.strongest_terms(10**6)
    assert every["term"].is_unique
    assert every["weight"].is_monotonic_decreasing
    words = every[~every["term"].str.contains(" ") & every["term"].isin({w for t in texts for w in t.split()})]
    shares = [np.mean([k < 0 for t, k in zip(texts, labels, strict=True) if w in t]) for w in words["term"]]
    assert len(words) == 40
    assert np.corrcoef(shares, words["weight"])[0, 1] > 0.9
    table = model.strongest_terms(3)
    assert table["term"].tolist() == [*every["term"][:3], *every["term"][-3:]]
    chinese = reviews[0].strongest_terms(30)
    assert {"差", "一般"} <= set(chinese["term"][chinese["weight"] > 0])
    assert lexicon_model().strongest_terms().empty


def test_hostile_texts_are_scored_and_counted():
    texts = ["\ud800abc", "a\x00b", "﷽" * 9, "👨‍👩‍👧‍👦", "=cmd|'/c calc'!A0", "<script>", "\u202egood", "e\u0301" * 50, "不" * 9000, "not " * 9000,
             "\U00020000", "İstanbul", "\n\n", "http://" + "a" * 9000, "'" * 99, "🇨🇳1️⃣"]  # fmt: skip
    told = lexicon_model().predict(texts)
    assert len(told) == len(texts)
    assert told["negative"].between(0, 1).all()
    assert told["negative"][6] < 0.5
    found = record_texts(texts).summary()
    assert (found["texts"], found["blank"]) == (16, 1)
    model, held_out = train_sentiment(texts * 2, [-1, 1] * 16)
    assert held_out["negative"].between(0, 1).all()
    assert model.predict(texts, held_out=True)["negative"].between(0, 1).all()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("服务很 nice", 1),
        ("very 慢，没人管", -1),
        ("staff 态度很好 helpful", 1),
        ("app 老是闪退 not good", -1),
        ("東西不好吃 bad", -1),
    ],
)
def test_mixed_texts_are_read_in_both_languages(text, kind):
    assert lexicon_model().predict([text])["kind"][0] == kind


def test_rows_stay_together_by_text_and_customer():
    together = _together(["a", "b", "a", "c", "d"], [1, 1, 2, None, None])
    assert len({together[k] for k in (0, 1, 2)}) == 1
    assert len(set(together)) == 3
    fold = _folds(np.array([-1, 1] * 10), (-1, 1), np.arange(20))
    assert np.bincount(fold).tolist() == [4] * 5
    kinds, groups = (
        np.array([-1, 1, 1] * 40),
        np.arange(120) // 3 * (np.arange(120) < 60) + np.arange(120) * (np.arange(120) >= 60),
    )
    fold = _folds(kinds, (-1, 1), np.unique(groups, return_inverse=True)[1])
    assert np.bincount(fold).tolist() == [24] * 5
    assert np.bincount(fold[kinds < 0]).tolist() == [8] * 5
    assert all(len(set(fold[groups == g])) == 1 for g in groups)


def test_labels_are_words_or_numbers_and_nothing_else():
    assert label_values(["Negative", " neutral", "positive"]).tolist() == [-1, 0, 1]
    assert label_values(pd.Series([1.0, -1.0])).tolist() == [1, -1]
    for wrong in (["good"], [2], [np.nan], [True], [None]):
        with pytest.raises(DataError, match="Row 0 has the label"):
            label_values(wrong)
    with pytest.raises(DataError, match="2 texts and 1 labels"):
        train_sentiment(["a", "b"], [1])
    with pytest.raises(InsufficientData, match="1 kind"):
        train_sentiment(["a", "b"], [1, 1])
    with pytest.raises(InsufficientData, match="4 distinct texts with the label -1"):
        train_sentiment([*(f"a{k}" for k in range(9)), "x", "y", "z", "v", "v"], [1] * 9 + [-1] * 5)
    with pytest.raises(DataError, match="2 customers"):
        train_sentiment(["a", "b", "c"], [1, -1, 1], customers=[1, 2])


def test_a_model_that_knows_negative_and_neutral_never_says_positive():
    texts, labels, _ = planted(400, 2)
    model, held_out = train_sentiment(texts, np.minimum(labels, 0))
    assert model.kinds == (-1, 0)
    assert set(held_out["kind"]) == {-1, 0}
    assert (held_out["positive"] == 0).all()
    assert list(sentiment_errors(held_out).table["of"].unique()) == ["all", "negative"]


def test_the_auc_and_its_interval_by_a_second_way():
    """DeLong's variance by all pairs; scikit-learn's AUC; ties count half."""
    rng = np.random.default_rng(7)
    kind = rng.random(90) < 0.4
    score = np.round(rng.normal(size=90) + kind, 1)
    x, y = score[kind], score[~kind]
    pairs = (x[:, None] > y) + 0.5 * (x[:, None] == y)
    area, se = pairs.mean(), np.sqrt(pairs.mean(axis=1).var(ddof=1) / len(x) + pairs.mean(axis=0).var(ddof=1) / len(y))
    found = auc(score, kind)
    assert found["estimate"] == pytest.approx(roc_auc_score(kind, score)) == pytest.approx(area)
    logit = np.log(area / (1 - area)) + 1.959964 * se / (area * (1 - area)) * np.array([-1, 1])
    assert [found["lower"], found["upper"]] == pytest.approx(1 / (1 + np.exp(-logit)), rel=1e-6)
    assert np.isnan(auc([1.0, 2.0], [False, True])["lower"])
    with pytest.raises(InsufficientData, match="one kind"):
        auc([1.0], [True])


def test_the_error_table_by_hand():
    told = pd.DataFrame({"negative": [0.9, 0.8, 0.4, 0.2, 0.1], "positive": [0.1, 0.2, 0.6, 0.8, 0.9], "kind": [-1, -1, 1, 1, 1], "label": [-1, 1, -1, 1, 1]})  # fmt: skip
    errors = sentiment_errors(told)
    rows = errors.table.set_index(["measure", "of"])
    assert rows.loc[("accuracy", "all"), "estimate"] == 0.6
    assert rows.loc[("kappa", "all"), "estimate"] == pytest.approx(cohen_kappa_score(told["label"], told["kind"]))
    assert rows.loc[("recall", "negative"), ["estimate", "n"]].tolist() == [0.5, 2]
    assert rows.loc[("precision", "positive"), ["estimate", "n"]].tolist() == [pytest.approx(2 / 3), 3]
    assert rows.loc[("auc", "negative"), "estimate"] == pytest.approx(5 / 6)
    confusion = errors.confusion.set_index(["label", "told"])["n"]
    assert confusion.to_dict() == {
        ("negative", "negative"): 1,
        ("negative", "positive"): 1,
        ("positive", "negative"): 1,
        ("positive", "positive"): 2,
    }
    assert errors.summary()["accuracy"] == 0.6
    with pytest.raises(InsufficientData, match="alike"):
        sentiment_errors(told.assign(label=1))
    with pytest.raises(DataError, match="'label'"):
        sentiment_errors(told.drop(columns="label"))


def test_the_curve_of_labels_rises_and_says_what_it_lacks(patients):
    texts, labels = patients
    curve = label_curve(texts, np.where(labels < 0, -1, 1), sizes=(50, 400, 5000)).set_index("labels")
    assert curve.loc[400, "auc"] > curve.loc[50, "auc"] > curve.loc[0, "auc"] + 0.02
    assert curve.loc[5000, "samples"] == 0
    assert np.isnan(curve.loc[5000, "auc"])
    assert curve.loc[5000, "short"] == 5000 + int(np.ceil(0.2 * len(texts))) - len(texts)
