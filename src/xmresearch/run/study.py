"""Run one study: from a params file to a folder that is whole or not there at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xmresearch.errors import OutputError
from xmresearch.params.base import StudyParams
from xmresearch.params.load import load_params
from xmresearch.params.registry import find_study
from xmresearch.params.study import Study
from xmresearch.run.cache import Identity, identify
from xmresearch.run.determinism import deterministic_environment
from xmresearch.run.manifest import is_whole, write_manifest
from xmresearch.run.project import notebook_path, params_path, project_root

_UNFINISHED = ".unfinished-"


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
    notebook, root : Path
        The study's notebook; the project folder.
    identity : Identity
        What determines the result.
    folder : Path
        Where the result goes.
    """

    study: Study
    params: StudyParams
    base: Path
    notebook: Path
    root: Path
    identity: Identity
    folder: Path


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Holds report.html, executed.ipynb, tables/, figures/ and manifest.json.
    report : Path
        The HTML report, by way of `latest`.
    cached : bool
        Whether nothing had to be computed.
    seconds : dict of str to float
        Duration of the stages, and CPU time of this process and its children.
    """

    folder: Path
    report: Path
    cached: bool
    seconds: dict[str, float] = field(default_factory=dict)


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
        The params are wrong, or a file that they name does not exist.
    """
    root = project_root()
    path = params_path(params_file)
    params = load_params(path, overrides, lang)
    base = path.resolve().parent
    study = find_study(params.study, base)
    notebook = notebook_path(study, root)
    identity = identify(params.model_dump(mode="json"), params.input_files(base), notebook, study.folder)
    home = Path(out) if out is not None else root / "outputs"
    return Plan(study, params, base, notebook, root, identity, home / params.study / params.name / identity.key)


def run_study(
    params_file: str | Path,
    overrides: Sequence[str] = (),
    *,
    lang: str | None = None,
    out: str | Path | None = None,
    force: bool = False,
    progress: bool = False,
) -> RunResult:
    """Run a study, or return the earlier result if nothing that determines it has changed.

    Parameters
    ----------
    params_file, overrides, lang, out
        As for `plan_run`.
    force : bool
        Whether to compute again in any case.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    RunResult

    Raises
    ------
    XMError
        Wrong params or data, or an output folder that cannot be written. The earlier result stays as it is.
    """
    clock = _Clock()
    plan = plan_run(params_file, overrides, lang=lang, out=out)
    home = plan.folder.parent
    if not force and is_whole(plan.folder):
        _point(home, plan.folder)
        return RunResult(plan.folder, home / "latest" / "report.html", True, clock.stop("cache"))
    started = datetime.now(UTC).isoformat(timespec="seconds")
    clock.lap("plan")
    work = _work_folder(home, plan.identity.key)
    try:
        notebook = _compute(plan, work, clock, progress)
        seconds = clock.stop("report")
        write_manifest(work, plan.identity, plan.root, notebook, started, seconds)
        _publish(work, plan.folder)
    except OSError as error:
        raise OutputError(f"The results cannot be written to '{home}': {error.strerror or error}.") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _point(home, plan.folder)
    return RunResult(plan.folder, home / "latest" / "report.html", False, seconds)


def _compute(plan: Plan, work: Path, clock: _Clock, progress: bool) -> Any:
    """Execute the notebook and write the report; return the executed notebook."""
    from xmresearch.report.assemble import assemble
    from xmresearch.report.render import to_html
    from xmresearch.run.engine import execute

    clock.lap("import")
    executed = work / "executed.ipynb"
    with deterministic_environment():
        notebook = execute(plan.notebook, executed, plan.identity.params, plan.base, progress=progress)
        clock.lap("notebook")
        notebook.metadata.papermill.update(input_path=plan.notebook.name, output_path=executed.name)
        executed.write_text(json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        document = assemble(notebook, _stamp(plan))
        for name, files, ending in (("tables", document.tables, "csv"), ("figures", document.figures, "svg")):
            (work / name).mkdir()
            for key, content in files.items():
                (work / name / f"{key}.{ending}").write_text(content, "utf-8")
        (work / "report.html").write_text(to_html(document), "utf-8")
    return notebook


def _stamp(plan: Plan) -> dict[str, str]:
    """Return what a reviewer needs in order to repeat the run; nothing in it depends on when or where it ran."""
    from xmresearch.report.wording import labels

    identity, words = plan.identity, labels(plan.params.lang)["stamp"]
    inputs = {f"{words['input']} ({name})": digest for name, digest in identity.inputs.items()}
    params = json.loads(json.dumps(identity.params), object_hook=_without_folders)
    return {
        words["run"]: f"{plan.params.study}/{plan.params.name}/{identity.key}", **inputs, words["code"]: identity.code,
        words["lock"]: identity.lock, words["python"]: identity.python,
        words["packages"]: ", ".join(f"{name} {version}" for name, version in identity.packages.items()),
        words["params"]: json.dumps(params, ensure_ascii=False, sort_keys=True),
    }  # fmt: skip


def _without_folders(section: dict[str, Any]) -> dict[str, Any]:
    """Keep only the file's name of an absolute path: a report travels, folders do not."""
    return {k: Path(v).name if isinstance(v, str) and Path(v).is_absolute() else v for k, v in section.items()}


class _Clock:
    """Wall-clock seconds by stage, and CPU seconds of this process and its children in all."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self.laps: dict[str, float] = {}

    @staticmethod
    def _used() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.laps[stage] = round(now - self._last, 3)
        self._last = now

    def stop(self, stage: str) -> dict[str, float]:
        self.lap(stage)
        return self.laps | {"cpu": round(self._used(), 3)}


def _work_folder(home: Path, key: str) -> Path:
    """Make the folder to work in, and clear those that killed runs have left."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        for left in home.glob(f"{_UNFINISHED}*"):
            _clear(left)
        work = home / f"{_UNFINISHED}{key}-{os.getpid()}"
        work.mkdir()
    except OSError as error:
        raise OutputError(
            f"The output folder '{home}' cannot be written: {error.strerror or error}.", "Choose another with --out."
        ) from None
    return work


def _clear(left: Path) -> None:
    """Remove what a killed run left; a result that it had only moved aside goes back to its place."""
    named = re.fullmatch(rf"{re.escape(_UNFINISHED)}(?P<key>[0-9a-f]+)(?P<old>-old)?-(?P<process>\d+)", left.name)
    if named is None or (int(named["process"]) != os.getpid() and _alive(int(named["process"]))):
        return
    place = left.with_name(named["key"])
    if named["old"] and not place.exists():
        left.rename(place)
    else:
        shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _publish(work: Path, folder: Path) -> None:
    """Put a finished run in place whole; an earlier one with the same key steps aside first."""
    aside = folder.with_name(f"{_UNFINISHED}{folder.name}-old-{os.getpid()}")
    if folder.exists():
        folder.rename(aside)
    work.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)


def _point(home: Path, folder: Path) -> None:
    """Let `latest` name the run, by one atomic rename."""
    link = home / "latest"
    if link.is_symlink() and os.readlink(link) == folder.name:
        return
    new = home / f".latest-{os.getpid()}"
    try:
        new.unlink(missing_ok=True)
        new.symlink_to(folder.name, target_is_directory=True)
        new.replace(link)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OutputError(f"'{link}' cannot be made to name the run: {error.strerror or error}.") from None
