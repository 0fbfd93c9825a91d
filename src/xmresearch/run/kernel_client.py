"""A client that uses its kernel as soon as it is ready."""

from __future__ import annotations

import time
from queue import Empty

from jupyter_client.asynchronous.client import AsyncKernelClient

_ANSWER, _PUBLISHED = 1.0, 0.2
"""Seconds to wait for a kernel's answer, and for what it publishes with it, before it is asked again."""


class PromptClient(AsyncKernelClient):  # type: ignore[misc]
    """Waits for the kernel to say that it is idle, where others wait for a fifth of a second in which it says nothing."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers, and what it publishes arrives.

        Parameters
        ----------
        timeout : float, optional
            Seconds; for ever if absent.

        Raises
        ------
        RuntimeError
            The kernel died, or did not answer in time.
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            self.kernel_info()
            try:
                answer = await self.get_shell_msg(timeout=_ANSWER)
                if answer["msg_type"] == "kernel_info_reply":
                    await self._idle_after(answer["parent_header"]["msg_id"])
                    self._handle_kernel_info_reply(answer)
                    return
            except Empty:  # it is not up yet, or what it published went by before this client listened
                pass
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _idle_after(self, asked: str) -> None:
        """Wait for the kernel to say that it has done what it was asked."""
        while True:
            said = await self.get_iopub_msg(timeout=_PUBLISHED)
            if said["parent_header"].get("msg_id") == asked and said["content"].get("execution_state") == "idle":
                return
