"""The loop of the ingest: at once where nothing waits, together where much does, in its order."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, cast

import numpy as np
import pytest

from ingest.intake import Intake
from ingest.payload import Payload
from ioc.flow import pipeline
from ioc.flow.pipeline import Pipeline
from ioc.model import NO_COLUMNS, Feed, Problem, Reason, Receipt
from ioc.store.births import KeptBirths
from ioc.store.flush import Flushed, Part
from tests.fixtures.decoding import RECEIVED, a_feed, a_payload
from tests.fixtures.store import a_part

ITEM = json.dumps([{"series": "a/x", "time": "2026-11-22T01:00:00Z", "value": 1}]).encode()


class _Neighbours:
    """What stands around the pipeline: the database commits when the test says so."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.flushes: list[int] = []
        self.may = asyncio.Semaphore(0)
        self.feeds = {1: a_feed()}
        self.intake = Intake(limit_bytes=10_000_000)
        self.checkpoint = self
        around: Any = self
        self.pipeline = Pipeline(
            intake=self.intake, registry=around, resolver=around, placing=around, reports=around,
            warnings=around, writer=around,
            births=KeptBirths(cast(Any, None), cast(Any, None)), readers=[around], clock=around,
        )  # fmt: skip

    def now(self) -> datetime:
        return RECEIVED

    def read_numbers(self, items: object) -> None:
        """All are numbers."""

    async def make_series(self, items: object) -> None:
        """All are known."""

    def resolve_plain(self, read: Sequence[object], now: datetime) -> list[Part]:
        return [a_part(1, [(1, 0, 1.0)]) for _ in read]

    async def write(self, now: float) -> None:
        """No places wait."""

    async def keep(self) -> None:
        """Nothing to keep for the next start."""

    async def flush(self, parts: Sequence[Part], now: datetime) -> Flushed:
        self.flushes.append(len(parts))
        await self.may.acquire()
        self.told.append("committed")
        receipts = [Receipt(received=1, stored=1) for _ in parts]
        return Flushed(receipts, NO_COLUMNS, np.empty(0, np.int32), np.empty(0, np.uint8))

    async def take(self, payload: Payload, feed: Feed, given: Any, now: datetime) -> Receipt:
        self.told.append("handed in")
        problems = [Problem(report.index, Reason.MEASURE_UNKNOWN, "no") for report in given]
        return Receipt(received=len(given), quarantined=len(given), problems=problems)

    async def flushed(self, parts: Sequence[Part], flushed: Flushed) -> None:
        self.told.append("shown")

    def submit(self, many: int = 1) -> None:
        for _ in range(many):
            self.intake.submit(a_payload(ITEM, answer=lambda _: self.told.append("answered")))


@asynccontextmanager
async def _running() -> AsyncIterator[_Neighbours]:
    around = _Neighbours()
    running = asyncio.create_task(around.pipeline.run())
    await _breath()
    yield around
    for _ in range(10):
        around.may.release()
    around.intake.close()
    await running


async def _breath() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_comes_while_nothing_waits_is_stored_at_once() -> None:
    async with _running() as around:
        around.submit()
        await _breath()
        assert around.flushes == [1]


async def test_what_comes_during_a_commit_shares_one_of_its_own() -> None:
    async with _running() as around:
        for _ in range(40):
            around.submit()
            await _breath()
        # One is with the database, one lies ready, and the others wait for room together.
        assert around.flushes == [1]
        around.may.release()
        await _breath()
        around.may.release()
        await _breath()
        assert around.flushes == [1, 1, 38]


async def test_a_flush_is_bounded_in_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MOST_PAYLOADS", 15)
    async with _running() as around:
        around.submit(40)
    assert around.flushes == [15, 15, 10]


async def test_a_payload_is_answered_after_its_commit_and_shown_after_that() -> None:
    async with _running() as around:
        around.submit(2)
        await _breath()
        assert around.told == []
        around.may.release()
        await _breath()
        assert around.told == ["committed", "answered", "answered", "shown"]


async def test_the_receipt_of_a_payload_with_reports_is_over_all_its_items() -> None:
    kpi = {
        "id": "k", "type": "KeyPerformanceIndicator", "name": "m", "organization": "u",
        "kpiValue": 1, "calculationPeriod": {"from": "2026-07-01", "to": "2026-07-31"},
    }  # fmt: skip
    receipts: list[Receipt] = []
    async with _running() as around:
        around.intake.submit(a_payload(json.dumps([kpi]).encode(), answer=receipts.append))
        await _breath()
        assert (around.told, receipts) == (["handed in"], [])
        around.may.release()
        await _breath()
        [receipt] = receipts
    assert (receipt.received, receipt.stored, receipt.quarantined) == (2, 1, 1)
    assert [problem.index for problem in receipt.problems] == [0]
