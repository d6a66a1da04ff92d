"""The hand-over: bounded bytes, pushing back, order kept, and nobody left waiting."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.intake import Intake, expected
from ingest.payload import Payload
from ioc.errors import Busy
from ioc.model import Receipt
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


async def test_a_taker_wakes_for_a_payload() -> None:
    intake = Intake(limit_bytes=1 << 20)
    for round in range(3):
        taking = asyncio.create_task(_all(intake))
        await asyncio.sleep(0)
        assert intake.take_in([_payload(round)])
        assert _names(await taking) == [str(round)]


async def test_a_connection_is_told_to_stop_reading_and_then_to_go_on() -> None:
    intake = Intake(limit_bytes=2 * _payload("0").size)
    told: list[int] = []
    assert intake.take_in([_payload("0")])
    # What has been read already is taken all the same: nothing is dropped.
    assert not intake.take_in([_payload("1"), _payload("2")])
    intake.when_room(lambda: told.append(1))
    with pytest.raises(Busy):
        intake.submit(_payload("9"))
    assert _names(await intake.take(most=1, most_bytes=1)) == ["0"]
    assert told == [], "it is as full as its limit still"
    assert _names(await intake.take(most=1, most_bytes=1)) == ["1"]
    assert told == [1]
    assert _names(await _all(intake)) == ["2"]
    assert told == [1], "it is told once"


async def test_a_closed_intake_gives_out_what_it_holds_and_then_nothing() -> None:
    intake = Intake(limit_bytes=1 << 20)
    intake.submit(_payload("a"))
    intake.close()
    assert not intake.take_in([_payload("b")]), "it is never answered and comes again"
    assert _names(await _all(intake)) == ["a"]
    assert await _all(intake) == []
    with pytest.raises(Busy):
        intake.submit(_payload())


async def test_closing_wakes_a_taker_that_waits_for_nothing() -> None:
    intake = Intake(limit_bytes=1)
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


def test_a_connection_leaves_half_of_the_room_to_requests() -> None:
    intake = Intake(limit_bytes=4 * _payload("0").size)
    assert intake.take_in([_payload("0"), _payload("1")])
    assert not intake.take_in([_payload("2")])
    intake.submit(_payload("3"))
    with pytest.raises(Busy):
        intake.submit(_payload("4"))


async def test_a_receipt_that_nobody_waits_for_any_more_is_let_go() -> None:
    receipt, answer = expected()
    answer(Receipt(received=1))
    answer(Receipt(received=2))
    assert (await receipt).received == 1
    given_up, answer = expected()
    given_up.cancel()
    answer(Receipt(received=1))
    assert given_up.cancelled()
