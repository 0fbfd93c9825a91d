"""What is used of papermill, loaded without what it loads for others: two thirds of the time that its import takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

UNUSED = ("boto3", "rfc3987_syntax")
"""Notebooks on S3, and a grammar that is built when it is loaded and tells whether a text is an IRI; both are optional there."""


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let modules that are not loaded yet pass for such as are not installed."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with without(*UNUSED):
    from nbclient.exceptions import DeadKernelError as DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient as PapermillNotebookClient
    from papermill.engines import NBClientEngine as NBClientEngine
    from papermill.engines import NotebookExecutionManager as NotebookExecutionManager
    from papermill.engines import papermill_engines as papermill_engines
    from papermill.exceptions import PapermillExecutionError as PapermillExecutionError
    from papermill.execute import execute_notebook as execute_notebook
