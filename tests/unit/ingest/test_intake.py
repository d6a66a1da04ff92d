"""The hand-over: bounded bytes, pushing back, order kept, and nobody left waiting."""

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.intake import Intake
from ingest.payload import Payload
from ioc.errors import Busy
from tests.fixtures.decoding import a_payload


def _payload(name: object = "", size: int = 0) -> Payload:
    return a_payload(str(name).encode().ljust(size, b" "))


def _names(taken: list[Payload]) -> list[str]:
    return [payload.body.decode().strip() for payload in taken]


async def _all(intake: Intake) -> list[Payload]:
    return await intake.take(most=1_000_000, most_bytes=1 << 40)


def test_what_does_not_fit_is_refused_at_once_and_counted() -> None:
    intake = Intake(limit_bytes=2 * _payload().size)
    intake.submit(_payload())
    intake.submit(_payload())
    with pytest.raises(Busy):
        intake.submit(_payload())
    assert (intake.held, intake.refused) == ((2, 2 * _payload().size), 1)


def test_one_payload_larger_than_the_limit_is_taken_when_it_is_alone() -> None:
    intake = Intake(limit_bytes=10)
    intake.submit(_payload(size=5_000))
    with pytest.raises(Busy):
        intake.submit(_payload())


async def test_taking_makes_room() -> None:
    intake = Intake(limit_bytes=_payload().size)
    intake.submit(_payload("a"))
    assert _names(await _all(intake)) == ["a"]
    intake.submit(_payload("b"))
    assert _names(await _all(intake)) == ["b"]
    assert intake.held == (0, 0)


async def test_a_take_ends_at_either_bound_and_brings_one_at_least() -> None:
    intake = Intake(limit_bytes=1 << 20)
    for name in range(5):
        intake.submit(_payload(name))
    assert _names(await intake.take(most=2, most_bytes=1 << 20)) == ["0", "1"]
    assert _names(await intake.take(most=9, most_bytes=1)) == ["2"]
    assert _names(await _all(intake)) == ["3", "4"]


async def test_a_taker_wakes_for_a_payload_of_another_thread() -> None:
    intake = Intake(limit_bytes=1 << 20)
    intake.attach(asyncio.get_running_loop())
    for round in range(50):
        taking = asyncio.create_task(_all(intake))
        await asyncio.sleep(0)
        thread = threading.Thread(target=intake.submit_waiting, args=[_payload(round)])
        thread.start()
        assert _names(await taking) == [str(round)]
        thread.join()


async def test_payloads_of_a_waiting_thread_come_in_its_order_and_none_is_lost() -> None:
    intake = Intake(limit_bytes=3 * _payload("000").size)
    intake.attach(asyncio.get_running_loop())

    def send() -> None:
        for name in range(500):
            assert intake.submit_waiting(_payload(f"{name:03}"))

    thread = threading.Thread(target=send)
    thread.start()
    names: list[str] = []
    while len(names) < 500:
        names += _names(await intake.take(most=7, most_bytes=1 << 20))
        assert intake.held[1] <= 3 * _payload("000").size
    thread.join()
    assert names == [f"{name:03}" for name in range(500)]


def test_closing_lets_a_waiting_thread_go_without_its_payload() -> None:
    intake = Intake(limit_bytes=1)
    intake.submit(_payload("held"))
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(intake.submit_waiting(_payload())))
    thread.start()
    intake.close()
    thread.join(20)
    assert answers == [False]
    assert intake.held[0] == 1


async def test_a_closed_intake_gives_out_what_it_holds_and_then_nothing() -> None:
    intake = Intake(limit_bytes=1 << 20)
    intake.attach(asyncio.get_running_loop())
    intake.submit(_payload("a"))
    intake.close()
    assert _names(await _all(intake)) == ["a"]
    assert await _all(intake) == []
    with pytest.raises(Busy):
        intake.submit(_payload())


async def test_closing_wakes_a_taker_that_waits_for_nothing() -> None:
    intake = Intake(limit_bytes=1)
    intake.attach(asyncio.get_running_loop())
    taking = asyncio.create_task(_all(intake))
    await asyncio.sleep(0)
    intake.close()
    assert await taking == []


@given(st.lists(st.integers(0, 3_000), max_size=20), st.integers(1, 5), st.integers(1, 8_000))
def test_the_bytes_held_are_those_of_the_payloads_held(
    sizes: list[int], most: int, most_bytes: int
) -> None:
    intake = Intake(limit_bytes=8_000)
    held: list[Payload] = []

    def agrees() -> Any:
        assert intake.held == (len(held), sum(payload.size for payload in held))

    for size in sizes:
        payload = _payload(size=size)
        try:
            intake.submit(payload)
            held.append(payload)
        except Busy:
            agrees()
            taken = asyncio.run(intake.take(most=most, most_bytes=most_bytes))
            assert taken == held[: len(taken)]
            del held[: len(taken)]
        agrees()
