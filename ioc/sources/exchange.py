"""What is noted of the outside: each exchange, how a run ended, where a source got to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec


class Outcome(StrEnum):
    """How an exchange, or a run of a source, ended; the key of its sentence in the catalogue."""

    OK = "ok"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


class Direction(StrEnum):
    """What an exchange is for."""

    PULL = "pull"
    PUSH = "push"
    TOKEN = "token"  # noqa: S105 - a word, no secret
    PROBE = "probe"


class Exchange(msgspec.Struct, kw_only=True):
    """One request to the outside and its answer, without any secret; `duration` in seconds."""

    at: datetime
    direction: Direction
    method: str
    url: str
    status: int | None = None
    bytes: int = 0
    duration: float = 0.0
    rows: int | None = None
    outcome: Outcome = Outcome.OK
    detail: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a source got to; kept in the database and moved on only after a commit or a 2xx.

    `sent` holds how many rows of which minute of receipt were sent, `sent_until` the first minute
    that was not looked at. `followed` are marks of the links that were asked for.
    """

    etag: str = ""
    last_modified: str = ""
    digest: str = ""
    since: datetime | None = None
    cursor: str = ""
    sent_until: datetime | None = None
    sent: dict[str, int] = {}
    followed: tuple[str, ...] = ()


class Ran(msgspec.Struct, frozen=True):
    """How a run ended."""

    outcome: Outcome
    detail: str = ""


class Outgoing(msgspec.Struct, frozen=True):
    """An observation to be sent."""

    series: int
    time: datetime
    value: float


class Stored(Protocol):
    """What is stored of some series, by the minute in which it was received."""

    async def counts(
        self, series: Sequence[int], since: datetime, until: datetime, reach: float
    ) -> dict[datetime, int]:
        """How many observations were received in each minute from `since` up to `until`."""
        ...

    async def received(
        self,
        series: Sequence[int],
        minute: datetime,
        reach: float,
        after: Outgoing | None,
        most: int,
    ) -> list[Outgoing]:
        """Observations received in a minute, by series and time, following `after`."""
        ...


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a run by those of its parts."""
    found = set(outcomes)
    for outcome in (Outcome.FAILED, Outcome.REFUSED, Outcome.OK):
        if outcome in found:
            return outcome
    return Outcome.UNCHANGED
