"""A kernel that waits, with its imports done, in a fork of the process that runs a study."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from subprocess import TimeoutExpired
from typing import Any, NoReturn

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

_POLL = 0.005
_UNKNOWN = 1


class SpareKernel:
    """A fork of this process that becomes a Jupyter kernel once it is told how to.

    A provisioner takes it for a `subprocess.Popen`. Fork before this process has started threads or computed anything: the kernel is to
    find modules imported, and nothing else done.

    Parameters
    ----------
    closed : sequence of Connection
        What this process talks by, and a kernel is not to hold open.

    Attributes
    ----------
    pid : int
        Of the fork.
    returncode : int or None
        Its exit code, negative where a signal ended it; None while it runs.
    stdin, stdout, stderr : None
        It has no pipes.
    """

    stdin = stdout = stderr = None

    def __init__(self, closed: Sequence[Connection] = ()) -> None:
        heard, self._told = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._told)
            for connection in closed:
                connection.close()
            _wait_and_serve(heard)
        os.close(heard)

    def start(self, command: list[str], cwd: str, env: dict[str, str], log: str) -> None:
        """Let it become a kernel.

        Parameters
        ----------
        command : list of str
            What would start a kernel: interpreter, -m, module, and the arguments of the kernel application, which alone count.
        cwd, env
            Its working directory and environment.
        log : str
            File that gets what the process itself prints.
        """
        # so that it ends with this process, whatever ends that
        env = env | {"JPY_PARENT_PID": str(os.getpid())}
        with os.fdopen(self._told, "w", encoding="utf-8") as pipe:
            json.dump({"argv": command[command.index("-m") + 2 :], "cwd": cwd, "env": env, "log": log}, pipe)

    def discard(self) -> None:
        """End it, where it still waits to be used."""
        self.kill()
        self.wait()

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = _UNKNOWN
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise TimeoutExpired("kernel", timeout or 0.0)
            time.sleep(_POLL)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, where it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class SpareProvisioner(LocalProvisioner):  # type: ignore[misc]
    """Starts a kernel in a spare process instead of a new one."""

    spare: SpareKernel
    process: Any

    async def wait(self) -> int | None:
        """Wait for its end, without the tenth of a second that a provisioner takes between two looks."""
        if self.process is None:
            return 0
        while (code := self.process.poll()) is None:
            await asyncio.sleep(_POLL)
        self.process = None
        return int(code)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch the kernel."""
        cwd = str(kwargs.get("cwd") or os.getcwd())
        self.spare.start(cmd, cwd, kwargs["env"], kwargs["stderr"].name)
        self.process = self.spare
        self.pid = self.pgid = self.spare.pid
        self.cwd = cwd
        return self.connection_info


def _wait_and_serve(heard: int) -> NoReturn:
    code = _UNKNOWN
    try:
        os.setsid()
        with os.fdopen(heard, encoding="utf-8") as pipe:
            text = pipe.read()
        if text:
            _serve(**json.loads(text))
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        os._exit(code)


def _serve(argv: list[str], cwd: str, env: dict[str, str], log: str) -> None:
    """Be a kernel, as a process of its own would be."""
    from ipykernel.kernelapp import IPKernelApp

    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    with open(log, "ab") as stream, open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        for output in (1, 2):
            os.dup2(stream.fileno(), output)
    IPKernelApp.launch_instance(argv)
