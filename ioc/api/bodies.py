"""Request bodies as they stream in: decompressed, bounded, cut into blocks of whole lines."""

import zlib
from collections.abc import AsyncIterator
from typing import Protocol

import zstandard
from fastapi import Request

from ioc.errors import Invalid, TooLarge, UnsupportedFormat

MOST_JSON = 16 * 1024 * 1024
"""Bytes of a JSON body, decompressed; lines and CSV stream without a limit."""

BLOCK = 1024 * 1024
"""Bytes of a block of lines; each block is committed by itself."""

PIECE = 256 * 1024
"""Bytes that a decompressor gives at most at a time, so that a bomb never unfolds in memory."""


class _Inflater(Protocol):
    def feed(self, data: bytes) -> list[bytes]: ...

    def finished(self) -> bool: ...


class _Plain:
    def feed(self, data: bytes) -> list[bytes]:
        return [data]

    def finished(self) -> bool:
        return True


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> list[bytes]:
        pieces: list[bytes] = []
        while data:
            try:
                pieces.append(self._inner.decompress(data, PIECE))
            except zlib.error as error:
                raise Invalid(f"the body is not gzip: {error}") from error
            data = self._inner.unconsumed_tail
            if self._inner.eof:
                break
        return pieces

    def finished(self) -> bool:
        return self._inner.eof


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        self._eof = False

    def feed(self, data: bytes) -> list[bytes]:
        try:
            # Fed in small slices, because the object gives all of a slice at once.
            return [
                self._inner.decompress(data[at : at + 4096])
                for at in range(0, len(data), 4096)
                if not self._inner.eof
            ]
        except zstandard.ZstdError as error:
            raise Invalid(f"the body is not zstd: {error}") from error

    def finished(self) -> bool:
        return bool(self._inner.eof)


def _inflater(request: Request) -> _Inflater:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    if encoding == "zstd":
        return _Zstd()
    raise UnsupportedFormat(f"Content-Encoding {encoding[:40]!r} is not taken; use gzip or zstd")


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The decompressed body, piece by piece."""
    inflater = _inflater(request)
    async for chunk in request.stream():
        for piece in inflater.feed(chunk):
            if piece:
                yield piece
    if not inflater.finished():
        raise Invalid("the compressed body is cut off")


async def whole(request: Request, most: int = MOST_JSON) -> bytes:
    """The whole body, or `TooLarge`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise TooLarge(f"the body has {declared} bytes, {most} are taken; send NDJSON or CSV")
    parts: list[bytes] = []
    size = 0
    async for piece in pieces(request):
        size += len(piece)
        if size > most:
            raise TooLarge(f"the body has more than {most} bytes; send NDJSON or CSV, which stream")
        parts.append(piece)
    return b"".join(parts)


async def lines(request: Request, *, header: bool) -> AsyncIterator[tuple[bytes, int]]:
    """Blocks of whole lines with the place of their first line; a CSV header leads each block."""
    rest = b""
    head = b""
    first = 0
    async for piece in pieces(request):
        rest += piece
        if len(rest) < BLOCK:
            continue
        cut = rest.rfind(b"\n")
        if cut < 0:
            if len(rest) > MOST_JSON:
                raise TooLarge(f"a line has more than {MOST_JSON} bytes")
            continue
        block, rest = rest[: cut + 1], rest[cut + 1 :]
        if header and not head:
            head, _, block = block.partition(b"\n")
            head += b"\n"
        yield head + block, first
        first += sum(1 for line in block.split(b"\n") if line.strip())
    if rest.strip() or not first:
        yield head + rest, first
