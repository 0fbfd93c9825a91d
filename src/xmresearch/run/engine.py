"""Execute a notebook through papermill, with the title of the running cell in the progress bar."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.execute import execute_notebook
from traitlets.config import Config

from xmresearch import errors
from xmresearch.errors import StudyError, XMError
from xmresearch.run.manifest import title

ENGINE = "xmresearch"
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
    """Papermill's own engine, over IPC where the system has it (no race for ports)."""

    @classmethod
    def execute_notebook(
        cls, nb: Any, kernel_name: str, output_path: Any = None, progress_bar: Any = True, log_output: bool = False,
        autosave_cell_every: int = 30, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Execute all cells; as in papermill, errors are left in the notebook."""
        manager = _TitledManager(nb, output_path=output_path, progress_bar=progress_bar, autosave_cell_every=0)
        manager.notebook_start()
        try:
            cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, **kwargs)
        finally:
            manager.cleanup_pbar()
            manager.notebook_complete()
        return manager.nb


def execute(notebook: Path, output: Path, params: Mapping[str, Any], cwd: Path, *, progress: bool) -> Any:
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

    Returns
    -------
    NotebookNode
        The executed notebook.

    Raises
    ------
    XMError
        What the notebook raised: the same class where it is one of ours, StudyError with cell and line otherwise.
    """
    import os

    papermill_engines.register(ENGINE, TitledEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    transport = {} if os.name == "nt" else {"config": Config({"KernelManager": {"transport": "ipc"}})}
    try:
        done = execute_notebook(
            str(notebook.resolve()), str(output.resolve()), parameters=dict(params), engine_name=ENGINE, cwd=str(cwd),
            kernel_name="python3", progress_bar={"bar_format": _BAR, "unit": "cell"} if progress else False, **transport,
        )  # fmt: skip
    except PapermillExecutionError as error:
        raise _translated(error, notebook) from None
    return done


def _translated(error: PapermillExecutionError, notebook: Path) -> XMError:
    """Turn what a kernel reports into the error that was raised there."""
    known = getattr(errors, error.ename, None)
    if isinstance(known, type) and issubclass(known, XMError):
        found: XMError = known(error.evalue)
        return found
    where = f"{notebook.name}, cell {error.cell_index} ({title({'source': error.source})})"
    return StudyError(
        f"{where} stopped with {error.ename}: {error.evalue}", "Run it in JupyterLab to see the traceback."
    )
