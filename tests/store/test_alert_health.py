"""Past alerts read as columns: those of a time and of units, with what people made of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from alerts.past import NEVER, Ended, Quiet
from ioc.flow.alert_counts import AlertCounts
from ioc.ids import uuid7
from ioc.kpi.period import Period
from ioc.model import to_micros
from ioc.store import alert_counts, alert_health, alerts
from ioc.store.alert_health import QuietReason, Watched
from ioc.store.alerts import AlertRow, LogRow
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.store import NOW, ZONE, a_province, rows_of

HOUR = timedelta(hours=1)
SINCE = NOW - 24 * HOUR
SILENCED = {"cause": "silence", "by": "s", "rule": "", "why": "sửa đường", "until": None}


def an_alert(hours: float = 1, **more: Any) -> AlertRow:
    """An alert that began so many hours ago and stands."""
    began = NOW - hours * HOUR
    given: dict[str, Any] = {
        "alert_id": uuid7(began), "fingerprint": f"a/{hours}", "rule_id": "a", "kind": "threshold",
        "severity": "high", "series_id": None, "feed_key": None, "unit_key": None,
        "state": "active", "pending_since": began - HOUR / 6, "active_since": began, "reason": "x",
    }  # fmt: skip
    return AlertRow(**{**given, **more})


def over(alert: AlertRow, after: timedelta, **more: Any) -> AlertRow:
    assert alert.active_since is not None
    return replace(alert, state="cleared", cleared_at=alert.active_since + after, **more)


class Log:
    """The log of alerts of a database, written change by change."""

    def __init__(self, url: str, reads: ReadPool) -> None:
        self._url, self.reads, self._newest = url, reads, 0

    async def put(
        self, *rows: AlertRow, change: str = "held", comment: str = "", item: bytes = b"{}"
    ) -> None:
        changes = [
            (
                row,
                LogRow(
                    alert_id=row.alert_id,
                    at=row.active_since or NOW,
                    change=change,
                    actor="",
                    comment=comment,
                    verb="update",
                    item=item,
                ),
            )
            for row in rows
        ]
        async with await connect(self._url) as conn:
            self._newest = (await alerts.save(conn, changes, after=self._newest))[-1]

    async def watched(
        self, *, since: datetime = SINCE, until: datetime = NOW, units: Sequence[int] | None = None
    ) -> Watched:
        return await alert_health.read(self.reads, since=since, until=until, units=units)


@pytest.fixture
def log(database: str, pools: tuple[ReadPool, WritePool]) -> Log:
    return Log(database, pools[0])


async def test_nothing_is_read_where_nothing_was(log: Log) -> None:
    found = await log.watched()
    assert (len(found.past), found.reasons, found.duties) == (0, [], [])


async def test_an_alert_is_read_with_its_times_and_its_rule(log: Log) -> None:
    one, other = an_alert(3, rule_id="b"), an_alert(2)
    await log.put(over(one, HOUR, acknowledged_at=NOW), replace(other, severity="critical"))
    past = (await log.watched()).past
    assert [past.rules[place] for place in past.rule] == ["b", "a"]
    assert past.began.tolist() == [to_micros(NOW - 3 * HOUR), to_micros(NOW - 2 * HOUR)]
    assert past.cleared.tolist() == [to_micros(NOW - 2 * HOUR), NEVER]
    assert past.acknowledged.tolist() == [to_micros(NOW), NEVER]
    assert past.severity.tolist() == [1, 0]
    assert (past.began - past.pending).tolist() == [600_000_000] * 2


async def test_occurrences_of_one_alert_share_their_mark(log: Log) -> None:
    await log.put(over(an_alert(3, fingerprint="m"), HOUR), an_alert(1, fingerprint="m"))
    await log.put(an_alert(2, fingerprint="n"))
    first, second, third = (await log.watched()).past.mark.tolist()
    assert first == third != second


async def test_alerts_from_before_count_while_they_stood_in_the_time(log: Log) -> None:
    await log.put(an_alert(50), over(an_alert(40), 30 * HOUR), over(an_alert(60), 2 * HOUR))
    assert len((await log.watched()).past) == 2


async def test_what_was_never_active_noted_later_or_a_drill_is_left_out(log: Log) -> None:
    await log.put(
        an_alert(1, active_since=None, state="pending"),
        over(an_alert(2, noted=True), HOUR / 2),
        an_alert(3, about={"exercise": True}),
        an_alert(4, about={"exercise": False}),
    )
    assert len((await log.watched()).past) == 1


async def test_only_the_alerts_of_the_units_that_are_asked_for_are_read(
    log: Log, database: str
) -> None:
    units = await a_province(database, "so-a", "so-b")
    await log.put(an_alert(1, unit_key=units["so-a"]), an_alert(2, unit_key=units["so-b"]))
    assert len((await log.watched(units=[units["so-a"]])).past) == 1
    assert len((await log.watched(units=[])).past) == 0


async def test_an_alert_that_is_quiet_was_so_from_its_beginning_unless_the_log_says_since_when(
    log: Log,
) -> None:
    first, later = an_alert(3, muted=SILENCED), an_alert(2)
    await log.put(first, later)
    await log.put(replace(later, muted={**SILENCED, "cause": "planned"}), change="muted")
    past = (await log.watched()).past
    assert past.quiet.tolist() == [Quiet.SILENCE, Quiet.PLANNED]
    assert past.quiet_first.tolist() == [True, False]


async def test_an_alert_that_was_quiet_once_is_remembered_with_its_cause(log: Log) -> None:
    told = b'{"muted": {"cause": "inhibited"}}'
    first, later = an_alert(3), an_alert(2)
    await log.put(first, item=told)
    await log.put(later)
    await log.put(later, change="muted", item=told)
    await log.put(first, later, change="unmuted", item=b'{"muted": null}')
    past = (await log.watched()).past
    assert past.quiet.tolist() == [Quiet.INHIBITED, Quiet.INHIBITED]
    assert past.quiet_first.tolist() == [True, False]


async def test_an_alert_that_outlasted_planned_work_was_quiet_at_first(log: Log) -> None:
    row = an_alert(3)
    await log.put(row, item=b'{"muted": {"cause": "planned"}}')
    await log.put(row, change="overrun", item=b'{"muted": null}')
    past = (await log.watched()).past
    assert (past.quiet.tolist(), past.quiet_first.tolist()) == ([Quiet.PLANNED], [True])


async def test_reasons_are_counted_the_most_frequent_first(log: Log) -> None:
    await log.put(an_alert(3, muted=SILENCED), an_alert(4, muted=SILENCED))
    shelved = an_alert(2)
    await log.put(shelved)
    await log.put(shelved, change="shelve", comment="chờ")
    found = await log.watched()
    assert found.reasons == [
        QuietReason("silence", "sửa đường", 2),
        QuietReason("shelved", "chờ", 1),
    ]
    assert found.past.shelved.tolist() == [False, False, True]


async def test_the_result_of_the_incident_of_an_alert_is_known_but_not_that_of_a_drill(
    log: Log, database: str
) -> None:
    units = await a_province(database, "so-a")
    results = ["false_alarm", "handled", None, "exercise"]
    rows = [an_alert(5 - n) for n in range(len(results))]
    await log.put(*rows)
    for number, (row, result) in enumerate(zip(rows, results, strict=True)):
        await an_incident(database, number, row.alert_id, units["so-a"], result)
    ended = (await log.watched()).past.ended.tolist()
    assert ended == [Ended.FALSE, Ended.OTHERWISE, Ended.NOT_YET, Ended.NO_INCIDENT]


async def an_incident(url: str, number: int, alert: UUID, unit: int, result: str | None) -> None:
    incident = uuid7(NOW + timedelta(seconds=number))
    await rows_of(
        url,
        "INSERT INTO incident (incident_id, code, category, title, description, origin, exercise, "
        "state, result, outcome, lead_key, unit_keys, keeper, level, level_at, rung, timed, "
        "place_name, opened_at, opened_by, since, resolved_at, changed_at, acknowledge_due_at, "
        "assign_due_at, due_at, reopened, checklist_version, entries, version, words) "
        "SELECT %s, %s, 'c', 't', '', 'alert', COALESCE(%s = 'exercise', false), "
        "CASE WHEN %s::text IS NULL THEN 'open' ELSE 'resolved' END, %s, '', %s, ARRAY[%s::int], "
        "'k', 0, t, 0, true, '', t, 'k', t, CASE WHEN %s::text IS NULL THEN NULL ELSE t END, "
        "t, t, t, t, 0, 1, 0, 1, ''::tsvector FROM (SELECT %s::timestamptz) AS at (t)",
        incident, f"VV-{number}", result, result, result, unit, unit, result, NOW,
    )  # fmt: skip
    await rows_of(url, "INSERT INTO incident_alert VALUES (%s, %s, %s)", alert, incident, NOW)


async def test_shifts_and_operators_who_were_signed_in_are_read_within_the_time(
    log: Log, database: str
) -> None:
    await rows_of(
        database,
        "INSERT INTO shift (shift_id, began_at, began_by, on_duty, note, ended_at, ended_by) "
        "VALUES (%s, %s, 'a', %s, '', %s, 'a'), (%s, %s, 'a', %s, '', NULL, NULL)",
        uuid7(NOW), NOW - 10 * HOUR, ["a", "b"], NOW - 2 * HOUR, uuid7(NOW), NOW - HOUR, ["c"],
    )  # fmt: skip
    accounts = await rows_of(
        database,
        "INSERT INTO account (name, full_name, role, password_hash, created_at) VALUES "
        "('o', '', 'operator', '', %s), ('l', '', 'leader', '', %s) RETURNING account_id",
        NOW, NOW,
    )  # fmt: skip
    for (account,) in accounts:
        await rows_of(
            database,
            "INSERT INTO token (kind, hash, account_id, created_at, expires_at) "
            "VALUES ('session', %s, %s, %s, %s)",
            bytes([account % 256]), account, NOW - 3 * HOUR, NOW + 9 * HOUR,
        )  # fmt: skip
    found = await log.watched()
    now = to_micros(NOW)
    hour = HOUR // timedelta(microseconds=1)
    assert found.duties == [(now - 10 * hour, now - 2 * hour, 2), (now - hour, now, 1)]
    assert found.sessions == [(now - 3 * hour, now, accounts[0][0])]


async def test_measures_are_counted_by_the_unit_that_answers(log: Log, database: str) -> None:
    units = await a_province(database, "so-a")
    own = {"unit_key": units["so-a"]}
    acknowledged = an_alert(2, acknowledged_at=NOW - HOUR, **own)
    await log.put(
        over(acknowledged, HOUR), an_alert(3, muted=SILENCED, **own), an_alert(30, **own),
        over(an_alert(40, **own), 2 * HOUR), an_alert(4),
    )  # fmt: skip
    await an_incident(database, 1, acknowledged.alert_id, units["so-a"], "false_alarm")
    found = await alert_counts.counts(log.reads, since=SINCE, until=NOW, province="tinh")
    assert found.over(["so-a"]) == {
        "alerts_told": 1, "alerts_acknowledged": 1, "alerts_acknowledge_minutes": 60,
        "alerts_judged": 1, "alerts_false": 1, "alerts_stale": 1,
    }  # fmt: skip
    assert found.over(["tinh"])["alerts_told"] == 1, "no unit answers for it"


async def test_hours_of_operators_are_the_province_s(log: Log, database: str) -> None:
    await a_province(database, "so-a")
    await rows_of(
        database,
        "INSERT INTO shift (shift_id, began_at, began_by, on_duty, note) "
        "VALUES (%s, %s, 'a', %s, '')",
        uuid7(NOW), NOW - HOUR, ["a", "b", "c"],
    )  # fmt: skip
    source = AlertCounts(log.reads, ZONE, lambda: "tinh")
    day = NOW.astimezone(ZoneInfo(ZONE)).date()
    today = Period(day.isoformat(), day, day + timedelta(days=1))
    found = await source.counts(["alerts_operator_hours", "alerts_told"], today, NOW)
    since = datetime.combine(day, datetime.min.time(), ZoneInfo(ZONE))
    hours = (NOW - since) / HOUR
    assert found.counts.over(["tinh"])["alerts_operator_hours"] == pytest.approx(hours + 2)
