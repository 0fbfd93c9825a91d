"""Runs in forks of a process that has imported everything and computed nothing: imports are paid for once."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pkgutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

from xmresearch.errors import StudyError, XMError, foreign
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.determinism import deterministic_environment

LIBRARIES = (
    "IPython.core.completer", "IPython.core.completerlib", "IPython.core.debugger", "IPython.extensions.storemagic", "arviz", "filelock", "ipykernel.kernelapp", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg",
    "matplotlib_inline.backend_inline", "nbclient", "papermill.engines", "papermill.execute", "polars", "pyarrow.parquet", "pymc",
    "pypandoc", "scipy.interpolate", "scipy.optimize", "scipy.stats", "seaborn", "sqlite3", "tornado.platform.asyncio",
)  # fmt: skip
"""What studies and reports import when they need it."""
PRELOADED = "xmresearch.run.preloaded"
OUT_OF_MEMORY = "Most often memory ran out: use fewer workers or fewer rows."
_starting = threading.Lock()


def preload() -> None:
    """Import every module that a run may need, read what comes with the program, and note what of it enters a key; nothing is computed."""
    import nbformat

    from xmresearch.data.answers import is_no_answer
    from xmresearch.data.names import LANGUAGES
    from xmresearch.params.registry import find_study, study_names
    from xmresearch.report import fonts, glossary
    from xmresearch.report.wording import labels
    from xmresearch.run.cache import PACKAGE, remember_program
    from xmresearch.run.papermill_parts import without

    with without("debugpy"):  # kernels would load it before they run anything, and nobody steps through runs of a batch
        importlib.import_module("ipykernel.debugger")
    for name in LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages([str(PACKAGE)], f"{PACKAGE.name}."):
        if module.name != PRELOADED:
            importlib.import_module(module.name)
    for study in map(find_study, study_names()):
        for lang in LANGUAGES:
            labels(lang, study.words(lang))
    for read in (
        fonts.register,
        glossary.terms,
        lambda: is_no_answer(""),
        lambda: nbformat.validate({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}),
    ):
        read()
    remember_program()


def run_warm(job: Job) -> Outcome:
    """Run one study in a fresh fork of this process's warm one, which is started where there is none.

    Parameters
    ----------
    job : Job
        What to run.

    Returns
    -------
    Outcome
        Failures included: nothing is raised for what is wrong with one run.
    """
    context: Any = multiprocessing.get_context("forkserver")
    with _starting, deterministic_environment(), short_sockets():
        # a Dask worker below a nanny is a daemon, which may have no children; those of a run end with it by themselves
        multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
        context.set_forkserver_preload([PRELOADED])
        heard, told = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(told, job), daemon=False)
        process.start()
    told.close()
    try:
        outcome: Outcome = heard.recv()
    except EOFError:
        process.join()
        outcome = job.failed(StudyError(f"The process that ran it ended ({_ended(process.exitcode)}).", OUT_OF_MEMORY))
    finally:
        heard.close()
    process.join()
    return outcome


@contextmanager
def short_sockets() -> Iterator[None]:
    """Let the fork server's socket have a path that the system allows, wherever temporary files are."""
    from xmresearch.run.engine import short_folder

    before = tempfile.tempdir
    tempfile.tempdir = short_folder()
    try:
        yield
    finally:
        tempfile.tempdir = before


def _ended(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _run(told: Connection, job: Job) -> None:
    """Run a study and tell what came of it; here nothing is at stake but this process."""
    from xmresearch.run.spare_kernel import SpareKernel

    spare = SpareKernel([told])
    threading.Thread(target=_end_with_parent, args=(spare.kill,), daemon=True).start()
    try:
        from xmresearch.run.study import run_study

        done = run_study(job.params, job.overrides, lang=job.lang, out=job.out, force=job.force, spare=spare)
        outcome = job.done(done)
    except XMError as error:
        outcome = job.failed(error)
    except Exception as error:  # a fault of ours; what the message quotes may come from the data
        outcome = job.failed(StudyError(f"{type(error).__name__}: {foreign(str(error), '')}."))
    finally:
        spare.discard()
    told.send(outcome)
    told.close()


def _end_with_parent(also: Any) -> None:
    """End this process with the worker that it works for."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        also()
        os._exit(1)
