"""Figures of many units at once: shares, points and sums of points, and what is not known."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.kpi.computed import as_printed, compute
from ioc.kpi.counts import Counts, counts_of
from ioc.kpi.evaluate import evaluate_counts
from ioc.kpi.indicator import Indicator, decode_indicator

NAMES = ("received_online", "received_direct", "received_post")


def _indicator(id: str, **more: Any) -> Indicator:
    document = {
        "name": {"vi": id, "en": id}, "domain": "service", "kind": "share", "source": "measures",
        "uom": "%", "decimals": 1, "direction": "up", **more,
    }  # fmt: skip
    return decode_indicator(id, document)


SHARE = _indicator(
    "online", numerator="received_online",
    denominator="received_direct + received_online + received_post",
)  # fmt: skip
POINTS = _indicator(
    "points", kind="score", maximum=6, numerator="received_online", uom="{points}",
    denominator="received_online + received_direct", score="min(maximum, maximum * rate / 0.5)",
)  # fmt: skip
IMPORTED = _indicator("copies", kind="score", maximum=2, imported="copies", uom="{points}")
GROUP = _indicator("group", kind="composite", maximum=8, parts=["points", "copies"], uom="{points}")
PARTIAL = _indicator(
    "partial", kind="composite", maximum=8, parts=["points", "copies"], partial=True,
    uom="{points}",
)  # fmt: skip


def _counts(*rows: list[float | None]) -> Counts:
    return counts_of([(f"u{n}", row) for n, row in enumerate(rows)], NAMES)


def _values(indicator: Indicator, counts: Counts, *others: Indicator) -> list[float | None]:
    found = compute([*others, indicator], counts)[indicator.id].value.tolist()
    return [None if value != value else value for value in found]


def test_each_unit_has_its_own_share_with_what_it_was_made_from() -> None:
    found = compute([SHARE], _counts([1, 2, 1], [3, 1, 0]))["online"]
    assert found.value.tolist() == [25.0, 75.0]
    assert found.numerator.tolist() == [1, 3]
    assert found.denominator.tolist() == [4, 4]


def test_a_share_of_nothing_and_one_of_what_is_not_known_is_unknown() -> None:
    assert _values(SHARE, _counts([0, 0, 0], [1, None, 0])) == [None, None]


def test_points_are_full_from_the_limit_on() -> None:
    assert _values(POINTS, _counts([1, 3, 0], [1, 1, 0], [9, 1, 0])) == [3.0, 6.0, 6.0]


def test_points_for_nothing_are_given_where_the_definition_says_so() -> None:
    kind = {"kind": "score", "maximum": 6, "numerator": "received_online",
            "denominator": "received_direct", "score": "maximum * rate"}  # fmt: skip
    assert _values(_indicator("a", **kind), _counts([0, 0, 0])) == [None]
    assert _values(_indicator("a", **kind, when_none=6), _counts([0, 0, 0], [1, None, 0])) == [
        6.0, None,
    ]  # fmt: skip


def test_a_sum_with_a_part_that_has_no_formula_is_unknown_but_says_what_is_covered() -> None:
    found = compute([GROUP, POINTS, IMPORTED], _counts([1, 3, 0], [None, 1, 0]))["group"]
    assert [value != value for value in found.value.tolist()] == [True, True]
    assert found.covered.tolist() == [6.0, 0.0]


def test_a_partial_sum_is_that_of_the_known_parts() -> None:
    counts = _counts([1, 3, 0], [None, 1, 0])
    assert _values(PARTIAL, counts, POINTS, IMPORTED) == [3.0, None]


def test_a_sum_of_sums_is_known_only_where_all_below_it_is() -> None:
    top = _indicator("top", kind="composite", maximum=8, parts=["partial"], uom="{points}")
    assert _values(top, _counts([1, 3, 0]), PARTIAL, POINTS, IMPORTED) == [None]
    whole = _indicator("whole", kind="composite", maximum=6, parts=["points"], uom="{points}")
    top = _indicator("top", kind="composite", maximum=6, parts=["whole"], uom="{points}")
    assert _values(top, _counts([1, 3, 0]), whole, POINTS) == [3.0]


@given(st.lists(st.tuples(*[st.none() | st.integers(0, 10**6)] * 3), min_size=1, max_size=9))
def test_indicators_by_names_of_counts_give_what_they_gave_one_by_one(
    rows: list[tuple[int | None, ...]],
) -> None:
    old = decode_indicator(
        "old",
        {"name": {"vi": "", "en": ""}, "domain": "service", "kind": "share", "source": "dossiers",
         "uom": "%", "decimals": 1, "direction": "up", "numerator": "received_online",
         "denominator": list(NAMES)},
    )  # fmt: skip
    one_by_one = [evaluate_counts(old, dict(zip(NAMES, row, strict=True))).value for row in rows]
    assert (
        _values(old, _counts(*[[None if n is None else float(n) for n in row] for row in rows]))
        == one_by_one
    )


@pytest.mark.parametrize(
    ("value", "decimals", "half_up", "truncated"),
    [(9.3619, 1, "9.4", "9.3"), (2.675, 2, "2.68", "2.67"), (-0.04, 1, "0.0", "0.0"),
     (65.3015, 1, "65.3", "65.3")],
)  # fmt: skip
def test_a_figure_is_printed_by_the_rule_of_its_definition(
    value: float, decimals: int, half_up: str, truncated: str
) -> None:
    assert as_printed(value, decimals, "half_up") == Decimal(half_up)
    assert as_printed(value, decimals, "truncate") == Decimal(truncated)
