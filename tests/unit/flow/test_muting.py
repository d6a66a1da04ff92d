"""What is kept quiet follows what explains it, in whichever order both come and go."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from alerts.mute import Facets, Inhibition, Matcher
from ioc.flow.muting import Muting
from ioc.ids import uuid7
from ioc.model import Severity, to_micros
from ioc.store.alerts import AlertRow
from ioc.store.silences import SilenceRow

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
NOW_US = to_micros(NOW)
DEAD_FEED = Inhibition(id="dead-feed", cause=Matcher(kind="missing"), equal=("feed",))


def an_alert(kind: str = "threshold", minute: int = 0, **more: Any) -> AlertRow:
    given: dict[str, Any] = {
        "alert_id": uuid7(NOW), "fingerprint": f"{kind}/{minute}", "rule_id": kind, "kind": kind,
        "severity": "high", "series_id": None, "feed_key": 1, "unit_key": None, "state": "active",
        "pending_since": NOW, "active_since": NOW + timedelta(minutes=minute), "reason": "x",
    }  # fmt: skip
    return AlertRow(**{**given, **more})


def facets(row: AlertRow) -> Facets:
    assert row.active_since is not None
    return Facets(
        id=str(row.alert_id), rule=row.rule_id, kind=row.kind, domain="traffic",
        severity=Severity(row.severity), feed=str(row.feed_key), since=to_micros(row.active_since),
    )  # fmt: skip


def cleared(row: AlertRow) -> AlertRow:
    return replace(row, state="cleared", cleared_at=NOW)


def muting(*rows: AlertRow, silences: list[SilenceRow] | None = None) -> Muting:
    made = Muting(facets)
    made.load(silences or [], [DEAD_FEED], rows, [], NOW_US)
    return made


def looked_at(made: Muting, *rows: AlertRow, now_us: int = NOW_US) -> dict[UUID, AlertRow]:
    """Alerts after those that are due have been looked at."""
    due = set(made.due(now_us))
    return {r.alert_id: made.look(r, now_us) if r.alert_id in due else r for r in rows}


@pytest.mark.parametrize("cause_first", [False, True])
def test_an_alert_that_clears_together_with_its_cause_is_quiet_no_more(cause_first: bool) -> None:
    cause, effect = an_alert("missing"), an_alert(minute=1)
    made = muting(cause, effect)
    effect = looked_at(made, effect)[effect.alert_id]
    assert effect.muted is not None
    ends = [cleared(cause), cleared(effect)]
    for row in ends if cause_first else reversed(ends):
        made.follow(row)
    assert looked_at(made, ends[1])[effect.alert_id].muted is None


def test_an_alert_that_had_cleared_before_a_restart_is_quiet_until_its_cause_ends() -> None:
    cause, effect = an_alert("missing"), cleared(an_alert(minute=1))
    made = muting(cause, effect)
    quiet = looked_at(made, effect)[effect.alert_id]
    assert quiet.muted is not None
    made.follow(cleared(cause))
    assert looked_at(made, quiet)[effect.alert_id].muted is None


def test_an_alert_that_begins_before_its_cause_in_one_batch_is_looked_at_again() -> None:
    made = muting()
    effect = made.begin(an_alert(), NOW_US)
    cause = made.begin(an_alert("missing", minute=1), NOW_US)
    assert effect.muted is None
    found = looked_at(made, effect, cause)
    assert found[effect.alert_id].muted is not None
    assert found[cause.alert_id].muted is None


def a_silence(**matcher: Any) -> SilenceRow:
    return SilenceRow(
        silence_id=uuid4(), matcher=matcher, starts=NOW + timedelta(minutes=5),
        ends=NOW + timedelta(minutes=9), why="thay cột", plan=None, created_by="lan",
        created_at=NOW, ended_by=None, ended_at=None,
    )  # fmt: skip


def test_only_what_a_silence_means_is_looked_at_when_it_begins_and_ends() -> None:
    meant, other = an_alert("flat"), an_alert(feed_key=2)
    made = muting(meant, other, silences=[a_silence(kind="flat")])
    made.due(NOW_US)
    for minute, quiet in ((5, True), (9, False)):
        now_us = NOW_US + minute * 60_000_000
        assert made.due(now_us) == [meant.alert_id]
        assert (made.look(meant, now_us).muted is not None) is quiet


def test_a_silence_that_is_put_or_taken_back_has_what_it_means_looked_at() -> None:
    meant, other = an_alert("flat"), an_alert(feed_key=2)
    made = muting(meant, other)
    made.due(NOW_US)
    for silences in ([a_silence(kind="flat")], []):
        made.silence(silences)
        assert made.due(NOW_US) == [meant.alert_id]
