"""Who is told of an alert and when: each decision with its reason, whatever the order of things."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channel import Mail, Template, Webhook
from alerts.roster import Duty, Person, Roster, Shift
from alerts.route import (
    SETTLED,
    Facts,
    Limit,
    Notice,
    Plan,
    QuietHours,
    Reason,
    Route,
    Step,
    decide,
    overtaken,
)
from ioc.model import Severity
from ioc.procedures.calendar import Calendar

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2026, 11, 27, 5, tzinfo=UTC)
NIGHT = datetime(2026, 11, 27, 16, tzinfo=UTC)  # 23:00 in the province
MORNING = datetime(2026, 11, 27, 23, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

PERSONS = (
    Person(id="an", name="An", unit="so-a", email="an@x.example", phone="+8490000001"),
    Person(id="binh", name="Bình", unit="tinh", email="binh@x.example"),
)
SHIFTS = tuple(
    Shift(unit=unit, persons=(person,), begins=time(0), ends=time(0))
    for unit, person in (("so-a", "an"), ("tinh", "binh"))
)
CHANNELS = (
    Mail(id="email", host="x", port=25, sender="ioc@x.example", enabled=True),
    Template(id="sms", url="http://x", address="phone", body={}, enabled=True),
    Webhook(id="hook", url="http://x", secret="x"),
)
ROUTE = Route(
    id="r",
    severities=tuple(Severity),
    repeat=30 * MINUTE,
    steps=(
        Step(channels=("email", "sms", "hook"), on_call="answering"),
        Step(channels=("email",), on_call="tinh", after=10 * MINUTE),
    ),
)
QUIET = QuietHours(begins=time(22), ends=time(6), severities=(Severity.LOW, Severity.MEDIUM))
DUTY = Duty(Roster(persons=PERSONS, shifts=SHIFTS), Calendar(), ZONE)


def _plan(*routes: Route, **more: Any) -> Plan:
    return Plan(routes=routes or (ROUTE,), channels=CHANNELS, quiet=QUIET, **more)


def _alert(since: datetime = NOON, **more: Any) -> Facts:
    given: dict[str, Any] = {"severity": Severity.HIGH, "domain": "health", "active_since": since,
                             "answers": ("so-a", "tinh"), "zones": frozenset({"so-a"})}  # fmt: skip
    return Facts(**{**given, **more})


def _life(alert: Facts, plan: Plan, moments: list[datetime], duty: Duty = DUTY) -> list[Notice]:
    """All that is told of an alert that is looked at now and then, and when it was asked for."""
    told: list[Notice] = []
    for now in sorted(moments):
        while True:
            pace: dict[str, list[datetime]] = {}
            for notice in told:
                pace.setdefault(notice.person, []).append(notice.due)
            verdict = decide(alert, plan, duty, told, pace, now)
            told += verdict.notices
            if verdict.look_at is None or verdict.look_at > now:
                break
    return told


def _said(notices: list[Notice] | tuple[Notice, ...]) -> set[tuple[str, str, str]]:
    return {(n.person, n.channel, n.reason.value) for n in notices}


def test_who_answers_is_told_at_once_by_every_channel_that_is_on_and_reaches_them() -> None:
    verdict = decide(_alert(), _plan(), DUTY, (), {}, NOON)
    assert _said(verdict.notices) == {("an", "email", "first"), ("an", "sms", "first")}
    assert verdict.look_at == NOON + 10 * MINUTE


def test_after_the_wait_the_next_step_is_told_and_later_the_first_one_again() -> None:
    told = _life(_alert(), _plan(), [NOON, NOON + 10 * MINUTE, NOON + 30 * MINUTE])
    assert _said([n for n in told if n.due == NOON + 10 * MINUTE]) == {
        ("binh", "email", "escalation")
    }
    assert _said([n for n in told if n.due == NOON + 30 * MINUTE]) == {
        ("an", "email", "repeat"), ("an", "sms", "repeat"),
    }  # fmt: skip


def test_after_a_long_stop_only_the_newest_repeat_is_told() -> None:
    told = _life(_alert(), _plan(), [NOON, NOON + timedelta(hours=5)])
    assert {n.stage for n in told if n.reason is Reason.REPEAT} == {"r:repeat-10"}


@pytest.mark.parametrize(
    ("state", "reason"),
    [("noted", Reason.NOTED), ("exercise", Reason.EXERCISE), ("muted", Reason.MUTED),
     ("shelved", Reason.SHELVED), ("acknowledged", Reason.ACKNOWLEDGED),
     ("flapping", Reason.FLAPPING)],
)  # fmt: skip
def test_what_is_quiet_tells_nobody_and_says_why(state: str, reason: Reason) -> None:
    verdict = decide(_alert(NOON, **{state: True}), _plan(), DUTY, (), {}, NOON)
    assert verdict.notices == ()
    assert verdict.silent is reason


def test_a_flapping_alert_is_told_once_it_stands() -> None:
    alert = _alert(flapping=True)
    first = decide(alert, _plan(), DUTY, (), {}, NOON)
    assert first.look_at == NOON + SETTLED
    assert decide(alert, _plan(), DUTY, (), {}, NOON + SETTLED).notices


def test_the_end_is_told_to_whom_the_beginning_was_told_once() -> None:
    told = _life(_alert(), _plan(), [NOON])
    over = _alert(cleared=True)
    verdict = decide(over, _plan(), DUTY, told, {}, NOON + MINUTE)
    assert _said(verdict.notices) == {("an", "email", "cleared"), ("an", "sms", "cleared")}
    assert decide(over, _plan(), DUTY, [*told, *verdict.notices], {}, NOON).notices == ()
    assert decide(over, _plan(), DUTY, (), {}, NOON).notices == ()


def test_a_low_alert_waits_for_the_morning_and_escalates_from_there() -> None:
    alert = _alert(NIGHT, severity=Severity.LOW)
    told = _life(alert, _plan(), [NIGHT + n * 10 * MINUTE for n in range(60)])
    assert {(n.due, n.held) for n in told if n.reason is Reason.FIRST} == {
        (MORNING, Reason.QUIET_HOURS)
    }
    assert min(n.due for n in told if n.reason is not Reason.FIRST) >= MORNING + 10 * MINUTE


def test_a_critical_alert_waits_for_nothing() -> None:
    plan = _plan(limit=Limit(most=1, within=timedelta(hours=1)))
    alert = _alert(NIGHT, severity=Severity.CRITICAL)
    verdict = decide(alert, plan, DUTY, (), {"an": [NIGHT, NIGHT]}, NIGHT)
    assert {(n.due, n.held) for n in verdict.notices} == {(NIGHT, None)}


def test_who_is_told_too_much_is_told_later_or_not_and_why() -> None:
    limit = Limit(most=2, within=timedelta(hours=1))
    plan = _plan(msgspec.structs.replace(ROUTE, steps=ROUTE.steps[:1]), limit=limit)
    pace = {"an": [NOON - 50 * MINUTE, NOON - 40 * MINUTE]}
    later = decide(_alert(), plan, DUTY, (), pace, NOON).notices
    assert [(n.due, n.held, n.lost) for n in later] == [
        (NOON + 10 * MINUTE, Reason.RATE_LIMITED, False),
        (NOON + 20 * MINUTE, Reason.RATE_LIMITED, False),
    ]
    full = {"an": [NOON + 30 * MINUTE, NOON + 40 * MINUTE]}
    lost = decide(_alert(), plan, DUTY, (), full, NOON).notices
    assert {(n.held, n.lost) for n in lost} == {(Reason.RATE_LIMITED, True)}


def test_where_nobody_is_on_call_it_is_looked_again_soon() -> None:
    nobody = Duty(Roster(persons=PERSONS), Calendar(), ZONE)
    verdict = decide(_alert(), _plan(), nobody, (), {}, NOON)
    assert verdict.silent is Reason.NOBODY
    assert verdict.look_at == NOON + MINUTE


@pytest.mark.parametrize(
    "route",
    [{"severities": (Severity.LOW,)}, {"domains": ("traffic",)}, {"units": ("so-b",)}],
)
def test_a_route_takes_only_what_it_names(route: dict[str, Any]) -> None:
    other = msgspec.structs.replace(ROUTE, **route)
    assert decide(_alert(), _plan(other), DUTY, (), {}, NOON).notices == ()


@pytest.mark.parametrize("state", ["acknowledged", "muted", "shelved", "exercise", "cleared"])
def test_what_waits_is_not_sent_once_the_alert_is_quiet(state: str) -> None:
    alert = _alert(NOON, **{state: True})
    assert overtaken(Reason.FIRST, alert, NOON, was_told=False) is Reason(state)
    assert overtaken(Reason.TEST, alert, NOON, was_told=False) is None


def test_the_end_is_not_sent_to_whom_nothing_was_sent() -> None:
    over = _alert(cleared=True)
    assert overtaken(Reason.CLEARED, over, NOON, was_told=True) is None
    assert overtaken(Reason.CLEARED, over, NOON, was_told=False) is Reason.CLEARED


_moments = st.lists(
    st.integers(0, 3 * 24 * 60).map(lambda n: NOON + n * MINUTE), min_size=1, max_size=60
)
_severities = st.sampled_from(Severity)


@given(_severities, _moments, st.integers(1, 4))
def test_nobody_is_told_a_stage_twice_by_one_channel(
    severity: Severity, moments: list[datetime], most: int
) -> None:
    plan = _plan(limit=Limit(most=most, within=timedelta(hours=1)))
    told = _life(_alert(severity=severity), plan, moments)
    keys = [(n.stage, n.person, n.channel) for n in told]
    assert len(keys) == len(set(keys))


@given(_severities, _moments)
def test_looking_more_often_never_tells_anybody_before_the_first_step(
    severity: Severity, moments: list[datetime]
) -> None:
    told = _life(_alert(severity=severity), _plan(), moments)
    firsts = [n.due for n in told if n.reason is Reason.FIRST]
    assert all(n.due >= min(firsts) for n in told)
    assert {n.person for n in told if n.reason is Reason.FIRST} == {"an"}


@given(_moments, st.integers(1, 3), st.integers(5, 120))
def test_no_window_holds_more_for_one_person_than_the_limit(
    moments: list[datetime], most: int, minutes: int
) -> None:
    within = minutes * MINUTE
    plan = _plan(limit=Limit(most=most, within=within))
    pace: dict[str, list[datetime]] = {}
    for now in sorted(moments):  # each an alert of its own
        for severity in (Severity.LOW, Severity.HIGH):
            for notice in decide(_alert(now, severity=severity), plan, DUTY, (), pace, now).notices:
                if not notice.lost:
                    pace.setdefault(notice.person, []).append(notice.due)
    for times in pace.values():
        ordered = sorted(times)
        assert all(
            later - earlier >= within
            for earlier, later in zip(ordered, ordered[most:], strict=False)
        )


@given(_moments)
def test_in_quiet_hours_nothing_low_is_due(moments: list[datetime]) -> None:
    told = _life(_alert(severity=Severity.LOW), _plan(), moments)
    assert all(6 <= notice.due.astimezone(ZONE).hour < 22 for notice in told)
