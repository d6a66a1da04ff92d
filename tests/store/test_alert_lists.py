"""Lists of alerts: in their order over pages, by what is asked, and counted."""

import dataclasses
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ioc.ids import uuid7
from ioc.model import Severity
from ioc.store import alert_lists, alerts
from ioc.store.alert_lists import Wanted
from ioc.store.alerts import AlertRow, LogRow, Sought
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.store import NOW

Pools = tuple[ReadPool, WritePool]


def an_alert(number: int, **more: Any) -> AlertRow:
    """An open alert that began so many minutes after the first."""
    given: dict[str, Any] = {
        "alert_id": uuid7(NOW), "fingerprint": f"rule/{number}", "rule_id": "rule",
        "kind": "threshold", "severity": "high", "series_id": None, "feed_key": None,
        "unit_key": None, "state": "active", "pending_since": NOW,
        "active_since": NOW + timedelta(minutes=number), "reason": "x",
    }  # fmt: skip
    return AlertRow(**{**given, **more})


def past(number: int, **more: Any) -> AlertRow:
    closed = {"state": "cleared", "cleared_at": NOW, "closed_at": NOW}
    return an_alert(number, **closed, **more)


async def keep(url: str, *rows: AlertRow, sought: dict[UUID, Sought] | None = None) -> None:
    changes = [
        (row, LogRow(alert_id=row.alert_id, at=NOW, change="held", actor="", comment="",
                     verb="none", item=b""))
        for row in rows
    ]  # fmt: skip
    async with await connect(url) as conn:
        await alerts.save(conn, changes, after=0, sought=sought)


async def marks(pool: ReadPool, **wanted: Any) -> list[str]:
    return [row.fingerprint for row in await alert_lists.listed(pool, Wanted(**wanted))]


async def test_open_alerts_come_worst_first_and_of_those_the_longest(
    database: str, pools: Pools
) -> None:
    await keep(
        database, an_alert(1), an_alert(2, severity="critical"), an_alert(3, severity="low"),
        an_alert(0), past(4), an_alert(5, state="pending", active_since=None),
    )  # fmt: skip
    assert await marks(pools[0]) == ["rule/2", "rule/0", "rule/1", "rule/3"]


async def test_past_alerts_come_newest_first_and_never_those_that_were_never_active(
    database: str, pools: Pools
) -> None:
    await keep(
        database, past(1), past(3, severity="low"), past(2, severity="critical"), an_alert(4),
        dataclasses.replace(past(5), active_since=None),
    )  # fmt: skip
    assert await marks(pools[0], past=True) == ["rule/3", "rule/2", "rule/1"]


@pytest.mark.parametrize("gone", [False, True])
async def test_pages_put_together_are_the_list(database: str, pools: Pools, gone: bool) -> None:
    make = past if gone else an_alert
    severities = list(Severity) * 3
    await keep(database, *(make(n // 2, fingerprint=str(n), severity=severity.value)
                           for n, severity in enumerate(severities)))  # fmt: skip
    whole = await alert_lists.listed(pools[0], Wanted(past=gone))
    found: list[AlertRow] = []
    after = None
    for _ in range(4):
        page = await alert_lists.listed(pools[0], Wanted(past=gone, after=after, limit=3))
        found += page
        last = page[-1]
        assert last.active_since is not None
        after = Severity(last.severity), last.active_since, last.alert_id
    assert len(found) == len(severities)
    assert found == whole


JAM = Sought(
    longitude=105.2, latitude=21.3,
    words=["un", "tac", "ql2", "domain=traffic", "feed=o'loops\\", "zone=phu-tho", "zone=viet-tri"],
)  # fmt: skip
OUTAGE = Sought(words=["mat", "dien", "domain=electricity", "zone=phu-tho"])


@pytest.mark.parametrize(
    "asked",
    [
        {"severities": [Severity.CRITICAL, Severity.HIGH]}, {"of": {"domain": "traffic"}},
        {"of": {"feed": "o'loops\\"}}, {"of": {"zone": "viet-tri", "domain": "traffic"}},
        {"assignee": "so-xay-dung"}, {"box": (105.0, 21.0, 105.5, 21.5)},
        {"words": ["ta", "ql"]}, {"muted": True}, {"since": NOW + timedelta(minutes=5)},
        {"since": NOW, "of": {"domain": "traffic"}, "severities": [Severity.HIGH], "muted": True},
    ],
)  # fmt: skip
async def test_a_list_holds_only_what_is_asked(
    database: str, pools: Pools, asked: dict[str, Any]
) -> None:
    jam = an_alert(5, severity="high", assignee="so-xay-dung", muted={"cause": "silence"})
    outage = an_alert(4, severity="low")
    await keep(database, jam, outage, sought={jam.alert_id: JAM, outage.alert_id: OUTAGE})
    assert await marks(pools[0], **asked) == ["rule/5"]
    counts = await alert_lists.counted(pools[0], Wanted(**asked))
    assert counts == {**dict.fromkeys(asked.get("severities", Severity), 0), Severity.HIGH: 1}


async def test_a_list_until_a_time_ends_before_it(database: str, pools: Pools) -> None:
    await keep(database, an_alert(0), an_alert(5))
    assert await marks(pools[0], until=NOW + timedelta(minutes=5)) == ["rule/0"]


async def test_a_later_change_leaves_what_lists_find_an_alert_by(
    database: str, pools: Pools
) -> None:
    alert = an_alert(1)
    await keep(database, alert, sought={alert.alert_id: JAM})
    entry = LogRow(alert_id=alert.alert_id, at=NOW, change="comment", actor="lan", comment="",
                   verb="none", item=b"")  # fmt: skip
    async with await connect(database) as conn:
        await alerts.save(conn, [(dataclasses.replace(alert, comments=1), entry)], after=1)
    asked = {"of": {"domain": "traffic"}, "words": ["tac"], "box": (105.0, 21.0, 105.5, 21.5)}
    assert await marks(pools[0], **asked) == ["rule/1"]


async def test_more_of_one_severity_than_are_counted_are_told_as_the_most(
    database: str, pools: Pools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_lists, "MOST_COUNTED", 2)
    await keep(database, *(an_alert(n) for n in range(3)), an_alert(9, severity="low"))
    found = await alert_lists.counted(pools[0], Wanted())
    assert found == {"critical": 0, "high": 2, "medium": 0, "low": 1}
