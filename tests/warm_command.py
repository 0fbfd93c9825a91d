"""The command line in forks of a process that has its imports done: what a user's own process prints and returns, at a third of the cost."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from xmresearch.run.determinism import deterministic_environment
from xmresearch.run.warm import PRELOADED, short_sockets

TIMEOUT = 300


def warm_command(arguments, cwd):
    """Run a command line; returns what `subprocess.run` would."""
    context = multiprocessing.get_context("forkserver")
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        with deterministic_environment(), short_sockets():
            context.set_forkserver_preload([PRELOADED])
            process = context.Process(
                target=_be_a_command, args=(arguments, str(cwd), dict(os.environ), str(out), str(err))
            )
            process.start()
        process.join(TIMEOUT)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired(arguments, TIMEOUT)
        return subprocess.CompletedProcess(
            ["xmresearch", *arguments], process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _be_a_command(arguments, cwd, environment, out, err):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for path, number in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from xmresearch.cli import main
    from xmresearch.run import engine
    from xmresearch.run.spare_kernel import SpareKernel

    spare = SpareKernel()
    waiting, execute = [spare], engine.execute
    engine.execute = lambda *given, **more: execute(*given, **{**more, "spare": waiting.pop() if waiting else None})
    sys.argv = ["xmresearch", *arguments]
    try:
        main()
    finally:
        spare.discard()
