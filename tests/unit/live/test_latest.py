"""The newest observation per series never moves backwards."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ioc.live.latest import NEVER, Latest
from ioc.model import Columns

_rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)), max_size=12)


def _columns(rows: list[tuple[int, int, int]]) -> Columns:
    series, time, value = zip(*rows, strict=True) if rows else ((), (), ())
    return Columns(
        np.array(series, np.int32), np.array(time, np.int64), np.array(value, np.float64)
    )


@given(st.lists(_rows, max_size=6))
def test_the_newest_is_the_last_to_come_of_the_latest_time(
    flushes: list[list[tuple[int, int, int]]],
) -> None:
    latest = Latest(8)
    model: dict[int, tuple[int, int]] = {}
    for number, rows in enumerate(flushes):
        before = dict(model)
        advanced = set(latest.apply(_columns(rows), number).tolist())
        for series, time, value in rows:
            if time >= model.get(series, (-1, 0))[0]:
                model[series] = (time, value)
        assert advanced >= {s for s in model if model[s] != before.get(s)}
        assert advanced <= {series for series, _, _ in rows}
        assert (latest.time[:5] != NEVER).sum() == len(model)
        for series, (time, value) in model.items():
            assert (latest.time[series], latest.value[series]) == (time, value)
            assert time >= before.get(series, (0, 0))[0]


def test_room_is_made_without_losing_what_is_known() -> None:
    latest = Latest(2)
    latest.apply(_columns([(1, 5, 2)]), 9)
    latest.reserve(5_000)
    assert (latest.time[1], latest.value[1], latest.received[1]) == (5, 2, 9)
    assert latest.time[5_000] == NEVER
