"""The page that lists runs: one table that stands without script, and that a short script lets readers sort and search."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from importlib.resources import files
from string import Template
from typing import Any
from urllib.parse import quote

from xmresearch.report.wording import in_line, labels

LONGEST = 400
"""Characters of a text that the index shows; the report has it whole."""
_COLUMNS = ("trust", "study", "answer", "date", "lang", "differs")
_SORTED = ("trust", "study", "date", "lang")
_ORDER = {"red": 0, "amber": 1, "none": 2, "green": 3}


def index_html(rows: Sequence[Mapping[str, Any]], left: Sequence[tuple[str, str]], lang: str) -> str:
    """Write the index.

    Parameters
    ----------
    rows : sequence of mapping
        One a run, in order: folder (from the page), study, name, lang, date (ISO 8601), title, question, said, claims, failed,
        warnings, simulated, light, formats, differs (key to value), flaws.
    left : sequence of tuple of str
        Folder and reason (foreign, unread, unrecorded) of what is left out.
    lang : {'en', 'zh'}
        Language.

    Returns
    -------
    str
        HTML that loads nothing, and runs one script of its own alone, which its policy names by hash.
    """
    words = labels(lang)["index"]
    templates = files("xmresearch.report") / "templates"
    script = (templates / "index.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    head = "".join(_head(name, words) for name in _COLUMNS)
    table = (
        f"<table><caption>{_text(words['caption'])}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(_row(row, words) for row in rows)}</tbody></table>"
    )
    colon = labels(lang)["style"]["colon"]
    notes = "".join(f"<li><b>{_text(folder)}</b>{colon}{_text(words[reason])}</li>" for folder, reason in left)
    return Template((templates / "index.html").read_text("utf-8")).substitute(
        lang="zh-CN" if lang == "zh" else "en-GB", title=_text(words["title"]), policy=f"'sha256-{digest}'", script=script,
        style=(templates / "report.css").read_text("utf-8") + (templates / "index.css").read_text("utf-8"),
        count=_text(words["count"].format(len(rows))), skip=_text(words["skip"]), search=_text(words["search"]), shown=_text(words["shown"]),
        table=table if rows else f"<p>{_text(words['empty'])}</p>",
        left=f"<details><summary>{_text(words['left'].format(len(left)))}</summary><ul>{notes}</ul></details>" if left else "",
    )  # fmt: skip


def _text(value: object) -> str:
    """Return a text as HTML that shows it on one line, shortened where it is long."""
    text = in_line(str(value))
    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")


def _head(name: str, words: Mapping[str, str]) -> str:
    sort = ' aria-sort="descending"' if name == "date" else ""
    kind = f' data-sortable="{name}"' if name in _SORTED else ""
    return f'<th scope="col"{kind}{sort}>{_text(words[name])}</th>'


def _row(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    light, when = row["light"], datetime.fromisoformat(row["date"])
    lang = "zh-CN" if row["lang"] == "zh" else "en-GB"
    cells = {
        "trust": f'<span class="light {light}">{_text(words[f"light_{light}"])}</span>{_why(row, words)}',
        "study": f"{_text(row['study'])}<br>{_text(row['name'])}",
        "answer": _answer(row, lang, words),
        "date": f'<time datetime="{escape(row["date"])}">{when:%Y-%m-%d %H:%M}</time>',
        "lang": _text(words[f"lang_{row['lang']}"]),
        "differs": _differs(row["differs"]),
    }
    keys = {"trust": _ORDER[light], "study": f"{row['study']}/{row['name']}", "date": row["date"], "lang": row["lang"]}
    return "<tr>" + "".join(_cell(name, cells[name], keys, words) for name in _COLUMNS) + "</tr>"


def _cell(name: str, content: str, keys: Mapping[str, Any], words: Mapping[str, str]) -> str:
    tag, scope = ("th", ' scope="row"') if name == "study" else ("td", "")
    key = f' data-key="{escape(str(keys[name]))}"' if name in keys else ""
    return f'<{tag}{scope} class="{name}" data-label="{_text(words[name])}"{key}>{content}</{tag}>'


def _why(row: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Say what the light rests on: claims by state, failed checks, warnings, and outputs that are not as the run left them."""
    counts = [words[f"claims_{state}"].format(n) for state, n in row["claims"].items()]
    counts += [words[name].format(row[name]) for name in ("failed", "warnings") if row[name]]
    lines = [f"<small>{_text(text)}</small>" for text in counts]
    if row["simulated"]:
        lines.append(f"<small>{_text(words['simulated'])}</small>")
    lines += [f'<small class="flaw">{_text(flaw)}</small>' for flaw in row["flaws"][:3]]
    return "".join(lines)


def _answer(row: Mapping[str, Any], lang: str, words: Mapping[str, str]) -> str:
    place = quote(row["folder"])
    said = "".join(f"<li>{_text(text)}</li>" for text in row["said"])
    more = " ".join(f'<a href="{place}/report.{kind}">{kind.upper()}</a>' for kind in row["formats"] if kind != "html")
    return (
        f'<div lang="{lang}"><a href="{place}/report.html">{_text(row["title"])}</a>'
        f"<p>{_text(row['question'])}</p>{f'<ul>{said}</ul>' if said else ''}</div>{more}"
    )


def _differs(values: Mapping[str, str]) -> str:
    if not values:
        return ""
    return f"<dl>{''.join(f'<dt>{_text(k)}</dt><dd>{_text(json.loads(v)) if v else "–"}</dd>' for k, v in values.items())}</dl>"
