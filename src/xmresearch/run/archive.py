"""What a run keeps of its inputs so that it can be repeated: params, codebook and references, never rows."""

from __future__ import annotations

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
KEPT = {"codebook": ".yml", "references": ".bib", "own_references": ".bib"}
"""Inputs that are kept, with the ending that they get: those that hold no rows of respondents."""


def kept_name(key: str) -> str:
    """Return the name that a kept input has in a run's folder."""
    return f"{FOLDER}/{key}{KEPT[key]}"


def write_archive(plan: Plan, folder: Path) -> None:
    """Write params, codebook and references into a run's folder.

    Parameters
    ----------
    plan : Plan
        Of the run.
    folder : Path
        The run's.

    Notes
    -----
    All of it is as outputs may show it. A text that holds identifiers of persons is kept without them, a codebook without the names of
    segments' values; it then serves readers, while repeating the run needs the original.
    """
    (folder / FOLDER).mkdir()
    params = public_params(plan.identity.params)
    text = yaml.safe_dump(params, allow_unicode=True, sort_keys=False, width=10_000)
    (folder / PARAMS).write_text(text, "utf-8", newline="\n")
    for key, path in plan.inputs.items():
        if key not in KEPT:
            continue
        content = path.read_bytes()
        try:
            read = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
        shown = scrub(_without_groups(read) if KEPT[key] == ".yml" else read)
        (folder / kept_name(key)).write_bytes(content if shown == read else shown.encode())


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
