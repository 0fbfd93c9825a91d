"""The measurement part of a model's text."""

from dataclasses import replace

import pytest

from xmresearch.errors import ModelError
from xmresearch.sem.fitting import fit
from xmresearch.sem.measurement import measurement_model
from xmresearch.sem.syntax import parse_model

FULL = """# the whole model
ind60 =~ x1 + a*x2 +
         start(1.5)*a*x3
dem60 =~ NA*y1 + 0.5*y2 + c(b1, b2)*y3; dem65 =~ y4 + label('2nd one')*y5 + -1.5e-3*y6
dem60 ~ b*ind60 + income
dem65 ~ dem60
vote ~ dem65
y1 ~~ y4 + r*y5
x1 ~~ 0*x1
x1 ~ 1
ind60 ~~ v*ind60
dem60 ~~ 1*dem60
dem60 ~~ 0*dem65
ind60 ~~ dem65
income ~~ x1
vote ~~ vote
both := a*b
"""


def same(left, right):
    strip = [[replace(t, line=0) for t in parse_model(text)] for text in (left, right)]
    return strip[0] == strip[1]


def test_measurement_stays_with_its_modifiers_and_structure_goes():
    expected = """ind60 =~ x1 + a*x2 + a*start(1.5)*x3
dem60 =~ NA*y1 + 0.5*y2 + c(b1, b2)*y3
dem65 =~ y4 + label("2nd one")*y5 + -0.0015*y6
y1 ~~ y4 + r*y5
x1 ~~ 0.0*x1
ind60 ~~ v*ind60"""
    found = measurement_model(FULL)
    assert found == expected
    assert measurement_model(found) == found
    assert same(found, expected)


def test_a_variance_that_sets_the_scale_stays():
    text = "f =~ x1 + x2\ng =~ NA*x3 + x4\nh =~ l*x5 + l*x6\ng ~ f\nh ~ g\nf ~~ 2*f\ng ~~ 1*g\nh ~~ 1*h"
    lines = measurement_model(text).splitlines()
    assert lines[3:] == ["f ~~ 2.0*f", "g ~~ 1.0*g", "h ~~ 1.0*h"]
    assert "g ~~" not in measurement_model(text.replace("NA*x3", "x3"))


def test_higher_order_loadings_and_covariances_of_causes_stay():
    text = "f =~ x1 + x2\ng =~ x3 + x4\nh =~ f + g\nk =~ x5 + x6\nz =~ x7 + x8\nz ~ h + k\nh ~~ 0*k\nf ~~ g"
    assert measurement_model(text).splitlines()[2:] == [
        "h =~ f + g", "k =~ x5 + x6", "z =~ x7 + x8", "h ~~ 0.0*k", "f ~~ g",
    ]  # fmt: skip


def test_a_measurement_model_is_its_own_measurement_part(hs, schools):
    text = (
        "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9\nspeed ~ visual\ntextual ~ visual + sex"
    )
    assert same(measurement_model(hs), hs)
    part = fit(measurement_model(text), schools)
    assert part.measures["chisq"] == pytest.approx(fit(hs, schools).measures["chisq"])
    assert "sex" not in part.model.observed


def test_without_a_loading_there_is_none():
    with pytest.raises(ModelError, match="measures nothing"):
        measurement_model("y ~ x")
