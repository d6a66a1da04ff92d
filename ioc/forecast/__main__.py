"""The child process that foresees: questions come in on standard input, answers go out."""

import os
import resource
import sys
from typing import Final

import msgspec

from ioc.forecast.course import HEAD, Question

MEMORY: Final = 1536 * 2**20
"""Bytes of address space; statsmodels alone takes some 180 MB of memory."""

NICENESS: Final = 10
"""What is live goes first."""


def main() -> None:
    """Answer until standard input ends, as it does when the server is gone."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.nice(NICENESS)
    # Takes seconds the first time, and only this process pays them.
    from ioc.forecast.weekly import answer

    questions = msgspec.msgpack.Decoder(Question)
    while head := sys.stdin.buffer.read(HEAD.size):
        (length,) = HEAD.unpack(head)
        found = msgspec.msgpack.encode(answer(questions.decode(sys.stdin.buffer.read(length))))
        sys.stdout.buffer.write(HEAD.pack(len(found)) + found)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
