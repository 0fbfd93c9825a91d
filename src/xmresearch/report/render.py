"""From a document to one self-contained HTML file, by pandoc."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from xmresearch.errors import StudyError
from xmresearch.report.blocks import cards_html, chart_figure, table_figure
from xmresearch.report.colours import on_dark
from xmresearch.report.document import Document, Part
from xmresearch.report.first_screen import first_screen
from xmresearch.report.wording import escaped, labels

_HEADING = re.compile(r"<(/?)h([1-6])(?=[\s>])")
READER = "markdown+markdown_in_html_blocks+fenced_divs+tex_math_dollars-smart-yaml_metadata_block"


def to_html(document: Document) -> str:
    """Render a document.

    Parameters
    ----------
    document : Document
        From `assemble`.

    Returns
    -------
    str
        HTML that makes no external request and is the same for the same document.

    Raises
    ------
    StudyError
        Pandoc fails.
    """
    style = labels(document.lang)["style"]
    templates = files("xmresearch.report") / "templates"
    script = (templates / "report.js").read_text("utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    variables = {
        "script": script, "policy": f"'sha256-{digest}'", "css-text": _css(document), "author": escape(document.front.author),
        "logo": _logo(document), "logo-alt": escape(document.logo_alt), "glance": escape(document.glance), "client": escape(document.client),
        "contents": style["contents"], "skip": style["skip"], "generated": style["generated"], "title": escape(document.title),
        "pagetitle": escape(document.title), "lang": "zh-CN" if document.lang == "zh" else "en-GB",
    }  # fmt: skip
    with as_file(templates / "report.html") as template:
        settings = {
            "standalone": True, "template": str(template), "table-of-contents": True, "toc-depth": 1, "number-sections": True,
            "html-math-method": {"method": "mathml"}, "variables": {k: v for k, v in variables.items() if v},
        }  # fmt: skip
        return _below_title(converted(source(document), "html5", document.lang, document.bibliography, settings))


def _below_title(page: str) -> str:
    """Let the title be the only heading of the first level: every heading of the body is one lower."""
    head, mark, body = page.partition("<main>")
    return head + mark + _HEADING.sub(lambda m: f"<{m[1]}h{min(int(m[2]) + 1, 6)}", body)


def _css(document: Document) -> str:
    """Return the report's style sheet, then what the client's look changes of it."""
    sheet = (files("xmresearch.report") / "templates" / "report.css").read_text("utf-8")
    style = document.front.style
    if style.accent:
        dark = f"@media (prefers-color-scheme: dark) {{ :root {{ --blue: {on_dark(style.accent)}; }} }}"
        sheet += (
            f"\n:root {{ --blue: {style.accent}; }}\n{dark}\n@media print {{ :root {{ --blue: {style.accent}; }} }}\n"
        )
    return f"{sheet}\n{style.css}" if style.css else sheet


def _logo(document: Document) -> str:
    """Return the logo as an address that holds it."""
    style = document.front.style
    if not style.logo:
        return ""
    media = "image/svg+xml" if style.logo_ending == "svg" else "image/png"
    return f"data:{media};base64,{base64.b64encode(style.logo).decode()}"


def converted(
    text: str,
    kind: str,
    lang: str,
    bibliography: Sequence[Path] = (),
    settings: Mapping[str, Any] | None = None,
    *,
    reader: str = READER,
    out: Path | None = None,
) -> str:
    """Let pandoc convert a report, with its citations resolved.

    Parameters
    ----------
    text : str
        Pandoc Markdown.
    kind : str
        Format that pandoc writes.
    lang : {'en', 'zh'}
        Language of citations.
    bibliography : sequence of Path
        Files of references, beside the one that comes with the package.
    settings : mapping, optional
        More for pandoc, as its files of defaults have it.
    reader : str
        Format of the text.
    out : Path, optional
        File to write; needed by formats that are no text.

    Returns
    -------
    str
        What pandoc wrote; '' where it wrote a file.

    Raises
    ------
    StudyError
        Pandoc fails.
    """
    import pypandoc

    folder_of = files("xmresearch.report")
    with (
        as_file(folder_of / "references.bib") as shipped,
        as_file(folder_of / "zh.csl") as chinese,
        tempfile.TemporaryDirectory() as folder,
    ):
        # arguments are read in the locale of the machine, a file of defaults is UTF-8 everywhere
        defaults = {
            "citeproc": True, "bibliography": [str(path) for path in (shipped, *bibliography)], "wrap": "none", "verbosity": "ERROR",
            "metadata": {"link-citations": True, "lang": "zh-CN" if lang == "zh" else "en-GB"},
            **({"csl": str(chinese)} if lang == "zh" else {}), **(settings or {}),
        }  # fmt: skip
        path = Path(folder) / "defaults.yaml"
        path.write_text(json.dumps(defaults), "utf-8")
        try:
            return str(
                pypandoc.convert_text(
                    text,
                    kind,
                    format=reader,
                    extra_args=[f"--defaults={path}"],
                    outputfile=None if out is None else str(out),
                )
            )
        except RuntimeError as error:
            raise StudyError(f"Pandoc could not write the report: {error}") from None


def fenced(kind: str, text: str) -> str:
    """Fence a block with more backticks than it holds itself."""
    fence = "`" * max(4, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{kind}\n{text}\n{fence}"


def source(document: Document) -> str:
    """Return the Markdown that pandoc makes the HTML of."""
    style = labels(document.lang)["style"]
    parts = (part for part in first_screen(document.parts) if part.kind != "code" or document.code != "hide")
    page = "\n\n".join(_markdown(part, style, document.code) for part in document.summary)
    first = f":::: {{.one-page}}\n{page}\n::::\n\n" if page else ""
    return first + "\n\n".join(_markdown(part, style, document.code) for part in parts) + "\n"


def _markdown(part: Part, style: Mapping[str, Any], code: str) -> str:
    content = part.content
    match part.kind:
        case "section":
            return f"# {escaped(content['title'])} {{#sec-{content['key']}}}"
        case "glossary":
            folded = f"<summary>{escape(content['fold'])}</summary>\n\n{definitions(content['terms'])}"
            return (
                f'# {escaped(content["title"])} {{#sec-glossary}}\n\n<details class="glossary">\n{folded}\n\n</details>'
            )
        case "head":
            return _raw(f'<p class="head">{escape(content["title"])}</p>')
        case "callout":
            text = part.text
            if rest := content.get("folded"):
                told = style["more_warnings" if text else "warnings"].format(content["count"])
                text += f'\n\n<details class="more">\n<summary>{told}</summary>\n\n{rest}\n\n</details>'
            return f"::: {{.callout .{content['tone']}}}\n{text}\n:::"
        case "cards":
            return _raw(cards_html(content))
        case "table":
            return _raw(table_figure(content, part.number))
        case "figure":
            return _raw(chart_figure(content, part.number))
        case "html":
            return _raw(f'<div class="scroll">{content["html"]}</div>')
        case "text":
            return _raw(f'<pre class="printed">{escape(content["text"], quote=False)}</pre>')
        case "code":
            listings = "\n\n".join(fenced("python", text) for text in content["sources"])
            if code == "show":
                return f'<div class="code">\n\n{listings}\n\n</div>'
            return (
                f'<details class="code">\n<summary>{escape(content["summary"])}</summary>\n\n{listings}\n\n</details>'
            )
        case "references":
            return f"# {content['title']} {{#references}}\n\n::: {{#refs}}\n:::"
        case "stamp":
            rows = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in content["lines"].items())
            return f"# {content['title']} {{#sec-stamp}}\n\n" + _raw(f'<dl class="stamp">{rows}</dl>')
        case _:
            return part.text


def definitions(terms: Sequence[Part]) -> str:
    """Return the Markdown of a list of terms and what they mean."""
    return "\n\n".join(f"{escaped(term.content['title'])}\n:   {term.text}" for term in terms)


def _raw(markup: str) -> str:
    """Hand HTML through pandoc untouched."""
    return fenced("{=html}", markup)
