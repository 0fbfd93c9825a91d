"""What a notebook uses to write its report: sections, sentences, figures and tables in the report's language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from xmresearch.claims.claim import Claim
from xmresearch.concerns import Concern
from xmresearch.errors import StudyError
from xmresearch.report import figures, in_notebook
from xmresearch.report.alternative import extremes
from xmresearch.report.blocks import Block, csv_text
from xmresearch.report.charted import chart_numbers
from xmresearch.report.fonts import marks
from xmresearch.report.matrices import Matrices
from xmresearch.report.own_blocks import OwnBlocks
from xmresearch.report.wording import COLUMN_FORMATS, DEFAULT_FORMAT, NONE_SHOWN, Wording, escaped, in_line

TEXT_COLUMNS = (
    "id",
    "construct",
    "segment",
    "kind",
    "quadrant",
    "measure",
    "rule",
    "action",
    "check",
    "status",
    "setting",
)
PERIOD_COLUMNS = ("cohort", "time")
ANSWER_COLUMNS = ("answer", "row_name")
"""Columns whose figures are answers: a statement of the same number does not name them."""
RAW_COLUMNS = ("code", "wording", "scale", "answers", "no_answer")
"""Columns whose texts are shown as they are: they name nothing."""
WHOLE_COLUMNS = ("file", "detail")
"""Columns in which a sign of equality parts nothing: a file's name may hold one."""
FIGURE = re.compile(r"[−-]?[\d.]+(?:–[−-]?[\d.]+)?")


class Summarised(Protocol):
    """A result that states its own figures."""

    def summary(self) -> dict[str, Any]:
        """Return the figures that sentences are made of."""


class Asking(Protocol):
    """When a claim asks for action."""

    @property
    def verdicts(self) -> tuple[str, ...]:
        """In which, settled, it does."""

    @property
    def advises(self) -> bool:
        """Whether it says what to do in whatever case it is."""


class Told(Protocol):
    """The study that a report is of."""

    @property
    def columns(self) -> Mapping[str, str]:
        """How figures of its own columns are written."""

    @property
    def figures(self) -> Callable[[], Mapping[str, Callable[..., Any]]]:
        """Return the kinds of figure that only it draws."""

    @property
    def asking(self) -> Mapping[str, Asking]:
        """When claims ask for action, by their names."""

    def words(self, lang: str) -> Path:
        """Return the file of its own words."""


