"""A sweep: params files crossed with lists of values, one run for each combination."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xmresearch.data.names import Labels
from xmresearch.data.strict_yaml import read_yaml
from xmresearch.errors import ParamsError, Problems, brief, combined, nearest
from xmresearch.params.base import FormatName, StudyParams
from xmresearch.params.load import load_params
from xmresearch.params.messages import by_place, describe
from xmresearch.run.batch.job import Job
from xmresearch.run.project import params_path

MOST_RUNS = 100_000
LONGEST_NAME = 64
_OF_WHERE = "data.where."
_UNFIT = re.compile(r"[^a-z0-9]+")
Values = dict[str, list[Any]]


class Sweep(BaseModel):
    """What a batch varies; unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="names the folder of the summary: a-z, 0-9, _ and -"
    )
    params: list[str] = Field(min_length=1, description="params files; relative paths start from the sweep's file")
    cross: Values = Field({}, description="dotted key to the values that it takes; every combination is run")
    each: list[dict[str, Any]] = Field([], description="combinations that are run one by one: dotted key to value")
    exchangeable: bool = Field(
        False,
        description="whether the runs are of the same kind, such as branches: their figures are then pooled in part",
    )
    title: Labels | None = Field(None, description="of the summary; one of its own if absent")
    client: Labels | None = Field(None, description="for whom the summary is")
    lang: Literal["en", "zh"] | None = Field(
        None, description="language of all reports; that of each params file if absent"
    )
    formats: list[FormatName] = Field(["html"], description="what the summary is written as, beside HTML")

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, content: Any) -> Any:
        if isinstance(content, dict) and isinstance(content.get("params"), str):
            return content | {"params": [content["params"]]}
        return content

    @model_validator(mode="after")
    def _something_to_vary(self) -> Self:
        empty = next((key for key, values in self.cross.items() if not values), None)
        if empty is not None:
            raise ValueError(f"cross.{empty} has no values")
        for key, values in self.cross.items():
            written = [json.dumps(value, sort_keys=True, default=str) for value in values]
            if twice := next((v for v, count in Counter(written).items() if count > 1), None):
                raise ValueError(f"cross.{key} has the value {brief(twice)} twice")
        both = set(self.cross) & {key for one in self.each for key in one}
        if both:
            raise ValueError(f"'{min(both)}' stands under both cross and each")
        return self

    def combinations(self) -> Iterator[dict[str, Any]]:
        """Go through what is varied: for each entry of `each`, every combination of `cross`, the last key fastest."""
        for given in self.each or [{}]:
            for values in itertools.product(*self.cross.values()):
                yield given | dict(zip(self.cross, values, strict=True))


def read_sweep(path: str | Path) -> Sweep:
    """Read a sweep.

    Parameters
    ----------
    path : str or Path
        YAML with the keys of `Sweep`; see `params_path` for those shipped.

    Returns
    -------
    Sweep
        Its params files by paths from the working directory.

    Raises
    ------
    ParamsError
        The file is missing, no YAML mapping, or wrong in itself.
    """
    path = params_path(path)
    if not path.is_file():
        near = nearest(path.name, [p.name for p in path.parent.glob("*.yml")]) if path.parent.is_dir() else ""
        raise ParamsError(f"The sweep '{path}' does not exist.", near)
    written = read_yaml(path, str(path), ParamsError)
    if not isinstance(written.value, dict):
        raise ParamsError(f"{path} is not a mapping of 'key: value' lines.")
    try:
        sweep = Sweep.model_validate(written.value)
    except ValidationError as error:
        problems = []
        for each in by_place(error):
            line = written.line_of(each["loc"])
            problem, hint = describe(Sweep, each)
            problems.append(ParamsError(f"{path}{f', line {line}' if line else ''}: {problem}", hint))
        raise combined(problems) from None
    count = len(sweep.params) * max(len(sweep.each), 1)
    for values in sweep.cross.values():
        count *= len(values)
    if count > MOST_RUNS:
        raise ParamsError(f"{path} asks for {count:,d} runs; at most {MOST_RUNS:,d} are run in one batch.", "Split it.")
    places = [path.parent / name for name in sweep.params]
    return sweep.model_copy(
        update={
            "params": [
                str(place if place.is_file() else params_path(name))
                for place, name in zip(places, sweep.params, strict=True)
            ]
        }
    )


def jobs_of(
    sweep: Sweep, overrides: Sequence[str] = (), *, lang: str | None = None, out: Path, force: bool = False
) -> list[Job]:
    """Make the runs of a sweep, each held against its study's params.

    Parameters
    ----------
    sweep : Sweep
        From `read_sweep`, or made of params files.
    overrides : sequence of str
        `key=value`, for every run.
    lang : str, optional
        Overrides the reports' language.
    out : Path
        Folder of all outputs.
    force : bool
        Whether to compute again in any case.

    Returns
    -------
    list of Job
        In the order of the sweep, with distinct names.

    Raises
    ------
    ParamsError
        Params of any run are wrong; all that is wrong at once.
    """
    problems = Problems()
    made: list[Job] = []
    lang = lang or sweep.lang
    for given in sweep.params:
        for varied in sweep.combinations():
            with problems.step():
                made.append(_job(params_path(given), varied, overrides, lang, out, force))
    problems.settle()
    twice = next((place for place, count in Counter((j.study, j.name) for j in made).items() if count > 1), None)
    if twice:
        raise ParamsError(
            f"Two runs of the batch are of the study '{twice[0]}' and named '{twice[1]}'.", "Name them apart."
        )
    return made


def _job(
    path: Path, varied: Mapping[str, Any], overrides: Sequence[str], lang: str | None, out: Path, force: bool
) -> Job:
    """Make one run; raises ParamsError where its params are wrong."""
    written = (*overrides, *(_override(key, value) for key, value in varied.items()))
    params = load_params(path, written, lang)
    if varied and "name" not in varied:
        written = (*written, f"name={_name(params, varied)}")
        params = load_params(path, written, lang)
    return Job(params.name, params.study, str(path.resolve()), written, dict(varied), lang, str(out), force)


def _override(key: str, value: Any) -> str:
    """Write a value as `-p` takes it; a column's only value is a list of one."""
    if key.startswith(_OF_WHERE) and not isinstance(value, list):
        value = [value]
    return f"{key}={json.dumps(value, ensure_ascii=False, default=str)}"


def _name(params: StudyParams, varied: Mapping[str, Any]) -> str:
    """Name a run by what is varied; a value that letters, digits and signs of a name do not tell apart gets some of its hash."""
    parts = []
    for key, value in varied.items():
        written = told(value).lower()
        text = _UNFIT.sub("-", written).strip("-")
        if text != written.replace("." if isinstance(value, float) else " ", "-"):
            text = f"{text or _UNFIT.sub('-', key.rpartition('.')[2].lower()).strip('-')}-{_digest(value)}"
        parts.append(text)
    name = "-".join([params.name, *parts])
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 9].rstrip('-')}-{_digest(dict(varied))}"


def told(value: Any) -> str:
    """Write what is varied for people: texts and numbers as they are, several with commas, all else as JSON."""
    if isinstance(value, list):
        return ", ".join(map(told, value))
    return (
        str(value)
        if isinstance(value, str | int | float | bool)
        else json.dumps(value, ensure_ascii=False, default=str)
    )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
