"""What goes around an answer when the server is stopped in the middle of a request."""

import asyncio
from typing import Any

import pytest

from ioc.api.envelope import HEADERS, Envelope

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
START = {"type": "http.response.start", "status": 200, "headers": []}


async def receive() -> dict[str, Any]:
    raise AssertionError("nobody asks for the body")


async def unsent(message: Any) -> None:
    raise AssertionError(message)


async def cut_off(*before: dict[str, Any]) -> tuple[list[Any], asyncio.Task[None]]:
    """What a client was sent of a request that was cancelled after it had sent `before`."""
    sent: list[Any] = []
    waiting = asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in before:
            await send(message)
        waiting.set()
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    task = asyncio.create_task(Envelope(app)(SCOPE, receive, send))
    await waiting.wait()
    task.cancel()
    await asyncio.wait([task])
    return sent, task


async def test_a_request_that_a_stop_cuts_off_is_asked_for_again() -> None:
    sent, task = await cut_off()
    assert not task.cancelled()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    assert sent[0]["status"] == 503
    assert int(headers["retry-after"]) > 0
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-frame-options"] == HEADERS["X-Frame-Options"]
    assert b"send it again" in sent[1]["body"]


async def test_an_answer_that_has_begun_is_not_begun_twice() -> None:
    sent, task = await cut_off(dict(START))
    assert task.cancelled()
    assert [message["type"] for message in sent] == ["http.response.start"]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_only_requests_are_answered(kind: str) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Envelope(app)({"type": kind}, receive, unsent)
