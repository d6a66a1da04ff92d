"""Rules about indicators: behind a target, off its course, beyond a level, for each unit."""

from typing import Any

import pytest

from alerts.alert import OpenAlert, TransitionReason
from alerts.figures import FigureFacts, judge_figures
from alerts.rule import Behind
from ioc.errors import Invalid
from tests.unit.alerts.timeline import SECOND, START, Stored, a_rule

DAY = 86_400 * SECOND


def a_behind(**document: Any) -> Behind:
    rule = a_rule("late", kind="figure", domain="service", indicator="overdue", **document)
    assert isinstance(rule, Behind)
    return rule


def a_figure(value: float | None = 5.0, day: int = 0, **known: Any) -> FigureFacts:
    sane: dict[str, Any] = {
        "indicator": "overdue", "unit": "tinh", "is_province": True, "standing": "met",
        "course": None,
    }  # fmt: skip
    return FigureFacts(value=value, at=START + day * DAY, **(sane | known))


def script(rule: Behind, *figures: FigureFacts) -> list[str]:
    """States that come about, the alerts being stored and read back after each figure."""
    stored = Stored.empty()
    for figure in figures:
        stored.take(judge_figures([rule], [figure], stored.open))  # pyright: ignore
    return [f"{move.to_state}@{(move.at - START) // DAY}" for move in stored.moves]


def test_a_figure_beyond_its_level_is_told_until_it_is_clear() -> None:
    rule = a_behind(above=10, clear=8)
    days = [a_figure(value, day) for day, value in enumerate([10, 11, 9, 8])]
    assert script(rule, *days) == ["active@1", "cleared@3"]


def test_a_figure_must_be_behind_for_the_hold_time() -> None:
    rule = a_behind(standing="behind", hold="P2D")
    days = [a_figure(day=day, standing="behind") for day in range(4)]
    assert script(rule, *days, a_figure(day=4)) == ["pending@0", "active@2", "cleared@4"]


def test_a_course_that_is_not_known_changes_nothing() -> None:
    rule = a_behind(course="at_risk")
    courses = ["on_track", "off_track", None, "unknown", "met"]
    days = [a_figure(day=day, course=course) for day, course in enumerate(courses)]
    assert script(rule, *days) == ["active@1", "cleared@4"]


def test_each_unit_has_an_alert_of_its_own_and_the_province_none() -> None:
    rule = a_behind(above=10, units="each")
    figures = [
        a_figure(20),
        a_figure(20, unit="xa-a", is_province=False),
        a_figure(2, unit="xa-b", is_province=False),
        a_figure(30, unit="xa-c", is_province=False),
    ]
    moves = judge_figures([rule], figures, {})
    assert [move.unit for move in moves] == ["xa-a", "xa-c"]
    assert moves[0].fingerprint == "late/figure:overdue:xa-a"
    assert moves[0].reason is TransitionReason.FIGURE_BEYOND


def test_a_figure_that_is_missing_ends_no_alert_and_a_rule_that_is_gone_does() -> None:
    rule = a_behind(above=10)
    (raised,) = judge_figures([rule], [a_figure(11)], {})
    stands = OpenAlert(
        fingerprint=raised.fingerprint, rule="late", series=None, feed_key=None,
        state=raised.to_state, pending_since=raised.pending_since, subject=raised.subject,
    )  # fmt: skip
    held = {raised.fingerprint: stands}
    assert judge_figures([rule], [], held) == []
    assert judge_figures([rule], [a_figure(None, 1)], held) == []
    (ended,) = judge_figures([], [], held)
    assert ended.reason is TransitionReason.RULE_REMOVED


@pytest.mark.parametrize(
    "document",
    [{}, {"above": 1, "standing": "behind"}, {"above": "attribute"}, {"course": "lost"}],
)
def test_a_rule_about_a_figure_decides_by_one_thing(document: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        a_behind(**document)
