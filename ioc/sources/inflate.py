"""Answers as they come in, decompressed and bounded, so that a bomb never unfolds in memory."""

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import zstandard

from ioc.sources.failure import Failure

ACCEPTED: Final = "gzip, deflate, zstd"

PIECE: Final = 256 * 1024
"""Bytes that zlib gives at most at a time."""

SLICE: Final = 256
"""Bytes that zstd is fed at a time: each gives at most 64 blocks of 128 KiB."""

MOST_WINDOW: Final = 2**27


class Inflater(Protocol):
    """Turns chunks as received into pieces of the body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that this chunk brings."""
        ...

    def finished(self) -> bool:
        """Whether the body is whole."""
        ...


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finished(self) -> bool:
        return True


class _Zlib:
    """gzip, and deflate with or without the zlib header that RFC 9110 asks for."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inner = zlib.decompressobj(wbits=31 if gzip else 15)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner.eof:
                if not self._gzip:
                    return
                # A gzip file may have several members (RFC 1952, section 2.2).
                self._inner = zlib.decompressobj(wbits=31)
            try:
                piece = self._inner.decompress(data, PIECE)
            except zlib.error as error:
                if self._gzip or self._begun:
                    raise Failure(f"the answer's compression is broken: {error}") from error
                self._inner, self._begun = zlib.decompressobj(wbits=-15), True
                continue
            self._begun = True
            data = self._inner.unconsumed_tail or self._inner.unused_data
            yield piece

    def finished(self) -> bool:
        return self._inner.eof


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW).decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), SLICE):
            if self._inner.eof:
                return
            try:
                yield self._inner.decompress(data[at : at + SLICE])
            except zstandard.ZstdError as error:
                raise Failure(f"the answer's compression is broken: {error}") from error

    def finished(self) -> bool:
        return bool(self._inner.eof)


def inflater(encoding: str) -> Inflater:
    """What decompresses an answer of that Content-Encoding."""
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return _Plain()
    if named in ("gzip", "x-gzip", "deflate"):
        return _Zlib(gzip=named != "deflate")
    if named == "zstd":
        return _Zstd()
    raise Failure(f"the answer has Content-Encoding {encoding[:40]!r}; {ACCEPTED} are taken")
