"""Words of claims: every case has its own, in both languages, and none says more than its state."""

import re
import string

import pytest
from study_words import words as of_study

from xmresearch.claims.claim import STATES
from xmresearch.params.registry import find_study, study_names
from xmresearch.report.wording import LANGUAGES

STUDIES = study_names()
RESERVED = set(STATES) - {"settled"}


CLAIMED = [
    pytest.param(study, name, tuple(cases), id=f"{study}-{name}")
    for study in STUDIES
    for name, cases in find_study(study).claims().items()
]


def parts(words):
    """Yield the templates of a claim by part: text, and label, value and note of its card."""
    yield "text", words["text"]
    yield from words.get("card", {}).items()


def names(template):
    """Return the placeholders that are names rather than figures."""
    plain = ("", "plain", "lower", "or")
    return {n for _, n, spec, _ in string.Formatter().parse(template) if n and spec in plain}


@pytest.mark.parametrize(("study", "name", "cases"), CLAIMED)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_case_has_its_words(study, name, cases, lang):
    words = of_study(study, lang)["claims"][name]
    assert words["title"]
    assert set(words) <= {"title", "text", "card"}
    for part, template in parts(words):
        if part == "text" or isinstance(template, dict):
            assert set(template) == set(cases), (part, set(template) ^ set(cases))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_titles_say_nothing_but_what_they_are_of(lang):
    """A title stands above a claim in any state: the outcome is the one thing that it may name, and alike in both languages."""
    named = {}
    for each in LANGUAGES:
        for study in STUDIES:
            for claim, words in of_study(study, each)["claims"].items():
                named[each, study, claim] = {n for _, n, _, _ in string.Formatter().parse(words["title"]) if n}
    assert set().union(*named.values()) == {"outcome"}
    other = next(each for each in LANGUAGES if each != lang)
    assert [k for k in named if k[0] == lang and named[k] != named[other, *k[1:]]] == []


@pytest.mark.parametrize(("study", "name", "cases"), CLAIMED)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_not_settled_is_not_asserted(study, name, cases, lang):
    """No name stands in bold or as a card's value unless the claim is settled; the set of possible ones may."""
    words = of_study(study, lang)["claims"][name]
    for case in RESERVED & set(cases):
        bold = "".join(re.findall(r"\*\*(.+?)\*\*", words["text"][case]))
        assert names(bold) <= {"possible", "outcome"}, (case, bold)
        if "card" in words:
            value = words["card"]["value"]
            shown = value if isinstance(value, str) else value[case]
            assert names(shown) <= {"possible"}, (case, shown)


@pytest.mark.parametrize(("study", "name", "cases"), CLAIMED)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_failed_check_leaves_all_that_it_may_be(study, name, cases, lang):
    """A claim is conditional whether its figures decide or not, so its words cannot name one leader."""
    words = of_study(study, lang)["claims"][name]
    if "conditional" in cases and name != "order":
        assert "leader" not in names(words["text"]["conditional"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_words_without_a_claim(lang):
    for study in STUDIES:
        known = find_study(study).claims()
        assert set(of_study(study, lang)["claims"]) == set(known), study
