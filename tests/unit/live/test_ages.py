"""How old many values are: the same as is said of each by itself."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ioc.live.ages import limits_of, states
from ioc.live.latest import NEVER
from ioc.model import FRESHNESS_CODES, freshness, to_micros
from tests.fixtures.decoding import a_feed

NOW_US = to_micros(datetime(2026, 11, 22, tzinfo=UTC))

_limits = st.none() | st.floats(0, 1e6) | st.just(float("inf"))
_feeds = st.lists(st.builds(lambda i, f: (i, f), _limits, _limits), min_size=1, max_size=4)
_ages = st.none() | st.integers(-(10**9), 10**13)


@given(_feeds, st.data())
def test_freshness_of_many_is_freshness_of_each(
    given_limits: list[tuple[float | None, float | None]], data: st.DataObject
) -> None:
    feeds = {
        key: a_feed(key=key, interval=interval, freshness=limit)
        for key, (interval, limit) in enumerate(given_limits, start=1)
    }
    ages = data.draw(st.lists(_ages, max_size=20))
    keys = data.draw(st.lists(st.sampled_from(list(feeds)), min_size=len(ages), max_size=len(ages)))
    times = np.array([NEVER if age is None else NOW_US - age for age in ages], np.int64)
    late, stale = limits_of(feeds)
    # A microsecond is as fine as times are.
    rounded = {key: (_micros(feed.late_after), _micros(feed.stale_after))
               for key, feed in feeds.items()}  # fmt: skip
    expected = [
        FRESHNESS_CODES[freshness(age, *rounded[key])] for age, key in zip(ages, keys, strict=True)
    ]
    assert states(times, NOW_US, late[keys], stale[keys]).tolist() == expected


def _micros(seconds: float | None) -> float | None:
    return None if seconds is None or seconds == float("inf") else round(seconds * 1e6)
