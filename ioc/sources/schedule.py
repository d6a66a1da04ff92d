"""When a source runs next; pure, chance and the present are arguments."""

from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import Final

from ioc.model import EPOCH
from ioc.sources.document import Timed

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(minutes=15)
"""After a failure the pause doubles up to this, or to the interval where that is longer."""

LONGEST_WISH: Final = timedelta(days=1)
"""What a `Retry-After` can ask for at most."""


def regular(document: Timed, source: str, now: datetime, zone: tzinfo, chance: float) -> datetime:
    """The first time after `now` by the schedule alone; `chance` is from 0 up to 1.

    Intervals count from a place of the source's own, so that sources with the same interval do
    not all run at once, and a late run does not move those after it.
    """
    if document.every is None:
        due = _next_time_of_day(document, now, zone)
        return due + chance * (document.jitter or timedelta(0))
    every = document.every
    phase = every * (int.from_bytes(blake2b(source.encode(), digest_size=4).digest()) / 2**32)
    turns = (now - EPOCH - phase) // every + 1
    jitter = document.jitter
    if jitter is None:
        jitter = min(every / 10, timedelta(seconds=30))
    return EPOCH + phase + turns * every + chance * jitter


def _next_time_of_day(document: Timed, now: datetime, zone: tzinfo) -> datetime:
    today = now.astimezone(zone).date()
    candidates = [
        datetime.combine(today + timedelta(days=days), at, zone).astimezone(UTC)
        for days in (0, 1, 2)
        for at in document.at
    ]
    return min(at for at in candidates if at > now)


def after_failure(
    document: Timed,
    now: datetime,
    *,
    due: datetime,
    failures: int,
    chance: float,
    retry_after: timedelta | None,
) -> datetime:
    """When to try again after `failures` in a row, where `due` is the next regular time.

    What the other side asks for is kept; else the pause doubles, with a quarter left to chance. A
    source that runs at times of day is tried again before its next time.
    """
    longest = max(LONGEST_PAUSE, document.every or timedelta(0))
    first = max(FIRST_PAUSE, document.every or timedelta(0))
    pause = min(longest, first * 2 ** min(failures - 1, 20)) * (1 + chance / 4)
    again = now + pause
    if document.every is None:
        again = min(again, due)
    if retry_after is not None:
        again = max(again, now + min(retry_after, LONGEST_WISH))
    return again
