"""Rules of change, stillness and clear times as time scripts, and against a plain reckoning."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.alert import TransitionReason
from alerts.engine import Engine
from alerts.pairs import Pairs
from alerts.rule import Rate, Side, Sum
from alerts.rule_reading import decode_rule
from alerts.signals import CELLS, HOUR, SUMMED, Signals
from alerts.table import build_table
from ioc.errors import Invalid
from tests.unit.alerts.timeline import (
    SECOND,
    START,
    a_rule,
    a_series,
    columns,
    duration,
    timeline,
)

RISING: dict[str, Any] = {
    "kind": "rate",
    "domain": "environment",
    "property": "water-level",
    "window": "PT1H",
}
STUCK: dict[str, Any] = {
    "kind": "flat",
    "domain": "environment",
    "property": "pm25",
    "after": "PT30M",
}
MINUTE = duration("1m")


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ("2x12", ""),
        ("2+0.1x12", "active@30m cleared@3h"),
        ("2x6 2+0.01x12 2.2+0.2x6", "active@220m"),
        ("9-0.2x9", ""),
    ],
)
def test_a_river_that_rises_fast_is_told_by_its_rise_in_an_hour(values: str, script: str) -> None:
    if "cleared" in script:
        values += " 3.2x12"
    timeline(every="10m", values=values, above=0.5, clear=0.1, **RISING).expects(script)


def test_a_fall_is_a_rate_below_a_level() -> None:
    timeline(every="10m", values="9x6 8.8-0.3x5", below=-1, **RISING).expects("active@100m")


def test_a_rate_needs_half_its_window_of_history() -> None:
    timeline(every="10m", values="2 9 9", above=0.5, **RISING).expects("")


def test_a_silence_longer_than_the_window_is_no_rise() -> None:
    timeline(every="10m", values="2x6 _x9 9 9", above=0.5, **RISING).expects("")


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ("5x6", ""),
        ("5x7", "active@35m"),
        ("5x7 6", "active@35m cleared@40m"),
        ("1+1x9", ""),
        ("5x3 5.1 5x3 5.1 5x3", ""),
    ],
)
def test_a_stuck_sensor_is_told_by_its_stillness(values: str, script: str) -> None:
    timeline(every="5m", values=values, **STUCK).expects(script)


def test_stillness_has_a_tolerance() -> None:
    timeline(every="5m", values="5 5.1 4.9 5x6", tolerance=0.2, **STUCK).expects("active@35m")


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ("60 40x2 40x9", "active@0m active@1m cleared@6m"),
        ("60 40x2 60 40x9", "active@0m active@1m active@4m active@5m cleared@10m"),
        ("60 40x2 45 40x9", "active@0m active@1m active@4m active@5m cleared@10m"),
    ],
)
def test_an_alert_ends_only_after_its_clear_time(values: str, script: str) -> None:
    timeline(every="1m", values=values, above=50, clear=40, clear_hold="PT5M").expects(script)


def test_an_implausibly_still_value_counts_for_stillness_alone() -> None:
    rules = [a_rule("stuck", **STUCK), a_rule("high", above=50)]
    engine = Engine(rules, [a_series()])
    batch = columns(*[(1, START + turn * 5 * MINUTE, 60.0) for turn in range(9)])
    moves = engine.observe(batch, int(batch.time[-1]), np.ones(9, np.bool_))
    assert [move.rule for move in moves] == ["stuck"]


def test_what_is_late_and_beyond_a_level_is_noted_and_raises_nothing() -> None:
    engine = Engine([a_rule("high", above=50), a_rule("higher", above=70)], [a_series()])
    engine.observe(columns((1, START, 10.0)), START)
    late = columns((1, START - 3 * MINUTE, 60.0), (1, START - 2 * MINUTE, 66.0))
    assert engine.observe(late, START) == []
    assert [(note.rule, note.at, note.value, note.level) for note in engine.late] == [
        ("high", START - 2 * MINUTE, 66.0, 50.0)
    ]
    engine.observe(columns((1, START + MINUTE, 20.0)), START + MINUTE)
    assert engine.late == []


def test_a_deviation_is_measured_in_spreads_on_the_side_that_matters() -> None:
    def rhythm(
        series: NDArray[np.int64], time: NDArray[np.int64], value: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return np.where(series == 1, (value - 10.0) / 2.0, np.nan)

    rules = [
        a_rule(side, kind="deviation", domain="environment", property="pm25", above=4, side=side)
        for side in Side
    ]
    engine = Engine(rules, [a_series(1), a_series(2)], rhythm=rhythm)
    moves = engine.observe(columns((1, START, 1.0), (2, START, 99.0)), START)
    assert {(move.rule, move.value) for move in moves} == {("low", 4.5), ("both", 4.5)}
    moves = engine.observe(columns((1, START + 1, 19.0)), START + 1)
    assert [(move.rule, move.to_state) for move in moves] == [
        ("high", "active"),
        ("low", "cleared"),
    ]


def test_a_single_series_that_falls_silent_is_told_of_and_comes_back() -> None:
    rule = a_rule(kind="missing", domain="environment", after="PT30M", each="series")
    engine = Engine([rule], [a_series(1), a_series(2), a_series(3)])
    engine.observe(columns((1, START, 1.0), (2, START + 20 * MINUTE, 1.0)), START + 20 * MINUTE)
    assert engine.tick(START + 29 * MINUTE, {}) == []
    (silent,) = engine.tick(START + 31 * MINUTE, {})
    assert (silent.series, silent.reason) == (1, TransitionReason.SERIES_SILENT)
    assert (silent.at, silent.value_time) == (START + 30 * MINUTE, START)
    assert engine.tick(START + 32 * MINUTE, {}) == []
    latest = columns((1, START, 1.0), (2, START + 20 * MINUTE, 1.0))
    again = Engine([rule], [a_series(1), a_series(2)], [], engine.open_alerts, latest=latest)
    (heard,) = again.observe(columns((1, START + 33 * MINUTE, 1.0)), START + 33 * MINUTE)
    assert heard.reason is TransitionReason.SERIES_RESUMED


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.floats(-5, 5, allow_nan=False)), min_size=1, max_size=60
    ),
    st.data(),
)
def test_a_rate_is_the_same_however_it_is_cut_and_restarted(
    steps: Sequence[tuple[int, float]], data: st.DataObject
) -> None:
    rule = decode_rule(
        "rising",
        RISING | {"above": 1, "name": {"vi": "Dâng", "en": "Rise"}, "severity": "low"},
    )
    assert isinstance(rule, Rate)
    time = START + np.cumsum([minutes for minutes, _ in steps]) * MINUTE
    value = np.array([value for _, value in steps])
    series = [a_series(1, property="water-level")]
    cut = data.draw(st.integers(0, len(steps)))

    def signals() -> Signals:
        return Signals([rule], build_table([rule], series), None)

    def follow(known: Signals, first: int, end: int) -> list[float]:
        zeros = np.zeros(end - first, np.int64)
        return known.of(zeros, zeros, time[first:end], value[first:end]).tolist()

    whole = follow(signals(), 0, len(steps))
    restarted = signals()
    early = follow(restarted, 0, cut)
    again = signals()
    reach = int(time[cut - 1]) - 2 * HOUR if cut else 0
    known = int(np.searchsorted(time, reach))
    follow(again, known, cut)
    assert np.array_equal(early + follow(again, cut, len(steps)), whole, equal_nan=True)
    for place, rate in enumerate(whole):
        before = [
            n
            for n in range(place)
            if time[place] - time[n] <= HOUR + HOUR // CELLS and _first_of_its_cell(time, n)
        ]
        if before and time[place] - time[before[0]] >= HOUR // 2:
            oldest = before[0]
            hours = (time[place] - time[oldest]) / HOUR
            assert rate == pytest.approx((value[place] - value[oldest]) / hours)
        else:
            assert np.isnan(rate)


def _first_of_its_cell(time: NDArray[np.int64], n: int) -> bool:
    cell = HOUR // CELLS
    return n == 0 or bool(time[n] // cell != time[n - 1] // cell)


RAIN: dict[str, Any] = {
    "kind": "sum",
    "domain": "environment",
    "property": "rainfall",
    "window": "PT1H",
}


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ("10x4 0x3", ""),
        ("0 10x5 0x5", "active@1h cleared@80m"),
        ("60 0x6", "active@0m cleared@1h"),
        ("0 30 _x4 30 0x6", "active@1h cleared@70m"),
        ("30 _x5 30 0x6", ""),
    ],
)
def test_rain_is_told_by_its_sum_of_the_last_hour(values: str, script: str) -> None:
    timeline(every="10m", values=values, above=59, clear=40, **RAIN).expects(script)


def test_a_correction_of_a_sum_takes_the_place_of_what_it_corrects() -> None:
    engine = Engine([a_rule(**RAIN, above=50)], [a_series(property="rainfall")])
    assert engine.observe(columns((1, START, 30.0)), START) == []
    assert engine.observe(columns((1, START, 40.0)), START) == []
    (move,) = engine.observe(columns((1, START + MINUTE, 11.0)), START + MINUTE)
    assert move.value == 51.0


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=60),
    st.data(),
)
def test_a_sum_is_that_of_a_plain_reckoning_however_it_is_cut_restarted_and_read_twice(
    steps: Sequence[tuple[int, int]], data: st.DataObject
) -> None:
    rule = a_rule(**RAIN, above=1)
    assert isinstance(rule, Sum)
    time = START + np.cumsum([minutes for minutes, _ in steps]) * MINUTE
    value = np.array([float(value) for _, value in steps])
    table = build_table([rule], [a_series(property="rainfall")])
    cut = data.draw(st.integers(0, len(steps)))

    def follow(known: Signals, first: int, end: int) -> list[float]:
        zeros = np.zeros(end - first, np.int64)
        return known.of(zeros, zeros, time[first:end], value[first:end]).tolist()

    first = Signals([rule], table, None)
    early = follow(first, 0, cut)
    again = Signals([rule], table, None)
    begin = int(np.searchsorted(time, time[cut - 1] - rule.reach_us)) if cut else 0
    follow(again, begin, cut)
    again.take_over(first) if data.draw(st.booleans()) else None
    follow(again, begin, cut)
    sums = early + follow(again, cut, len(steps))
    cell = HOUR // SUMMED
    for place, found in enumerate(sums):
        newest = {
            moment: value[n]
            for n, moment in enumerate(time[: place + 1].tolist())
            if time[place] // cell - moment // cell < SUMMED
        }
        assert found == sum(newest.values())


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (RAIN | {"below": 1}, "below"),
        (RAIN | {"above": 1, "window": "PT0S"}, "window"),
        (RISING | {"above": 1, "window": "PT0S"}, "window"),
        ({key: RISING[key] for key in RISING if key != "window"} | {"above": 1}, "window"),
        (STUCK | {"above": 4}, "above"),
        (STUCK | {"tolerance": -1}, "tolerance"),
        (STUCK | {"kind": "deviation", "above": "usual"}, "after"),
        (RISING | {"above": 1, "where": {"layers": "x"}}, "layers"),
    ],
)
def test_a_wrong_rule_of_change_is_told_the_key(document: dict[str, object], key: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_rule("odd", **document)
    assert refused.value.values["key"] == key


def test_pairs_without_rules_look_back_at_nothing() -> None:
    assert Pairs(lambda move: move).looks_back() == {}
    engine = Engine([a_rule(**RISING, above=1)], [a_series(4, property="water-level")])
    assert engine.looks_back() == {4: 7_200 * SECOND}
