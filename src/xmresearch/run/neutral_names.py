"""Names of files that tell who somebody is, kept out of what a run writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xmresearch.identifiers.file_names import neutral_name


def telling_names(params: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths of data that tell who somebody is, with what stands for them in outputs.

    Parameters
    ----------
    params : mapping
        Validated params, as JSON.

    Returns
    -------
    dict of str to str
        Empty where none does.
    """
    found: dict[str, str] = {}
    for value in params.values():
        if isinstance(value, Mapping):
            found |= telling_names(value)
            path = value.get("path")
            if isinstance(path, str) and scrub_path(path) != path:
                found[path] = scrub_path(path)
                found[Path(path).name] = neutral_name(Path(path).name)
        elif isinstance(value, list):
            found |= telling_names({str(k): v for k, v in enumerate(value)})
    return found


def scrub_path(path: str) -> str:
    """Return a path each part of which has a neutral name."""
    return "/".join(neutral_name(part) if part else part for part in path.replace("\\", "/").split("/"))


def neutral(content: Any, names: Mapping[str, str]) -> Any:
    """Put other names in the place of some wherever they stand in the texts of a structure."""
    if isinstance(content, str):
        for name, instead in names.items():
            content = content.replace(name, instead)
        return content
    if isinstance(content, Mapping):
        return {neutral(k, names): neutral(v, names) for k, v in content.items()}
    return [neutral(v, names) for v in content] if isinstance(content, list) else content
