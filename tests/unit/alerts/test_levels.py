"""The levels that people are shown are those by which the engine judges."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.levels import Levels, levels_of
from alerts.rule_reading import decode_rule


def a_rule(**given: Any) -> Any:
    document = {
        "kind": "threshold", "domain": "traffic", "property": "speed", "severity": "high",
        "name": {"vi": "a", "en": "a"}, **given,
    }  # fmt: skip
    return decode_rule("a", document)


@pytest.mark.parametrize(
    ("given", "attributes", "clear"),
    [
        ({"below": 8, "clear": 15}, {}, 15),
        ({"below": 8}, {}, 8),
        ({"above": "bd1", "clear": "bd0"}, {"bd1": 8, "bd0": 7}, 7),
        ({"above": "bd1", "clear": "bd0"}, {"bd1": 8}, 8),
        ({"above": "bd1", "clear": "bd0"}, {"bd1": 8, "bd0": 9}, 8),
        ({"above": "bd1", "clear": "bd0"}, {"bd1": 8, "bd0": "bảy"}, 8),
    ],
)
def test_an_alert_ends_at_the_clear_level_of_its_place_or_else_at_the_level_itself(
    given: dict[str, Any], attributes: dict[str, Any], clear: float
) -> None:
    levels = levels_of(a_rule(**given), 8, attributes)
    assert (levels.level, levels.clear, levels.compares) == (8, clear, True)
    assert levels.sign == (-1 if "below" in given else 1)


def test_hold_times_are_told_in_seconds() -> None:
    levels = levels_of(a_rule(above=1, hold="PT10M", clear_hold="PT2M"), 1, {})
    assert levels.hold == timedelta(minutes=10).total_seconds()
    assert levels.clear_hold == timedelta(minutes=2).total_seconds()


def test_a_level_of_a_change_per_hour_does_not_compare_with_values() -> None:
    assert not levels_of(a_rule(kind="rate", above=1, window="PT1H"), 1, {}).compares


def test_what_has_no_rule_any_more_has_only_the_level_that_was_noted() -> None:
    assert levels_of(None, 3.5, {}) == Levels(level=3.5)
