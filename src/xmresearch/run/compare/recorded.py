"""A run as its folder tells it: params, inputs, tables, and what was said in which state."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from xmresearch.display import Shown
from xmresearch.errors import OutputError, ParamsError
from xmresearch.params.registry import find_study
from xmresearch.params.study import Study
from xmresearch.report.blocks import MIME
from xmresearch.report.references import REFERENCE
from xmresearch.report.typesetting import typeset_markdown
from xmresearch.report.wording import Wording, labels
from xmresearch.run.manifest import NAME, flaws
from xmresearch.run.plan import plan_run

_SPACED = re.compile(rf" ?{REFERENCE.pattern} ?")
_CITED = re.compile(r"\s*\[[^\[\]]*@[^\[\]]*\](?!\()")
_ESCAPED = re.compile(r"\\([^\w\s])")


@dataclass(frozen=True, repr=False)
class Said(Shown):
    """What a run said of one claim.

    Attributes
    ----------
    state, verdict : str
        As of `Claim`.
    words : str
        Its sentence, or its card where it has none, as plain text.
    value : str
        What its card shows; '' where it has none.
    title : str
        What it is about; '' in runs of versions that did not record it.
    record : mapping
        Of `Claim.record`; estimate, interval and level are missing in runs of versions that did not record them.
    """

    state: str
    verdict: str
    words: str
    value: str = ""
    title: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)

    def asks(self, verdicts: Sequence[str]) -> bool:
        """Whether it is settled, and in one of the cases that ask for action."""
        return self.state == "settled" and self.verdict in verdicts


@dataclass(frozen=True, repr=False)
class RecordedRun(Shown):
    """A finished run.

    Attributes
    ----------
    folder : Path
        Of the run.
    study : Study
    manifest : mapping
        What it recorded of itself.
    blocks : tuple of mapping
        What its report shows, in order.
    base : Path or None
        Folder of its params file, where that is known.
    """

    folder: Path
    study: Study
    manifest: Mapping[str, Any]
    blocks: tuple[Mapping[str, Any], ...]
    base: Path | None

    @property
    def params(self) -> Mapping[str, Any]:
        """Params, without identifiers of persons."""
        found: Mapping[str, Any] = self.manifest["params"]
        return found

    @property
    def name(self) -> str:
        """Name of the run."""
        return str(self.params["name"])

    @property
    def key(self) -> str:
        """Key of the run."""
        return str(self.manifest["key"])

    @property
    def inputs(self) -> Mapping[str, str]:
        """SHA-256 of the files that it read, by their key."""
        found: Mapping[str, str] = self.manifest["inputs"]
        return found

    @property
    def level(self) -> float:
        """Level of its intervals."""
        return float(self.params.get("confidence", 0.95))

    @property
    def title(self) -> str:
        """Title of its report."""
        return next((str(b["title"]) for b in self.blocks if b["kind"] == "title"), self.name)

    @property
    def lang(self) -> str:
        """Language of its report."""
        return next((str(b["lang"]) for b in self.blocks if b["kind"] == "title"), "en")

    @property
    def client(self) -> str | None:
        """For whom its report is."""
        return next((str(b["client"]) or None for b in self.blocks if b["kind"] == "title"), None)

    @property
    def simulated(self) -> bool:
        """Whether its rows were simulated."""
        return any(b["kind"] == "callout" and b.get("tone") == "simulated" for b in self.blocks)

    @cached_property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """Its tables by key, as blocks."""
        return {str(b["key"]): b for b in self.blocks if b["kind"] == "table"}

    def frame(self, key: str) -> pd.DataFrame | None:
        """Return a table in full; None where the report has none of that key."""
        block = self.tables.get(key)
        return None if block is None else pd.read_csv(io.StringIO(block["csv"]), keep_default_na=False, na_values=[""])

    @cached_property
    def claims(self) -> dict[str, Said]:
        """What it said, by name of the claim, in the order in which it was said."""
        sentences = [(r, b["text"]) for b in self.blocks if b["kind"] == "prose" for r in b.get("claims", [])]
        cards = [item for b in self.blocks if b["kind"] == "cards" for item in b["items"]]
        colon = labels(self.lang)["style"]["colon"]
        said = [(i, f"{i['label']}{colon}{remarked(i['value'], i['note'], self.lang)}") for i in cards]
        on_cards = [(r, text) for i, text in said for r in i.get("claims", [])]
        found: dict[str, Said] = {}
        values = {r["name"]: str(i["value"]) for i in cards for r in i.get("claims", [])}
        for record, text in sentences + on_cards:
            name = record["name"]
            about, value = record.get("title", ""), values.get(name, "")
            words = self._plain(text)
            found.setdefault(name, Said(record["state"], record["verdict"], words, value, about, record))
        return found

    @property
    def counts(self) -> dict[str, tuple[str, str]]:
        """Cards that claim nothing, such as the number of respondents: label and value."""
        cards = [item for b in self.blocks if b["kind"] == "cards" for item in b["items"] if not item.get("claims")]
        return {str(i["label"]): (str(i["value"]), str(i["note"])) for i in cards}

    def _plain(self, text: str) -> str:
        """Return a sentence without marks, citations and numbers of tables."""
        shown = {
            (("fig" if b["kind"] == "figure" else "tbl"), b["key"]): b["caption"] for b in self.blocks if "caption" in b
        }
        text = _CITED.sub("", typeset_markdown(text, self.lang))
        reference = _SPACED if self.lang == "zh" else REFERENCE
        text = reference.sub(lambda m: f"“{shown.get((m[1], m[2]), m[2])}”", text)
        return " ".join(_ESCAPED.sub(r"\1", text.replace("**", "")).split())


def title_of(claim: str, study: Study, lang: str, *runs: RecordedRun) -> str:
    """Return what a claim is about.

    Parameters
    ----------
    claim : str
        Its name.
    study : Study
        Whose claim it is.
    lang : {'en', 'zh'}
        Language.
    *runs : RecordedRun
        That may have made it; the first in that language that has tells.

    Returns
    -------
    str
        The title of the study's words, its outcome unnamed, where none of them has; the claim's name where the study has none.
    """
    made = [run.claims[claim].title for run in runs if run.lang == lang and claim in run.claims]
    if any(made):
        return next(filter(None, made))
    wording = Wording(lang, {}, words=study.words(lang)).plain
    if not wording.has("claims", claim):
        return claim
    return wording.filled(wording.get("claims", claim)["title"], {"outcome": "outcome_unnamed"}, claim)


def remarked(text: str, remark: str, lang: str) -> str:
    """Return a text with a remark in brackets, full-width in Chinese; the text alone where there is no remark.

    Parameters
    ----------
    text, remark : str
    lang : {'en', 'zh'}

    Returns
    -------
    str
    """
    if not remark:
        return text
    return f"{text}（{remark}）" if lang == "zh" else f"{text} ({remark})"


def read_run(given: str | Path, lang: str | None = None) -> RecordedRun:
    """Read a finished run.

    Parameters
    ----------
    given : str or Path
        Its folder, such as `outputs/STUDY/NAME/latest-en`; or a params file that has been run as it is now.
    lang : str, optional
        Language of the report: which one of a params file is meant, and what that of a folder must be.

    Returns
    -------
    RecordedRun

    Raises
    ------
    ParamsError
        There is no such folder or params file, or the folder's report is in another language.
    OutputError
        The folder holds no whole run, or the params file has not been run as it is now.
    """
    path = Path(given)
    if path.is_dir():
        run = _read(path, None)
        if lang not in (None, run.params["lang"]):
            raise ParamsError(
                f"The run in '{path}' is in '{run.params['lang']}', not in '{lang}'; a comparison quotes what its runs said.",
                f"Give runs in '{lang}', or leave out --lang.",
            )
        return run
    if path.suffix in (".yml", ".yaml"):
        plan = plan_run(path, lang=lang)
        if not plan.folder.is_dir():
            raise OutputError(f"'{path}' has not been run as it is now.", f"Run it first: xmresearch run {path}")
        return _read(plan.folder, plan.base)
    raise ParamsError(
        f"'{path}' is neither the folder of a run nor a params file.",
        "Give a folder such as outputs/STUDY/NAME/latest-en, or a params file.",
    )


def _read(folder: Path, base: Path | None) -> RecordedRun:
    wrong = flaws(folder)
    if wrong:
        raise OutputError(f"'{folder}' holds no whole run: {'; '.join(wrong[:3])}.", "Run it again.")
    manifest = json.loads((folder / NAME).read_text("utf-8"))
    notebook = json.loads((folder / "executed.ipynb").read_text("utf-8"))
    blocks = [
        block for cell in notebook["cells"] for output in cell.get("outputs", []) if (block := output.get("data", {}).get(MIME))
    ]  # fmt: skip
    study = find_study(manifest["params"]["study"], base or folder)
    return RecordedRun(folder.resolve(), study, manifest, tuple(blocks), base)
