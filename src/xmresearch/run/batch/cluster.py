"""Workers for a batch: a Dask cluster on this machine, or one that is there already."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xmresearch.errors import OutputError, RepeatError, StudyError
from xmresearch.run.batch.job import Job, Outcome
from xmresearch.run.cache import program
from xmresearch.run.warm import OUT_OF_MEMORY, run_warm

ATTEMPTS = 3
"""Workers of this machine that may die over a run before it is given up; a scheduler that is there already has a number of its own."""
AT_A_TIME = 2
"""Runs at a time of each worker of this machine: one waits for its kernel, or for pandoc, while the other computes."""
_PATIENCE = "30s"


@contextmanager
def connected(workers: int | None, scheduler: str | None) -> Iterator[Any]:
    """Connect to workers.

    Parameters
    ----------
    workers : int, optional
        How many processes of a cluster on this machine run studies, two at a time each; as many as it has cores if absent.
    scheduler : str, optional
        Address of a scheduler that is there already, such as tcp://host:8786; its workers are used instead.

    Yields
    ------
    distributed.Client

    Raises
    ------
    OutputError
        Nothing answers at that address, or no worker comes.
    RepeatError
        Workers have another version of the program, or of what it depends on.
    """
    import dask
    from distributed import Client, LocalCluster

    if "forkserver" not in multiprocessing.get_all_start_methods():
        raise OutputError("Batches need a system whose processes can fork.", "Use Linux or macOS, on Windows its WSL.")
    with dask.config.set({"distributed.scheduler.allowed-failures": ATTEMPTS - 1}):
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        if scheduler is None:
            count = workers or os.cpu_count() or 1
            # a run's rows are in forks of a worker, whose memory the worker does not see
            with (
                LocalCluster(
                    n_workers=count, threads_per_worker=AT_A_TIME, processes=True, memory_limit=0, dashboard_address=":0",
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                Client(cluster) as client,
            ):  # fmt: skip
                yield client
            return
        try:
            client = Client(scheduler, timeout=_PATIENCE)
        except (OSError, ValueError) as error:
            raise OutputError(
                f"No scheduler answers at '{scheduler}' ({type(error).__name__}).", "Start one by: dask scheduler"
            ) from None
        with client:
            require_same_program(client, scheduler)
            yield client


def require_same_program(client: Any, scheduler: str) -> None:
    """Refuse workers that would compute something else.

    Parameters
    ----------
    client : distributed.Client
    scheduler : str
        Its address.

    Raises
    ------
    OutputError
        There are no workers, or the package is not installed there.
    RepeatError
        A worker has another version of the program, of its lock, of Python, or of a package.
    """
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
        there = client.run(program)
    except (TimeoutError, OSError):
        raise OutputError(
            f"The scheduler at '{scheduler}' has no workers.", f"Start some by: dask worker {scheduler}"
        ) from None
    except ImportError:
        raise OutputError(f"Workers of '{scheduler}' have no xmresearch.", "Install the same version there.") from None
    here = program()
    for worker, found in there.items():
        other = sorted(name for name in here if found.get(name) != here[name])
        if other:
            raise RepeatError(
                f"The worker {worker} has another version of: {', '.join(other[:5])}.",
                "Results would not be those of this machine: install the same lock and code there.",
            )


def submit(client: Any, job: Job, token: str) -> Any:
    """Send one run to whichever worker is free; a run whose worker dies goes to another."""
    return client.submit(run_warm, job, key=f"xmresearch-{job.study}-{job.name}-{token}", pure=False)


def received(future: Any, job: Job) -> Outcome:
    """Return what came of a run, its own failure or that of its workers."""
    from distributed import CancelledError, KilledWorker

    try:
        outcome: Outcome = future.result()
    except KilledWorker:
        return job.failed(StudyError("Several workers, one after the other, ended while they ran it.", OUT_OF_MEMORY))
    except (CancelledError, OSError, TimeoutError):
        lost = "The scheduler, or its workers, went away before it ended."
        return job.failed(OutputError(lost, "Run the batch again: it does only the rest."))
    return outcome
