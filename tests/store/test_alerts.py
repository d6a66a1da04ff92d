"""Alerts: one open occurrence per fingerprint, and a log in the order of commits."""

import asyncio
import contextlib
import dataclasses
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ioc.ids import uuid7
from ioc.store import alerts
from ioc.store.alerts import AlertRow, LogRow, Overtaken
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.store import NOW, rows_of


def _alert(**more: Any) -> AlertRow:
    given: dict[str, Any] = {
        "alert_id": uuid7(NOW), "fingerprint": "rule/a", "rule_id": "rule", "kind": "threshold",
        "severity": "high", "series_id": None, "feed_key": None, "unit_key": None,
        "state": "active", "pending_since": NOW, "active_since": NOW, "reason": "x",
    }  # fmt: skip
    return AlertRow(**{**given, **more})


def _log(alert: UUID, verb: str = "update", change: str = "active") -> LogRow:
    return LogRow(
        alert_id=alert, at=NOW, change=change, actor="", comment="", verb=verb, item=b"{}"
    )


def _change(**more: Any) -> tuple[AlertRow, LogRow]:
    alert = _alert(**more)
    return alert, _log(alert.alert_id)


async def _save(url: str, *changes: tuple[AlertRow, LogRow]) -> list[int]:
    """Save like a process that takes what others did until nobody was faster."""
    while True:
        ((newest,),) = await rows_of(url, "SELECT COALESCE(max(log_offset), 0) FROM alert_log")
        with contextlib.suppress(Overtaken):
            async with await connect(url) as conn:
                return await alerts.save(conn, changes, after=newest)


async def test_what_is_saved_is_read_back_field_by_field(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    alert = _alert(value=1.5, level=2.0, value_time=NOW, acknowledged_by="lan", acknowledged_at=NOW)
    await _save(database, (alert, _log(alert.alert_id)))
    assert await alerts.not_closed(pools[0]) == [alert]


async def test_what_is_touched_overtakes_who_decided_before(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    alert, log = _change()
    await _save(database, (alert, log))
    async with await connect(database) as conn:
        await alerts.touch(conn, [alert.alert_id], lambda row: _log(row.alert_id, change="touched"))
    assert [row.version for row in await alerts.not_closed(pools[0])] == [alert.version + 1]
    changes = await alerts.history(pools[0], alert.alert_id)
    assert [row.change for row in changes] == ["active", "touched"]
    with pytest.raises(Overtaken):
        async with await connect(database) as conn:
            await alerts.save(conn, [(alert, log)], after=1)


async def test_a_second_open_alert_of_one_fingerprint_is_refused(database: str) -> None:
    await _save(database, _change(state="pending"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await _save(database, _change())


async def test_a_cleared_alert_makes_room_for_the_next_occurrence(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    first = _alert(state="cleared", cleared_at=NOW)
    await _save(database, (first, _log(first.alert_id)))
    await _save(database, _change())
    assert len(await alerts.not_closed(pools[0])) == 2


async def test_offsets_follow_each_other_within_and_over_saves(database: str) -> None:
    assert await _save(database, _change(fingerprint="a"), _change(fingerprint="b")) == [1, 2]
    assert await _save(database, _change(fingerprint="c")) == [3]


async def test_a_saver_waits_for_the_commit_of_the_one_before(database: str) -> None:
    async with await connect(database) as first, await connect(database) as second:
        assert await alerts.save(first, [_change(fingerprint="a")], after=0) == [1]
        other = asyncio.create_task(alerts.save(second, [_change(fingerprint="b")], after=1))
        await _waits_for_a_lock(database)
        assert not other.done()
        await first.commit()
        assert await other == [2]


async def test_who_decided_by_what_another_has_changed_meanwhile_is_told_so(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    alert = _alert()
    await _save(database, (alert, _log(alert.alert_id, "add")))
    seen = dataclasses.replace(alert, acknowledged_at=NOW, acknowledged_by="lan")
    await _save(database, (seen, _log(alert.alert_id, "update", "acknowledge")))
    cleared = dataclasses.replace(alert, state="cleared", cleared_at=NOW)
    with pytest.raises(Overtaken):
        async with await connect(database) as conn:
            await alerts.save(conn, [(cleared, _log(alert.alert_id))], after=1)
    log, rows = await alerts.changed_after(pools[0], 1, limit=10)
    assert [(row[0], row[1]) for row in log] == [(2, "update")]
    assert rows == [seen]


async def test_savers_at_once_leave_no_gap_and_no_offset_twice(database: str) -> None:
    async def save(number: int) -> list[int]:
        return [
            offset
            for part in range(5)
            for offset in await _save(database, _change(fingerprint=f"{number}/{part}"))
        ]

    found = await asyncio.gather(*(save(number) for number in range(4)))
    assert sorted(offset for offsets in found for offset in offsets) == list(range(1, 21))
    assert all(offsets == sorted(offsets) for offsets in found)


async def test_the_tail_holds_what_clients_were_told_and_the_newest_offset(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    alert = _alert()
    verbs = ["add", "none", "update", "none"]
    await _save(database, *((alert, _log(alert.alert_id, verb)) for verb in verbs))
    offset, tail = await alerts.log_tail(pools[0], since=NOW - timedelta(days=7), limit=10)
    assert (offset, [(row[0], row[1]) for row in tail]) == (4, [(1, "add"), (3, "update")])
    offset, tail = await alerts.log_tail(pools[0], since=NOW + timedelta(days=8), limit=10)
    assert (offset, tail) == (4, [])


async def test_the_history_of_an_alert_is_its_own_in_order(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    one, other = _alert(fingerprint="a"), _alert(fingerprint="b")
    await _save(
        database,
        (one, _log(one.alert_id, change="active")), (other, _log(other.alert_id)),
        (one, _log(one.alert_id, change="acknowledged")),
    )  # fmt: skip
    found = await alerts.history(pools[0], one.alert_id)
    assert [row.change for row in found] == ["active", "acknowledged"]


async def _waits_for_a_lock(url: str) -> None:
    async with asyncio.timeout(20):
        while not await rows_of(  # noqa: ASYNC110, another session makes it true
            url,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'",
        ):
            await asyncio.sleep(0.01)
