"""Routes whose short bodies the framework reads whole: none of them is read beyond its bound."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from ioc.api.bodies import whole

MOST_BYTES: Final = 64 * 1024


class ShortBodyRoute(APIRoute):
    """The framework has no bound of its own, and reads before it asks who sends."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the framework behind a reader of short bodies."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            return await handle(await bounded(request))

        return handled


async def bounded(request: Request) -> Request:
    """The request with its body read, which is short; `TooLarge` where it is not."""
    if request.method in ("GET", "HEAD"):
        return request
    body = await whole(request, MOST_BYTES, cure="send less")
    return Request(request.scope, _given(body, request.receive))


def _given(body: bytes, rest: Receive) -> Receive:
    """A body that has been read, and what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await rest()

    return receive
