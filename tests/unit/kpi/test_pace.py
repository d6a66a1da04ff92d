"""Where a share is headed: what the rest must bring, and what it brings if it is like the last."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.definition import Direction
from ioc.kpi.pace import Ahead, Pace, Span, no_pace, pace_of_count, pace_of_share


def pace(
    so_far: tuple[float | None, float | None], recent: tuple[float | None, float | None],
    *, target: float = 51, left: int = 100, days: int = 20,
) -> Pace:  # fmt: skip
    return pace_of_share(
        Span(*so_far, 100), Span(*recent, days), target=target, direction="up", days_left=left
    )


def test_the_rest_must_make_up_for_what_is_missing() -> None:
    # 400 of 1,000 so far, 200 a month: 1,000 are still to come, and 620 of them must be online.
    found = pace((400, 1000), (100, 200))
    assert found.needed == pytest.approx(62.0)
    assert found.outcome == pytest.approx(45.0)
    assert (found.course, found.why, found.gap) == ("at_risk", "recent_falls_short", -11.0)


def test_a_figure_behind_its_target_is_on_track_if_the_last_weeks_reach_it() -> None:
    found = pace((500, 1000), (110, 200))
    assert (found.course, found.why) == ("on_track", "recent_reaches")
    assert found.outcome == pytest.approx(52.5)


def test_a_figure_at_its_target_is_at_risk_if_the_last_weeks_lose_it() -> None:
    assert pace((520, 1000), (80, 200)).course == "at_risk"
    assert pace((520, 1000), (110, 200)).why == "holds"


def test_what_even_every_dossier_to_come_would_not_reach_is_off_track() -> None:
    found = pace((100, 1000), (100, 200), left=10)
    assert (found.course, found.why) == ("off_track", "out_of_reach")
    assert found.needed is not None
    assert found.needed > 100


def test_when_the_period_is_over_it_is_met_or_not() -> None:
    assert (pace((510, 1000), (1, 1), left=0).course) == "met"
    assert (pace((509, 1000), (1, 1), left=0).course) == "off_track"


def test_without_a_figure_or_without_recent_ones_nothing_is_said() -> None:
    assert pace((None, None), (1, 2)).why == "no_figure"
    assert pace((0, 0), (1, 2)).why == "no_figure"
    assert pace((1, 2), (0, 0)).why == "no_recent"
    assert pace((1, 2), (None, None)).course == "unknown"


_counts = st.integers(1, 10_000).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))


@given(_counts, _counts, st.integers(1, 99), st.integers(1, 250))
def test_bringing_just_what_is_needed_ends_at_the_target(
    so_far: tuple[int, int], recent: tuple[int, int], target: int, left: int
) -> None:
    found = pace(so_far, recent, target=target, left=left)
    assert found.needed is not None
    coming = recent[1] / 20 * left
    end = (so_far[0] + found.needed / 100 * coming) * 100 / (so_far[1] + coming)
    assert end == pytest.approx(target)
    if found.course == "on_track":
        assert found.outcome is not None
        assert found.outcome >= target


def foreseen(value: float, low: float, high: float, *, direction: Direction = "up") -> Pace:
    return pace_of_share(
        Span(480, 1000, 100), Span(100, 200, 20), target=51, direction=direction, days_left=100,
        ahead=Ahead(value, low, high, 500),
    )  # fmt: skip


def test_bounds_of_a_forecast_say_whether_it_is_on_track_open_or_off_track() -> None:
    assert (foreseen(54, 52, 56).course, foreseen(54, 52, 56).why) == (
        "on_track", "foreseen_reaches",
    )  # fmt: skip
    assert (foreseen(51, 49, 53).course, foreseen(51, 49, 53).why) == ("at_risk", "foreseen_open")
    off = foreseen(48, 46, 50)
    assert (off.course, off.why) == ("off_track", "foreseen_falls_short")
    assert (off.outcome, off.coming) == (48, 500)
    assert off.needed == pytest.approx((0.51 * 1500 - 480) / 5)


def test_a_target_that_nothing_to_come_can_undo_is_secured() -> None:
    found = pace((900, 1000), (0, 20), left=10)
    assert found.needed is not None
    assert found.needed < 0
    assert (found.course, found.why) == ("on_track", "secured")


def test_of_a_share_that_is_to_stay_low_the_bounds_count_the_other_way() -> None:
    assert foreseen(48, 46, 50, direction="down").course == "on_track"
    assert foreseen(54, 52, 56, direction="down").course == "off_track"


def count(value: float | None, lately: float | None, *, left: int = 50, **more: Any) -> Pace:
    return pace_of_count(
        Span(value, None, 0), Span(lately, None, 20), days_left=left,
        **{"target": 1000, "direction": "up", **more},
    )  # fmt: skip


def test_a_count_must_grow_by_so_much_on_each_working_day() -> None:
    found = count(500, 160)
    assert (found.needed, found.recent, found.outcome) == (10, 8, 900)
    assert (found.course, found.why) == ("at_risk", "recent_falls_short")
    assert count(500, 220).course == "on_track"


def test_a_count_that_has_reached_its_target_holds_and_a_limit_that_is_passed_stays_so() -> None:
    assert count(1000, 0).why == "secured"
    assert count(1001, 0, direction="down").why == "out_of_reach"
    assert count(900, 0, direction="down").course == "on_track"


def test_a_count_follows_its_forecast_too() -> None:
    assert count(500, 160, ahead=Ahead(1100, 1010, 1200, 600)).course == "on_track"
    assert count(500, 160, ahead=Ahead(900, 850, 950, 400)).course == "off_track"
    assert count(999, 160, left=0).course == "off_track"
    assert count(None, 160).why == "no_figure"


def test_what_does_not_grow_by_day_has_a_gap_only() -> None:
    found = no_pace(40, 51)
    assert (found.gap, found.course, found.why) == (-11, "unknown", "no_pace")
