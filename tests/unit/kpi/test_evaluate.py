"""Figures: from what, out of how much, against which target, in which place."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.evaluate import (
    Figure,
    Latest,
    Standing,
    by_rank,
    evaluate_counts,
    evaluate_latest,
    printed,
    ranks,
    share,
    standing,
)
from ioc.kpi.indicator import Indicator, decode_indicator
from ioc.model import FRESHNESS_CODES, Freshness

FRESH, LATE, STALE, NEVER = Freshness


def an_indicator(**document: Any) -> Indicator:
    sane: dict[str, Any] = {
        "name": {"vi": "Chỉ số", "en": "Indicator"},
        "domain": "health",
        "kind": "share",
        "source": "latest",
        "uom": "%",
        "decimals": 1,
        "direction": "up",
    }
    return decode_indicator("an-indicator", sane | document)


def latest(*rows: tuple[int, str, float | None, int, Freshness]) -> Latest:
    """Rows of feature, property, value, time, state."""
    return Latest(
        feature=np.array([row[0] for row in rows], np.int64),
        property=np.array([row[1] for row in rows], np.str_),
        value=np.array([row[2] for row in rows], np.float64),
        time=np.array([row[3] for row in rows], np.int64),
        state=np.array([FRESHNESS_CODES[row[4]] for row in rows], np.int8),
    )


BEDS = an_indicator(
    numerator={"property": "occupied", "take": "sum"},
    denominator={"property": "planned", "take": "sum"},
)
DUSTY = an_indicator(
    numerator={"property": "pm25", "take": "count", "above": 50},
    denominator={"property": "pm25", "take": "count"},
)
DUST = latest(
    (1, "pm25", 60.0, 10, FRESH),
    (2, "pm25", 50.0, 20, FRESH),
    (3, "pm25", 10.0, 15, LATE),
    (4, "pm25", 99.0, 5, STALE),
    (5, "pm25", None, 0, NEVER),
    (1, "pm10", 80.0, 99, FRESH),
)


def test_a_share_is_computed_from_both_sums_with_its_coverage() -> None:
    rows = latest(
        (1, "occupied", 90.0, 10, FRESH),
        (1, "planned", 100.0, 5, FRESH),
        (2, "occupied", 30.0, 12, FRESH),
        (2, "planned", 60.0, 5, FRESH),
    )
    assert evaluate_latest(BEDS, rows) == Figure(
        value=75.0,
        numerator=120.0,
        denominator=160.0,
        observed=2,
        expected=2,
        time=12,
        state=FRESH,
    )


@pytest.mark.parametrize("state", [STALE, NEVER])
def test_a_feature_of_which_one_half_is_missing_does_not_count(state: Freshness) -> None:
    rows = latest(
        (1, "occupied", 90.0, 10, FRESH),
        (1, "planned", 100.0, 5, FRESH),
        (2, "occupied", 30.0, 2, state),
        (2, "planned", 60.0, 5, FRESH),
    )
    figure = evaluate_latest(BEDS, rows)
    assert (figure.value, figure.observed, figure.expected) == (90.0, 1, 2)


def test_only_values_that_are_not_stale_count() -> None:
    figure = evaluate_latest(DUSTY, DUST)
    assert (figure.numerator, figure.denominator) == (1.0, 3.0)
    assert (figure.observed, figure.expected, figure.time) == (3, 5, 20)
    assert figure.state is FRESH


@pytest.mark.parametrize(
    ("kind", "limits", "value"),
    [
        ("sum", {}, 120.0),
        ("max", {}, 60.0),
        ("mean", {}, 40.0),
        ("count", {}, 3.0),
        ("count", {"above": 50}, 1.0),
        ("count", {"below": 50}, 1.0),
        ("count", {"above": 100}, 0.0),
        ("sum", {"above": 100}, 0.0),
        ("max", {"above": 100}, None),
        ("mean", {"above": 100}, None),
        ("mean", {"above": 10, "below": 60}, 50.0),
    ],
)
def test_the_kinds_of_figures(kind: str, limits: dict[str, float], value: float | None) -> None:
    figure = evaluate_latest(
        an_indicator(kind=kind, numerator={"property": "pm25", **limits}), DUST
    )
    assert figure.value == value
    assert (figure.observed, figure.expected) == (3, 5)


def test_a_mean_carries_its_sum_and_its_count() -> None:
    figure = evaluate_latest(an_indicator(kind="mean", numerator={"property": "pm25"}), DUST)
    assert (figure.numerator, figure.denominator) == (120.0, 3.0)


@pytest.mark.parametrize("kind", ["sum", "max", "mean", "count"])
@pytest.mark.parametrize("state", [STALE, NEVER])
def test_without_a_value_the_figure_is_unknown_and_not_zero(kind: str, state: Freshness) -> None:
    indicator = an_indicator(kind=kind, numerator={"property": "pm25"})
    figure = evaluate_latest(indicator, latest((1, "pm25", 3.0, 1, state)))
    assert (figure.value, figure.numerator, figure.denominator) == (None, None, None)
    assert (figure.observed, figure.expected, figure.time) == (0, 1, None)
    assert figure.state is state


def test_without_any_series_nothing_is_expected() -> None:
    figure = evaluate_latest(BEDS, latest())
    assert (figure.value, figure.observed, figure.expected) == (None, 0, 0)
    assert figure.state is NEVER


def test_a_denominator_of_zero_gives_no_share() -> None:
    rows = latest((1, "occupied", 3.0, 1, FRESH), (1, "planned", 0.0, 1, FRESH))
    figure = evaluate_latest(BEDS, rows)
    assert (figure.value, figure.numerator, figure.denominator) == (None, 3.0, 0.0)


def test_a_value_that_is_no_number_is_not_observed() -> None:
    figure = evaluate_latest(DUSTY, latest((1, "pm25", float("nan"), 1, FRESH)))
    assert (figure.value, figure.observed, figure.expected) == (None, 0, 1)


@pytest.mark.parametrize(
    ("states", "state"),
    [([FRESH, LATE], FRESH), ([FRESH, LATE, LATE], LATE), ([LATE, STALE], LATE)],
)
def test_a_figure_is_late_where_most_of_its_values_are(
    states: list[Freshness], state: Freshness
) -> None:
    rows = latest(*[(turn, "pm25", 1.0, turn, given) for turn, given in enumerate(states)])
    assert evaluate_latest(DUSTY, rows).state is state


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(Freshness))))
def test_a_share_of_a_part_never_leaves_0_to_100(
    beds: list[tuple[int, int, Freshness]],
) -> None:
    rows = latest(
        *[
            row
            for turn, (occupied, free, state) in enumerate(beds)
            for row in (
                (turn, "occupied", float(occupied), 1, state),
                (turn, "planned", float(occupied + free), 1, FRESH),
            )
        ]
    )
    figure = evaluate_latest(BEDS, rows)
    assert figure.value is None or 0 <= figure.value <= 100
    assert figure.observed is not None
    assert figure.expected == len(beds) >= figure.observed


ONLINE = an_indicator(
    domain="service",
    source="dossiers",
    numerator="received_online",
    denominator=["received_direct", "received_online", "received_post"],
)


def test_dossiers_are_summed_under_the_share() -> None:
    counts = {"received_direct": 27067, "received_online": 14424, "received_post": 1049}
    figure = evaluate_counts(ONLINE, counts)
    assert (figure.numerator, figure.denominator) == (14424.0, 42540.0)
    assert figure.value is not None
    assert str(printed(figure.value, 1)) == "33.9"


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"received_direct": 1, "received_online": 1, "received_post": None},
        {"received_direct": 0, "received_online": 0, "received_post": 0},
    ],
)
def test_what_is_not_known_is_not_zero_percent(counts: dict[str, int | None]) -> None:
    assert evaluate_counts(ONLINE, counts).value is None


def test_an_indicator_is_evaluated_from_its_own_source() -> None:
    with pytest.raises(TypeError, match="not made of latest values"):
        evaluate_latest(ONLINE, latest())
    with pytest.raises(TypeError, match="not made of counts"):
        evaluate_counts(BEDS, {})


@pytest.mark.parametrize(
    ("fact", "numerator", "denominator", "decimals", "text"),
    [
        ("A1: printed 9,3, which cuts off", 1803, 19259, 1, "9.4"),
        ("A2: printed 0,03 to make the sum 100", 10, 40828, 2, "0.02"),
        ("A3: early", 24711, 40828, 2, "60.52"),
        ("A3: on time", 16107, 40828, 2, "39.45"),
        ("A4: direct", 27067, 42540, 1, "63.6"),
        ("A4: online", 14424, 42540, 1, "33.9"),
        ("A4: post", 1049, 42540, 1, "2.5"),
        ("A5: on the direct dossiers of 7 months", 2648, 27067, 2, "9.78"),
        ("A6: levels 3 and 4", 983, 1427, 1, "68.9"),
        ("A7: resolved of received, not the same dossiers", 40828, 42540, 2, "95.98"),
        ("A8", 1148, 1758, 1, "65.3"),
        ("A9: of the services at levels 3 and 4", 553, 1148, 1, "48.2"),
        ("A9: of all procedures", 553, 1758, 1, "31.5"),
        ("A10: printed 47 among neighbours with a decimal", 536, 1148, 1, "46.7"),
        ("A10: as it was printed", 536, 1148, 0, "47"),
        ("A11: the count that 62,30 implies", 1041, 1671, 2, "62.30"),
    ],
)
def test_figures_of_the_articles_are_recomputed(
    fact: str, numerator: int, denominator: int, decimals: int, text: str
) -> None:
    value = share(numerator, denominator)
    assert value is not None
    assert str(printed(value, decimals)) == text, fact


def test_shares_are_shown_unforced_even_where_they_miss_100() -> None:
    parts = [share(part, 40828) for part in (24711, 16107, 10)]
    assert sum(printed(part or 0.0, 2) for part in parts) == printed(99.99, 2)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.125, 2, "0.13"),
        (2.675, 2, "2.68"),
        (-0.05, 1, "-0.1"),
        (-0.04, 1, "0.0"),
        (0.5, 0, "1"),
        (1e21, 0, "1000000000000000000000"),
        (7.0, 1, "7.0"),
    ],
)
def test_half_is_rounded_up(value: float, decimals: int, text: str) -> None:
    assert str(printed(value, decimals)) == text


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 50))
def test_equal_shares_are_equal_numbers(denominator: int, part: int, times: int) -> None:
    numerator = min(part, denominator)
    assert share(numerator, denominator) == share(numerator * times, denominator * times)


@pytest.mark.parametrize(
    ("value", "target", "direction", "expected"),
    [
        (51.0, 51.0, "up", Standing.MET),
        (50.96, 51.0, "up", Standing.BEHIND),
        (51.0, 51.0, "down", Standing.MET),
        (51.1, 51.0, "down", Standing.BEHIND),
        (0.0, 51.0, "up", Standing.BEHIND),
        (None, 51.0, "up", Standing.NONE),
        (51.0, None, "up", Standing.NONE),
    ],
)
def test_standing_compares_the_value_itself(
    value: float | None, target: float | None, direction: Any, expected: Standing
) -> None:
    assert standing(value, target, direction) is expected


def test_exactly_51_of_100_meets_51_percent() -> None:
    assert standing(share(51, 100), 51.0, "up") is Standing.MET


@pytest.mark.parametrize(
    ("values", "direction", "expected"),
    [
        ([50.0, 70.0, 60.0], "up", [3, 1, 2]),
        ([50.0, 70.0, 60.0], "down", [1, 3, 2]),
        ([83.24, 83.24, 99.36, 80.0], "up", [2, 2, 1, 4]),
        ([None, 0.0, 5.0], "up", [0, 2, 1]),
        ([None, None], "up", [0, 0]),
        ([], "up", []),
    ],
)
def test_equals_share_a_rank_and_the_unknown_has_none(
    values: list[float | None], direction: Any, expected: list[int]
) -> None:
    assert ranks(values, direction) == expected


def test_the_unknown_stand_last() -> None:
    assert by_rank([None, 5.0, None, 7.0, 5.0], "up") == [3, 1, 4, 0, 2]


@given(st.lists(st.none() | st.integers(0, 5).map(float)), st.sampled_from(["up", "down"]))
def test_a_rank_is_one_more_than_how_many_are_better(
    values: Sequence[float | None], direction: Any
) -> None:
    for value, rank in zip(values, ranks(values, direction), strict=True):
        if value is None:
            assert rank == 0
            continue
        known = [other for other in values if other is not None]
        better = [other > value if direction == "up" else other < value for other in known]
        assert rank == 1 + sum(better)
