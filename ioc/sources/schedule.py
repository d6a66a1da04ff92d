"""When a source runs next; pure, chance and the present are arguments."""

from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import Final

from ioc.model import EPOCH
from ioc.sources.document import Timed

FIRST_PAUSE: Final = timedelta(seconds=30)
"""After a first failure; with each further one the pause doubles, up to the next regular time."""

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
    now: datetime,
    *,
    due: datetime,
    failures: int,
    chance: float,
    retry_after: timedelta | None,
) -> datetime:
    """When to try again after `failures` in a row, where `due` is the next regular time.

    A quarter of the pause is left to chance. What the other side asks for is kept, even if that is
    later than the regular time.
    """
    again = min(now + FIRST_PAUSE * 2 ** min(failures - 1, 20) * (1 + chance / 4), due)
    if retry_after is not None:
        again = max(again, now + min(retry_after, LONGEST_WISH))
    return again
