"""The rhythm of series: what is expected when, what deviates, and a replay of a detector."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.alert import State, step
from alerts.rhythm import (
    CLEAR,
    DAY_HOURS,
    HOLD,
    HOUR,
    LEVEL,
    RING,
    WARM_UP,
    WEEK_HOURS,
    Rhythm,
    Smoothing,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = int(datetime(2025, 3, 10, tzinfo=ZONE).timestamp()) // 3600
"""The first hour of a Monday in Vietnam."""
HOLIDAY = date(2025, 4, 7)
MAKE_UP = date(2025, 4, 12)
HOLD_US = int(HOLD.total_seconds()) * 1_000_000
WEEK_US = WEEK_HOURS * HOUR

Window = tuple[int, int]


def works(day: date) -> bool:
    if day == HOLIDAY:
        return False
    return day.weekday() < 5 or day == MAKE_UP


def a_rhythm(rows: int = 1) -> Rhythm:
    return Rhythm(rows, ZONE, works)


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def taught(rhythm: Rhythm, hours: Sequence[int], values: Sequence[float], row: int = 0) -> Rhythm:
    rhythm.learn(np.full(len(hours), row), np.array(hours, np.int64), np.array(values, float))
    return rhythm


def expected(rhythm: Rhythm, hour: int) -> float:
    return float(rhythm.expect(ints(0), ints(hour * HOUR))[0][0])


def deviation(rhythm: Rhythm, hour: int, value: float) -> float:
    return float(rhythm.deviation(ints(0), ints(hour * HOUR), np.array([value]))[0])


def by_weekday(hour: int) -> float:
    return 100.0 + (hour - MONDAY) // DAY_HOURS % 7


def weeks(number: int) -> list[int]:
    return list(range(MONDAY, MONDAY + number * WEEK_HOURS))


def test_nothing_is_expected_in_the_first_three_days() -> None:
    hours = list(range(MONDAY, MONDAY + WARM_UP))
    rhythm = taught(a_rhythm(), hours, [5.0] * WARM_UP)
    assert np.isnan(expected(rhythm, MONDAY + WARM_UP - 1))
    assert expected(rhythm, MONDAY + WARM_UP) == 5.0


def test_an_hour_is_expected_as_on_the_same_weekday_once_there_are_three() -> None:
    hours = weeks(3)
    rhythm = taught(a_rhythm(), hours, [by_weekday(hour) for hour in hours])
    assert expected(rhythm, MONDAY + 3 * WEEK_HOURS + 8) == 100.0
    assert expected(rhythm, MONDAY + 3 * WEEK_HOURS + 6 * DAY_HOURS) == 106.0


def test_with_less_history_all_working_days_speak_for_one() -> None:
    hours = weeks(1)
    rhythm = taught(a_rhythm(), hours, [by_weekday(hour) for hour in hours])
    assert expected(rhythm, MONDAY + WEEK_HOURS + 8) == 102.0


def test_with_hardly_any_history_all_days_speak_for_one() -> None:
    hours = weeks(1)[: 5 * DAY_HOURS]
    rhythm = taught(a_rhythm(), hours, [by_weekday(hour) for hour in hours])
    assert expected(rhythm, MONDAY + 5 * DAY_HOURS) == 102.0


def test_a_holiday_is_expected_as_days_of_rest_are() -> None:
    hours = weeks(4)
    rhythm = taught(a_rhythm(), hours, [by_weekday(hour) for hour in hours])
    assert expected(rhythm, MONDAY + 4 * WEEK_HOURS + 8) == 105.5


def test_a_make_up_saturday_is_expected_as_working_days_are() -> None:
    hours = weeks(4)
    rhythm = taught(a_rhythm(), hours, [by_weekday(hour) for hour in hours])
    assert expected(rhythm, MONDAY + 4 * WEEK_HOURS + 5 * DAY_HOURS) == 102.0


def test_a_whole_day_of_deviation_does_not_poison_the_rhythm() -> None:
    hours = weeks(4)
    values = [10.0 + hour % 2 for hour in hours]
    bad = range(2 * WEEK_HOURS, 2 * WEEK_HOURS + DAY_HOURS)
    poisoned = [900.0 if n in bad else value for n, value in enumerate(values)]
    at = MONDAY + 4 * WEEK_HOURS + DAY_HOURS + 9
    clean = deviation(taught(a_rhythm(), hours, values), at, 20.0)
    assert deviation(taught(a_rhythm(), hours, poisoned), at, 20.0) == pytest.approx(clean)


def test_the_side_of_a_deviation_is_its_sign() -> None:
    rhythm = taught(a_rhythm(), weeks(3), [100.0] * 3 * WEEK_HOURS)
    assert deviation(rhythm, MONDAY + 3 * WEEK_HOURS, 110.0) == pytest.approx(4.0)
    assert deviation(rhythm, MONDAY + 3 * WEEK_HOURS, 90.0) == pytest.approx(-4.0)


def test_nothing_is_said_of_a_series_that_was_always_zero_and_is_not() -> None:
    rhythm = taught(a_rhythm(), weeks(2), [0.0] * 2 * WEEK_HOURS)
    assert deviation(rhythm, MONDAY + 2 * WEEK_HOURS, 0.0) == 0.0
    assert np.isnan(deviation(rhythm, MONDAY + 2 * WEEK_HOURS, 0.1))


def test_a_row_that_is_added_knows_nothing_and_the_others_know_on() -> None:
    rhythm = taught(a_rhythm(), weeks(2), [7.0] * 2 * WEEK_HOURS)
    rhythm.grow(2)
    found, _ = rhythm.expect(ints(0, 1), np.full(2, (MONDAY + 2 * WEEK_HOURS) * HOUR))
    assert found.tolist() == pytest.approx([7.0, np.nan], nan_ok=True)


def test_an_hour_that_is_learned_late_counts_at_once() -> None:
    at = MONDAY + WARM_UP
    rhythm = taught(a_rhythm(), range(MONDAY, at), [5.0] * WARM_UP)
    assert expected(rhythm, at) == 5.0
    taught(rhythm, range(MONDAY, at), [9.0] * WARM_UP)
    assert expected(rhythm, at) == 9.0


@given(st.floats(-1e6, 1e6), st.integers(0, 3 * WEEK_HOURS))
def test_equal_values_of_a_constant_series_never_deviate(value: float, later: int) -> None:
    rhythm = taught(a_rhythm(), weeks(2), [value] * 2 * WEEK_HOURS)
    assert deviation(rhythm, MONDAY + 2 * WEEK_HOURS + later, value) == 0.0


Known = dict[tuple[int, int], float]
KNOWN = st.integers(0, 2**32 - 1)


def some(seed: int, length: int = 7 * WEEK_HOURS) -> Known:
    """Hours of three rows with gaps."""
    random = np.random.default_rng(seed)
    here = random.random((3, length)) < random.uniform(0.3, 1.0)
    rows, hours = np.nonzero(here)
    values = random.normal(50, 10, len(rows)).tolist()
    return {
        (row, MONDAY + hour): value
        for row, hour, value in zip(rows.tolist(), hours.tolist(), values, strict=True)
    }


def of(known: Known, keys: Sequence[tuple[int, int]], parts: int = 1) -> Rhythm:
    rhythm = a_rhythm(3)
    for part in np.array_split(np.arange(len(keys)), parts):
        some_keys = [keys[n] for n in part.tolist()]
        rows = np.array([row for row, _ in some_keys], np.int64)
        hours = np.array([hour for _, hour in some_keys], np.int64)
        rhythm.learn(rows, hours, np.array([known[key] for key in some_keys], float))
    return rhythm


def judged(rhythm: Rhythm, hour: int) -> list[float]:
    times = np.full(3, hour * HOUR + HOUR // 2)
    return rhythm.deviation(np.arange(3), times, np.array([20.0, 50.0, 90.0])).tolist()


@settings(max_examples=25)
@given(KNOWN, st.integers(6 * WEEK_HOURS, 7 * WEEK_HOURS - 1))
def test_later_data_never_changes_an_earlier_judgement(seed: int, after: int) -> None:
    known, hour = some(seed), MONDAY + after
    before = [key for key in known if key[1] < hour]
    then = judged(of(known, before), hour)
    assert judged(of(known, list(known)), hour) == pytest.approx(then, nan_ok=True)


@settings(max_examples=25)
@given(KNOWN, st.integers(1, 9))
def test_the_order_of_learning_does_not_matter(seed: int, parts: int) -> None:
    known = some(seed)
    keys = list(known)
    Random(seed).shuffle(keys)
    one, other = of(known, list(known)).arrays(), of(known, keys, parts).arrays()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


@settings(max_examples=25)
@given(KNOWN, st.integers(2 * WEEK_HOURS, 8 * WEEK_HOURS))
def test_a_restored_rhythm_answers_and_learns_as_the_original(seed: int, after: int) -> None:
    original = of(some(seed), list(some(seed)))
    restored = Rhythm.restored(original.arrays(), ZONE, works)
    for rhythm in (original, restored):
        taught(rhythm, [MONDAY + 7 * WEEK_HOURS], [44.0], row=1)
    hour = MONDAY + after
    assert judged(restored, hour) == pytest.approx(judged(original, hour), nan_ok=True)


def test_hours_older_than_the_ring_are_left_out() -> None:
    rhythm = taught(a_rhythm(), [MONDAY + 2 * RING], [1.0])
    taught(rhythm, [MONDAY], [2.0])
    assert np.nansum(rhythm.arrays()["hours"]) == 1.0


def test_a_single_reading_moves_a_smoothed_value_by_its_share() -> None:
    smoothing = Smoothing(1, over=HOUR)
    rows, times = np.zeros(3, np.int64), ints(0, HOUR, 2 * HOUR)
    found = smoothing.smooth(rows, times, np.array([10.0, 10.0, 110.0]))
    assert found.tolist() == pytest.approx([10.0, 10.0, 110.0 - 100.0 / np.e])


def test_a_correction_of_the_same_time_is_smoothed_as_if_it_were_the_first() -> None:
    one, other = Smoothing(1, over=HOUR // 2), Smoothing(1, over=HOUR // 2)
    for smoothing, values in ((one, (10.0, 99.0, 30.0)), (other, (10.0, 30.0, 30.0))):
        found = smoothing.smooth(np.zeros(3, np.int64), ints(0, HOUR, HOUR), np.array(values))
        assert found[-1] == pytest.approx(30.0 - 20.0 * np.exp(-2.0))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 900), st.floats(-9, 9)), max_size=30))
def test_batches_are_smoothed_as_single_values_are(given_: list[tuple[int, int, float]]) -> None:
    rows = np.array([row for row, _, _ in given_], np.int64)
    times = np.cumsum([gap * 1_000_000 for _, gap, _ in given_]).astype(np.int64)
    values = np.array([value for _, _, value in given_], float)
    whole, single = Smoothing(3), Smoothing(3)
    one_by_one = [
        float(single.smooth(rows[n : n + 1], times[n : n + 1], values[n : n + 1])[0])
        for n in range(len(rows))
    ]
    assert whole.smooth(rows, times, values).tolist() == pytest.approx(one_by_one)


def replayed(times: NDArray[np.int64], values: NDArray[np.float64]) -> list[Window]:
    """From when to when a rule with the defaults would have alerted, each value at its time."""
    rhythm, smoothing = Rhythm(1, UTC, works), Smoothing(1)
    alerts: list[Window] = []
    state, since, began = None, 0, 0
    hours = times // HOUR
    for hour in np.unique(hours).tolist():
        at = np.flatnonzero(hours == hour)
        row = np.zeros(len(at), np.int64)
        smoothed = smoothing.smooth(row, times[at], values[at])
        off = np.abs(rhythm.deviation(row, times[at], smoothed))
        rhythm.learn(ints(0), ints(hour), np.array([values[at].mean()]))
        for time, spreads in zip(times[at].tolist(), off.tolist(), strict=True):
            after = step(
                state,
                since,
                beyond=spreads > LEVEL,
                clear=spreads <= CLEAR,
                fresh=True,
                time=time,
                hold=HOLD_US,
            )
            if after.state is State.ACTIVE and state is not State.ACTIVE:
                began = time
            if state is State.ACTIVE and after.state is None:
                alerts.append((began, time))
            state, since = after.state, after.since
    return [*alerts, (began, int(times[-1]))] if state is State.ACTIVE else alerts


def begun_inside(alerts: list[Window], window: Window) -> bool:
    return any(window[0] <= began <= window[1] for began, _ in alerts)


def false_ones(alerts: list[Window], windows: list[Window]) -> int:
    """Alerts that touch no known window; where none is known, every one."""
    return sum(all(end < start or began > last for start, last in windows) for began, end in alerts)


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_a_made_up_detector_is_alerted_in_its_jams_and_nowhere_else() -> None:
    random = np.random.default_rng(7)
    start = micros("2025-03-10 00:00:00")
    times = start + np.arange(0, 4 * WEEK_US, HOUR // 12)
    day = (times - start) % (DAY_HOURS * HOUR) / HOUR
    rush = np.exp(-((day - 7.5) ** 2)) + np.exp(-((day - 17.5) ** 2))
    values = 65 - 20 * rush + random.normal(0, 3, len(times))
    kept = random.random(len(times)) < 0.9
    jams = [
        (start + d * DAY_HOURS * HOUR, start + d * DAY_HOURS * HOUR + 2 * HOUR)
        for d in (5.4, 16.6, 24.5)
    ]
    jams = [(round(began), round(end)) for began, end in jams]
    for began, end in jams:
        values[(times >= began) & (times < end)] = 8.0
    alerts = replayed(times[kept], values[kept])
    assert [begun_inside(alerts, jam) for jam in jams] == [True, True, True]
    assert false_ones(alerts, jams) == 0


def test_time_in_the_zone_says_which_day_it_is() -> None:
    """Half past midnight of Monday in Vietnam is still Sunday in UTC."""
    hours = weeks(3)
    rhythm = taught(a_rhythm(), hours, [by_weekday(hour) for hour in hours])
    at = datetime(2025, 3, 30, 17, 30, tzinfo=UTC)
    assert at.weekday() == 6
    assert expected(rhythm, int(at.timestamp()) // 3600) == 100.0
