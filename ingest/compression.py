"""Undo gzip, deflate and zstd piece by piece, so that a bomb never unfolds in memory."""

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

import zstandard

from ingest.payload import MOST_BYTES
from ioc.errors import Invalid, TooLarge, UnsupportedFormat

PIECE: Final = 256 * 1024
"""Bytes that zlib gives at most at a time."""

ZSTD_SLICE: Final = 32
"""Compressed bytes given to zstd at a time: it may make 128 KiB of 4 of them, all at once."""

MOST_WINDOW: Final = 2**27
"""Bytes that zstd may look back, and so hold in memory."""

ACCEPTED: Final = "gzip, deflate, zstd"
"""What may be said of itself in an Accept-Encoding."""

_MARKS: Final = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
"""How they begin (RFC 1952, 2.3.1; RFC 8878, 3.1.1); no text and no format taken begins so."""

_BEGINNINGS: Final = tuple(_MARKS)


class Inflater(Protocol):
    """Turns compressed chunks, as they come in, into pieces of what was compressed."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The pieces that this chunk brings. Raises `Invalid` where it is broken."""
        ...

    def finished(self) -> bool:
        """Whether all that was begun has come to its end."""
        ...


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finished(self) -> bool:
        return True


class _Zlib:
    """Members of gzip one after another, as `cat a.gz b.gz` makes them (RFC 1952, 2.2).

    Or deflate, with the zlib header that RFC 9110 asks for, or without it as some servers send it.
    """

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inner = zlib.decompressobj(wbits=31 if gzip else 15)
        self._begun = self._bare = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner.eof:
                if not self._gzip:
                    return
                self._inner = zlib.decompressobj(wbits=31)
            try:
                piece = self._inner.decompress(data, PIECE)
            except zlib.error as error:
                if self._gzip or self._begun or self._bare:
                    kind = "gzip" if self._gzip else "deflate"
                    raise Invalid(f"it is not {kind}: {error}") from error
                self._inner, self._bare = zlib.decompressobj(wbits=-15), True
                continue
            self._begun = True
            data = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            yield piece

    def finished(self) -> bool:
        return self._inner.eof or not self._begun


class _Zstd:
    """Frames of zstd one after another (RFC 8878, 3)."""

    def __init__(self) -> None:
        self._outer = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW)
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
                    raise Invalid(f"it is not zstd: {error}") from error
                slice_ = self._inner.unused_data if self._inner.eof else b""
                yield piece

    def finished(self) -> bool:
        return bool(self._inner.eof) or not self._begun


def inflater(encoding: str) -> Inflater:
    """What undoes a Content-Encoding. Raises `UnsupportedFormat` for one that is not taken."""
    named = encoding.strip().lower()
    if named in ("", "identity"):
        return _Plain()
    if named in ("gzip", "x-gzip", "deflate"):
        return _Zlib(gzip=named != "deflate")
    if named == "zstd":
        return _Zstd()
    raise UnsupportedFormat(f"Content-Encoding {encoding[:40]!r} is not taken; use gzip or zstd")


def named(body: bytes) -> str | None:
    """`gzip` or `zstd` where a body begins as these do; over MQTT nothing else says so."""
    # Each payload is asked, and hardly any is compressed.
    if not body.startswith(_BEGINNINGS):
        return None
    return next(name for mark, name in _MARKS.items() if body.startswith(mark))


def inflated(body: bytes, most: int = MOST_BYTES) -> bytes:
    """A body as it was before it was compressed; one that never was comes back as it is.

    Raises `Invalid` where it is broken or cut off, and `TooLarge` beyond `most` bytes.
    """
    encoding = named(body)
    if encoding is None:
        return body
    unpacking = inflater(encoding)
    parts: list[bytes] = []
    size = 0
    for piece in unpacking.feed(body):
        size += len(piece)
        if size > most:
            raise TooLarge(f"decompressed it has more than {most} bytes; send it in parts")
        parts.append(piece)
    if not unpacking.finished():
        raise Invalid("it is cut off; send it again whole")
    return b"".join(parts)


def inflated_or_kept(body: bytes) -> bytes:
    """The same, but what cannot be decompressed comes back as it is, to be refused with it."""
    try:
        return inflated(body)
    except (Invalid, TooLarge):
        return body
