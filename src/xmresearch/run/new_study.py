"""Begin a study of one's own: a folder with a notebook, params, a method, claims, words and a test that all work."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

import numpy as np
import pandas as pd

from xmresearch.errors import OutputError, ParamsError
from xmresearch.params.registry import study_names

_TEMPLATES = Path(__file__).with_name("study_template")
_FILES = {
    "__init__.py": None, "study.py": "study.py.txt", "params.py": "params.py.txt", "difference.py": "difference.py.txt",
    "claims.py": "claims.py.txt", "words/en.yml": "words/en.yml", "words/zh.yml": "words/zh.yml", "demo.yml": "demo.yml.txt",
    "test_@name@.py": "test_study.py.txt",
}  # fmt: skip
_EXAMPLE_ROWS, _EXAMPLE_SEED = 200, 20260101


def new_study(name: str, into: str | Path) -> Path:
    """Write a working study to start from.

    Parameters
    ----------
    name : str
        Of the study and its folder: small letters, digits and _, not the name of another study or package.
    into : str or Path
        Folder to make the study's folder in; it is made if need be.

    Returns
    -------
    Path
        The study's folder, which `xmresearch` finds from there, from `into`, and from below either.

    Raises
    ------
    ParamsError
        The name cannot name a study.
    OutputError
        The folder exists already, or cannot be written.
    """
    into = Path(into)
    _require_free(name, into)
    folder = into / name
    try:
        folder.mkdir(parents=True)
        (folder / "words").mkdir()
        for target, template in _FILES.items():
            text = (_TEMPLATES / template).read_text("utf-8") if template else f'"""The study \'{name}\'."""\n'
            (folder / _named(target, name)).write_text(_named(text, name), "utf-8")
        (folder / f"{name}.ipynb").write_text(_notebook(name), "utf-8")
        _example().to_csv(folder / "example.csv", index=False, lineterminator="\n")
    except OSError as error:
        raise OutputError(f"'{folder}' cannot be written: {error.strerror or error}.") from None
    return folder


def _require_free(name: str, into: Path) -> None:
    if not (name.isidentifier() and name.isascii() and name.islower()) or name.startswith("_") or iskeyword(name):
        raise ParamsError(f"'{name}' cannot name a study.", "Use small letters, digits and _, and begin with a letter.")
    if (into / name).exists():
        raise OutputError(f"'{into / name}' exists already.", "Choose another name, or delete it.")
    if name in study_names(into):
        raise ParamsError(f"There is a study '{name}' already.", "Choose another name.")
    if name in sys.stdlib_module_names or find_spec(name) is not None:
        raise ParamsError(f"'{name}' is the name of a Python package.", "Choose another name.")


def _named(text: str, name: str) -> str:
    return text.replace("@name@", name).replace("@Name@", name.title().replace("_", ""))


def _notebook(name: str) -> str:
    """Return the notebook's file: cells are written in the template one after the other, each under its kind and tags."""
    cells = []
    for number, part in enumerate(_named((_TEMPLATES / "notebook.txt").read_text("utf-8"), name).split("%% ")[1:]):
        head, _, source = part.partition("\n")
        kind, *tags = head.split()
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": tags} if tags else {}}
        code: dict[str, object] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        cells.append(cell | code | {"source": source.strip().splitlines(keepends=True)})
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": cells, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}  # fmt: skip
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _example() -> pd.DataFrame:
    """Return simulated answers of two groups, whose true means are 7.0 and 7.5."""
    rng = np.random.default_rng(_EXAMPLE_SEED)
    group = np.repeat(["counter", "online"], _EXAMPLE_ROWS)
    score = np.clip(rng.normal(np.where(group == "online", 7.5, 7.0), 1.5).round(), 0, 10).astype(int)
    return pd.DataFrame({"group": group, "score": score})
