"""Transfers: few at once, and a reader that takes nothing keeps nobody else waiting."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from ioc.api.transfers import SLICE, Transfers
from ioc.errors import Busy

PIECE = bytes(3 * SLICE + 1)


class _Reader:
    """Takes so many messages, and then nothing more until it is told to."""

    def __init__(self, takes: int) -> None:
        self._takes = takes
        self.taken: list[dict[str, Any]] = []
        self.stuck = asyncio.Event()
        self.gone = asyncio.Event()

    async def send(self, message: Any) -> None:
        if len(self.taken) == self._takes:
            self.stuck.set()
            await asyncio.Event().wait()
        self.taken.append(message)

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    @property
    def complete(self) -> bool:
        return not self.taken[-1].get("more_body", True)


class _File:
    """Pieces of a file, and whether what they were read from was let go."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self.closed = asyncio.Event()

    async def read(self) -> AsyncGenerator[bytes]:
        try:
            for _ in range(self._pieces):
                yield PIECE
        finally:
            await asyncio.sleep(0)  # as a connection is given back
            self.closed.set()


async def _run(transfers: Transfers, file: _File, reader: _Reader) -> None:
    transfers.check()
    answer = transfers.answer(file.read(), media_type="text/csv", filename="x.csv")
    await answer({"type": "http", "asgi": {"spec_version": "2.3"}}, reader.receive, reader.send)


async def test_a_file_that_is_read_comes_whole_in_slices() -> None:
    reader = _Reader(takes=100)
    await _run(Transfers(), _File(2), reader)
    bodies = [message["body"] for message in reader.taken[1:]]
    assert b"".join(bodies) == PIECE * 2
    assert max(map(len, bodies)) == SLICE
    assert reader.complete
    assert dict(reader.taken[0]["headers"])[b"content-disposition"].endswith(b'"x.csv"')


async def test_a_transfer_that_nobody_reads_is_cut_off_and_the_next_gets_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transfers = Transfers(most=1, patience=0.05)
    file, reader = _File(2), _Reader(takes=3)
    with caplog.at_level(logging.WARNING):
        await _run(transfers, file, reader)
    assert file.closed.is_set()
    assert not reader.complete
    assert "x.csv was cut off: nothing of it was read for 0.05 s" in caplog.text
    following = _Reader(takes=100)
    await _run(transfers, _File(1), following)
    assert following.complete


async def test_no_more_than_the_places_run_at_once() -> None:
    transfers = Transfers(most=2, patience=3_600)
    readers = [_Reader(takes=2) for _ in range(2)]
    async with asyncio.TaskGroup() as tasks:
        for reader in readers:
            tasks.create_task(_run(transfers, _File(1), reader))
        for reader in readers:
            await reader.stuck.wait()
        with pytest.raises(Busy, match="2 exports run already"):
            await _run(transfers, _File(1), _Reader(takes=100))
        readers[0].gone.set()
        readers[1].gone.set()
    transfers.check()


async def test_a_reader_that_goes_away_leaves_nothing_open() -> None:
    file, reader = _File(2), _Reader(takes=3)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(_run(Transfers(patience=3_600), file, reader))
        await reader.stuck.wait()
        reader.gone.set()
        await file.closed.wait()
