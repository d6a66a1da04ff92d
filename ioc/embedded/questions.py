"""NATS' own line protocol, as far as it takes to ask our broker something."""

import json
from asyncio import StreamReader, StreamWriter, open_connection, timeout
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

_ANSWER_SECONDS: Final = 5.0


class Questions:
    """One connection that asks one thing after the other."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, subject: str, question: object = None) -> bytes:
        """The answer; raises OSError, EOFError, TimeoutError or ValueError when there is none."""
        body = b"" if question is None else json.dumps(question).encode()
        self._writer.write(f"PUB {subject} _INBOX.ioc {len(body)}\r\n".encode() + body + b"\r\n")
        async with timeout(_ANSWER_SECONDS):
            while line := await self._reader.readline():
                if line.startswith(b"MSG "):
                    answer = await self._reader.readexactly(int(line.split()[-1]))
                    await self._reader.readline()
                    return answer
                if line.startswith(b"PING"):
                    self._writer.write(b"PONG\r\n")
                elif line.startswith(b"-ERR"):
                    raise ValueError(line.decode("utf-8", "replace").strip())
        raise EOFError("the broker ended the connection")


@asynccontextmanager
async def asking(port: int, user: str, password: str) -> AsyncGenerator[Questions]:
    """A connection to the broker's client port on this machine."""
    reader, writer = await open_connection("127.0.0.1", port, limit=2**20)
    try:
        login = json.dumps({"user": user, "pass": password, "verbose": False, "pedantic": False})
        writer.write(f"CONNECT {login}\r\nSUB _INBOX.ioc 1\r\n".encode())
        yield Questions(reader, writer)
    finally:
        writer.close()
