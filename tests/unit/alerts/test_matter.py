"""Alerts that are one matter, that flap, and storms."""

from collections.abc import Sequence

import pytest

from alerts.matter import (
    FLOOD,
    MINUTE,
    TOGETHER,
    MatterReason,
    Member,
    group,
    is_flapping,
    is_flood,
)
from alerts.mute import Facets
from tests.unit.alerts.test_mute import facets

OLD = Member(facets("old", since=0), "m")
NOBODY: Sequence[Member] = ()


def grouped(new: Facets, *members: Member, cause: str | None = None, flooding: bool = False):
    found = group(new, members or NOBODY, cause=cause, flooding=flooding)
    return found.matter, found.reason


def elsewhere(since: int) -> Facets:
    return facets("new", feature="station-9", since=since)


def test_an_alert_alone_is_a_matter_of_its_own() -> None:
    assert grouped(facets("new")) == ("new", MatterReason.ALONE)
    far = facets("new", feature="station-9", zones=frozenset({"xa-z"}))
    assert grouped(far, OLD) == ("new", MatterReason.ALONE)


def test_what_a_cause_explains_joins_its_matter() -> None:
    far = facets("new", feature="pump", zones=frozenset())
    assert grouped(far, OLD, cause="old") == ("m", MatterReason.SAME_CAUSE)


def test_alerts_of_one_feature_are_one_matter_at_any_time() -> None:
    assert grouped(facets("new", since=9 * TOGETHER), OLD) == ("m", MatterReason.SAME_FEATURE)


def test_alerts_of_one_zone_and_domain_are_one_matter_while_they_begin_together() -> None:
    assert grouped(elsewhere(TOGETHER), OLD) == ("m", MatterReason.SAME_ZONE)
    assert grouped(elsewhere(TOGETHER + 1), OLD) == ("new", MatterReason.ALONE)
    other = facets("new", feature="station-9", domain="traffic", since=1)
    assert grouped(other, OLD) == ("new", MatterReason.ALONE)


def test_a_storm_is_folded_by_rule() -> None:
    far = facets("new", feature="station-9", zones=frozenset({"xa-z"}), since=9 * TOGETHER)
    assert grouped(far, OLD, flooding=True) == ("m", MatterReason.FLOOD)


def test_the_oldest_matter_is_joined() -> None:
    younger = Member(facets("younger", since=5), "n")
    assert grouped(facets("new", since=6), younger, OLD)[0] == "m"


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
