"""What a coroutine takes itself, and that it runs as if nobody counted."""

import asyncio
from time import thread_time

import pytest

from ioc.runtime.metered import Metered

SECONDS = 0.02


def _burn(seconds: float = SECONDS) -> None:
    until = thread_time() + seconds
    while thread_time() < until:
        pass


async def test_what_a_coroutine_computes_counts_and_what_others_do_meanwhile_does_not() -> None:
    async def compute() -> str:
        _burn()
        await asyncio.sleep(0)
        _burn()
        return "done"

    async def wait() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    computing, waiting = Metered(compute()), Metered(wait())

    async def follow(one: Metered[None]) -> None:
        await one

    other = asyncio.create_task(follow(waiting))
    assert await computing == "done"
    await other
    assert computing.seconds >= 2 * SECONDS > SECONDS > waiting.seconds


async def test_what_a_coroutine_raises_comes_out_and_what_it_took_until_then_counts() -> None:
    async def fail() -> None:
        _burn()
        raise LookupError("found nothing")

    failing = Metered(fail())
    with pytest.raises(LookupError, match="found nothing"):
        await failing
    assert failing.seconds >= SECONDS


async def test_a_coroutine_that_is_cancelled_can_clean_up() -> None:
    cleaned = False

    async def work() -> None:
        nonlocal cleaned
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = True

    async def follow() -> None:
        await Metered(work())

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned
