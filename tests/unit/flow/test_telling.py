"""From alerts as they stand to letters: what is decided, kept, and why nobody is told."""

from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from alerts.channel import Mail
from alerts.roster import Duty, Person, Roster, Shift
from alerts.route import NOBODY_AGAIN, Plan, Reason, Route, Step
from ioc.flow.alert_items import AlertItems
from ioc.flow.telling import Drawn, Telling
from ioc.live.latest import Latest
from ioc.live.state import LiveState
from ioc.model import Severity
from ioc.procedures.calendar import Calendar
from ioc.store import outbox
from ioc.store.alerts import AlertRow
from ioc.store.pool import ReadPool
from ioc.store.registry import Registry

NOON = datetime(2026, 11, 27, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALERT = UUID(int=1)

PLAN = Plan(
    routes=(
        Route(
            id="r",
            severities=(Severity.HIGH,),
            steps=(
                Step(channels=("email",), on_call="tinh"),
                Step(channels=("email",), on_call="tinh", after=10 * MINUTE),
            ),
        ),
    ),
    channels=(Mail(id="email", host="x", port=25, sender="ioc@x.example", enabled=True),),
)
AN = Person(id="an", name="An", unit="tinh", email="an@x.example")
ALL_DAY = Shift(unit="tinh", persons=("an",), begins=time(0), ends=time(0))


def a_row(id: UUID = ALERT, **more: Any) -> AlertRow:
    given: dict[str, Any] = {
        "fingerprint": f"rule/{id}", "rule_id": "rule", "kind": "threshold", "severity": "high",
        "series_id": None, "feed_key": None, "unit_key": None, "state": "active",
        "pending_since": NOON, "active_since": NOON, "reason": "held",
    }  # fmt: skip
    return AlertRow(alert_id=id, **(given | more))


def a_telling(*shifts: Shift, plan: Plan = PLAN, **known: Any) -> Telling:
    telling = Telling(AlertItems(Registry(), LiveState(Latest(), "e", lambda: NOON), "UTC"), "UTC")
    duty = Duty(Roster(persons=(AN,), shifts=shifts), Calendar(), ZoneInfo("UTC"))
    telling.take(plan, duty, [], NOON, **known)
    return telling


def drawn(telling: Telling, row: AlertRow, now: datetime = NOON) -> Drawn:
    """What is decided of an alert, stored and noted."""
    found = telling.draw([row], now)
    telling.follow(row, now)
    telling.keep(found, now)
    return found


def test_what_is_told_has_a_letter_with_its_words_and_is_not_decided_twice() -> None:
    telling = a_telling(ALL_DAY)
    (letter,) = drawn(telling, a_row()).letters
    assert (letter.person, letter.channel, letter.stage, letter.reason) == (
        "an", "email", "r:0", "first",
    )  # fmt: skip
    assert letter.message["severity"] == "high"
    assert drawn(telling, a_row()).letters == []


def test_what_was_drawn_and_never_stored_is_drawn_again() -> None:
    telling = a_telling(ALL_DAY)
    telling.draw([a_row()], NOON)
    assert len(telling.draw([a_row()], NOON).letters) == 1


def test_a_restart_knows_what_was_told_and_goes_on_with_the_next_step() -> None:
    notices = drawn(a_telling(ALL_DAY), a_row()).notices
    again = a_telling(ALL_DAY, told=notices)
    assert drawn(again, a_row()).letters == []
    assert not again.is_due(NOON + 9 * MINUTE)
    assert again.is_due(NOON + 10 * MINUTE)
    (letter,) = drawn(again, a_row(), NOON + 10 * MINUTE).letters
    assert letter.reason == "escalation"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"muted": {"cause": "silence", "by": "s", "rule": "", "why": "x", "until": None}},
         Reason.MUTED),
        ({"shelved_until": NOON + 10 * MINUTE}, Reason.SHELVED),
        ({"acknowledged_at": NOON}, Reason.ACKNOWLEDGED),
        ({"severity": "low"}, Reason.NO_ROUTE),
    ],
)  # fmt: skip
def test_who_tells_nobody_says_why_once(change: dict[str, Any], reason: Reason) -> None:
    telling = a_telling(ALL_DAY)
    found = drawn(telling, a_row(**change))
    assert (found.letters, found.untold) == ([], {ALERT: reason})
    assert drawn(telling, a_row(**change)).untold == {}, "it has not changed"


def test_where_nobody_is_on_call_it_says_so_until_somebody_is() -> None:
    telling = a_telling()
    found = drawn(telling, a_row())
    assert found.untold == {ALERT: Reason.NOBODY}
    assert telling.is_due(NOON + NOBODY_AGAIN)
    later = a_telling(ALL_DAY, why={ALERT: Reason.NOBODY})
    found = drawn(later, a_row(), NOON + MINUTE)
    assert (len(found.letters), found.untold) == (1, {ALERT: None})


def test_an_alert_that_is_closed_is_forgotten() -> None:
    telling = a_telling(ALL_DAY)
    drawn(telling, a_row())
    drawn(telling, a_row(state="cleared", cleared_at=NOON, closed_at=NOON))
    assert not telling.is_due(NOON + timedelta(days=1))


def test_what_is_only_pending_tells_nobody_and_needs_no_reason() -> None:
    found = drawn(a_telling(ALL_DAY), a_row(state="pending", active_since=None))
    assert (found.letters, found.untold) == ([], {})


async def test_what_is_due_stays_due_until_it_is_stored_and_nothing_else_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_exercises(_: object) -> frozenset[UUID]:
        return frozenset()

    monkeypatch.setattr(outbox, "exercises", no_exercises)
    telling, later = a_telling(ALL_DAY), NOON + 10 * MINUTE
    drawn(telling, a_row())
    drawn(telling, a_row(UUID(int=2)), NOON + 5 * MINUTE)
    reads = cast("ReadPool", None)
    first = await telling.due(reads, later)
    again = await telling.due(reads, later)
    assert [letter.alert_id for letter in first.letters] == [ALERT]
    assert again.letters == first.letters
    telling.keep(again, later)
    assert not telling.is_due(later)
