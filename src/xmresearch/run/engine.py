"""Execute a notebook through papermill, with the title of the running cell in the progress bar."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from xmresearch import errors
from xmresearch.errors import StudyError, XMError, foreign
from xmresearch.kept_fits import OFF, VARIABLE
from xmresearch.report.kernel import START
from xmresearch.run.kernel_client import PromptClient
from xmresearch.run.manifest import title
from xmresearch.run.papermill_parts import (
    DeadKernelError,
    NBClientEngine,
    NotebookExecutionManager,
    PapermillExecutionError,
    PapermillNotebookClient,
    execute_notebook,
    papermill_engines,
)

if TYPE_CHECKING:
    from xmresearch.run.spare_kernel import SpareKernel

ENGINE = "xmresearch"
MOST_LINES = 3
LONGEST_TEMPORARY = 70  # bytes: a socket's path may have 103 on macOS, and the private folder adds 29
_BAR = "{desc:<46.46} {bar:20} {n_fmt}/{total_fmt} {elapsed}"


class _TitledManager(NotebookExecutionManager):  # type: ignore[misc]
    """Shows the running cell's title; saves only at the end, since a run is whole or nothing."""

    finished = False

    def save(self, **kwargs: Any) -> None:
        if self.finished:
            super().save(**kwargs)

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        if self.pbar is not None:
            self.pbar.set_description_str(title(cell))
        super().cell_start(cell, cell_index, **kwargs)

    def notebook_complete(self, **kwargs: Any) -> None:
        self.finished = True
        super().notebook_complete(**kwargs)


class TitledEngine(NBClientEngine):  # type: ignore[misc]
    """Papermill's own engine, with that manager; what the kernel's process itself prints goes to a log."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, output_path: Any = None, **kwargs: Any) -> Any:
        """Execute all cells; as in papermill, errors are left in the notebook."""
        kwargs.pop("log_output")
        manager = _TitledManager(nb, output_path=output_path, progress_bar=kwargs.pop("progress_bar"))
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, **kwargs)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        return manager.nb

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> Any:
        """Execute the cells of a managed notebook in a kernel of its own."""
        client = PapermillNotebookClient(
            nb_man,
            kernel_name=kernel_name,
            startup_timeout=kwargs["start_timeout"],
            timeout=None,
            config=kwargs["config"],
            extra_arguments=[f"--IPKernelApp.exec_lines={START}"],
            shutdown_kernel="immediate",  # all that it said has been heard by then
        )
        manager = client.create_kernel_manager()
        manager.client_factory = PromptClient
        if kwargs["spare"] is not None:
            _use(manager, kwargs["spare"])
        with Path(kwargs["kernel_log"]).open("wb") as log:
            return client.execute(stderr=log, env=kwargs["kernel_env"])


def _use(manager: Any, spare: SpareKernel) -> None:
    """Let the kernel be one that waits."""
    from xmresearch.run.spare_kernel import SpareProvisioner

    manager.provisioner = SpareProvisioner(kernel_id="spare", kernel_spec=manager.kernel_spec, parent=manager)
    manager.provisioner.spare = spare


def execute(
    notebook: Path,
    output: Path,
    params: Mapping[str, Any],
    cwd: Path,
    *,
    progress: bool,
    spare: SpareKernel | None = None,
    afresh: bool = False,
) -> Any:
    """Execute a study's notebook.

    Parameters
    ----------
    notebook, output : Path
        The study's notebook, and where the executed one goes.
    params : mapping
        Validated params, as JSON; only these are injected.
    cwd : Path
        Working directory of the kernel: the folder that relative paths start from.
    progress : bool
        Whether to show a progress bar.
    spare : SpareKernel, optional
        A kernel that waits; a new one is started if absent.
    afresh : bool
        Whether fits that are kept are made again.

    Returns
    -------
    NotebookNode
        The executed notebook.

    Raises
    ------
    XMError
        What the notebook raised: the same class where it is one of ours, StudyError with the cell otherwise.
    """
    papermill_engines.register(ENGINE, TitledEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    log = output.resolve().with_name("kernel.log")
    try:
        with _private_folder() as private:
            done = execute_notebook(
                _literal(notebook.resolve()), _literal(output.resolve()), parameters=dict(params), engine_name=ENGINE,
                cwd=str(cwd), kernel_name="python3", config=_connection(private), kernel_log=str(log), spare=spare,
                kernel_env={**os.environ, "IPYTHONDIR": str(private / "ipython"), **({VARIABLE: OFF} if afresh else {})},
                progress_bar={"bar_format": _BAR, "unit": "cell"} if progress else False,
            )  # fmt: skip
    except PapermillExecutionError as error:
        raise _translated(error, notebook) from None
    except KeyboardInterrupt:
        # the client's unfinished tasks would otherwise report themselves when they are discarded
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        raise
    except DeadKernelError:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise StudyError(
            f"The kernel that ran {notebook.name} died{f' ({foreign(last[0], "")})' if last else ''}.",
            "Most often memory ran out: use fewer rows or bootstrap replicates.",
        ) from None
    log.unlink(missing_ok=True)
    return done


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Make a folder for the kernel's connection and its settings, so that it needs neither the params' folder nor a home."""
    folder = Path(tempfile.mkdtemp(prefix="xm-", dir=short_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def short_folder() -> str | None:
    """Return a folder for sockets, whose paths the system limits: /tmp where the usual one is too deep."""
    usual = tempfile.gettempdir()
    return "/tmp" if len(os.fsencode(usual)) > LONGEST_TEMPORARY and os.access("/tmp", os.W_OK | os.X_OK) else None  # noqa: S108


def _connection(private: Path) -> Config:
    """Let the kernel be reached over sockets in that folder, since ports can be raced for; over ports where that cannot be."""
    manager = {"connection_file": str(private / "kernel.json")}
    if os.name != "nt" and len(os.fsencode(private.parent)) <= LONGEST_TEMPORARY:
        manager["transport"] = "ipc"
    return Config({"KernelManager": manager})


def _literal(path: Path) -> str:
    """Write a path so that papermill, which fills in {parameters}, leaves its braces alone."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _translated(error: PapermillExecutionError, notebook: Path) -> XMError:
    """Turn what a kernel reports into the error that was raised there."""
    known = getattr(errors, error.ename, None)
    if isinstance(known, type) and issubclass(known, XMError):
        found: XMError = known(error.evalue)
        return found
    where = f"{notebook.name}, cell {error.cell_index} ({title({'source': error.source})})"
    said = " ".join(foreign(line, str(error.source)) for line in str(error.evalue).strip().splitlines()[:MOST_LINES])
    return StudyError(f"{where} stopped with {error.ename}: {said}", "Run it in JupyterLab to see the traceback.")
