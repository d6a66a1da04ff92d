"""Vital tasks end with the process, or the process with them."""

import asyncio
import logging

import pytest

from ioc.runtime.supervise import Vitals, running


async def test_a_vital_task_that_crashes_takes_the_process_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    died = asyncio.Event()

    async def crash() -> None:
        raise RuntimeError("boom")

    vitals = Vitals()
    with caplog.at_level(logging.CRITICAL):
        async with running({"writer": crash}, vitals, die=died.set):
            await died.wait()
    assert vitals.failed == "writer"
    assert "vital task crashed: writer" in caplog.text


async def test_a_vital_task_that_just_ends_is_a_death_too() -> None:
    died = asyncio.Event()
    vitals = Vitals()
    async with running({"tick": _ends}, vitals, die=died.set):
        await died.wait()
    assert vitals.failed == "tick"


async def _ends() -> None:
    await asyncio.sleep(0)


async def test_tasks_are_stopped_at_the_end_without_a_death() -> None:
    deaths: list[str] = []
    vitals = Vitals()

    async def forever() -> None:
        await asyncio.Event().wait()

    async with running({"pipeline": forever}, vitals, die=lambda: deaths.append("died")):
        await asyncio.sleep(0)
    assert deaths == []
    assert vitals.failed is None
