"""Request bodies as they stream in: decompressed, bounded, cut into blocks of whole lines.

What is held of a body counts against the budget of all bodies until it is handed on.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

import msgspec
from fastapi import Request

from ingest.compression import inflater
from ingest.lines import LineCutter
from ingest.payload import MOST_BYTES
from ioc.api.budget import Share
from ioc.api.deps import state_of
from ioc.errors import Invalid, TooLarge

T = TypeVar("T")


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The decompressed body, piece by piece."""
    unpacking = inflater(request.headers.get("content-encoding", ""))
    async for chunk in request.stream():
        for piece in unpacking.feed(chunk):
            if piece:
                yield piece
    if not unpacking.finished():
        raise Invalid("the compressed body is cut off; send it again whole")


async def whole(
    request: Request, most: int = MOST_BYTES, *, cure: str = "send NDJSON or CSV, which stream"
) -> bytes:
    """The whole body; `TooLarge` with its cure, or `Busy` where too much is on its way already."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge(f"the body has {declared} bytes, {most} are taken; {cure}")
    parts: list[bytes] = []
    size = 0
    with state_of(request)["bodies"].share() as share:
        async for piece in pieces(request):
            size += len(piece)
            if size > most:
                raise TooLarge(f"the body has more than {most} bytes; {cure}")
            share.hold(size)
            parts.append(piece)
        return b"".join(parts)


def decoded(body: bytes, decoder: msgspec.json.Decoder[T], what: str, hint: str = "") -> T:
    """What a JSON body says, or `Invalid` with what it should have been and what to send."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"not {what}: {error}{hint}") from error


async def lines(request: Request, *, header: bool) -> AsyncGenerator[tuple[bytes, int]]:
    """Blocks of whole lines with the place of their first line; a CSV header leads each block.

    No more is held than a block, or one line of at most `MOST_BYTES` bytes; `Busy` where too much
    is on its way in already.
    """
    with state_of(request)["bodies"].share() as share:
        async for block in cut_lines(pieces(request), share, header=header):
            yield block


async def cut_lines(
    given: AsyncIterator[bytes], share: Share, *, header: bool
) -> AsyncGenerator[tuple[bytes, int]]:
    """The same of pieces that come from anywhere."""
    cutter = LineCutter(header=header)
    async for piece in given:
        share.hold(cutter.held + len(piece))
        block = cutter.cut(piece)
        share.hold(cutter.held)
        if block is not None:
            yield block
        elif cutter.held > MOST_BYTES:
            raise TooLarge(
                f"line {cutter.first + 1} or one after it has more than {MOST_BYTES} bytes: end "
                "each item with a line break; the lines before are stored"
            )
    rest = cutter.rest()
    if rest is not None:
        yield rest