class Report(Matrices, OwnBlocks):
    """Writes a report block by block; each block shows in the notebook and is placed by the assembler.

    Parameters
    ----------
    lang : {'en', 'zh'}
        Language.
    study : Study, optional
        Whose words, columns and figures are used besides those that all studies share.
    names : mapping of str to str
        Labels of the study's identifiers; see `Wording`.
    level : float
        Confidence level, for the heads of interval columns.
    decimals : int
        Of figures in units of the outcome; see `Wording`.
    facts : mapping, optional
        What every sentence, caption and note may mention.
    formats : mapping, optional
        Formats of columns in all tables where they differ from the usual.
    """

    def __init__(
        self,
        lang: str,
        study: Told | None,
        names: Mapping[str, str],
        *,
        level: float = 0.95,
        decimals: int = 2,
        facts: Mapping[str, Any] | None = None,
        formats: Mapping[str, str] | None = None,
    ) -> None:
        self.wording = Wording(lang, names, decimals=decimals, words=study.words(lang) if study else None)
        self.level, self._common = level, dict(facts or {})
        self._kinds = {**figures.KINDS, **(study.figures() if study else {})}
        self._formats = {**COLUMN_FORMATS, **(study.columns if study else {}), **(formats or {})}
        self._asking: Mapping[str, Asking] = study.asking if study else {}
        self._numbers = in_notebook.Numbers()
        self.blocks: list[Block] = []
        self.claims: dict[str, Claim] = {}
        self._silent = False

    def _show(self, kind: str, **content: Any) -> None:
        from IPython.core.getipython import get_ipython

        number, resolved, shown = "", None, get_ipython() is not None
        if kind in ("table", "figure"):
            number = f"{self.wording.get('style', kind)} {self._numbers.give(kind, content['key'])}."
        elif shown and "text" in content:
            resolved = in_notebook.resolved(content["text"], self._refer)
        block = Block(kind, content, number, resolved)
        self.blocks.append(block)
        if shown:
            from IPython.display import display

            display(block)  # type: ignore[no-untyped-call]

    def _refer(self, kind: str, key: str) -> str:
        """Name a table or figure to a reader of the notebook: by its number or, while it has none, by its caption."""
        word, number = self.wording.get("style", kind), self._numbers.get(kind, key)
        if number is not None:
            return f"{word} {number}"
        if not self.wording.has("tables" if kind == "table" else "figures", key):
            return f"{word} “{key}”"
        words = self.wording.get("tables", key) if kind == "table" else self.wording.get("figures", key)["caption"]
        return f"{word} “{escaped(self.wording.plain.filled(words, self._facts([], {}), key))}”"

    def _facts(self, results: Sequence[Any], more: Mapping[str, Any]) -> dict[str, Any]:
        facts: dict[str, Any] = self._common | {"level": self.level}
        for result in results:
            facts |= result if isinstance(result, Mapping) else result.summary()
        return facts | dict(more)

    def _claimed(self, *results: Any) -> list[dict[str, Any]]:
        """Keep the claims among results, and return what their block says of them; a claim has one case in a report."""
        found = [r for r in results if isinstance(r, Claim)]
        for claim in found:
            before = self.claims.setdefault(claim.name, claim)
            if before.case != claim.case:
                raise StudyError(f"The report shows the claim '{claim.name}' as {before.case} and as {claim.case}.")
        return [claim.record() | {"title": self._title_of(claim)} for claim in found]

    def title(self, given: str | None, client: str | None, **facts: Any) -> None:
        """Name the report and say at a glance what it rests on."""
        title = in_line(given or self.wording.get("titles", "report"))
        ends = [str(facts[end]) for end in ("first_period", "last_period") if facts.get(end) is not None]
        self._show("title", title=title, client=in_line(client or ""), lang=self.wording.lang, period="–".join(ends),
                   glance=self.wording.plain.text("texts", "glance", self._facts([], facts)))  # fmt: skip

    def section(self, key: str, *, when: bool = True) -> None:
        """Begin a section; all that follows up to the next one is left out where `when` is false."""
        self._silent = not when
        if when:
            self._show("section", key=key, title=self.wording.get("sections", key))

    def say(self, key: str, *results: Summarised | Mapping[str, Any] | None, **more: Any) -> None:
        """Write the sentence of that key, made from the figures of results; none where a result is None."""
        if not self._silent and not any(r is None for r in results):
            text = self.wording.text("texts", key, self._facts(results, more))
            self._show("prose", key=key, text=text, claims=self._claimed(*results))

    def ask(self, key: str, **parts: Any) -> None:
        """Ask what the report answers: the question of that key, and those of the parts that are not None."""
        if not self._silent:
            asked = [key, *(f"{key}_{part}" for part, given in parts.items() if given is not None)]
            texts = [self.wording.text("texts", k, self._facts([], {})) for k in asked]
            self._show("prose", key=key, text=str(self.wording.get("style", "between")).join(texts), claims=[])

    def claim(self, *claims: Claim | None) -> None:
        """Write the sentence of each claim, in its case; none where a claim is None."""
        for claim in claims:
            if claim is None or self._silent:
                continue
            words = self.wording.get("claims", claim.name)
            text = self.wording.filled(words["text"], self._facts([claim], {}), f"claims.{claim.name}")
            asking = self._asking.get(claim.name)
            told = {"advice": bool(asking and asking.advises), "asks": bool(asking and claim.case in asking.verdicts)}
            self._show(
                "prose", key=claim.name, text=text, claims=self._claimed(claim), title=self._title_of(claim), **told
            )

    def _title_of(self, claim: Claim) -> str:
        """Return what a claim is about, in the words of its title."""
        words = self.wording.get("claims", claim.name)
        return self.wording.plain.filled(words["title"], self._facts([claim], {}), f"claims.{claim.name}.title")

    def ledger(self) -> None:
        """Show every claim made so far: its state, the rule that settles it, how often that is wrong, and what it needs."""
        rows = [
            {
                "claim": name, "state": f"state_{claim.state}",
                "settled_by": f"rule_{claim.rule}", "promised": claim.promised,
                "needs": [c.check for c in claim.conditions],
            }
            for name, claim in self.claims.items()
        ]  # fmt: skip
        self.table("claims", pd.DataFrame(rows), ["claim", "state", "settled_by", "promised", "needs"])

    def callout(
        self, key: str, *results: Summarised | Mapping[str, Any] | None, tone: str = "note", when: bool = True
    ) -> None:
        """Write a sentence that must not be overlooked; tone is note, warning or simulated."""
        if when and not self._silent and not any(r is None for r in results):
            text = self.wording.text("texts", key, self._facts(results, {}))
            self._show("callout", key=key, text=text, tone=tone, claims=self._claimed(*results))

    def concerns(self, *found: Sequence[tuple[str, Concern]]) -> None:
        """List what a careful reviewer would ask about, by model; nothing is shown where there is nothing to ask."""
        every = [entry for part in found for entry in part]
        if self._silent or not every:
            return
        facts = {"case": "one" if len(every) == 1 else "many", "count": len(every)}
        lines = [self.wording.text("texts", "concerns", facts), ""]
        for model, concern in every:
            group = concern.facts.get("group")
            where = f"{self.wording.name(model)}{f', {group}' if group else ''}"
            lines.append(
                f"- {escaped(where)}{self.wording.get('style', 'colon')}{self.wording.text('concerns', concern.kind, concern.facts)}"
            )
        self._show("callout", text="\n".join(lines), tone="warning")

    def cards(self, **results: Summarised | Mapping[str, Any] | None) -> None:
        """Show headline figures: those of a claim by the claim's own words, others by the label of that key.

        A card has 'label', 'value' and 'note', each with a variant for every case where it needs one. A result that is
        None, or whose case is none, has no card.
        """
        if self._silent:
            return
        items = []
        for key, result in results.items():
            if result is None:
                continue
            name = result.name if isinstance(result, Claim) else key
            where = ("claims", name) if isinstance(result, Claim) else ("cards", key)
            words, facts = self.wording.get(*where), self._facts([result], {})
            templates = words["card"] if isinstance(result, Claim) else words
            if facts.get("case") != "none":
                parts = {
                    p: self.wording.plain.filled(templates[p], facts, ".".join(where))
                    for p in ("label", "value", "note")
                }
                items.append({"key": key, **parts, "claims": self._claimed(result)})
        self._show("cards", items=items)

    def table(self, key: str, data: Any, columns: Sequence[str], *, formats: Mapping[str, str] | None = None) -> None:
        """Show a table.

        Parameters
        ----------
        key : str
            Of its caption in the labels.
        data : DataFrame, a result with `tidy()`, or None
            What the table's CSV file holds in full.
        columns : sequence of str
            Columns to show. `x_ci` stands for the interval x_lower to x_upper (`ci` for ci_lower to ci_upper); a column
            that begins with `?` is shown only if the table has it.
        formats : mapping, optional
            Formats of columns where they differ from the usual.
        """
        frame = self._frame(data)
        if frame is None:
            return
        shown = [c.lstrip("?") for c in columns if not c.startswith("?") or self._has(frame, c.lstrip("?"))]
        specs = {**self._formats, **(formats or {})}
        text_like = [c for c in shown if self._is_text(frame, c)]
        rows = [[self._cell(row, c, specs) for c in shown] for row in frame.to_dict("records")]
        statements = "id" in shown and "level" in frame and bool((frame["level"] == "statement").all())
        facts = {"family": int(frame["family"].max())} if "family" in frame else {}
        own = [data] if hasattr(data, "summary") else []
        note = self.wording.plain.text("notes", key, self._facts(own, facts)) if self.wording.has("notes", key) else ""
        self._show(
            "table", key=key, caption=self.wording.plain.text("tables", key, self._facts([], {})), note=note,
            head=[self._head(c, statements) for c in shown], align=[self._align(c, text_like) for c in shown], rows=rows,
            csv=csv_text(frame), statements=statements, sheet=[[self._word(str(c)), specs.get(str(c), "")] for c in frame.columns],
        )  # fmt: skip

    def _word(self, column: str) -> str:
        """Return what a column of the full table is called, '' where it has no other name; a limit goes by what it limits."""
        if self.wording.has("columns", column):
            return str(self.wording.get("columns", column))
        limited, _, limit = column.rpartition("_")
        if limit not in ("lower", "upper"):
            return ""
        of = self._word(limited) if limited != "ci" else ""
        return f"{of}{self.wording.get('style', 'colon') if of else ''}{self.wording.get('chart', limit)}"

    def figure(self, key: str, kind: str, data: Any, **settings: Any) -> None:
        """Draw a figure of one of the kinds in `xmresearch.report.figures`.

        Parameters
        ----------
        key : str
            Of its caption, alternative text and axes in the labels.
        kind : str
            One of `xmresearch.report.figures.KINDS`, or of the study's own.
        data : DataFrame, a result with `tidy()`, or None
            What is drawn.
        **settings
            Passed to the kind.
        """
        frame = self._frame(data)
        if frame is None:
            return
        texts = self.wording.get("figures", key)
        caption = self.wording.plain.vformat(texts["caption"], (), self._facts([], {}))
        with marks() as marked:
            svg = self._kinds[kind](frame, self.wording, key, **settings)
        if marked:
            listed = ", ".join(f"{c} ({unicodedata.name(c, f'U+{ord(c):04X}')})" for c in sorted(marked))
            caption += str(self.wording.get("style", "marks")).format(listed)
        alt = self.wording.plain.vformat(texts["alt"], (), self._facts([], extremes(frame, settings)))
        chart = chart_numbers(kind, frame, settings, self.wording, str(texts.get("x", "")))
        self._show(
            "figure", key=key, caption=caption, alt=alt, svg=svg, drawn=kind, **({"chart": chart} if chart else {})
        )

    def _frame(self, data: Any) -> pd.DataFrame | None:
        """Return the rows to show; None where the section is left out or there are none, as when all are suppressed."""
        if self._silent or data is None:
            return None
        frame: pd.DataFrame = data if isinstance(data, pd.DataFrame) else data.tidy()
        return frame if len(frame) else None

    @staticmethod
    def _has(frame: pd.DataFrame, column: str) -> bool:
        return column in frame or (column.endswith("_ci") and f"{column.removesuffix('ci')}lower" in frame)

    def _is_text(self, frame: pd.DataFrame, column: str) -> bool:
        return column in TEXT_COLUMNS or (column in frame and not pd.api.types.is_numeric_dtype(frame[column]))

    @staticmethod
    def _align(column: str, text_like: Sequence[str]) -> str:
        return "left short" if column in PERIOD_COLUMNS else "left" if column in text_like else "right"

    def _head(self, column: str, statements: bool) -> str:
        if (column == "ci" or column.endswith("_ci")) and not self.wording.has("columns", column):
            column = "ci"
        if column == "ci":
            return str(self.wording.plain.text("columns", "ci", {"level": self.level}))
        if column == "id":
            column = "statement" if statements else "construct"
        return str(self.wording.get("columns", column))

    def _cell(self, row: Mapping[Any, Any], column: str, specs: Mapping[str, str]) -> str:
        if column == "ci" or column.endswith("_ci"):
            base = column.removesuffix("ci").removesuffix("_")
            prefix = f"{base}_" if base else "ci_"
            spec = specs.get(base, specs.get("ci", "+.2f" if not base else DEFAULT_FORMAT))
            return self.wording.interval(row[f"{prefix}lower"], row[f"{prefix}upper"], spec, row.get("decimals"))
        value = row[column]
        if column == "claim":
            return self._title_of(self.claims[value])
        if isinstance(value, (list, tuple)):
            if column == "chain":
                return " → ".join(self.wording.name(v) for v in value)
            return self.wording.plain.format_field(value, "") if value else NONE_SHOWN
        if isinstance(value, bool):
            return self.wording.name("yes" if value else "no")
        if value is None or value is pd.NA:
            return NONE_SHOWN
        if isinstance(value, str):
            if column in RAW_COLUMNS:
                return in_line(value)
            if column == "id" and row.get("level") == "statement":
                return f"{value}  {self.wording.name(value)}"
            if column in ANSWER_COLUMNS and FIGURE.fullmatch(value):
                return value
            if column in ("value", "group") and "segment" in row:
                return self.wording.name(f"{row['segment']}={value}")
            return self.wording.name(value, whole=column in WHOLE_COLUMNS)
        return self.wording.number(value, specs.get(column, DEFAULT_FORMAT), row.get("decimals"))
