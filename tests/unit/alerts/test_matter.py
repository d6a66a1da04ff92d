"""Alerts that are one matter, that flap, and storms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.matter import (
    FLOOD,
    MINUTE,
    TOGETHER,
    Beginnings,
    Grouped,
    MatterReason,
    Matters,
    is_flapping,
    is_flood,
)
from alerts.mute import Facets
from tests.unit.alerts.test_mute import facets

OLD = facets("old", since=0)


def grouped(
    new: Facets, *members: Facets, cause: str | None = None, flooding: bool = False
) -> Grouped:
    matters = Matters()
    for member in members:
        matters.add(member, f"matter of {member.id}")
    return matters.find(new, cause=cause, flooding=flooding)


def told(new: Facets, *members: Facets, **how: Any) -> tuple[str, MatterReason]:
    found = grouped(new, *members, **how)
    return found.matter.removeprefix("matter of "), found.reason


def elsewhere(since: int) -> Facets:
    return facets("new", feature="station-9", since=since)


def test_an_alert_alone_is_a_matter_of_its_own() -> None:
    assert told(facets("new")) == ("new", MatterReason.ALONE)
    far = facets("new", feature="station-9", zones=frozenset({"xa-z"}))
    assert told(far, OLD) == ("new", MatterReason.ALONE)


def test_what_a_cause_explains_joins_its_matter() -> None:
    far = facets("new", feature="pump", zones=frozenset())
    assert told(far, OLD, cause="old") == ("old", MatterReason.SAME_CAUSE)


def test_alerts_of_one_feature_are_one_matter_at_any_time() -> None:
    assert told(facets("new", since=9 * TOGETHER), OLD) == ("old", MatterReason.SAME_FEATURE)


def test_alerts_of_one_zone_and_domain_are_one_matter_while_they_begin_together() -> None:
    assert told(elsewhere(TOGETHER), OLD) == ("old", MatterReason.SAME_ZONE)
    assert told(elsewhere(TOGETHER + 1), OLD) == ("new", MatterReason.ALONE)
    other = facets("new", feature="station-9", domain="traffic", since=1)
    assert told(other, OLD) == ("new", MatterReason.ALONE)


def test_a_storm_is_folded_by_rule() -> None:
    far = facets("new", feature="station-9", zones=frozenset({"xa-z"}), since=9 * TOGETHER)
    assert told(far, OLD, flooding=True) == ("old", MatterReason.FLOOD)


def test_matters_grow_from_one_alert_to_the_next() -> None:
    matters = Matters()
    matter = ""
    for n in range(5):
        one = facets(f"a{n}", feature=f"station-{n}", since=n * TOGETHER)
        found = matters.find(one, cause=None, flooding=False)
        matter = matter or found.matter
        assert found.matter == matter
        matters.add(one, found.matter)


def test_what_has_closed_is_joined_no_more() -> None:
    matters = Matters()
    matters.add(OLD, "m")
    matters.remove("old")
    matters.remove("old")
    assert matters.find(facets("new"), cause="old", flooding=True).reason is MatterReason.ALONE


@pytest.mark.parametrize(
    ("minutes", "flaps"), [([0, 10, 20], True), ([0, 20], False), ([-41, 0, 20], False)]
)
def test_three_beginnings_within_an_hour_are_flapping(minutes: list[int], flaps: bool) -> None:
    now = 20 * MINUTE
    assert is_flapping([minute * MINUTE for minute in minutes], now) is flaps


def test_more_than_ten_in_ten_minutes_are_a_flood() -> None:
    beginnings = [n * MINUTE // 2 for n in range(FLOOD + 1)]
    assert is_flood(beginnings, 6 * MINUTE)
    assert not is_flood(beginnings[1:], 6 * MINUTE)
    assert not is_flood(beginnings, 11 * MINUTE)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), max_size=60))
def test_floods_and_flapping_are_told_as_by_all_that_ever_began(
    steps: list[tuple[str, int]],
) -> None:
    kept, begun, now = Beginnings(), list[tuple[str, int]](), 0
    for mark, minutes in steps:
        now += minutes * MINUTE
        kept.forget(now)
        kept.add(mark, now)
        begun.append((mark, now))
        assert kept.floods(now) is is_flood([at for _, at in begun], now)
        assert kept.flaps(mark, now) is is_flapping([at for m, at in begun if m == mark], now)
