"""What a run keeps of its inputs so that it can be repeated: params, codebook, references and the client's style, never rows."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from xmresearch.identifiers.file_names import neutral_name
from xmresearch.identifiers.patterns import scrub
from xmresearch.run.plan import Plan
from xmresearch.run.project import shipped
from xmresearch.run.public_params import FILE_OF_DATABASE, is_absolute, public_params

FOLDER = "archive"
PARAMS = f"{FOLDER}/params.yml"
PSEUDONYM_KEY = ".protect.key"
_WORDS_OF_WORD = re.compile(r"<w:t(?: [^>]*)?>[^<]*\S")
_TEXT_OF_XML = re.compile(r">([^<>]*\S[^<>]*)<")
KEPT = {"codebook": ".yml", "codeframe": ".yml", "references": ".bib", "own_references": ".bib"}
"""Inputs that are kept as texts, with the ending that they get: those that hold no rows of respondents."""
STYLE = "style."
"""What keys of inputs that are files of a client's style begin with; they keep their endings."""


def kept_name(key: str, place: str) -> str | None:
    """Return the name that an input has in a run's folder where the run keeps it.

    Parameters
    ----------
    key, place : str
        Of the input, and where it lies.

    Returns
    -------
    str or None
        None of what is never kept.
    """
    if key.startswith(STYLE):
        return f"{FOLDER}/{key}{PurePosixPath(place).suffix.lower()}"
    return f"{FOLDER}/{key}{KEPT[key]}" if key in KEPT else None


def write_archive(plan: Plan, folder: Path) -> None:
    """Write params, codebook, references and files of the client's style into a run's folder.

    Parameters
    ----------
    plan : Plan
        Of the run.
    folder : Path
        The run's.

    Notes
    -----
    All of it is as outputs may show it. A text that holds identifiers of persons is kept without them, a codebook without the names of
    segments' values; it then serves readers, while repeating the run needs the original. A file of the style is kept as it is or, where it
    holds identifiers, not at all; and no document that has slides or text of its own, since that may be of other people.
    """
    (folder / FOLDER).mkdir()
    params = public_params(plan.identity.params)
    text = yaml.safe_dump(params, allow_unicode=True, sort_keys=False, width=10_000)
    (folder / PARAMS).write_text(text, "utf-8", newline="\n")
    for key, path in plan.inputs.items():
        name = kept_name(key, path.name)
        if name is None:
            continue
        content = path.read_bytes()
        kept = _of_style(content, path.suffix.lower()) if key.startswith(STYLE) else _of_text(content, KEPT[key])
        if kept is not None:
            (folder / name).write_bytes(kept)


def _of_text(content: bytes, ending: str) -> bytes | None:
    """Return a text as outputs may show it; None where it is none."""
    try:
        read = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    shown = scrub(_without_groups(read) if ending == ".yml" else read)
    return content if shown == read else shown.encode()


def _of_style(content: bytes, ending: str) -> bytes | None:
    """Return a file of a style; None where it holds identifiers, or is a document with content of its own."""
    if ending in (".css", ".svg"):
        return content if _of_text(content, ending) == content else None
    if ending not in (".docx", ".pptx"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        read = {name: parts.read(name).decode("utf-8", "replace") for name in parts.namelist() if name.endswith(".xml")}
    if any(name.startswith("ppt/slides/") for name in read) or re.search(
        _WORDS_OF_WORD, read.get("word/document.xml", "")
    ):
        return None
    texts = "\n".join(text for part in read.values() for text in _TEXT_OF_XML.findall(part))
    return content if scrub(texts) == texts else None


def _without_groups(codebook: str) -> str:
    """Return a codebook without the names of segments' values: one may be that of a group too small to show."""
    content = yaml.safe_load(codebook)
    segments = content.get("segments") if isinstance(content, dict) else None
    of = segments.values() if isinstance(segments, dict) else ()
    named = [segment for segment in of if isinstance(segment, dict) and segment.get("values")]
    if not named:
        return codebook
    for segment in named:
        del segment["values"]
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000)


def input_places(plan: Plan) -> dict[str, str]:
    """Return where a run's inputs lie, from the folder of its params file, as outputs may show it.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    dict of str to str
        By key of the input; of a file that the params name by an absolute path its name alone. Files of known data sets and of
        the project are left out.
    """
    given = plan.params.determining()
    named = (text.removeprefix(FILE_OF_DATABASE) for text in _texts(given))
    absolute = {text for text in named if is_absolute(text)}
    paths = {key: path for key, path in plan.inputs.items() if key != "references"} | plan.rows.databases
    for key in plan.identity.inputs:
        if key.endswith(PSEUDONYM_KEY) and not (text := _at(given, key)).startswith("env:"):
            paths[key] = plan.base / text
    found = {}
    for key, path in paths.items():
        if str(path) in absolute:
            place = PurePosixPath(path.name)
        elif str(path.parent) in absolute:
            place = PurePosixPath(path.parent.name, path.name)
        elif path.is_relative_to(plan.base):
            place = PurePosixPath(path.relative_to(plan.base).as_posix())
        else:
            continue
        found[key] = str(PurePosixPath(*map(neutral_name, place.parts)))
    return found


def params_place(plan: Plan) -> str:
    """Return the folder of the params file, from the project's; '' where it lies elsewhere or tells who somebody is."""
    for root in (plan.root.resolve(), shipped()):
        if plan.near.is_relative_to(root):
            place = PurePosixPath(plan.near.relative_to(root).as_posix())
            return str(place) if all(neutral_name(part) == part for part in place.parts) else ""
    return ""


def _at(content: Any, key: str) -> str:
    for part in key.split("."):
        content = content[part]
    return str(content)


def _texts(content: Any) -> Iterator[str]:
    """Go through all texts in params."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping | list):
        for value in content.values() if isinstance(content, Mapping) else content:
            yield from _texts(value)
