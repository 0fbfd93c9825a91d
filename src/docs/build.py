"""Build the reference pages and the gallery of reports: `python src/docs/build.py outputs/docs [folder of outputs]`."""

from __future__ import annotations

import html
import inspect
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from names import Names, described, homes, packages
from sphinx.cmd.build import build_main

import xmresearch
from xmresearch.params.registry import study_names

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main(target: Path, outputs: Path = ROOT / "outputs") -> int:
    """Write the pages as HTML, which need no network.

    Parameters
    ----------
    target : Path
        Folder of the pages.
    outputs : Path
        Where the reports of the gallery are.

    Returns
    -------
    int
        0; otherwise Sphinx's code for an error, as which every warning counts.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source"
        source.mkdir()
        for name, text in _pages(source, target.resolve(), outputs).items():
            (source / f"{name}.rst").write_text(text, "utf-8")
        command = ["-W", "--keep-going", "-q", "-E", "-c", str(HERE), "-d", str(Path(folder) / "trees")]
        return build_main([*command, str(source), str(target)])


def _pages(source: Path, target: Path, outputs: Path) -> dict[str, str]:
    """Return the text of every page by its name."""
    pages = {name: "\n\n".join(_package(f"xm.{name}", module)) for name, module in packages().items()}
    pages["gallery"] = _gallery(source, target, outputs)
    listed = "\n".join(f"   {name}" for name in pages)
    contents = f".. toctree::\n   :maxdepth: 1\n\n{listed}"
    pages["index"] = "\n\n".join([*_package("xmresearch", xmresearch), contents])
    return {name: f"{text}\n" for name, text in pages.items()}


def _package(title: str, module: ModuleType) -> list[str]:
    """Return the parts of the page of one package: what it is for, its names at a glance, and those described here."""
    shown = described(module)
    return [_heading(title), inspect.getdoc(module) or "", _table(shown), *_entries(module.__name__, shown)]


def _heading(title: str) -> str:
    return f"{title}\n{'=' * len(title)}"


def _table(shown: Names) -> str:
    rows = [".. list-table::", "   :widths: 30 70", ""]
    for name, thing in shown:
        first = (inspect.getdoc(thing) or "").partition("\n")[0]
        rows += [f"   * - :py:obj:`{name} <{homes()[thing]}>`", f"     - {first}"]
    return "\n".join(rows)


def _entries(module: str, shown: Names) -> list[str]:
    here = [(homes()[thing], thing) for name, thing in shown if homes()[thing] == f"{module}.{name}"]
    return [f".. {'autoclass' if inspect.isclass(thing) else 'autofunction'}:: {home}" for home, thing in here]


def _gallery(source: Path, target: Path, outputs: Path) -> str:
    """Return the page of reports: those that are in `outputs`, with a figure, and how to make those that are not."""
    parts = [
        _heading("Gallery"),
        "What a run of each params file leaves: a report that can be read, checked and executed again.",
    ]
    for study in study_names():
        shipped = {path.stem for path in (ROOT / "params" / study).glob("*.yml") if not path.stem.endswith("_codebook")}
        made = {path.parent.parent.name for path in (outputs / study).glob("*/latest*/report.html")}
        parts.append(f"{study}\n{'-' * len(study)}")
        for name in sorted(shipped | made):
            found = sorted((outputs / study / name).glob("latest*/report.html"))
            parts += [_report(source, target, p) for p in found]
            if not found:
                parts.append(f"``{name}`` was not run yet: ``xmresearch run params/{study}/{name}.yml``")
    return "\n\n".join(parts) + "\n"


def _report(source: Path, target: Path, path: Path) -> str:
    """Return the entry of one report: its title, linked, and its first figure."""
    title = re.search(r"<title>(.*?)</title>", path.read_text("utf-8"), re.DOTALL)
    said = html.unescape(title[1]).strip() if title else path.parent.parent.name
    link = Path(os.path.relpath(path, target)).as_posix()
    entry = f'.. raw:: html\n\n   <p><a href="{html.escape(link)}">{html.escape(said)}</a></p>'
    figures = sorted((path.parent / "figures").glob("*.svg"))
    if not figures:
        return entry
    name = "-".join([*path.parts[-4:-1], figures[0].name])
    shutil.copy(figures[0], source / name)
    return f"{entry}\n\n.. image:: {name}\n   :width: 60%\n   :alt: {said}"


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
