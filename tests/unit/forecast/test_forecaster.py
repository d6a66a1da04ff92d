"""The child process that foresees: started when needed, done without when it fails."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from ioc.forecast.course import Course, Question
from ioc.forecast.forecaster import Forecaster

COURSE = Course(numerator=10, denominator=25, numerators=[20.0] * 30, denominators=[50.0] * 30)
LONG = Question([5] * 30, [5] * 8, [COURSE])
SHORT = Question([5] * 2, [5] * 8, [
    Course(numerator=10, denominator=25, numerators=[5.0, 5.0], denominators=[12.0, 13.0])
])  # fmt: skip


@pytest.fixture
async def forecaster() -> AsyncIterator[Forecaster]:
    made = Forecaster()
    yield made
    await made.rest()


async def _started(forecaster: Forecaster) -> int:
    while forecaster.pid is None:  # noqa: ASYNC110, it tells nobody
        await asyncio.sleep(0.01)
    return forecaster.pid


async def test_no_process_is_started_for_a_short_history(forecaster: Forecaster) -> None:
    found = await forecaster.foresee(SHORT)
    assert [one.method for one in found.items if one is not None] == ["so_far"]
    assert forecaster.pid is None


async def test_a_killed_child_is_done_without_and_comes_back(forecaster: Forecaster) -> None:
    asking = asyncio.create_task(forecaster.foresee(LONG))
    os.kill(await _started(forecaster), signal.SIGKILL)
    plain = await asking
    assert [one.method for one in plain.items if one is not None] == ["so_far"]
    assert forecaster.failures == 1
    again = await forecaster.foresee(LONG)
    assert [one.method for one in again.items if one is not None] == ["weeks"]


async def test_the_loop_goes_on_while_the_child_works(forecaster: Forecaster) -> None:
    asking = asyncio.create_task(forecaster.foresee(LONG))
    turns = 0
    while not asking.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert turns > 10


async def test_a_child_that_takes_too_long_is_stopped() -> None:
    forecaster = Forecaster(seconds=0.05)
    found = await forecaster.foresee(LONG)
    assert [one.method for one in found.items if one is not None] == ["so_far"]
    assert (forecaster.pid, forecaster.failures) == (None, 1)


async def test_who_gives_up_waiting_leaves_no_answer_behind(forecaster: Forecaster) -> None:
    asking = asyncio.create_task(forecaster.foresee(LONG))
    await _started(forecaster)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    other = Question([5] * 30, [5] * 8, [COURSE, COURSE])
    assert len((await forecaster.foresee(other)).items) == 2
