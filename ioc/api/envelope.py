"""What goes around every answer: its headers, and a word where a stop cuts it off."""

import asyncio
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ioc.api import pages, problems
from ioc.errors import Unavailable

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}

RETRY_AFTER: Final = "5"
"""Seconds after which the next server usually answers."""


class Envelope:
    """Gives every answer its headers and leaves its body alone: one that breaks off has no end.

    A request that a stop cancels before its answer has begun is answered with 503: whatever it
    brought may or may not be stored, and sending it again is harmless.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if headers.get("content-type", "").startswith("text/html"):
                    headers["Content-Security-Policy"] = pages.POLICY
                elif "cache-control" not in headers:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                raise
            detail = "the server is being stopped; send it again, which is harmless"
            language = Headers(scope=scope).get("accept-language")
            answer = problems.problem(Unavailable.status, Unavailable.code, detail, language)
            answer.headers["Retry-After"] = RETRY_AFTER
            await answer(scope, receive, with_headers)
