"""Bodies that stream in: cut at lines, decompressed, never held beyond their bound or budget."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from typing import Any, cast

import pytest
import zstandard
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from ingest.lines import BLOCK
from ingest.payload import MOST_BYTES
from ioc.api.bodies import lines, pieces, whole
from ioc.api.budget import BodyBudget, Share
from ioc.errors import Busy, Invalid, TooLarge

CHUNK = 64 * 1024


class _Sender:
    """A body in chunks, which counts how many of its bytes were asked for.

    With `pause` it stops after so many chunks until it is told to go on.
    """

    def __init__(
        self, chunks: Iterable[bytes], encoding: str = "identity", declared: str = "", *,
        budget: BodyBudget | None = None, pause: int = -1,
    ) -> None:  # fmt: skip
        self._chunks = iter(chunks)
        self._pause = pause
        self.taken = 0
        self.paused, self.go_on = asyncio.Event(), asyncio.Event()
        self.budget = budget or BodyBudget(limit_bytes=10 * MOST_BYTES)
        headers = [(b"content-encoding", encoding.encode())]
        if declared:
            headers.append((b"content-length", declared.encode()))
        scope: dict[str, Any] = {
            "type": "http", "method": "POST", "headers": headers, "state": {"bodies": self.budget},
        }  # fmt: skip
        self.request = Request(scope, self._receive)

    async def _receive(self) -> Any:
        if self._pause == 0:
            self.paused.set()
            await self.go_on.wait()
        self._pause -= 1
        chunk = next(self._chunks, None)
        self.taken += len(chunk or b"")
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}


def _chunked(body: bytes, size: int = CHUNK) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


async def _all(sender: _Sender, *, header: bool = False) -> list[tuple[bytes, int]]:
    found = [block async for block in lines(sender.request, header=header)]
    assert sender.budget.held == 0
    return found


async def test_each_block_of_csv_begins_with_the_header_even_after_blank_lines() -> None:
    rows = b"".join(b"a/x,%d,1\n" % n for n in range(200_000))
    found = await _all(_Sender(_chunked(b"\r\n\nseries,time,value\n" + rows)), header=True)
    assert len(found) > 1
    assert all(block.startswith(b"series,time,value\n") for block, _ in found)
    assert b"".join(block.partition(b"\n")[2] for block, _ in found) == rows
    assert found[0][1] == 0


def _packed(encoding: str, body: bytes) -> bytes:
    return gzip.compress(body, 6) if encoding == "gzip" else zstandard.compress(body, 9)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
async def test_a_long_stream_never_holds_more_than_a_block_and_a_piece(encoding: str) -> None:
    line = b'{"series":"a/x","time":"2026-11-22T09:00:00+07:00","value":%d}\n'
    body = b"".join(line % n for n in range(500_000))
    sender = _Sender(
        _chunked(body if encoding == "identity" else _packed(encoding, body)), encoding
    )
    largest = total = 0
    waiting = 0
    async for block, _ in lines(sender.request, header=False):
        largest = max(largest, len(block))
        total += len(block)
        if encoding == "identity":
            waiting = max(waiting, sender.taken - total)
    assert total == len(body)
    assert largest < BLOCK + 1024 * 1024
    assert waiting <= CHUNK


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_is_unfolded_only_as_far_as_it_is_read(encoding: str) -> None:
    bomb = _packed(encoding, b" " * 300_000_000)
    assert len(bomb) < 400_000
    sender = _Sender([bomb], encoding)
    largest = count = 0
    async for piece in pieces(sender.request):
        largest, count = max(largest, len(piece)), count + 1
        if count == 10:
            break
    assert 0 < largest <= 2 * 1024 * 1024
    with pytest.raises(TooLarge):
        await whole(_Sender([bomb], encoding).request)
    with pytest.raises(TooLarge, match="line 1 or one after it"):
        await _all(_Sender([bomb], encoding))


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 7, CHUNK])
async def test_packed_parts_one_after_another_are_all_read(encoding: str, size: int) -> None:
    packed = _packed(encoding, b"one\n") + _packed(encoding, b"two\n")
    assert await whole(_Sender(_chunked(packed, size), encoding).request) == b"one\ntwo\n"
    with pytest.raises(Invalid, match="cut off"):
        await whole(_Sender(_chunked(packed[:-3], size), encoding).request)
    with pytest.raises(Invalid):
        await whole(_Sender(_chunked(b"nothing of the kind", size), encoding).request)


async def test_a_line_longer_than_the_bound_is_refused_and_the_lines_before_it_are_given() -> None:
    rows = b"x\n" * BLOCK
    sender = _Sender(_chunked(rows + b"y" * (MOST_BYTES + 4 * BLOCK)))
    found: list[int] = []

    async def read() -> None:
        async for block, _ in lines(sender.request, header=False):
            found.append(len(block))

    with pytest.raises(TooLarge, match=f"more than {MOST_BYTES} bytes"):
        await read()
    assert sum(found) == len(rows)
    assert sender.taken < len(rows) + MOST_BYTES + 2 * BLOCK


async def test_a_body_that_is_declared_too_large_is_refused_unread() -> None:
    sender = _Sender([b"[" * CHUNK] * 2_000, declared=str(100 * 1024 * 1024))
    with pytest.raises(TooLarge):
        await whole(sender.request)
    assert sender.taken == 0
    undeclared = _Sender([b"[" * CHUNK] * 2_000)
    with pytest.raises(TooLarge):
        await whole(undeclared.request)
    assert undeclared.taken <= MOST_BYTES + CHUNK


async def test_zstd_of_a_stream_without_its_size_is_read() -> None:
    out = io.BytesIO()
    with zstandard.ZstdCompressor().stream_writer(out, closefd=False) as writer:
        cast(Any, writer).write(b"abc\n" * 1000)
    assert await whole(_Sender([out.getvalue()], "zstd").request) == b"abc\n" * 1000


_sizes = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 120)), max_size=40)


@given(_sizes, st.integers(1, 100))
def test_all_bodies_together_hold_no_more_than_the_budget_unless_one_is_alone(
    sizes: list[tuple[int, int]], limit: int
) -> None:
    budget = BodyBudget(limit_bytes=limit)
    held = [0] * 5
    with ExitStack() as stack:
        shares: list[Share] = [stack.enter_context(budget.share()) for _ in held]
        for place, size in sizes:
            others = sum(held) - held[place]
            fits = size <= held[place] or not others or others + size <= limit
            if fits:
                shares[place].hold(size)
                held[place] = size
            else:
                with pytest.raises(Busy):
                    shares[place].hold(size)
            assert budget.held == sum(held)
            assert budget.held <= limit or sum(size > 0 for size in held) <= 1 or size <= limit
    assert budget.held == 0


async def _by_lines(sender: _Sender) -> bytes:
    return b"".join([block async for block, _ in lines(sender.request, header=False)])


@pytest.mark.parametrize("read", [lambda sender: whole(sender.request), _by_lines])
async def test_slow_bodies_hold_no_more_than_the_budget_and_others_are_refused_early(
    read: Any,
) -> None:
    budget = BodyBudget(limit_bytes=10 * CHUNK)
    slow = [_Sender([b"x" * CHUNK] * 6, budget=budget, pause=5) for _ in range(2)]
    reading = [asyncio.ensure_future(read(sender)) for sender in slow]
    for sender in slow:
        await sender.paused.wait()
    assert budget.held == 10 * CHUNK
    third = _Sender([b"x" * CHUNK] * 6, budget=budget)
    with pytest.raises(Busy, match="send it again"):
        await read(third)
    assert third.taken == CHUNK
    slow[0].go_on.set()
    with pytest.raises(Busy):
        await reading[0]
    slow[1].go_on.set()
    assert await reading[1] == b"x" * CHUNK * 6
    assert budget.held == 0
    assert await read(_Sender([b"x" * CHUNK] * 6, budget=budget)) == b"x" * CHUNK * 6


async def test_a_body_that_is_alone_is_taken_whatever_the_budget() -> None:
    budget = BodyBudget(limit_bytes=1)
    assert await whole(_Sender([b"x" * CHUNK] * 3, budget=budget).request) == b"x" * CHUNK * 3
    assert await _by_lines(_Sender([b"x" * CHUNK] * 40, budget=budget)) == b"x" * CHUNK * 40


async def test_a_body_that_comes_to_nothing_gives_its_share_back() -> None:
    budget = BodyBudget(limit_bytes=CHUNK)
    for sender, error in (
        (_Sender([b"x" * CHUNK, b"x"], budget=budget), TooLarge),
        (_Sender([gzip.compress(b"x" * 100)[:-4]], "gzip", budget=budget), Invalid),
    ):
        with pytest.raises(error):
            await whole(sender.request, CHUNK)
        assert budget.held == 0


async def test_lines_that_were_handed_on_are_no_longer_held() -> None:
    sender = _Sender(_chunked(b"x" * 99 + b"\n", 7) + [b"y" * 99 + b"\n"] * (2 * BLOCK // 100))
    blocks: AsyncIterator[tuple[bytes, int]] = lines(sender.request, header=False)
    block, _ = await anext(blocks)
    assert len(block) >= BLOCK
    assert sender.budget.held < 100
