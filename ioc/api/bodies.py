"""Request bodies as they stream in: decompressed, bounded, cut into blocks of whole lines."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Protocol, TypeVar

import msgspec
import zstandard
from fastapi import Request

from ioc.errors import Invalid, TooLarge, UnsupportedFormat

T = TypeVar("T")

MOST_JSON = 16 * 1024 * 1024
"""Bytes of a JSON body, decompressed; lines and CSV stream without a limit."""

BLOCK = 1024 * 1024
"""Bytes of a block of lines; each block is committed by itself."""

PIECE = 256 * 1024
"""Bytes that a decompressor gives at most at a time, so that a bomb never unfolds in memory."""

ZSTD_SLICE = 32
"""Compressed bytes given to zstd at a time: it may make 128 KiB of 4 of them, all at once."""


class _Inflater(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]: ...

    def finished(self) -> bool: ...


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finished(self) -> bool:
        return True


class _Gzip:
    """Members of gzip one after another, as `cat a.gz b.gz` makes them (RFC 1952, 2.2)."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner.eof:
                self._inner = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                piece = self._inner.decompress(data, PIECE)
            except zlib.error as error:
                raise Invalid(f"the body is not gzip: {error}") from error
            data = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            yield piece

    def finished(self) -> bool:
        return self._inner.eof or not self._begun


class _Zstd:
    """Frames of zstd one after another (RFC 8878, 3)."""

    def __init__(self) -> None:
        self._outer = zstandard.ZstdDecompressor(max_window_size=2**27)
        self._inner = self._outer.decompressobj()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), ZSTD_SLICE):
            slice_ = data[at : at + ZSTD_SLICE]
            while slice_:
                if self._inner.eof:
                    self._inner = self._outer.decompressobj()
                self._begun = True
                try:
                    piece = self._inner.decompress(slice_)
                except zstandard.ZstdError as error:
                    raise Invalid(f"the body is not zstd: {error}") from error
                slice_ = self._inner.unused_data if self._inner.eof else b""
                yield piece

    def finished(self) -> bool:
        return bool(self._inner.eof) or not self._begun


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


def decoded(body: bytes, decoder: msgspec.json.Decoder[T], what: str, hint: str = "") -> T:
    """What a JSON body says, or `Invalid` with what it should have been and what to send."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"not {what}: {error}{hint}") from error


async def lines(request: Request, *, header: bool) -> AsyncIterator[tuple[bytes, int]]:
    """Blocks of whole lines with the place of their first line; a CSV header leads each block.

    No more is held than a block, or one line of at most `MOST_JSON` bytes.
    """
    async for block in cut_lines(pieces(request), header=header):
        yield block


async def cut_lines(
    given: AsyncIterator[bytes], *, header: bool
) -> AsyncIterator[tuple[bytes, int]]:
    """The same of pieces that come from anywhere."""
    waiting: list[bytes] = []
    size = 0
    head = b""
    first = 0
    async for piece in given:
        waiting.append(piece)
        size += len(piece)
        if size < BLOCK:
            continue
        # Only the new piece is searched, and all are joined once: a long line stays cheap.
        cut = piece.rfind(b"\n")
        if cut < 0:
            if size > MOST_JSON:
                raise TooLarge(
                    f"line {first + 1} or one after it has more than {MOST_JSON} bytes: end each "
                    "item with a line break; the lines before are stored"
                )
            continue
        waiting[-1] = piece[: cut + 1]
        block = b"".join(waiting)
        waiting, size = [piece[cut + 1 :]], len(piece) - cut - 1
        if header and not head:
            head, block = _headed(block)
        if block.strip():
            yield head + block, first
            first += sum(1 for line in block.split(b"\n") if line.strip())
    rest = b"".join(waiting)
    if rest.strip() or not first:
        yield head + rest, first


def _headed(block: bytes) -> tuple[bytes, bytes]:
    """The first line that is not blank, and the lines after it."""
    head, _, rest = block.lstrip(b"\r\n").partition(b"\n")
    return head + b"\n", rest
