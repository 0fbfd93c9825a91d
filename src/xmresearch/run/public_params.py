"""A run's params as its outputs show them: without identifiers of persons, in values and names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath, PureWindowsPath
from typing import Any

from xmresearch.identifiers.file_names import neutral_name
from xmresearch.identifiers.headings import by_name
from xmresearch.identifiers.names import PLACEHOLDER, is_name
from xmresearch.identifiers.patterns import scrub_all

_PATHS = ("path", "codebook", "codeframe", "key", "logo", "css", "reference_docx", "reference_pptx")
FILE_OF_DATABASE = "duckdb:///"
"""What stands before the path of a database's file in its address."""
_SCHEMES = re.compile(rf"{FILE_OF_DATABASE}|(?:s3|gs|az)://")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_RULES = ("where", "missing_codes")


def public_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return params as outputs show them.

    Parameters
    ----------
    params : mapping
        Validated params, as JSON.

    Returns
    -------
    dict
        Texts without identifiers and folders of this machine, parts of paths that tell who somebody is under a neutral name, and no values of columns of persons
        nor names of persons in a query by which rows are chosen.
    """
    shown: dict[str, Any] = scrub_all(_neutral(portable(params)))
    return shown


def portable(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return params without folders of this machine: of a file that they name by an absolute path, its name.

    Parameters
    ----------
    params : mapping
        Validated params, as JSON.

    Returns
    -------
    dict
    """
    found: dict[str, Any] = _portable(params)
    return found


def dotted(content: Any, prefix: str = "") -> dict[str, Any]:
    """Return params by key, with dots into sections, and numbers from 1 into lists of sections.

    Parameters
    ----------
    content : mapping
        Params, as JSON.
    prefix : str
        Before every key.

    Returns
    -------
    dict
        Values that are neither, and empty sections, stay whole.
    """
    if isinstance(content, Mapping) and content:
        parts = [(str(key), value) for key, value in content.items()]
    elif isinstance(content, list) and any(isinstance(value, Mapping) for value in content):
        parts = [(str(number), value) for number, value in enumerate(content, 1)]
    else:
        return {prefix: content} if prefix else {}
    found: dict[str, Any] = {}
    for key, value in parts:
        found |= dotted(value, f"{prefix}.{key}" if prefix else key)
    return found


def is_absolute(text: str) -> bool:
    """Whether a text is an absolute path, of this system or of Windows."""
    return PurePath(text).is_absolute() or PureWindowsPath(text).is_absolute()


def _portable(content: Any, key: str = "") -> Any:
    if isinstance(content, Mapping):
        return {k: _portable(v, str(k)) for k, v in content.items()}
    if isinstance(content, list):
        return [_portable(v, key) for v in content]
    if not isinstance(content, str):
        return content
    if key == "url" and content.startswith(FILE_OF_DATABASE):
        return f"{FILE_OF_DATABASE}{_portable(content.removeprefix(FILE_OF_DATABASE), 'path')}"
    if not is_absolute(content):
        return content
    path = PureWindowsPath(content) if PureWindowsPath(content).is_absolute() else PurePath(content)
    return path.name if path.name and (key in _PATHS or path.suffix) else content


def _neutral(content: Any, key: str = "") -> Any:
    if isinstance(content, Mapping):
        return {
            k: [f"[{by_name(str(k))}]"] if key in _RULES and by_name(str(k)) else _neutral(v, str(k))
            for k, v in content.items()
        }
    if isinstance(content, list):
        return [_neutral(v) for v in content]
    if not isinstance(content, str):
        return content
    if key == "sql":
        return _LITERAL.sub(lambda found: f"'{PLACEHOLDER}'" if is_name(found[1]) else found[0], content)
    scheme = _SCHEMES.match(content)
    if scheme and key in ("url", *_PATHS):
        return f"{scheme[0]}{_neutral(content[scheme.end() :], 'path')}"
    if key not in _PATHS or content.startswith("env:"):
        return content
    return str(PurePath(*map(neutral_name, PurePath(content).parts))) if content else content


def show_public(notebook: Any, params: Mapping[str, Any]) -> list[str]:
    """Let an executed notebook show its params as outputs do.

    Parameters
    ----------
    notebook : NotebookNode
        Executed by papermill; changed in place.
    params : mapping
        Validated params, as JSON.

    Returns
    -------
    list of str
        A note where something had to be replaced.
    """
    shown = public_params(params)
    if shown == params:
        return []
    import nbformat
    from papermill.translators import PythonTranslator

    from xmresearch.report.outputs import INJECTED_TAG, tags

    notebook.update(nbformat.from_dict(_renamed(notebook, _telling(params))))  # type: ignore[no-untyped-call]
    notebook["metadata"]["papermill"]["parameters"] = shown
    for cell in notebook["cells"]:
        if INJECTED_TAG in tags(cell):
            cell["source"] = PythonTranslator.codify(shown, "Parameters")
    if shown == portable(params):
        return []
    return ["Params that tell who somebody is are replaced in the outputs; the params file has them as they are."]


def _telling(content: Any) -> dict[str, str]:
    """Return the paths that params name and that tell who somebody is, and the names of these files, with what stands for them."""
    found: dict[str, str] = {}
    for key, value in content.items() if isinstance(content, Mapping) else enumerate(content):
        if isinstance(value, Mapping | list):
            found |= _telling(value)
        elif (shown := _neutral(_portable(value, str(key)), str(key))) != value:
            found |= {value: shown}
            if key != "sql":
                found |= {PurePath(value).name: PurePath(shown).name}
    return found


def _renamed(content: Any, names: Mapping[str, str]) -> Any:
    """Put other names in the place of some wherever they stand in the texts of a notebook."""
    if isinstance(content, str):
        for name, instead in names.items():
            content = content.replace(name, instead)
        return content
    if isinstance(content, Mapping):
        return {k: _renamed(v, names) for k, v in content.items()}
    return [_renamed(v, names) for v in content] if isinstance(content, list) else content
