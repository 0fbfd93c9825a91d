"""A report before it is rendered to any format."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xmresearch.display import Shown
from xmresearch.report.citing import Front
from xmresearch.report.colours import HOUSE
from xmresearch.report.wording import in_line, labels


@dataclass(frozen=True, repr=False)
class Part(Shown):
    """One piece of a report, in its place.

    Attributes
    ----------
    kind : str
        section, prose, callout, cards, table, figure, html, text, markdown, code, glossary, references or stamp; head in the summary, term in
        the glossary.
    content : mapping
        As in `xmresearch.report.blocks.Block`; of code `sources` and `summary`, of the stamp `lines`, of references `title`.
    text : str
        Of prose, a callout or Markdown: pandoc Markdown, with references to figures, tables and sections resolved.
    number : str
        Of a figure or table, as it stands before the caption.
    """

    kind: str
    content: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    number: str = ""


@dataclass
class Document:
    """A report before rendering.

    Attributes
    ----------
    title, client, glance, lang : str
        What stands at the top.
    parts : list of Part
        In order.
    bibliography : tuple of Path
        The researcher's own, beside the one that comes with the package.
    notes : list of str
        What the researcher should know of what the report lacks.
    summary : list of Part
        The one-page summary: of kind head (`title`), prose, cards and callout, in order; see `xmresearch.report.summary`.
    code : {'hide', 'fold', 'show'}
        How HTML has the code of the cells.
    charts : bool
        Whether the workbook draws the figures of estimates as charts of its own.
    front : Front
        Who wrote it, and the client's look.
    """

    title: str
    client: str
    glance: str
    lang: str
    parts: list[Part] = field(default_factory=list)
    bibliography: tuple[Path, ...] = ()
    notes: list[str] = field(default_factory=list)
    summary: list[Part] = field(default_factory=list)
    code: str = "fold"
    charts: bool = False
    front: Front = field(default_factory=Front)

    def of_kind(self, kind: str) -> list[Part]:
        """Return the parts of a kind, in order."""
        return [part for part in self.parts if part.kind == kind]

    @property
    def opening(self) -> list[Part]:
        """The first section with its head, which is the answer; nothing where there is no section."""
        heads = [k for k, part in enumerate(self.parts) if part.kind == "section"]
        return self.parts[heads[0] : heads[1] if len(heads) > 1 else None] if heads else []

    @property
    def tables(self) -> dict[str, str]:
        """CSV of every table, by key."""
        return {part.content["key"]: part.content["csv"] for part in self.of_kind("table")}

    @property
    def pictures(self) -> dict[str, bytes]:
        """Figures, by the name of their file."""
        return {picture_name(part.content): picture_bytes(part.content) for part in self.of_kind("figure")}

    @property
    def accent(self) -> str:
        """The colour of rules and links, as #rrggbb."""
        return self.front.style.accent or HOUSE

    @property
    def logo_alt(self) -> str:
        """What a reader who does not see the logo is told."""
        words = labels(self.lang)["citing"]
        return str(words["logo"]).format(in_line(self.front.organisation) or self.client or words["no_client"])


def picture_name(content: Mapping[str, Any]) -> str:
    """Return the name of a figure's file."""
    return f"{content['key']}.{content.get('ending', 'svg')}"


def picture_bytes(content: Mapping[str, Any]) -> bytes:
    """Return a figure as its file holds it."""
    return str(content["svg"]).encode() if "svg" in content else base64.b64decode(content["base64"])
