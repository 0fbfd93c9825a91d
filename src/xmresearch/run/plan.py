"""Work out what a run would do: its params, its inputs, its key and its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xmresearch.data.remote.fetched import Rows, fetch
from xmresearch.errors import Problems
from xmresearch.params.actions import Action
from xmresearch.params.base import StudyParams
from xmresearch.params.files import elsewhere, key_fingerprints
from xmresearch.params.load import load_params
from xmresearch.params.registry import find_study
from xmresearch.params.study import Study
from xmresearch.report.citations import checked
from xmresearch.report.client_style import ClientStyle, read_style
from xmresearch.run.cache import Identity, identify
from xmresearch.run.outputs import bibliographies
from xmresearch.run.project import notebook_path, params_path, project_root
from xmresearch.run.public_params import portable
from xmresearch.run.register import as_input, read_actions


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes
    ----------
    study : Study
        What kind of study it is.
    params : StudyParams
        Validated.
    base : Path
        Folder that relative paths start from: that of the params file.
    near : Path
        The same, but of a run that is repeated from its manifest the folder in which its study was looked for.
    notebook, root : Path
        The study's notebook; the project folder.
    inputs : mapping of str to Path
        Files that the run reads, by the key that names them.
    identity : Identity
        What determines the result.
    folder : Path
        Where the result goes.
    style : ClientStyle
        The client's look.
    actions : tuple of Action
        The action register.
    rows : Rows
        What was fetched from databases and object stores; it is there as long as the plan.
    """

    study: Study
    params: StudyParams
    base: Path
    near: Path
    notebook: Path
    root: Path
    inputs: Mapping[str, Path]
    identity: Identity
    folder: Path
    style: ClientStyle
    actions: tuple[Action, ...] = ()
    rows: Rows = field(default_factory=Rows)


def plan_run(
    params_file: str | Path, overrides: Sequence[str] = (), *, lang: str | None = None, out: str | Path | None = None
) -> Plan:
    """Validate a params file and work out what would run, without running it.

    Parameters
    ----------
    params_file : str or Path
        YAML; see `params_path` for those shipped.
    overrides : sequence of str
        `key=value`.
    lang : str, optional
        Overrides the report's language.
    out : str or Path, optional
        Folder of all outputs; `outputs/` of the project if absent.

    Returns
    -------
    Plan

    Raises
    ------
    ParamsError, DataError
        The params are wrong, a file that they name does not exist, or rows that they name cannot be fetched.
    """
    path = params_path(params_file)
    base = path.resolve().parent
    return plan_params(load_params(path, overrides, lang), base, base, out)


def plan_params(params: StudyParams, base: Path, near: Path, out: str | Path | None) -> Plan:
    """Work out what would run.

    Parameters
    ----------
    params : StudyParams
        Validated.
    base, near : Path
        As in `Plan`.
    out : str or Path, optional
        As for `plan_run`.

    Returns
    -------
    Plan

    Raises
    ------
    ParamsError, DataError
        There is no such study, a file that the params name does not exist, or rows that they name cannot be fetched.
    """
    root = project_root()
    study = find_study(params.study, near)
    notebook = notebook_path(study, root)
    cited = {name: checked(path) for name, path in bibliographies(base, notebook).items()}
    styled = params.style_files(base)
    style = read_style(params.style.accent, styled)
    problems, inputs, rows = Problems(), dict(cited), Rows()
    with problems.step():
        inputs = params.input_files(base) | cited | {f"style.{key}": path for key, path in styled.items()}
    with problems.step():
        rows = fetch(elsewhere(params), base)
    problems.settle()
    actions = read_actions(params, base, study)
    keys = key_fingerprints(params, base) | as_input(actions) | rows.hashes
    identity = identify(portable(params.determining()), inputs, notebook, study.folder, keys)
    home = Path(out) if out is not None else root / "outputs"
    folder = home / params.study / params.name / identity.key
    return Plan(study, params, base, near, notebook, root, inputs, identity, folder, style, tuple(actions), rows)
