"""Notebooks and label files decide nothing: what is said of a figure is settled by code that has its rule and its test."""

import ast
import json
import re
import string

import pytest
import yaml
from study_words import files_of_words

from xmresearch.report.wording import LANGUAGES

ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
ROWS_SHOWN = {"head"}


def figure(node):
    """Whether a node is a number written out."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def counts_parameters(node):
    """Whether a node is the number of things that were asked for: len(params.x)."""
    return isinstance(node, ast.Call) and ast.unparse(node).startswith("len(params.")


def decisions(source):
    """Return what in a cell's code decides on figures: comparisons of numbers, and numbers handed to functions."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            written = any(figure(side) for side in (node.left, *node.comparators))
            ordered = any(isinstance(operator, ORDERED) for operator in node.ops)
            if (written or ordered) and not counts_parameters(node.left):
                found.append(node)
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
            given = [*node.args, *(k.value for k in node.keywords)]
            if name not in ROWS_SHOWN and any(figure(value) for value in given):
                found.append(node)
    return [ast.unparse(node) for node in found]


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("f(x) if x > 0.05 else g(x)", 1),
        ("report.say('a', found, when=found.p < params.level)", 1),
        ("if table['p'].min() <= limit:\n    report.say('a')", 1),
        ("report.say('a', r if 0 == n else None)", 1),
        ("important(found, 0.9)", 1),
        ("important(found, least=-0.1)", 1),
        ("x if a is not None and b is None and kind == 'staggered' and c in d else None", 0),
        ("table.head(10), outcomes[0], len(params.outcomes) > 1, f(params.share, True)", 0),
    ],
)
def test_decisions_are_told_from_what_is_none(source, count):
    assert len(decisions(source)) == count


def test_notebooks_decide_nothing(root):
    found = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
            if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", []):
                found += [f"{path.name}[{number}]: {text}" for text in decisions("".join(cell["source"]))]
    assert not found


COMPARES = (
    r"≥|≤|>|<|at least|at most|above|below|over|under|beyond|than|up to|within|reach(?:es)?|from"
    r"|不低于|低于|高于|不高于|不超过|超过|不少于|少于|多于|至少|至多|达到?|不足|小于|大于"
)
# a decimal, a percentage, a figure after a word that compares, and a figure before 以上 or 以下; a share of zero is none
CUT_OFF = re.compile(rf"\d*\.\d+|\d+ ?[%％]|(?:{COMPARES}) ?[1-9]\d*|\d+ ?(?:以上|以下|or more|or fewer)")
DEFINITIONS = {"texts.family.nps"}  # promoters and detractors


def leaves(content, path=()):
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    else:
        yield ".".join(path), str(content)


def cut_offs(template):
    """Return the cut-offs in a template's own words, each with what stands around it."""
    words = "".join(
        part + ("{}" if name is not None else "") for part, name, _, _ in string.Formatter().parse(template)
    )
    words = re.sub(r"(?s)\$\$?[^$]*\$|\[@[^\]]*\]|@(?:fig|tbl):\w+|@[a-z]+\d{4}", "", words)
    return [words[max(0, m.start() - 25) : m.end() + 15] for m in CUT_OFF.finditer(words)]


@pytest.mark.parametrize(
    ("template", "count"),
    [
        ("reliable (ω ≥ .70)", 1), ("at least 90 % of {n:d}", 1), ("with 10 or more", 1), ("CFI ≥ 0.95, RMSEA ≤ .06", 2),
        ("fewer than 30 answers", 1), ("不低于 90 %", 1), ("至少 30 人", 1), ("以 30 人以上", 0), ("30 以上", 1),
        ("ω ≥ {threshold:.2f}, {p:pct} [@hu1999] @fig:a", 0), ("from 0 to 100, HTMT2, P(> 0), ISO 20252", 0), ("orders 1 to {k:d}", 0),
    ],
)  # fmt: skip
def test_cut_offs_are_told_from_other_figures(template, count):
    assert len(cut_offs(template)) == count


@pytest.mark.parametrize("lang", LANGUAGES)
def test_words_state_no_cut_off_of_their_own(root, lang):
    """A cut-off that a sentence, note or head names comes from the code that decides by it."""
    every = {
        (path, key): text
        for path in files_of_words(root, lang)
        for key, text in leaves(yaml.safe_load(path.read_text("utf-8")))
    }
    found = {key: cuts for key, text in every.items() if key[1] not in DEFINITIONS and (cuts := cut_offs(text))}
    assert not found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sources_are_cited_where_citations_are_set(pytestconfig, lang):
    """Captions, notes, heads and cards are plain: a citation in them would stand there as it is written."""

    def plain(body, where):
        if isinstance(body, dict):
            for key, inner in body.items():
                if key != "text":
                    yield from plain(inner, (*where, key))
        elif isinstance(body, str) and "[@" in body:
            yield where

    for path in files_of_words(pytestconfig.rootpath, lang):
        given = yaml.safe_load(path.read_text("utf-8"))
        parts = {part: body for part, body in given.items() if part not in ("texts", "concerns")}
        assert not list(plain(parts, (str(path),)))
