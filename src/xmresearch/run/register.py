"""The action register: what is done about what a report says, who does it, until when, and what it is to reach."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from xmresearch.data.strict_yaml import read_yaml
from xmresearch.errors import ParamsError, Problems, brief, nearest
from xmresearch.params.actions import Action
from xmresearch.params.base import StudyParams
from xmresearch.params.messages import by_place, describe
from xmresearch.params.study import Study

INPUT, ACTIONS = "actions", "actions.json"
REGISTER = frozenset({"actions", "actions_file"})
"""Params that the register comes from; what a run keeps of them is the register itself, in a file of its own."""
FIELDS = tuple(Action.model_fields)


def read_actions(params: StudyParams, base: Path, study: Study) -> list[Action]:
    """Return the lines of a run's action register.

    Parameters
    ----------
    params : StudyParams
        Of the run: `actions`, and the file that `actions_file` names.
    base : Path
        Folder that relative paths start from.
    study : Study
        Whose claims actions may name.

    Returns
    -------
    list of Action
        Those of the params first.

    Raises
    ------
    ParamsError
        The file does not exist or holds something else; a date is none; a claim is none of the study's. All mistakes at once.
    """
    problems, found = Problems(), list(params.actions)
    if params.actions_file is not None:
        with problems.step():
            found += _of_file(base / params.actions_file, params.actions_file)
    # a study's claims are behind its methods, which take long to load
    known = list(study.claims()) if any(action.claim is not None for action in found) else []
    for number, action in enumerate(found, 1):
        with problems.step():
            if action.claim is not None and action.claim not in known:
                raise ParamsError(
                    f"actions: line {number} names the claim {brief(repr(action.claim))}, which is none of the study '{study.name}'.",
                    nearest(action.claim, known),
                )
    problems.settle()
    return found


def require_subjects(actions: Sequence[Action], data: Any) -> None:
    """Raise where an action is about something that the survey did not ask.

    Parameters
    ----------
    actions : sequence of Action
        From `read_actions`.
    data : object
        As the study opens it; without a codebook nothing can be told before the run.

    Raises
    ------
    ParamsError
        Naming the nearest dimension or item.
    """
    book = getattr(data, "codebook", None)
    if book is None:
        return
    known = [*book.constructs, *(c.name for c in book.columns), *(c.statement for c in book.columns if c.statement)]
    problems = Problems()
    for number, action in enumerate(actions, 1):
        with problems.step():
            if action.about is not None and action.about not in known:
                raise ParamsError(
                    f"actions: line {number} is about {brief(repr(action.about))}, which is no dimension and no item of the codebook.",
                    nearest(action.about, known),
                )
    problems.settle()


def as_input(actions: Sequence[Action]) -> dict[str, str]:
    """Return the register as one of a run's inputs: its hash, by its key; nothing where there is no register."""
    if not actions:
        return {}
    return {
        INPUT: hashlib.sha256(json.dumps(as_json(actions), ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    }


def as_json(actions: Sequence[Action]) -> list[dict[str, Any]]:
    """Return the register as JSON."""
    return [action.model_dump(mode="json") for action in actions]


def write_actions(actions: Sequence[Action], folder: Path) -> None:
    """Write the register into a run's folder, as the user gave it; nothing where there is none."""
    if actions:
        text = json.dumps(as_json(actions), indent=1, ensure_ascii=False)
        (folder / ACTIONS).write_text(text + "\n", "utf-8", newline="\n")


def recorded_actions(folder: Path) -> list[Action]:
    """Return the register that a run's folder holds; empty where there is none."""
    path = folder / ACTIONS
    return [Action.model_validate(line) for line in json.loads(path.read_text("utf-8"))] if path.is_file() else []


def _of_file(path: Path, shown: str) -> list[Action]:
    if not path.is_file():
        raise ParamsError(
            f"actions_file: the file '{shown}' does not exist.",
            "Relative paths start from the folder of the params file.",
        )
    problems, found = Problems(), []
    for number, line in enumerate(_lines(path, shown), 1):
        with problems.step():
            try:
                found.append(Action.model_validate(line))
            except ValidationError as error:
                problem, hint = describe(Action, by_place(error)[0])
                raise ParamsError(f"{shown}, line {number} of the register: {problem}", hint) from None
    problems.settle()
    return found


def _lines(path: Path, shown: str) -> list[Mapping[str, Any]]:
    """Return the lines of a file, each by column; blank cells are left out."""
    import pandas as pd

    if path.suffix.lower() in (".yml", ".yaml"):
        content = read_yaml(path, shown, ParamsError).value
        if not isinstance(content, list) or not all(isinstance(line, Mapping) for line in content):
            raise ParamsError(f"{shown} is not a list of actions.", "Write '- {action: ..., claim: ...}' lines.")
        return content
    if path.suffix.lower() == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    elif path.suffix.lower() == ".xlsx":
        table = pd.read_excel(path, dtype=object)
    else:
        raise ParamsError(f"actions_file: '{shown}' is no CSV, Excel (.xlsx) or YAML file.")
    unknown = [str(c) for c in table.columns if c not in FIELDS]
    if unknown:
        raise ParamsError(f"{shown} has the column {brief(repr(unknown[0]))}.", nearest(unknown[0], FIELDS))
    return [
        {str(k): _cell(str(k), v) for k, v in row.items() if not pd.isna(v) and str(v).strip()} for row in table.to_dict("records")
    ]  # fmt: skip


def _cell(column: str, value: Any) -> Any:
    """Return a cell as the register takes it: numbers of targets, dates of Excel, and text."""
    if column == "target":
        try:
            return float(value)
        except (TypeError, ValueError):
            return value
    if isinstance(value, datetime):
        return value.date()
    return str(value).strip()
