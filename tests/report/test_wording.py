import ast
import re
import string
from importlib.resources import files

import pytest
from study_words import files_of_words, wording, words

from xmresearch.data.strict_yaml import read_yaml
from xmresearch.errors import StudyError
from xmresearch.report.wording import LANGUAGES, Wording, number


def leaves(content, path=()):
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, str(content)


def placeholders(text):
    return sorted(
        f"{name}:{spec.replace('lower', '').replace('plain', '')}"
        for _, name, spec, _ in string.Formatter().parse(text)
        if name is not None
    )


def by_file(root, lang):
    """Return the labels of the shared file and of each study's, by place."""
    return {
        (path.parents[1].name, *place): text
        for path in files_of_words(root, lang)
        for place, text in leaves(read_yaml(path, path.name, StudyError, aliases=True).value)
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_keys_are_texts(root, lang):
    """YAML reads an unquoted no, yes, on or off as a truth value; a key given twice is refused by the reader."""
    assert all(isinstance(key, str) for place in by_file(root, lang) for key in place)


def test_languages_have_the_same_keys(root):
    assert list(by_file(root, "en")) == list(by_file(root, "zh"))


def test_languages_have_the_same_figures_references_and_citations(root):
    english, chinese = (by_file(root, lang) for lang in LANGUAGES)
    for path, text in english.items():
        other = chinese[path]
        assert sorted(set(placeholders(text))) == sorted(set(placeholders(other))), path
        for pattern in (r"@(?:fig|tbl):[a-z_]+", r"\[@[a-z0-9;@ ]+\]"):
            assert sorted(re.findall(pattern, text)) == sorted(re.findall(pattern, other)), path


def test_marks_and_brackets_beside_chinese_are_full_width(root):
    """Links, citations and placeholders have marks of their own; a fraction in a formula keeps its brackets."""
    chinese = "[\u4e00-\u9fff]"
    half = re.compile(rf"{chinese}[,;:?!()]|[,;:?!(]{chinese}")
    wrong = {
        path: found
        for path, text in by_file(root, "zh").items()
        if (found := half.findall(re.sub(r"\]\([^)]*\)|\[@[^\]]*\]|\{[^}]*\}|\$[^$]*\$", " ", text)))
    }
    assert not wrong


def test_every_citation_is_in_the_bibliography(root):
    known = set(re.findall(r"@\w+\{(\w+),", (root / "src/xmresearch/report/references.bib").read_text("utf-8")))
    cited = {key for text in by_file(root, "en").values() for key in re.findall(r"@([a-z]+\d{4})", text)}
    assert cited == known


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (2833, ".3g", "2,833"),
        (999.4, ".3g", "999"),
        (-1.234, "+.2f", "−1.23"),
        (0.001, "+.2f", "0.00"),
        (-0.001, "+.2f", "0.00"),
        (1234, ",d", "1,234"),
        (12.0, "d", "12"),
        (0.0004, "p", "< .001"),
        (0.0321, "p", ".032"),
        (1.0, "p", "1.000"),
        (0.9999, "prob", "> 99.9 %"),
        (0.0, "prob", "< 0.1 %"),
        (0.954, "prob", "95.4 %"),
        (0.95, "pct", "95 %"),
        (-0.05, "pct", "−5 %"),
        (-0.001, "pct", "0 %"),
        (-0.0004, "pct1", "0.0 %"),
        (0.95, "level", "95 %"),
        (0.995, "level", "99.5 %"),
        (5.663e-15, ".3g", "5.66×10⁻¹⁵"),
        (1e-9, "brief", "10⁻⁹"),
        (-1e-7, "+.2g", "−10⁻⁷"),
        (0.0001, ".3g", "0.0001"),
        (float("nan"), "+.2f", "–"),
        (None, ".2f", "–"),
    ],
)
def test_numbers(value, spec, text):
    assert number(value, spec) == text


def test_lists_and_names():
    wording = Wording("en", {"a": "Assurance", "branch=x": "Xi"})
    assert wording.format_field(["a", "b", "c"], "") == "Assurance, b and c"
    assert wording.format_field([], "") == wording.format_field([], "or") == "none"
    assert Wording("zh", {}).format_field([], "") == "无"
    assert wording.name("branch=x") == "Xi"
    assert wording.name("branch=unnamed") == "unnamed"
    assert Wording("zh", {}).format_field(["a", "b"], "") == "a和b"
    assert wording.format_field("a", "lower") == "assurance"
    assert Wording("en", {"x": "SERVQUAL"}).format_field("x", "lower") == "SERVQUAL"
    assert wording.interval(0.2, 0.3, "pct") == "20–30 %"
    assert wording.interval(float("nan"), 1, ".2f") == "–"


@pytest.mark.parametrize(("lang", "head"), [("en", "Level"), ("zh", "汇总层次")])
def test_effects_are_gathered_at_levels_that_are_none_of_invariance(lang, head):
    assert wording("did", lang).get("columns", "level") == head != wording("sem", lang).get("columns", "level")


def test_what_the_labels_lack_is_named():
    wording = Wording("en", {})
    with pytest.raises(StudyError, match=r"words in en\.yml have no 'texts\.nonsense'"):
        wording.text("texts", "nonsense")
    with pytest.raises(StudyError, match="has no variant 'odd'"):
        wording.text("texts", "response", {"case": "odd"})
    with pytest.raises(StudyError, match="no report language 'fr'"):
        Wording("fr", {})


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("study", "package"), [("servqual", "sem"), ("sem", "sem"), ("did", "causal")])
def test_every_concern_has_its_sentence(lang, study, package):
    """A concern's kind comes from data, so a sentence that is missing would stop a study on the day it is needed."""
    source = (files(f"xmresearch.{package}") / "concerns.py").read_text("utf-8")
    table = next(n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Dict))
    kinds = {key.value for key in table.value.keys}
    assert kinds <= set(words(study, lang)["concerns"])


def test_alternatives_are_named_as_far_as_they_can_be_read():
    wording = Wording("en", {})
    assert wording.format_field(list("ab"), "or") == "a or b"
    assert wording.format_field(list("abcde"), "or") == "a, b, c, d or e"
    assert wording.format_field(list("abcdef"), "or") == "a, b, c, d or one of 2 others"
    assert Wording("zh", {}).format_field(list("abcdef"), "or").endswith("或另外 2 个之一")
