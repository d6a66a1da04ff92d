"""Files that are sent while they are made: a few at once, and each only to a reader that reads."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from ioc.errors import Busy

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 2
"""Each holds a connection for as long as its reader takes; the others are for the screens."""

PATIENCE: Final = 30.0
"""Seconds after which a reader that has taken nothing is given up."""

SLICE: Final = 64 * 1024
"""Bytes that are handed over at once: so little is enough to be seen to read."""


class Transfers:
    """The transfers under way; one whose reader takes nothing ends, and makes room for another."""

    def __init__(self, *, most: int = MOST_AT_ONCE, patience: float = PATIENCE) -> None:
        """Let so many run at once, and wait so many seconds for each reader."""
        self._most = most
        self._patience = patience
        self._places = asyncio.Semaphore(most)

    def check(self) -> None:
        """Raise `Busy` where all places are taken."""
        if self._places.locked():
            raise Busy(f"{self._most} exports run already; try again later")

    def answer(
        self, pieces: AsyncGenerator[bytes], *, media_type: str, filename: str
    ) -> StreamingResponse:
        """Those pieces as a file; the generator is closed, however the transfer ends."""
        return _Transfer(pieces, media_type, filename, self._places, self._patience)


class _NotRead(Exception):
    """The reader took nothing for too long."""


class _Transfer(StreamingResponse):
    def __init__(
        self,
        pieces: AsyncGenerator[bytes],
        media_type: str,
        filename: str,
        places: asyncio.Semaphore,
        patience: float,
    ) -> None:
        disposition = {"Content-Disposition": f'attachment; filename="{filename}"'}
        super().__init__(pieces, media_type=media_type, headers=disposition)
        self._pieces = pieces
        self._filename = filename
        self._places = places
        self._patience = patience

    async def stream_response(self, send: Send) -> None:
        async with self._places:
            try:
                await self._send_all(send)
            except _NotRead:
                # Without the last message the server closes the connection: the file has no end.
                log.warning(
                    "%s was cut off: nothing of it was read for %g s",
                    self._filename,
                    self._patience,
                )
            finally:
                # Also when a reader that has gone cancels us: what is held must not wait for the
                # collector.
                await asyncio.shield(self._pieces.aclose())

    async def _send_all(self, send: Send) -> None:
        async def hand_over(message: Message) -> None:
            try:
                async with asyncio.timeout(self._patience):
                    await send(message)
            except TimeoutError as error:
                raise _NotRead from error

        await hand_over(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for piece in self._pieces:
            for at in range(0, len(piece), SLICE):
                body = piece[at : at + SLICE]
                await hand_over({"type": "http.response.body", "body": body, "more_body": True})
        await hand_over({"type": "http.response.body", "body": b"", "more_body": False})
