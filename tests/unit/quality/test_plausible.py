"""What the vector code flags is what a look at one row after the other flags."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.live.latest import NEVER, Latest
from ioc.model import Columns, Flag, Series, SeriesId, ValueKind, flag_names, to_micros
from ioc.quality.plausible import MINUTE_US, Judged, Limits, PropertyLimits, judge

START = to_micros(datetime(2026, 11, 22, tzinfo=UTC))
Row = tuple[int, int, float]

LIMITS = {
    1: PropertyLimits(property="a", low=-2, high=2, rate=1, flat=180),
    2: PropertyLimits(property="b", rate=0.5),
    3: PropertyLimits(property="c", flat=120),
    4: PropertyLimits(property="d", low=0),
}
"""Series 5 has no limit at all."""


def limits() -> Limits:
    made = Limits()
    for series in range(1, 6):
        made.put(_series(series), LIMITS.get(series))
    return made


def _series(id: int, **more: object) -> Series:
    given = {"id": SeriesId(id), "feed_key": 1, "key": f"f/{id}", "feature": "f", "property": "p"}
    return Series(**{**given, **more})  # pyright: ignore[reportArgumentType]


def columns(rows: list[Row]) -> Columns:
    """Rows of (series, minute, value)."""
    series, minutes, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Columns(
        np.array(series, np.int32),
        np.array([START + minute * MINUTE_US for minute in minutes], np.int64),
        np.array(value, np.float64),
    )


class Naive:
    """The same rules in the words of one row after the other."""

    def __init__(self) -> None:
        self.newest: dict[int, tuple[int, float, int]] = {}

    def flags(self, rows: list[Row]) -> list[int]:
        found = [0] * len(rows)
        before = dict(self.newest)
        for place in sorted(range(len(rows)), key=lambda place: rows[place][1]):
            series, minute, value = rows[place]
            of = LIMITS.get(series, PropertyLimits(property=""))
            if (of.low is not None and value < of.low) or (of.high is not None and value > of.high):
                found[place] |= Flag.RANGE
            known = before.get(series)
            if known is None or minute > known[0]:
                found[place] |= self._moved(series, minute, value, of)
        return found

    def _moved(self, series: int, minute: int, value: float, of: PropertyLimits) -> int:
        flags, since = 0, minute
        if series in self.newest:
            last, was, start = self.newest[series]
            elapsed = minute - last
            sane = (of.low is None or was >= of.low) and (of.high is None or was <= of.high)
            if sane and of.rate is not None and abs(value - was) > of.rate * elapsed:
                flags |= Flag.RATE
            if value == was and of.flat is not None and elapsed * 60 <= of.flat:
                since = start
                if (minute - since) * 60 > of.flat:
                    flags |= Flag.FLAT
        self.newest[series] = (minute, value, since)
        return flags


_values = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.5])
_batch = st.lists(
    st.tuples(st.integers(1, 5), st.integers(0, 14), _values),
    max_size=14,
    unique_by=lambda row: row[:2],
)


@given(st.lists(_batch, max_size=5))
def test_many_at_once_are_judged_like_one_after_the_other(batches: list[list[Row]]) -> None:
    latest, made, naive = Latest(8), limits(), Naive()
    for rows in batches:
        given_rows = columns(rows)
        found = judge(given_rows, latest, made)
        # In the batch the model sees the newest of before, unless it was corrected there.
        newest = {s: t for s, (t, *_) in naive.newest.items()}
        corrected = {s for s, minute, _ in rows if newest.get(s) == minute}
        expected = naive.flags([row for row in rows if row[0] not in corrected])
        kept = [n for n, row in enumerate(rows) if row[0] not in corrected]
        assert found.flags[kept].tolist() == expected
        latest_rows = given_rows.take(np.array(kept, np.intp))
        latest.apply(latest_rows, 0, found.flags[kept], found.since[kept])


@given(_batch)
def test_without_limits_nothing_is_flagged(rows: list[Row]) -> None:
    found = judge(columns(rows), Latest(8), Limits())
    assert not found.flags.any()
    assert (found.since == NEVER).all()


def _fed(*batches: list[Row]) -> tuple[list[list[int]], Latest]:
    latest, made = Latest(8), limits()
    said: list[list[int]] = []
    for rows in batches:
        found: Judged = judge(columns(rows), latest, made)
        latest.apply(columns(rows), 0, found.flags, found.since)
        said.append(found.flags.tolist())
    return said, latest


def test_a_frozen_value_is_flagged_once_it_has_stood_for_too_long() -> None:
    said, latest = _fed(*([(3, minute, 7.0)] for minute in range(5)), [(3, 5, 8.0)])
    assert said == [[0], [0], [0], [Flag.FLAT], [Flag.FLAT], [0]]
    assert latest.since[3] == START + 5 * MINUTE_US


def test_a_frozen_value_is_followed_within_a_batch_and_over_batches() -> None:
    said, _ = _fed([(3, 0, 7.0), (3, 1, 7.0)], [(3, 3, 7.0), (3, 2, 7.0)])
    assert said == [[0, 0], [Flag.FLAT, 0]]


def test_a_silence_longer_than_the_limit_begins_anew() -> None:
    said, _ = _fed([(3, 0, 7.0)], [(3, 60, 7.0)], [(3, 61, 7.0)], [(3, 63, 7.0)])
    assert said == [[0], [0], [0], [Flag.FLAT]]


def test_a_jump_is_flagged_and_so_is_the_jump_back() -> None:
    said, latest = _fed([(2, 0, 1.0)], [(2, 1, 9.0)], [(2, 2, 1.0)], [(2, 4, 2.0)])
    assert said == [[0], [Flag.RATE], [Flag.RATE], [0]]
    assert latest.flags[2] == 0


def test_what_follows_a_value_out_of_range_is_not_judged_by_the_way_back() -> None:
    said, latest = _fed([(1, 0, 0.0)], [(1, 1, 9.0)], [(1, 2, 1.5)])
    assert said == [[0], [Flag.RANGE | Flag.RATE], [0]]
    assert latest.flags[1] == 0


def test_a_late_row_is_judged_by_its_range_only() -> None:
    said, latest = _fed([(1, 10, 0.0)], [(1, 9, 1.9), (1, 8, 5.0)])
    assert said == [[0], [0, Flag.RANGE]]
    assert latest.flags[1] == 0


def test_a_correction_of_the_newest_value_takes_its_flag_away() -> None:
    _, latest = _fed([(1, 0, 0.0)], [(1, 1, 9.0)])
    assert flag_names(int(latest.flags[1])) == ("range", "rate")
    found = judge(columns([(1, 1, 0.5)]), latest, limits())
    latest.apply(columns([(1, 1, 0.5)]), 0, found.flags, found.since)
    assert latest.flags[1] == 0


def test_a_value_may_be_of_several_kinds_of_suspect_and_huge() -> None:
    said, _ = _fed([(1, 0, 0.0), (2, 0, -1e308)], [(1, 1, 1e308), (2, 1, 1e308)])
    assert said == [[0, 0], [Flag.RANGE | Flag.RATE, Flag.RATE]]


@pytest.mark.parametrize(
    ("own", "of", "low", "high"),
    [
        ({"low": 1.0}, PropertyLimits(property="p", low=0, high=9), 1.0, 9.0),
        ({}, PropertyLimits(property="p", low=0, high=9), 0.0, 9.0),
        ({"high": 5.0}, None, -np.inf, 5.0),
        ({"uom": "m"}, PropertyLimits(property="p", uom="m", low=0), 0.0, np.inf),
        ({"uom": "cm"}, PropertyLimits(property="p", uom="m", low=0), -np.inf, np.inf),
        ({"uom": None}, PropertyLimits(property="p", uom="m", low=0), 0.0, np.inf),
        ({"value_kind": ValueKind.TEXT}, PropertyLimits(property="p", low=0), -np.inf, np.inf),
    ],
)
def test_a_series_own_limits_win_over_its_property_in_its_measuring_unit(
    own: dict[str, object], of: PropertyLimits | None, low: float, high: float
) -> None:
    made = Limits()
    made.put(_series(5000, **own), of)
    assert (made.low[5000], made.high[5000]) == (low, high)


def test_limits_that_were_taken_away_hold_no_longer() -> None:
    made = Limits()
    made.put(_series(1), LIMITS[1])
    made.put(_series(1), None)
    assert not judge(columns([(1, 0, 99.0)]), Latest(8), made).flags.any()


def test_a_series_that_takes_texts_from_now_on_has_no_limits() -> None:
    made = Limits()
    made.put(_series(1, low=0.0, high=9.0), LIMITS[1])
    made.put(_series(1, low=0.0, high=9.0, value_kind=ValueKind.BOOLEAN), LIMITS[1])
    assert not judge(columns([(1, 0, 99.0)]), Latest(8), made).flags.any()


def test_a_series_that_is_not_known_yet_is_not_flagged() -> None:
    latest = Latest(4000)
    made = limits()
    rows = columns([(3000, 0, 1e9), (4, 0, -1.0)])
    assert judge(rows, latest, made).flags.tolist() == [0, Flag.RANGE]
