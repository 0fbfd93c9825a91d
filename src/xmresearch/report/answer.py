"""What a run answers, for a list of runs: its question, its first sentences, and how far they may be trusted."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from xmresearch.report.blocks import MIME
from xmresearch.report.typesetting import typeset

Light = Literal["green", "amber", "red", "none"]
LIGHTS: tuple[Light, ...] = ("green", "amber", "red", "none")
_LEAD = re.compile(r"\*\*(.+?)\*\*")
_REFERENCE = re.compile(r"\s*[(（][^()（）]*@(?:fig|tbl|sec):[^()（）]*[)）]")
_FIRST = re.compile(r".*?[.?!](?=\s|$)|.*?[。？！]", re.S)
_CITATION = re.compile(r"\s*\[-?@[^\]]*\]")
_OPEN_END = re.compile(r"[,;:，；：]\Z")
_MARKUP = re.compile(r"\\([^\w\s])|\*\*|`")


def answer_of(notebook: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a run answers off its executed notebook.

    Parameters
    ----------
    notebook : mapping
        nbformat 4, with the blocks of a report.

    Returns
    -------
    dict
        JSON: title; question; said (the first sentence of each claim of the answer); claims (how many of the answer's claims are
        settled, unsettled, conditional and withheld); failed (number of failed checks in the whole report); warnings (in the
        answer); simulated (whether the data are); light (see `trust_light`).
    """
    title, question, lang = "", "", "en"
    said: list[str] = []
    states: dict[str, str] = {}
    warnings, failed, simulated, section = 0, 0, False, ""
    for block in _blocks(notebook):
        kind, key = block["kind"], str(block.get("key", ""))
        if kind == "title":
            title, lang = str(block["title"]), str(block["lang"])
        elif kind == "section":
            section = key
        elif kind == "table" and key == "checks":
            failed += sum(row.get("status") == "fail" for row in csv.DictReader(io.StringIO(block["csv"])))
        elif section != "answer":
            continue
        elif kind == "cards":
            states |= _states(claim for item in block["items"] for claim in item["claims"])
        elif kind == "callout":
            warnings += block.get("tone") == "warning"
            simulated |= block.get("tone") == "simulated"
        elif kind == "prose":
            claims = block.get("claims", [])
            states |= _states(claims)
            if claims:
                said.append(typeset(lead(block["text"]), lang))
            elif not question:
                question = typeset(_plain(block["text"]), lang)
    found = list(states.values())
    return {
        "title": title, "question": question, "said": said, "claims": {s: found.count(s) for s in dict.fromkeys(found)},
        "failed": failed, "warnings": warnings, "simulated": simulated, "light": trust_light(found, failed, warnings),
    }  # fmt: skip


def trust_light(states: Sequence[str], failed: int, warnings: int) -> Light:
    """Say how far an answer may be trusted: by its claims and checks, never by a figure.

    Parameters
    ----------
    states : sequence of str
        Of the claims that the answer makes: settled, unsettled, conditional or withheld.
    failed : int
        Checks of the report that failed.
    warnings : int
        Warnings above the answer.

    Returns
    -------
    {'green', 'amber', 'red', 'none'}
        Red where a check that a claim needs has failed or its figure means nothing; amber where a claim is not settled, a check
        failed that no claim of the answer needs, or a warning stands above it; green otherwise, and none where nothing is claimed.
    """
    if not states:
        return "none"
    if "conditional" in states or "withheld" in states:
        return "red"
    return "amber" if "unsettled" in states or failed or warnings else "green"


def _blocks(notebook: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            block = output.get("data", {}).get(MIME)
            if block is not None:
                yield block


def _states(claims: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(claim["name"]): str(claim["state"]) for claim in claims}


def lead(text: str) -> str:
    """Return the beginning of a sentence of the report.

    Parameters
    ----------
    text : str
        Markdown, with references to figures and tables not yet resolved.

    Returns
    -------
    str
        Plain: what it begins with in bold where that can stand alone, or else its first sentence without the references.
    """
    bold = _LEAD.match(text)
    if bold is not None and not _OPEN_END.search(bold[1]):
        return _plain(bold[1])
    first = _FIRST.match(whole := _REFERENCE.sub("", text))
    return _plain(first[0] if first else whole)


def _plain(text: str) -> str:
    """Return Markdown of the words' kind as the text that it shows."""
    return " ".join(_MARKUP.sub(lambda m: m[1] or "", _CITATION.sub("", text)).split())
