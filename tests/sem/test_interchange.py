"""Models to and from semopy's syntax: the same fit there and back, and errors that name the line."""

import logging

import pytest

from xmresearch.errors import ModelError
from xmresearch.sem.catalogue import model_text
from xmresearch.sem.fitting import fit
from xmresearch.sem.interchange import from_semopy, to_semopy

CONSTRAINED = """visual =~ NA*x1 + a*x2 + a*x3
visual ~~ 1*visual
textual =~ x4 + x5 + x6
speed =~ x7 + x8 + start(0.5)*x9
textual ~ visual
speed ~ visual + ageyr
x7 ~~ x8"""


@pytest.fixture
def semopy():
    logging.disable(logging.CRITICAL)
    yield pytest.importorskip("semopy")
    logging.disable(logging.NOTSET)


def same(first, second):
    """The same free parameters and fit, in whatever order."""
    assert first.model.df == second.model.df
    assert first.solution.discrepancy == pytest.approx(second.solution.discrepancy, abs=1e-8)


@pytest.mark.parametrize("text", ["hs", CONSTRAINED])
def test_there_and_back_is_the_same_model(hs, schools, text):
    text = hs if text == "hs" else text
    same(fit(text, schools), fit(from_semopy(to_semopy(text)), schools))
    same(fit(text, schools), fit(from_semopy(to_semopy(fit(text, schools))), schools))


@pytest.mark.parametrize("text", ["hs", CONSTRAINED, "x1 ~ x4\nx2 ~ x4 + x5\nx3 ~ x1\nx4 ~~ 0*x5"])
def test_semopy_fits_the_same_model(hs, schools, semopy, text):
    text = hs if text == "hs" else text
    fitted = fit(text, schools)
    model = semopy.Model(to_semopy(text))
    found = model.fit(schools, options={"ftol": 1e-12})
    assert found.fun == pytest.approx(fitted.solution.discrepancy, abs=1e-6)
    same(fitted, fit(from_semopy(model), schools))


def test_what_semopy_adds_by_other_defaults_is_written_out(schools, semopy):
    """Two final outcomes covary in lavaan only; the first plain loading is fixed in semopy, whatever has a name."""
    text = "f =~ a*x1 + x2 + x3\nx4 ~ f\nx5 ~ f"
    back = from_semopy(text)
    assert back.splitlines() == ["f =~ a*NA*x1 + 1.0*x2 + x3", "x4 ~ f", "x5 ~ f", "x4 ~~ 0.0*x5"]
    found = semopy.Model(text).fit(schools, options={"ftol": 1e-12})
    assert found.fun == pytest.approx(fit(back, schools).solution.discrepancy, abs=1e-6)
    assert "x4 ~~ x5" in to_semopy("f =~ x1 + x2 + x3\nx4 ~ f\nx5 ~ f")


def test_commands_that_translate():
    text = "f =~ x1 + a*x2 + b*x3  # a comment\nSTART(0.7) a\nCONSTRAINT(a = b)\nDEFINE(latent) f\nx4, x5 ~ f"
    assert from_semopy(text).splitlines() == [
        "f =~ 1.0*x1 + a*start(0.7)*x2 + a*x3", "x4 ~ f", "x5 ~ f", "x4 ~~ 0.0*x5",
    ]  # fmt: skip


def test_a_single_indicator_keeps_its_own_variance():
    assert "x1 ~~ x1" in from_semopy("f =~ x1\ny ~ f").splitlines()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("f =~ x1 + x2 + x3\nDEFINE(ordinal) x1 x2", 2, "ordered="), ("f =~ x1 + x2\n\nordinal: x1", 3, "ordered="),
        ("f =~ x1 + a*x2\nBOUND(0, 1) a", 2, "bounds"), ("f =~ x1 + a*x2\nbound 0 1: a", 2, "bounds"),
        ("f =~ x1 + a*x2 + b*x3\nCONSTRAINT(a > b)", 2, "a > b"), ("f =~ x1 + a*x2\nSTART(1) b", 2, "'b' names no"),
        ("DEFINE(latent) g\nf =~ x1 + x2", 1, "latent 'g'"), ("f =~ x1 + x2\nx1 ~ 1", 2, "intercept"),
        ("f =~ START*x1 + x2", 1, "START"), ("f =~ x1 + x2\nRF(v) g", 2, "counterpart"),
        ("f =~ x1 + x2\nf == x2", 2, "neither"), ("f =~ x1 + 2x*x2", 1, "'2x'"), ("f =~ x1 + 2x", 1, "'2x'"),
        ("f =~ x1 + x2\nFORCE(endo) x1", 2, "force"),
    ],
)  # fmt: skip
def test_what_does_not_come_from_semopy_names_its_line(text, line, said):
    with pytest.raises(ModelError, match=rf"(?s)Model line {line}: .*{said}"):
        from_semopy(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [("f =~ x1 + x2 + x3\nx1 ~ 1", 2), ("f =~ x1 + a*x2\nb := 2*a", 2), ("f =~ x1 + c(a, b)*x2", 1), ("f =~ x1 + ，*x2", 1)],
)  # fmt: skip
def test_what_semopy_cannot_read_names_its_line(text, line):
    with pytest.raises(ModelError, match=f"Model line {line}: "):
        to_semopy(text)


def test_fits_that_semopy_has_no_model_for_are_refused(hs, schools):
    with pytest.raises(ModelError, match="several groups"):
        to_semopy(fit(hs, schools, group="school"))
    with pytest.raises(ModelError, match="structure of means"):
        to_semopy(fit(f"{hs}\nx1 ~ 0*1", schools))
    with pytest.raises(ModelError, match="neither"):
        from_semopy(3)


@pytest.mark.parametrize("name", ["ecsi", "acsi", "servqual", "servqual_satisfaction"])
def test_shipped_models_translate(name):
    text = model_text(name)
    assert to_semopy(from_semopy(to_semopy(text))) == to_semopy(text)
