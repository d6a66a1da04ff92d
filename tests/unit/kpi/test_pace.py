"""Where a share is headed: what the rest must bring, and what it brings if it is like the last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.pace import Pace, Span, pace_of_share


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
