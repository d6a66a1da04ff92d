"""Floods, peaks and alerts that come again, over beginnings by the second."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerts.flood import CALM, Flood, floods, most_within, repeated
from alerts.matter import FLOOD, FLOOD_WITHIN, is_flood
from alerts.table import SECOND

END = 100_000 * SECOND
BEGINNINGS = st.lists(st.integers(0, 5_000), max_size=120).map(sorted)


def seconds(*times: float) -> np.ndarray:
    return np.array([round(time * SECOND) for time in times], np.int64)


def test_a_flood_begins_at_the_eleventh_alert_in_ten_minutes() -> None:
    ten = [60 * n for n in range(10)]
    assert floods(seconds(*ten), END) == []
    (flood,) = floods(seconds(*ten, 599), END)
    assert (flood.begins, flood.alerts) == (599 * SECOND, 11)


def test_a_flood_ends_when_fewer_than_five_came_in_ten_minutes() -> None:
    at_once = [0] * 11
    (flood,) = floods(seconds(*at_once), END)
    assert flood.ends == FLOOD_WITHIN
    trickle = [100 * n for n in range(1, 21)]
    (flood,) = floods(seconds(*at_once, *trickle), END)
    # Six in ten minutes keep it going; from the last one at 2000 s they leave one by one.
    assert flood.ends == 1_600 * SECOND + FLOOD_WITHIN
    assert flood.alerts == 31


def test_a_flood_that_still_runs_ends_with_the_time_that_is_looked_at() -> None:
    (flood,) = floods(seconds(*[0] * 11), 60 * SECOND)
    assert flood == Flood(0, 60 * SECOND, 11)


@given(BEGINNINGS)
def test_there_is_a_flood_exactly_where_the_engine_saw_one(times: list[int]) -> None:
    began = seconds(*times)
    found = floods(began, END)
    for place, time in enumerate(began):
        if is_flood(began[: place + 1].tolist(), int(time)):
            assert any(flood.begins <= time < flood.ends for flood in found)
    for flood in found:
        assert is_flood(began[began <= flood.begins].tolist(), flood.begins)


@given(BEGINNINGS)
def test_floods_never_touch_and_no_alert_is_counted_in_two(times: list[int]) -> None:
    began = seconds(*times)
    found = floods(began, END)
    assert all(a.ends <= b.begins for a, b in itertools.pairwise(found))
    assert sum(flood.alerts for flood in found) <= len(times)
    for flood in found:
        last = began[(began <= flood.ends) & (began > flood.ends - FLOOD_WITHIN)]
        assert len(last) < CALM


@given(BEGINNINGS)
def test_there_is_a_flood_if_and_only_if_the_peak_is_above_ten(times: list[int]) -> None:
    began = seconds(*times)
    assert bool(floods(began, END)) == (most_within(began, FLOOD_WITHIN) > FLOOD)


@given(BEGINNINGS)
def test_the_peak_is_the_most_that_any_window_holds(times: list[int]) -> None:
    began = seconds(*times)
    windows = (int(((began > t - FLOOD_WITHIN) & (began <= t)).sum()) for t in began)
    assert most_within(began, FLOOD_WITHIN) == max(windows, default=0)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 300)), max_size=40))
def test_an_alert_repeats_where_it_is_one_of_three_in_a_minute(
    pairs: list[tuple[int, int]],
) -> None:
    pairs.sort(key=lambda pair: pair[1])
    mark = np.array([mark for mark, _ in pairs], np.int64)
    began = seconds(*[time for _, time in pairs])
    found = repeated(mark, began, 3, 60 * SECOND)
    for place in range(len(pairs)):
        own = began[mark == mark[place]]
        windows = (
            ((own >= t) & (own < t + 60 * SECOND))
            for t in own
            if t <= began[place] < t + 60 * SECOND
        )
        assert found[place] == any(window.sum() >= 3 for window in windows)
