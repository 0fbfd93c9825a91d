"""The action register as a section of the report, put in before it is assembled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.params.actions import Action
from xmresearch.params.study import Study
from xmresearch.report.answer import lead
from xmresearch.report.blocks import MIME, csv_text
from xmresearch.report.wording import labels, number, one_line
from xmresearch.run.compare.figures import headline_figures
from xmresearch.run.compare.recorded import RecordedRun, title_of

WORDS = Path(__file__).parent / "words"
SECTION, TABLE = "register", "register"
COLUMNS = ("what", "state", "now", "action", "owner", "due", "target")


def with_register(notebook: Mapping[str, Any], actions: Sequence[Action], study: Study) -> Mapping[str, Any]:
    """Put the action register after the answer of an executed notebook.

    Parameters
    ----------
    notebook : mapping
        Executed; it is not changed.
    actions : sequence of Action
        From `read_actions`.
    study : Study
        Which claims ask for action.

    Returns
    -------
    mapping
        The notebook itself where there is no action and no settled claim that asks for one.
    """
    cells = list(notebook["cells"])
    shown = [[b for o in c.get("outputs", []) if (b := o.get("data", {}).get(MIME))] for c in cells]
    title = next((b for part in shown for b in part if b["kind"] == "title"), None)
    if title is None:
        return notebook
    run = RecordedRun(
        Path(), study, {"params": {}, "key": "", "inputs": {}}, tuple(b for part in shown for b in part), None
    )
    rows = register_rows(run, actions, title["lang"])
    if not rows:
        return notebook
    sections = [k for k, part in enumerate(shown) if any(b["kind"] == "section" for b in part)]
    place = sections[1] if len(sections) > 1 else len(cells)
    outputs = [{"output_type": "display_data", "data": {MIME: b}} for b in _blocks(rows, title["lang"])]
    made = {"cell_type": "code", "source": "", "metadata": {}, "outputs": outputs}
    return {**notebook, "cells": [*cells[:place], made, *cells[place:]]}


def register_rows(run: RecordedRun, actions: Sequence[Action], lang: str) -> list[dict[str, str]]:
    """Write the lines of a register: each action, then each settled claim that asks for action and has none.

    Parameters
    ----------
    run : RecordedRun
        What was said, and the headline figures.
    actions : sequence of Action
        In order.
    lang : {'en', 'zh'}
        Language.

    Returns
    -------
    list of dict of str to str
        By `COLUMNS`.
    """
    words = labels(lang, WORDS / f"{lang}.yml")
    told = _Told(run, words, lang)
    rows = [told.row(action) for action in actions]
    named = {action.claim for action in actions}
    free = [
        c
        for c, asks in run.study.asking.items()
        if c not in named and c in run.claims and run.claims[c].asks(asks.verdicts)
    ]
    return rows + [told.unplanned(claim) for claim in free]


def figure_about(figures: pd.DataFrame, about: str) -> pd.Series | None:
    """Return the headline figure that an action is about: the first of that name; None where there is none."""
    found = figures[[str(f).endswith(f"/{about}") for f in figures["figure"]]] if len(figures) else figures
    return found.iloc[0] if len(found) else None


@dataclass(frozen=True)
class _Told:
    """What is written of claims and figures in one language."""

    run: RecordedRun
    words: Mapping[str, Any]
    lang: str

    def row(self, action: Action) -> dict[str, str]:
        own, write = self.words["register"], partial(number, spec="brief")
        figure = None if action.about is None else figure_about(headline_figures(self.run), action.about)
        what = [self.claim(action.claim)] if action.claim is not None else []
        what += [action.about if figure is None else str(figure["label"])] if action.about is not None else []
        now = ""
        if figure is not None:
            now = own["range"].format(*(number(figure[k], figure["format"]) for k in ("estimate", "lower", "upper")))
        return {
            "what": " · ".join(what), "state": self.state(action.claim),
            "now": now, "action": action.action, "owner": action.owner or own["nobody"],
            "due": action.due.isoformat() if action.due else own["undated"],
            "target": own["untargeted"] if action.target is None else write(action.target),
        }  # fmt: skip

    def unplanned(self, claim: str) -> dict[str, str]:
        own = self.words["register"]
        return {
            "what": self.claim(claim), "state": self.state(claim), "now": "", "action": own["nothing"], "owner": own["nobody"],
            "due": own["undated"], "target": own["untargeted"],
        }  # fmt: skip

    def claim(self, name: str) -> str:
        title, said = title_of(name, self.run.study, self.lang, self.run), self.run.claims.get(name)
        if said is None:
            return title
        told = next(
            (b["text"] for b in self.run.blocks if b["kind"] == "prose" and b.get("key") == name and "title" in b), None
        )
        if told is not None and said.state == "settled":
            return lead(told).rstrip(".。")
        return f"{title}{self.words['style']['colon']}{said.value}" if said.value else title

    def state(self, name: str | None) -> str:
        if name is None:
            return ""
        return str(self.words["values"][f"state_{self.run.claims[name].state}"]) if name in self.run.claims else "–"


def _blocks(rows: list[dict[str, str]], lang: str) -> list[dict[str, Any]]:
    own = labels(lang, WORDS / f"{lang}.yml")["register"]
    table = as_table(pd.DataFrame(rows, columns=list(COLUMNS)), own, caption=own["caption"], note=own["note"])
    return [
        {"kind": "section", "key": SECTION, "title": own["section"]},
        {"kind": "prose", "key": SECTION, "text": own["intro"], "claims": []},
        {"kind": "table", **table},
    ]


def as_table(frame: pd.DataFrame, heads: Mapping[str, str], *, caption: str, note: str) -> dict[str, Any]:
    """Return the content of a register's block.

    Parameters
    ----------
    frame : DataFrame
        Texts; a column without any is left out of what is shown.
    heads : mapping of str to str
        Of its columns.
    caption, note : str
        Of the table.

    Returns
    -------
    dict
        As of a table block. Names are those that the user gave to staff who are to act: they stand as they are.
    """
    texts = frame.map(one_line)
    kept = [c for c in texts if (texts[c] != "").any()]
    return {
        "key": TABLE, "caption": caption, "note": note, "head": [heads[c] for c in kept], "align": ["left"] * len(kept),
        "rows": texts[kept].to_numpy().tolist(), "csv": csv_text(texts, scrubbed=False), "statements": False,
        "sheet": [[heads[c], ""] for c in texts],
    }  # fmt: skip
