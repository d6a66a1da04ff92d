"""The cube of daily counts says what adding up the days one by one says."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Invalid
from ioc.kpi.cube import EPOCH, DayCube

FIRST = date(2025, 12, 20)
_days = st.integers(0, 150).map(lambda n: FIRST + timedelta(days=n))
_changes = st.lists(
    st.tuples(st.sampled_from("abc"), _days, st.integers(0, 9), st.integers(0, 9)), max_size=8
)


def merge(cube: DayCube, changes: list[tuple[str, date, int, int]]) -> None:
    cube.merge(
        [unit for unit, *_ in changes],
        np.array([day.toordinal() - EPOCH for _, day, *_ in changes], np.int64),
        np.array([values for _, _, *values in changes], np.int64).reshape(-1, 2),
    )


@given(st.lists(_changes, max_size=6), _days, _days)
def test_any_span_is_the_sum_of_its_days(
    batches: list[list[tuple[str, date, int, int]]], one: date, other: date
) -> None:
    cube = DayCube(["x", "y"])
    held: dict[tuple[str, date], tuple[int, int]] = {}
    for batch in batches:
        merge(cube, batch)
        held |= {(unit, day): (x, y) for unit, day, x, y in batch}
    start, end = min(one, other), max(one, other)
    found = cube.counts(start, end)
    for unit in {unit for unit, _ in held}:
        inside = [v for (u, day), v in held.items() if u == unit and start <= day < end]
        assert found.over([unit]) == {
            "x": float(sum(x for x, _ in inside)),
            "y": float(sum(y for _, y in inside)),
        }
        wanted = [
            held.get((unit, start + timedelta(days=n)), (0, 0))[0]
            for n in range((end - start).days)
        ]
        assert cube.daily(unit, "x", start, end).tolist() == wanted


def test_a_unit_without_counts_in_a_span_has_none_and_one_never_seen_is_not_known() -> None:
    cube = DayCube(["x", "y"])
    merge(cube, [("a", FIRST, 1, 2)])
    later = cube.counts(FIRST + timedelta(days=1), FIRST + timedelta(days=9))
    assert later.over(["a"]) == {"x": 0.0, "y": 0.0}
    assert later.over(["b"]) == {"x": None, "y": None}
    assert cube.before(FIRST).over(["a"])["x"] == 0
    assert cube.before(FIRST + timedelta(days=5000)).over(["a"])["x"] == 1
    assert not len(DayCube(["x"]).counts(FIRST, FIRST).values)


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid, match="cannot end"):
        DayCube(["x"]).counts(FIRST, FIRST - timedelta(days=1))
