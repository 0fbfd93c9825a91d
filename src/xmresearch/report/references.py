"""References in a researcher's own Markdown: to figures, tables and sections of the report, and to the literature."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from xmresearch.report.wording import escaped

REFERENCE = re.compile(r"(?<!\\)@(fig|tbl):([a-z][a-z0-9_]*)")
_CODE = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*(?:\n.*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)",
    re.M | re.S,
)
_MENTION = re.compile(r"(?<![A-Za-z0-9_\\@./-])(-?)@(?:\{(?P<braced>[^{}\s]+)\}|(?P<bare>\w(?:[\w:.#$%&+?<>~/-]*\w)?))")
_HEADING = re.compile(r"^(?P<marks>#{1,6})[ \t]+(?P<title>.*?)[ \t]*(?:\{(?P<attributes>[^{}\n]*)\})?[ \t]*$", re.M)
_IMAGE = re.compile(r"(?P<before>!\[[^\]\n]*\]\()(?P<path>[^)\s]+)")


def slug(title: str) -> str:
    """Return the key of a heading or a caption: its Latin letters and digits; '' where it has none to begin with."""
    return "_".join(re.findall(r"[a-z0-9]+", title.lower())).lstrip("0123456789_")[:60].rstrip("_")


def closed(text: str) -> str:
    """Return a Markdown cell with its last code fence closed, so that it swallows nothing of what follows."""
    for match in _CODE.finditer(text):
        fence = match["fence"]
        if fence and not re.search(rf"\n {{0,3}}{re.escape(fence)}[`~]*[ \t]*\Z", match[0]):
            return f"{text}\n{fence}"
    return text


def named_headings(text: str, taken: dict[str, tuple[str, str]]) -> str:
    """Give every heading of a Markdown cell an identifier that `@sec:` finds, and add it to those taken.

    Parameters
    ----------
    text : str
        A Markdown cell.
    taken : dict of str to tuple of str
        Title and identifier of the sections so far, by key.
    """

    def named(match: re.Match[str]) -> str:
        given = re.search(r"#([\w:.-]+)", match["attributes"] or "")
        if given:
            taken.setdefault(given[1].removeprefix("sec-"), (match["title"], given[1]))
            return match[0]
        key = slug(match["title"])
        if not key or key in taken or match["attributes"] is not None:
            return match[0]
        taken[key] = (match["title"], f"sec-{key}")
        return f"{match['marks']} {match['title']} {{#sec-{key}}}"

    return _outside_code(text, lambda part: _HEADING.sub(named, part))


def resolved(
    text: str,
    link: Callable[[str, str], str | None],
    citable: Collection[str],
) -> tuple[str, list[str]]:
    """Resolve the references of a Markdown cell.

    Parameters
    ----------
    text : str
        Pandoc Markdown; what stands in code is left alone.
    link : callable
        Gets the kind (fig, tbl, sec) and the key, and returns Markdown that refers to it; None where there is none.
    citable : collection of str
        Keys of the literature.

    Returns
    -------
    text : str
        What resolves is linked, citations are left to pandoc, and the rest is marked.
    unknown : list of str
        What did not resolve, as it was written.
    """
    unknown: list[str] = []

    def mention(match: re.Match[str]) -> str:
        given = match["braced"] or match["bare"]
        # Chinese sets no space between a key and what follows it
        for key in dict.fromkeys((given, re.split(r"[^!-~]", given)[0].rstrip(".,:;"))):
            rest = given[len(key) :]
            if key in citable:
                return f"{match[1]}@{{{key}}}{rest}"
            kind, _, name = key.partition(":")
            found = link(kind, name) if kind in ("fig", "tbl", "sec") and name else None
            if found is not None:
                return f"{match[1]}{found}{rest}"
        unknown.append(f"@{given}")
        return f"{match[1]}[{escaped(f'@{given}')}]{{.unresolved}}"

    return _outside_code(text, lambda part: _MENTION.sub(mention, part)), unknown


def pictures(text: str, attached: Mapping[str, Mapping[str, str]]) -> tuple[str, list[str]]:
    """Put pictures that were pasted into a Markdown cell into its text, and name those that lie elsewhere."""
    elsewhere: list[str] = []

    def picture(match: re.Match[str]) -> str:
        path = match["path"]
        for media, content in attached.get(path.removeprefix("attachment:"), {}).items():
            return f"{match['before']}data:{media};base64,{''.join(content.split())}"
        if not path.startswith("data:"):
            elsewhere.append(path)
        return match[0]

    return _outside_code(text, lambda part: _IMAGE.sub(picture, part)), elsewhere


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if code else change(part) for part, code in _parts(text))


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for match in _CODE.finditer(text):
        yield text[at : match.start()], False
        yield match[0], True
        at = match.end()
    yield text[at:], False
