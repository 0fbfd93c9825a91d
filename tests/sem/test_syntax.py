"""What lavaan's users write: figures are those of lavaan 0.6-14 on holzinger_swineford (chi-square, df, sum of all estimates)."""

import pandas as pd
import pytest

from xmresearch.errors import DataError, ModelError
from xmresearch.sem.fitting import fit
from xmresearch.sem.measurement import measurement_model
from xmresearch.sem.syntax import parse_model

THREE = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
TWO = "textual =~ x4 + x5 + x6\nvisual =~ x1 + {}"


def figures(model, data, **settings):
    found = fit(model, data, **settings)
    return found.measures["chisq"], int(found.measures["df"]), found.estimates["est"].sum()


@pytest.mark.parametrize(
    ("model", "settings", "expected"),
    [
        (THREE, {"std_lv": True}, (85.305522, 24, 16.848114)),
        (THREE, {"orthogonal": True}, (153.527098, 27, 16.458713)),
        (THREE, {"std_lv": True, "group": "school"}, (115.851344, 48, 108.998393)),
        (THREE, {"std_lv": True, "group": "school", "group_equal": ["loadings"]}, (124.043544, 54, 109.472606)),
        (f"{THREE}\nspeed ~ visual + textual", {"std_lv": True}, (85.305522, 24, 16.438058)),
        (TWO.format("a*x2 + b*x3\na == b"), {}, (26.262044, 9, 11.250501)),
        (TWO.format("a*x2 + b*x3\na == 0.6"), {}, (24.466677, 9, 11.243722)),
        (TWO.format('x2 + equal("visual=~x2")*x3'), {}, (26.262044, 9, 11.250501)),
    ],
)
def test_as_lavaan(schools, model, settings, expected):
    chisq, df, total = figures(model, schools, **settings)
    assert chisq == pytest.approx(expected[0], abs=1e-4)
    assert df == expected[1]
    assert total == pytest.approx(expected[2], abs=5e-5)


@pytest.mark.parametrize(
    "written",
    [
        "visual ＝～ x1 ＋ a＊x2 ＋ x3", "visual =∼ x1 + a*x2 + x3", "visual =˜ x1 + a*x2 + x3", "visual =~ “x1” + a*x2 + x3", "'visual' =~ x1 + a × x2 + `x3`",
        "visual =~ x1 + x2 + x3 + label('a')*x2", "visual =~ x1 + x2 + “a”*x2 + x3", "visual =~ x1 + a*x2 + x3　# ＝～",
    ],
)  # fmt: skip
def test_signs_of_input_methods_and_word_processors_are_plain_ones(written):
    found = {(t.lhs, t.op, t.rhs, t.label) for t in parse_model(written)}
    assert found == {("visual", "=~", "x1", ""), ("visual", "=~", "x2", "a"), ("visual", "=~", "x3", "")}


def test_chinese_names_stay_as_they_are():
    assert [(t.lhs, t.rhs) for t in parse_model("满意度 ＝～ 题１ ＋ 题2；忠诚 ~ 满意度")] == [
        ("满意度", "题1"), ("满意度", "题2"), ("忠诚", "满意度"),
    ]  # fmt: skip
    assert parse_model('满意度 =~ "题１" + x2')[0].rhs == "题１"


def test_names_with_spaces_and_signs_are_quoted(schools):
    renamed = schools.rename(columns={"x1": "item one", "x2": "speed + ease; #2"})
    model = 'visual =~ `item one` + "speed + ease; #2" + x3\ntextual =~ x4 + x5 + x6'
    found = fit(model, renamed)
    plain = fit("visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6", schools)
    assert found.measures["chisq"] == plain.measures["chisq"]
    assert found.estimates["rhs"].iloc[:2].tolist() == ["item one", "speed + ease; #2"]
    assert fit(measurement_model(model), renamed).measures["chisq"] == plain.measures["chisq"]


def test_modifiers_of_one_parameter_add_up():
    one, two = parse_model("f =~ x1 + start(0.8)*x2 + a*x2 + NA*x1")
    assert (two.start, two.label, two.fixed) == (0.8, "a", None)
    assert one.free
    with pytest.raises(ModelError, match="'f =~ x2' is given twice"):
        parse_model("f =~ x1 + a*x2 + x2")


def test_equal_labels_are_one_in_groups_and_definitions():
    terms = parse_model("f =~ x1 + c(a, b)*x2 + d*x3\ng := b - d\nb == a\nd == 2")
    assert terms[1].vectors == (("b", "b"),)
    assert (terms[2].label, terms[2].fixed) == ("d", 2.0)
    assert terms[3].rhs == "b-d"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("f =~ x1 + a*x2 + b*x3\na == c", "'c' is no label of the model.*Valid names"),
        ("f =~ x1 + a*x2 + b*x3\na == 2*b", r"'2\*b' is no label: == sets two labels equal"),
        ("f =~ x1 + a*x2 + b*x3\na > 0", "is an inequality, which is not estimated here"),
        ('f =~ x1 + equal("f=~x9")*x2', "equal\\(\\) names 'f=~x9', which the model has not"),
        ("level: 1\nf =~ x1 + x2", "models of several levels are not estimated here.*cluster"),
        ('efa("a")*f =~ x1 + x2', r"efa\(\) blocks, whose factors are rotated.*xmresearch.psychometrics.efa"),
        ("f =~ x1 + x2 + x3\nx1 | a*t1", "thresholds have no modifiers here"),
        ("f =~ item one + x2", "'item one' is no variable name.*quotation marks"),
        ("f =~ x1 + \ue0000\ue001", "characters for private use"),
    ],
)
def test_what_is_not_estimated_is_said(model, told):
    with pytest.raises(ModelError, match=told):
        parse_model(model)


def test_ordered_categories_and_a_single_name(schools):
    coded = schools[["x1", "x2", "x3", "x4"]].apply(lambda x: pd.qcut(x, 3, labels=False) + 1)
    named = coded.replace({1: "low", 2: "mid", 3: "high"}).apply(
        lambda x: pd.Series(pd.Categorical(x, ["low", "mid", "high", "never"], ordered=True))
    )
    model = "f =~ x1 + x2 + x3 + x4\nx1 | t1 + t2"
    assert fit(model, named, ordered=True).measures["chisq"] == fit(model, coded, ordered=True).measures["chisq"]
    with pytest.raises(ModelError, match="'x2' is not ordered but other variables of the model are"):
        fit(model, named, ordered="x1")
    loose = named.assign(x2=named["x2"].cat.as_unordered())
    with pytest.raises(DataError, match="The categories of 'x2' have no order"):
        fit(model, loose, ordered=True)
