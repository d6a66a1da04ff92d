"""Dated actions: on which lines, and on which stretch of a line, they are drawn."""

from datetime import date

import pytest

from ioc.kpi.action import Action
from ioc.model import Text


def action(until: date | None) -> Action:
    return Action(
        id="a", unit="tinh", kind="help_desk", name=Text("Quầy hướng dẫn", "Help desk"),
        valid_from=date(2020, 5, 5), valid_until=until, document="CV 1",
        indicators=("online-share",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "seen"),
    [
        (date(2020, 4, 1), date(2020, 5, 5), False),
        (date(2020, 4, 1), date(2020, 5, 6), True),
        (date(2020, 6, 30), date(2020, 8, 1), True),
        (date(2020, 7, 1), date(2020, 8, 1), False),
    ],
)
def test_an_action_is_seen_from_its_first_day_up_to_its_last(
    start: date, end: date, seen: bool
) -> None:
    assert action(date(2020, 7, 1)).touches(start, end) is seen


def test_an_action_without_an_end_goes_on() -> None:
    assert action(None).touches(date(2030, 1, 1), date(2031, 1, 1))


def test_an_action_is_drawn_on_the_lines_of_its_unit_and_of_those_below() -> None:
    made = action(None)
    assert made.is_about("online-share", {"so-a", "tinh"})
    assert not made.is_about("online-share", {"tinh-khac"})
    assert not made.is_about("late-share", {"tinh"})
