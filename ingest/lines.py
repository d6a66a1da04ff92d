"""Bodies cut into blocks of whole lines, however they come in; a CSV header leads each block."""

from collections.abc import Iterator
from typing import Final

BLOCK: Final = 1024 * 1024
"""Bytes of a block of lines; each block is committed by itself."""


class LineCutter:
    """Cuts what it is fed; `held` bytes wait for the end of their block.

    Blocks come with the place of their first line among the lines that are not blank.
    """

    def __init__(self, *, header: bool, size: int = BLOCK) -> None:
        """With `header` the first line that is not blank leads each block."""
        self.held = 0
        self.first = 0
        self._headless = header
        self._size = size
        self._head = b""
        self._waiting: list[bytes] = []

    def cut(self, piece: bytes) -> tuple[bytes, int] | None:
        """The next block, where this piece of the body ends one."""
        self._waiting.append(piece)
        self.held += len(piece)
        # Only the new piece is searched, and all are joined once: a long line stays cheap.
        cut = piece.rfind(b"\n") if self.held >= self._size else -1
        if cut < 0:
            return None
        self._waiting[-1] = piece[: cut + 1]
        block = b"".join(self._waiting)
        self._waiting, self.held = [piece[cut + 1 :]], len(piece) - cut - 1
        if self._headless and block.strip():
            self._headless = False
            head, _, block = block.lstrip(b"\r\n").partition(b"\n")
            self._head = head + b"\n"
        if not block.strip():
            return None
        first = self.first
        self.first += sum(1 for line in block.split(b"\n") if line.strip())
        return self._head + block, first

    def rest(self) -> tuple[bytes, int] | None:
        """The last block; also of a body without any line, None after the last line of another."""
        rest = b"".join(self._waiting)
        return (self._head + rest, self.first) if rest.strip() or not self.first else None


def blocks(body: bytes, *, header: bool, size: int = BLOCK) -> Iterator[tuple[bytes, int]]:
    """The blocks of a whole body; none of a blank one."""
    cutter = LineCutter(header=header, size=size)
    for at in range(0, len(body), size):
        block = cutter.cut(body[at : at + size])
        if block is not None:
            yield block
    rest = cutter.rest()
    if rest is not None and rest[0].strip():
        yield rest
