"""A client is ready once its kernel has answered and said that it is idle, and asks again where an answer went by."""

import asyncio
from queue import Empty
from types import SimpleNamespace

import pytest

from xmresearch.run.kernel_client import PromptClient

ANSWER = {"msg_type": "kernel_info_reply", "parent_header": {"msg_id": "1"}}
OTHER = {"parent_header": {"msg_id": "0"}, "content": {"execution_state": "idle"}}
BUSY, IDLE = ({"parent_header": {"msg_id": "1"}, "content": {"execution_state": s}} for s in ("busy", "idle"))


def client(shell, published, alive=True):
    """A client that hears these messages; None is a wait in vain."""
    heard = SimpleNamespace(asked=0, ready=None, shell=iter(shell), published=iter(published))

    async def next_of(messages):
        found = next(messages, None)
        if found is None:
            raise Empty
        return found

    async def is_alive():
        return alive

    def ask():
        heard.asked += 1

    found = SimpleNamespace(
        kernel_info=ask, get_shell_msg=lambda timeout: next_of(heard.shell), get_iopub_msg=lambda timeout: next_of(heard.published),
        _async_is_alive=is_alive, _handle_kernel_info_reply=lambda answer: setattr(heard, "ready", answer),
    )  # fmt: skip
    found._idle_after = lambda asked: PromptClient._idle_after(found, asked)
    return found, heard


def wait(found, timeout=None):
    asyncio.run(PromptClient.wait_for_ready(found, timeout))


def test_it_waits_for_idle_and_no_longer():
    found, heard = client([ANSWER], [OTHER, BUSY, IDLE, OTHER])
    wait(found)
    assert (heard.asked, heard.ready) == (1, ANSWER)
    assert list(heard.published) == [OTHER]


def test_it_asks_again_where_nothing_came():
    found, heard = client([None, ANSWER, ANSWER], [BUSY, None, BUSY, IDLE])
    wait(found)
    assert (heard.asked, heard.ready) == (3, ANSWER)


def test_a_kernel_that_died_or_does_not_answer_is_an_error():
    with pytest.raises(RuntimeError, match="died before"):
        wait(client([], [], alive=False)[0])
    with pytest.raises(RuntimeError, match="didn't respond in 0 seconds"):
        wait(client([], [])[0], timeout=0)
