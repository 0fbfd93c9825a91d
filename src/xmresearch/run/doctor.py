"""Look at what a run depends on outside its params."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from xmresearch.data import FOLDER_VARIABLE
from xmresearch.errors import XMError


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    what, state : str
        The thing, and how it is.
    ok : bool
        Whether nothing needs mending.
    """

    what: str
    state: str
    ok: bool


def examine() -> list[Finding]:
    """Look at Python, packages against the lock, fonts, pandoc, the kernel, threads, compile cache and data folder."""
    return [
        _python(),
        _lock(),
        _fonts(),
        _pandoc(),
        _kernel(),
        _threads(),
        _byte_code(),
        _compile_cache(),
        _data_folder(),
    ]


def _python() -> Finding:
    return Finding("Python", f"{platform.python_version()} (3.12 or newer is needed)", sys.version_info >= (3, 12))


def _lock() -> Finding:
    import tomllib

    from xmresearch.run.project import project_root

    try:
        path = project_root() / "uv.lock"
    except XMError as error:
        return Finding("lock", str(error), False)
    if not path.is_file():
        return Finding("lock", "there is no uv.lock; run 'uv lock'", False)
    locked: dict[str, set[str]] = {}
    for package in tomllib.loads(path.read_text("utf-8"))["package"]:
        locked.setdefault(package["name"], set()).add(package.get("version", ""))
    wrong = []
    for found in metadata.distributions():
        name = found.name.lower().replace("_", "-").replace(".", "-")
        if name in locked and found.version not in locked[name]:
            wrong.append(f"{name} {found.version} (locked: {', '.join(sorted(locked[name]))})")
    return Finding(
        "lock", f"differs: {'; '.join(wrong[:5])}; run 'uv sync'" if wrong else "installed as locked", not wrong
    )


def _fonts() -> Finding:
    from xmresearch.report.fonts import cjk_font_path

    try:
        return Finding("fonts", f"{cjk_font_path().name} draws figures in both languages", True)
    except XMError as error:
        return Finding("fonts", str(error), False)


def _pandoc() -> Finding:
    import pypandoc

    try:
        return Finding("pandoc", str(pypandoc.get_pandoc_version()), True)
    except OSError:
        return Finding("pandoc", "missing; reinstall pypandoc-binary", False)


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Finding("Jupyter kernel", "'python3' is missing; reinstall ipykernel", False)
    return Finding("Jupyter kernel", "python3", True)


def _threads() -> Finding:
    return Finding("threads", f"{os.cpu_count()} cores; runs use one BLAS thread, so that they repeat", True)


def _byte_code() -> Finding:
    import numpy

    compiled = (Path(numpy.__file__).parent / "__pycache__").is_dir()
    state = (
        "packages are byte-compiled" if compiled else "packages are not byte-compiled: imports take three times as long"
    )
    return Finding("byte code", state if compiled else f"{state}; run 'make study'", compiled)


def _compile_cache() -> Finding:
    import pytensor

    folder = Path(str(pytensor.config.compiledir))
    size = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6 if folder.is_dir() else 0.0
    return Finding("compile cache", f"{size:.0f} MB of compiled models", os.access(folder.parent, os.W_OK))


def _data_folder() -> Finding:
    given = os.environ.get(FOLDER_VARIABLE)
    if not given:
        return Finding("data folder", f"{FOLDER_VARIABLE} is not set; known data sets come from their publishers", True)
    there = Path(given).is_dir()
    return Finding("data folder", f"{FOLDER_VARIABLE} = {given}" + ("" if there else ", which is no folder"), there)
