"""The report on one page: question, answer, three figures, what to do, how far to trust it, in the report's own sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xmresearch.report.answer import lead
from xmresearch.report.document import Document, Part
from xmresearch.report.typesetting import typeset_markdown
from xmresearch.report.wording import Wording, escaped

MOST_SENTENCES = 4
"""Sentences that the page takes of the answer, beside those that say what to do: first those of what the figures show."""
MOST_CARDS = 3
"""Figures on the page."""
SIZES = ("respondents", "analysed")
"""Cards that say how many answered: no answer to the question."""
MOST_ADVICE = 2
"""Sentences on the page that say what to do."""
MOST_WARNINGS = 3
"""Warnings on the page, in the order in which the answer has them."""
_FULL_STOP = re.compile(r"[.。,，:：]\Z")
_RESERVED = ("unsettled", "conditional", "withheld")


def summarised(document: Document) -> list[Part]:
    """Put a report on one page.

    Parameters
    ----------
    document : Document
        From `assemble`, with all parts in place.

    Returns
    -------
    list of Part
        Sentences, cards, warnings and caveats of the first section as they stand there, each under its head; of what the claims of that
        section are, what the ledger says. Nothing where the report has no section.

    Notes
    -----
    Nothing is worded anew, so the page cannot say other than the report does: a claim that is not settled stands here by the same
    sentence as there.
    """
    answer = document.opening[1:]
    if not answer:
        return []
    wording = Wording(document.lang, {})
    claimed = [part for part in answer if part.content.get("claims") and part.kind == "prose"]
    advice = [part for part in document.parts if part.content.get("advice")]
    said = [part for part in claimed if not part.content.get("advice")]
    figures = _three(answer)
    page = [
        *_under("question", [p for p in answer if _asks(p)], wording),
        *_under("answer", _sentences(said, figures), wording),
        *_under("figures", figures, wording),
        *_under("advice", _advice(document, advice[:MOST_ADVICE], wording), wording),
        *_under("trust", [*_warnings(answer), *_caveats(answer), *_states(document, claimed, wording)], wording),
    ]
    return page if claimed or advice else []


def _asks(part: Part) -> bool:
    return part.kind == "prose" and str(part.content.get("key", "")).startswith("question")


def _under(head: str, parts: Iterable[Part], wording: Wording) -> list[Part]:
    found = list(parts)
    return [Part("head", {"title": wording.get("summary", head)}), *found] if found else []


def _three(answer: Sequence[Part]) -> list[Part]:
    """Return the report's first figure, then what is settled, then the others and how many answered; in the report's order."""
    items = [item for part in answer if part.kind == "cards" for item in part.content["items"]]
    first = next((item for item in items if item.get("key") not in SIZES), None)

    def rank(item: Mapping[str, Any]) -> int:
        if item is first:
            return 0
        if any(claim["state"] == "settled" for claim in item.get("claims", [])):
            return 1
        return 3 if item.get("key") in SIZES else 2

    chosen = sorted(items, key=rank)[:MOST_CARDS]
    kept = [item for item in items if any(item is one for one in chosen)]
    return [Part("cards", {"items": kept})] if kept else []


def _sentences(said: Sequence[Part], figures: Sequence[Part]) -> list[Part]:
    """Return the sentences of the claims that the figures show, then the others, as many as the page takes; in the report's order."""
    shown = {c["name"] for part in figures for item in part.content["items"] for c in item.get("claims", [])}
    first = sorted(said, key=lambda part: not any(c["name"] in shown for c in part.content["claims"]))[:MOST_SENTENCES]
    return [part for part in said if any(part is one for one in first)]


def _warnings(answer: Sequence[Part]) -> list[Part]:
    """Return the warnings, and the word that data are simulated."""
    tones = [(part, part.content.get("tone")) for part in answer if part.kind == "callout"]
    warnings = [part for part, tone in tones if tone == "warning"][:MOST_WARNINGS]
    return warnings + [part for part, tone in tones if tone == "simulated"]


def _caveats(answer: Sequence[Part]) -> list[Part]:
    """Return what the answer says without claiming it: of what kind the statements are, and what they cannot show."""
    notes = [p for p in answer if p.kind == "prose" or (p.kind == "callout" and p.content.get("tone") == "note")]
    return [p for p in notes if not p.content.get("claims") and not _asks(p)]


def _advice(document: Document, advice: Sequence[Part], wording: Wording) -> list[Part]:
    """Return the sentences that say what to do, then the beginnings of those of other claims that ask for action."""
    asking = [p for p in document.parts if p.content.get("asks") and not any(p is one for one in advice)]
    begun = list(dict.fromkeys(_FULL_STOP.sub("", lead(part.text)) for part in asking))
    if not advice and not begun:
        return [_prose("no_advice", {}, wording)]
    return [*advice, *([_listed("asks", begun, wording)] if begun else [])]


def _listed(key: str, titles: Sequence[str], wording: Wording) -> Part:
    return _prose(key, {"titles": wording.get("summary", "between").join(map(escaped, titles))}, wording)


def _states(document: Document, claimed: Sequence[Part], wording: Wording) -> list[Part]:
    """Say how many claims of the report are settled and how often that is wrong, and which of the answer are not."""
    records: dict[str, Mapping[str, Any]] = {}
    for part in document.parts:
        for item in [part.content, *part.content.get("items", [])]:
            records |= {str(record["name"]): record for record in item.get("claims", [])}
    settled = [record for record in records.values() if record["state"] == "settled"]
    promised = [float(record["promised"]) for record in settled if record["promised"] is not None]
    facts = {"total": len(records), "settled": len(settled), "promised": max(promised, default=0.0)}
    lines = [_prose("settled", facts | {"case": "stated" if promised else "counted" if settled else "none"}, wording)]
    for state in _RESERVED:
        titles = [str(p.content["title"]) for p in claimed if "title" in p.content and _state(p) == state]
        if titles:
            lines.append(_listed(state, titles, wording))
    return lines


def _state(part: Part) -> str:
    return str(part.content["claims"][0]["state"])


def _prose(key: str, facts: Mapping[str, Any], wording: Wording) -> Part:
    text = wording.plain.text("summary", key, facts)
    return Part("prose", {"key": f"summary_{key}", "claims": []}, typeset_markdown(text, wording.lang))
