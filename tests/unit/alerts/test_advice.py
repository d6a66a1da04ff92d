"""Proposals for rules: how many alerts a longer time would have spared, and what would be lost."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.advice import LONGEST_DELAY, Advice, AdviceKind, advice
from alerts.matter import MINUTE
from alerts.past import Ended
from alerts.rule import Missing, Rule, Threshold
from alerts.table import SECOND
from ioc.model import Domain, Severity, Text
from tests.unit.alerts.past import START, at, one, past

NAME = Text("Xe chậm", "Slow")


def a_rule(**more: Any) -> Threshold:
    given = {"severity": Severity.LOW, "domain": Domain.TRAFFIC, "observed_property": "speed"}
    return Threshold(id="a", name=NAME, below=8, **{**given, **more})


def advised(rows: list[dict[str, Any]], rule: Rule | None = None) -> dict[AdviceKind, Advice]:
    rules = {"a": rule or a_rule()}
    found = advice(past(rows), rules, since=START, until=at(60 * 24 * 7))
    return {one.kind: one for one in found}


def apart(*lasts: float, **more: Any) -> list[dict[str, Any]]:
    """Alerts of different places that stood for so many minutes."""
    return [one(100 * n, lasts=last, mark=n, **more) for n, last in enumerate(lasts)]


def test_a_longer_hold_time_would_have_spared_what_ended_before_it() -> None:
    found = advised(apart(1.5, 1.5, 1.5, 1.5, 60, 60))[AdviceKind.HOLD]
    assert (found.avoided, found.alerts, found.lost) == (4, 6, 0)
    assert (found.field, found.present, found.proposed) == ("hold", 0, 120)
    assert (found.later, found.delayed) == (120, 2)


def test_the_time_before_it_was_active_counts_towards_the_hold_time() -> None:
    rows = apart(1.5, 1.5, 1.5, 1.5, 60, 60, held=10)
    found = advised(rows, a_rule(hold=timedelta(minutes=10)))[AdviceKind.HOLD]
    assert (found.avoided, found.proposed, found.later) == (4, 900, 300)


def test_the_time_to_be_clear_is_no_part_of_what_held() -> None:
    rows = apart(11.5, 11.5, 11.5, 11.5, 90, 90)
    found = advised(rows, a_rule(clear_hold=timedelta(minutes=10)))[AdviceKind.HOLD]
    assert (found.avoided, found.proposed) == (4, 120)


def test_a_feed_that_is_silent_is_tolerated_for_longer() -> None:
    rule = Missing(id="a", name=NAME, severity=Severity.LOW, after=timedelta(minutes=30))
    found = advised(apart(3, 3, 3, 3, 90), rule)[AdviceKind.HOLD]
    assert (found.field, found.present, found.proposed) == ("after", 1_800, 2_700)


def test_what_was_acknowledged_while_it_stood_is_told_as_lost() -> None:
    rows = [
        *apart(1.5, 1.5, 1.5, 1.5, 1.5, 1.5),
        one(900, lasts=1.5, mark=90, acknowledged=1),
        one(901, lasts=1.5, mark=91, ended=Ended.OTHERWISE),
        one(902, lasts=1.5, mark=92, ended=Ended.FALSE),
        one(903, lasts=1.5, mark=93, acknowledged=20),
    ]
    found = advised(rows)[AdviceKind.HOLD]
    assert (found.avoided, found.lost) == (10, 2)
    assert (found.lost_acknowledged, found.lost_incidents) == (1, 1)


def test_nothing_is_proposed_where_as_much_would_be_lost_as_gained() -> None:
    assert advised(apart(1.5, 1.5, 1.5, 1.5, 1.5, acknowledged=1)) == {}


def test_few_alerts_say_nothing() -> None:
    assert advised(apart(1.5, 1.5, 1.5, 1.5)) == {}


def test_a_rule_that_there_is_no_more_is_left_alone() -> None:
    assert advice(past(apart(1, 1, 1, 1, 1)), {}, since=START, until=at(9_999)) == []


@pytest.mark.parametrize("severity", list(Severity))
def test_no_alert_is_delayed_for_longer_than_its_severity_allows(severity: Severity) -> None:
    found = advised(apart(*[0.5] * 10, *[58] * 40), a_rule(severity=severity))[AdviceKind.HOLD]
    assert found.later is not None
    assert found.later * SECOND <= LONGEST_DELAY[severity]


def test_flapping_would_have_been_one_alert_with_a_longer_time_to_be_clear() -> None:
    rows = [one(12 * n, lasts=10) for n in range(6)]
    found = advised(rows)[AdviceKind.CLEAR]
    assert (found.avoided, found.alerts, found.lacks_clear) == (5, 6, True)
    assert (found.field, found.proposed, found.later) == ("clear_hold", 180, 180)
    assert advised(rows, a_rule(clear=15))[AdviceKind.CLEAR].lacks_clear is False


def test_a_rule_is_in_doubt_when_half_of_its_alerts_are_stale_put_aside_or_false() -> None:
    assert advised(apart(2_000, 2_000, 2_000, 90, 90))[AdviceKind.STALE].avoided == 3
    rows = apart(90, 90, 90, 90, 90)
    for kind, more in (
        (AdviceKind.SHELVED, {"shelved": True}),
        (AdviceKind.FALSE, {"ended": Ended.FALSE}),
    ):
        found = advised([row | more for row in rows[:3]] + [r | other(more) for r in rows[3:]])
        assert (found[kind].avoided, found[kind].alerts) == (3, 5)


def other(more: dict[str, Any]) -> dict[str, Any]:
    return {"ended": Ended.OTHERWISE} if "ended" in more else {}


row = st.builds(
    one,
    st.integers(0, 2_000),
    lasts=st.none() | st.integers(0, 90),
    acknowledged=st.none() | st.integers(0, 30),
    mark=st.integers(1, 4),
    ended=st.sampled_from(Ended),
)


@given(st.lists(row, max_size=80), st.integers(0, 20))
def test_a_proposal_says_how_many_of_how_many_and_what_becomes_of_the_rest(
    rows: list[dict[str, Any]], hold: int
) -> None:
    for found in advised(rows, a_rule(hold=timedelta(minutes=hold))).values():
        assert 0 <= max(found.lost_acknowledged, found.lost_incidents) <= found.lost
        assert found.lost <= found.lost_acknowledged + found.lost_incidents
        assert found.lost <= found.avoided <= found.alerts <= len(rows)
        if found.delayed is not None:
            assert found.avoided + found.delayed == found.alerts
            assert found.proposed is not None
            assert found.present is not None
            assert found.later == found.proposed - found.present > 0


@given(st.lists(row, max_size=80))
def test_what_is_said_to_be_avoided_by_a_hold_time_is_what_ended_before_it(
    rows: list[dict[str, Any]],
) -> None:
    found = advised(rows).get(AdviceKind.HOLD)
    if found is not None:
        assert found.proposed is not None
        ended = [r["cleared"] - r["pending"] for r in rows if r["cleared"] < at(60 * 24 * 7)]
        assert sum(length < found.proposed * SECOND for length in ended) == found.avoided
        assert found.proposed * SECOND <= 60 * MINUTE
