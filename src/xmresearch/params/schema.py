"""What editors and newcomers see of the params: JSON Schema, and a commented file to start from."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from xmresearch.data.config import FileSource, SqlSource
from xmresearch.errors import ParamsError
from xmresearch.params.messages import describe, most_telling
from xmresearch.params.registry import find_study

_QUERY = SqlSource(source="sql", sql="SELECT * FROM survey WHERE year = 2025", url="postgresql://HOST/DATABASE")


def json_schema(study: str) -> str:
    """Return the JSON Schema of a study's params file.

    Parameters
    ----------
    study : str
        Of the study, as the registry has it.

    Returns
    -------
    str
        JSON, for editors (the YAML language server reads it).

    Raises
    ------
    ParamsError
        There is no such study.
    """
    schema = find_study(study).params.model_json_schema()
    schema["required"] = ["study"]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def commented_params(study: str, name: str) -> str:
    """Write a params file with every key, its default and what it means.

    Parameters
    ----------
    study : str
        Of the study, as the registry has it.
    name : str
        Of the run.

    Returns
    -------
    str
        YAML that validates as it stands.

    Raises
    ------
    ParamsError
        There is no such study, or the name cannot name a folder.
    """
    kind = find_study(study).params
    try:
        model = kind.model_validate({"study": study, "name": name})
    except ValidationError as error:
        raise ParamsError(*describe(kind, most_telling(error))) from None
    lines = [
        f"# yaml-language-server: $schema=../{study}.schema.json",
        "# Every key, with its default. Delete what you do not change; relative paths start from this file's folder.",
    ]
    lines += _fields(model, 0)
    lines += [
        "# A file of your own instead of the simulated data: the path is enough, the rest is recognised or asked for.",
        "# data:",
        *(f"# {line}" for line in _fields(FileSource(source="file", path="survey.csv"), 1)),
    ]
    lines += [
        "# or the rows of a query, whose user and password come from the environment (PGUSER, PGPASSWORD, ...):",
        "# data:",
        *(f"# {line}" for line in _fields(_QUERY, 1, only=("sql", "url", "name", "timeout"))),
    ]
    if "codebook" in kind.model_fields:
        lines += ["# with a codebook that says what its columns measure:", "# codebook: my_codebook.yml"]
    return "\n".join(lines) + "\n"


def _fields(model: BaseModel, depth: int, only: Collection[str] | None = None) -> list[str]:
    lines: list[str] = []
    pad = "  " * depth
    for name, field in type(model).model_fields.items():
        if only is not None and name not in only:
            continue
        value: Any = getattr(model, name)
        note = f"  # {field.description}" if field.description else ""
        if isinstance(value, BaseModel):
            doc = field.description or (type(value).__doc__ or "").strip().split("\n")[0].rstrip(".")
            lines += [f"{pad}{name}:  # {doc}", *_fields(value, depth + 1)]
        else:
            plain = model.model_dump(mode="json", include={name})[name]
            flow = yaml.safe_dump(
                [plain], allow_unicode=True, default_flow_style=True, width=10_000, sort_keys=False
            ).strip()
            lines.append(f"{pad}{name}: {flow[1:-1]}{note}")
    return lines
