"""What a run leaves on record of itself."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from xmresearch.run.cache import MANIFEST, Identity, file_hash
from xmresearch.run.determinism import SETTINGS
from xmresearch.run.public_params import public_params

NAME = MANIFEST
REQUIRED = frozenset({"executed.ipynb", "report.html"})


def git_state(root: Path) -> dict[str, Any]:
    """Return the commit and whether the working tree differs from it; empty outside a git checkout."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    return {} if commit is None else {"commit": commit, "dirty": bool(git("status", "--porcelain"))}


def write_manifest(
    folder: Path,
    identity: Identity,
    root: Path,
    notebook: Mapping[str, Any],
    started: str,
    seconds: Mapping[str, float],
    notes: Sequence[str] = (),
) -> None:
    """Write the manifest beside the outputs that it lists.

    Parameters
    ----------
    folder : Path
        The run's folder, complete but for the manifest.
    identity : Identity
        What determined the result.
    root : Path
        Project folder, for the git state.
    notebook : mapping
        The executed notebook, for the seconds each cell took.
    started : str
        When the run began, ISO 8601 in UTC.
    seconds : mapping of str to float
        Duration of the run's stages, and its CPU time.
    notes : sequence of str
        What the user is told of the result, whenever it is asked for.
    """
    cells = [
        {"cell": title(cell), "seconds": round(float(cell["metadata"]["papermill"].get("duration") or 0.0), 3)}
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
    params = public_params(identity.params)
    content = {
        "key": identity.key,
        "params": params,
        "inputs": dict(identity.inputs),
        "code": identity.code,
        "lock": identity.lock,
        "git": git_state(root),
        "python": identity.python,
        "versions": dict(identity.packages),
        "threads": {"settings": SETTINGS, "cores": os.cpu_count()},
        "seeds": {name: value for name, value in _flat(params) if name.rpartition(".")[2] == "seed"},
        "started": started,
        "seconds": dict(seconds),
        "cells": cells,
        "notes": list(notes),
        "outputs": output_hashes(folder),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False)
    (folder / NAME).write_text(text + "\n", "utf-8")


def output_hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder but its manifest, by name."""
    files = (
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).as_posix() != NAME
    )
    return {path.relative_to(folder).as_posix(): file_hash(path) for path in files}


def add_outputs(old: Path, new: Path) -> None:
    """Write the manifest of a run that has got more outputs: all else stays as it was recorded.

    Parameters
    ----------
    old, new : Path
        Folder with the manifest, and the one that holds its outputs and the new ones.
    """
    content = json.loads((old / NAME).read_text("utf-8")) | {"outputs": output_hashes(new)}
    (new / NAME).write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False) + "\n", "utf-8")


def recorded(folder: Path) -> dict[str, str] | None:
    """Return the hashes that a run's folder records of its outputs, by name; None where it holds no readable manifest."""
    try:
        content = json.loads((folder / NAME).read_text("utf-8"))
        return {str(name): str(digest) for name, digest in content["outputs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def flaws(folder: Path) -> list[str]:
    """Say why a run's folder is not whole.

    Parameters
    ----------
    folder : Path
        That of a run.

    Returns
    -------
    list of str
        One for each output of the manifest that is missing or differs; empty where every output is there, unchanged.
    """
    outputs = recorded(folder)
    if outputs is None or not outputs.keys() >= REQUIRED:
        return [f"{NAME} is missing or damaged"]
    found = []
    for name, digest in outputs.items():
        try:
            if file_hash(folder / name) != digest:
                found.append(f"{name} is not as the run left it")
        except OSError:
            found.append(f"{name} is missing")
    return found


def is_whole(folder: Path) -> bool:
    """Whether a run's folder holds every output of its manifest, unchanged."""
    return not flaws(folder)


def recorded_notes(folder: Path) -> tuple[str, ...]:
    """Return the notes that a whole run's manifest holds."""
    return tuple(json.loads((folder / NAME).read_text("utf-8")).get("notes", ()))


def title(cell: Mapping[str, Any]) -> str:
    """Return a cell's first line, without the comment sign."""
    lines = "".join(cell["source"]).strip().splitlines()
    return lines[0].lstrip("# ").strip() if lines else ""


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in content.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found
