"""A study's page as its notebook writes it, in this process: what may be read in many worlds without a kernel."""

import json
import os
import re
from contextlib import chdir
from pathlib import Path

from xmresearch.report.assemble import assemble
from xmresearch.report.blocks import MIME
from xmresearch.report.typesetting import typeset
from xmresearch.report.wording import escaped, labels

ROOT = Path(__file__).resolve().parents[1]


def write(study, folder=None, *, lang="en", **parameters):
    """Run the notebook's code cells with some parameters replaced, and return its report.

    Paths among the parameters start from `folder`.
    """
    return in_both(study, folder, langs=(lang,), **parameters)[lang]


def in_both(study, folder=None, *, langs=("en", "zh"), **parameters):
    """Run the notebook up to its answer once, and from there in each language; return the reports by language."""
    cells = json.loads((ROOT / "notebooks" / f"{study}.ipynb").read_text("utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code"]
    sources = ["".join(c["source"]) for c in code]
    at = next(k for k, source in enumerate(sources) if source.startswith("# The answer"))
    programs = [compile(source, f"{study}.ipynb[{k}]", "exec") for k, source in enumerate(sources)]
    space, reports = {"__name__": "__page__"}, {}
    with chdir(folder or os.getcwd()):
        for cell, program in zip(code[:at], programs[:at], strict=True):
            exec(program, space)
            if "parameters" in cell["metadata"].get("tags", []):
                unknown = parameters.keys() - space.keys()
                assert not unknown, f"{study}.ipynb has no parameters {sorted(unknown)}"
                space |= parameters
        for lang in langs:
            own = space | {"params": space["params"].model_copy(update={"lang": lang})}
            for program in programs[at:]:
                exec(program, own)
            reports[lang] = own["report"]
    return reports


def answer(report):
    """Return the blocks of the first section: what a manager reads."""
    found, inside = [], False
    for block in report.blocks:
        if block.kind == "section":
            if inside:
                break
            inside = block.content["key"] == "answer"
        elif inside:
            found.append(block)
    return found


def cards(report):
    """Return the cards: label, value, note and what they claim."""
    return [item for block in report.blocks if block.kind == "cards" for item in block.content["items"]]


def prose(report):
    """Return the text of every sentence, callout and card."""
    parts = []
    for block in report.blocks:
        if block.kind in ("prose", "callout"):
            parts.append(block.content["text"])
        if block.kind == "cards":
            parts += [f"{i['label']}: {i['value']} ({i['note']})" for i in block.content["items"]]
    return "\n".join(parts)


def assert_agreement(report):
    """Hold a page's cards, sentences, decisions and figures to the claims that they are worded from.

    Every record of a claim on the page must say the same as the claim; what depends on a failed check must not be settled;
    and every sentence and card of the answer must come from a claim or be among the descriptive ones.
    """
    shown = [dict(r) for b in report.blocks for r in b.content.get("claims", [])]
    shown += [dict(r) for c in cards(report) for r in c["claims"]]
    assert shown, "the page claims nothing"
    for record in shown:
        claim = report.claims[record["name"]]
        assert record.pop("title")
        assert record == claim.record()
        if record["failed"]:
            assert record["state"] != "settled", record
    assert_one_page(report)
    return shown


def assert_one_page(report):
    """Hold the one-page summary to the page: its sentences, cards and warnings are the answer's own, in the same states."""
    document = assembled(report)
    own = {id(part) for part in document.parts}
    items = [item for part in document.of_kind("cards") for item in part.content["items"]]
    words = labels(document.lang)["summary"]
    assert [p.content["title"] for p in document.summary if p.kind == "head"][-2:] == [words["advice"], words["trust"]]
    for part in document.summary:
        if part.kind == "cards":
            assert 0 < len(part.content["items"]) <= 3
            assert all(any(item is one for one in items) for item in part.content["items"])
        elif part.kind != "head" and not str(part.content.get("key", "")).startswith("summary_"):
            assert id(part) in own, part.text
    asked = [b.content["title"] for b in report.blocks if b.content.get("asks")]
    nothing = any(p.content.get("key") == "summary_no_advice" for p in document.summary)
    assert nothing == (not asked and not any(b.content.get("advice") for b in report.blocks))
    records = {
        r["name"]: r["state"]
        for b in report.blocks
        for c in [b.content, *b.content.get("items", [])]
        for r in c.get("claims", [])
    }
    trust = "".join(p.text for p in document.summary if p.content.get("key") == "summary_settled")
    settled = sum(state == "settled" for state in records.values())
    assert re.findall(r"\d+", trust)[:2] == ([str(n) for n in ((settled, len(records)) if document.lang == "en" else (len(records), settled))] if settled else [str(len(records))])  # fmt: skip
    said = {p.content["key"]: p.text for p in document.summary if str(p.content.get("key", "")).startswith("summary_")}
    for state in ("unsettled", "conditional", "withheld"):
        names = [escaped(typeset(b.content["title"], document.lang)) for b in answer(report) if b.kind == "prose" and b.content.get("claims") and "title" in b.content and b.content["claims"][0]["state"] == state]  # fmt: skip
        expected = typeset(words[state].format(titles=words["between"].join(names)), document.lang) if names else None
        assert said.get(f"summary_{state}") == expected


def assembled(report):
    """Return the page as a document, as a run assembles it."""
    outputs = [{"data": {MIME: {"kind": b.kind, **b.content}}} for b in report.blocks]
    return assemble({"cells": [{"cell_type": "code", "source": "", "metadata": {}, "outputs": outputs}]}, {})
