"""What one flush of the writer takes and brings: parts, and what became of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.payload import Replay
from ioc.model import NO_COLUMNS, Columns, Problem, Receipt
from ioc.store import ledger

MOST_PROBLEMS: Final = 100
"""Problems that one receipt lists."""

NO_INDEX: Final = np.empty(0, np.int32)


class Quarantined(msgspec.Struct, frozen=True):
    """An item that is kept aside with its own bytes and the reason.

    Where it may be about a person there is only the SHA-256 of the bytes and how many they were.
    """

    problem: Problem
    raw: bytes
    content_type: str
    digest: bytes | None = None
    withheld: int = 0

    @property
    def size(self) -> int:
        """Bytes of the item as it was sent."""
        return len(self.raw) + self.withheld


class Part(msgspec.Struct, kw_only=True, eq=False):
    """What one payload brings to a flush: rows to store, and what was sorted out before.

    `index` is the place of each row in the payload; `stored_late` counts rows that are stored
    although they are late. `text` holds the rows of text series: series id, µs, text, index.
    `size` is in bytes of the payload, `replay` the item of the quarantine that comes again.
    """

    feed_key: int
    channel: str
    received_at: datetime
    rows: Columns
    index: NDArray[np.int32]
    text: list[tuple[int, int, str, int]] = msgspec.field(
        default_factory=list[tuple[int, int, str, int]]
    )
    late: list[Problem] = msgspec.field(default_factory=list[Problem])
    quarantined: list[Quarantined] = msgspec.field(default_factory=list[Quarantined])
    stored_late: int = 0
    redelivered: bool = False
    size: int = 0
    topic_key: str | None = None
    source: str | None = None
    replay: Replay | None = None

    @property
    def received(self) -> int:
        """All that the payload held."""
        return len(self.rows) + len(self.text) + len(self.late) + len(self.quarantined)


class Flushed(msgspec.Struct, frozen=True):
    """What a flush did: a receipt per part, and the rows that are new or changed."""

    receipts: list[Receipt]
    changed: Columns
    advanced: NDArray[Any]
    """Series ids whose newest observation changed."""
    flags: NDArray[np.uint8]
    """Why a changed row is suspect (0: it is not); bits of `ioc.model.Flag`."""


def concatenated(parts: list[Columns]) -> Columns:
    """All the rows in one piece."""
    if not parts:
        return NO_COLUMNS
    if len(parts) == 1:
        return parts[0]
    return Columns(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def receipt_of(part: Part) -> Receipt:
    """The receipt of a part before its rows are stored: what was sorted out of it."""
    if not part.quarantined and not part.late:
        return Receipt(received=part.received)
    problems = [item.problem for item in part.quarantined] + part.late
    problems.sort(key=lambda problem: problem.index)
    return Receipt(
        received=part.received,
        late=len(part.late),
        quarantined=len(part.quarantined),
        problems=problems[:MOST_PROBLEMS],
    )


def counts_of(
    parts: Sequence[Part], receipts: Sequence[Receipt], tallies: NDArray[np.intp]
) -> NDArray[np.int64]:
    """The columns of the ledger, a row for each part; `tallies` are stored, duplicate, corrected.

    Only the few parts that hold more than rows of numbers are looked at one by one.
    """
    counts = np.zeros((len(parts), len(ledger.COUNTS)), np.int64)
    counts[:, 1:4] = tallies
    again: list[int] = []
    for place, part in enumerate(parts):
        if part.text or part.late or part.quarantined or part.replay is not None:
            r = receipts[place]
            counts[place, 1:6] = r.stored, r.duplicate, r.corrected, r.late, r.quarantined
            if part.replay is not None:
                again.append(place)
    counts[:, 0] = counts[:, 1:6].sum(axis=1)
    stored_late = np.fromiter((part.stored_late for part in parts), np.int64, len(parts))
    counts[:, 6] = np.minimum(stored_late, counts[:, 1])
    counts[:, 7] = np.fromiter((part.redelivered for part in parts), np.int64, len(parts))
    counts[:, 8] = np.fromiter((part.size for part in parts), np.int64, len(parts))
    counts[again, 9] = counts[again, 0]
    return counts


def lags_of(
    parts: Sequence[Part], rows: Columns, owner: NDArray[np.int64], arrived_us: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The part of each row, those of text series at the end, and from its time to its arrival."""
    lag_us = arrived_us[owner] - rows.time
    text = [(n, row[1]) for n, part in enumerate(parts) if part.text for row in part.text]
    if not text:
        return owner, lag_us
    places, times = np.array(text, np.int64).T
    return np.append(owner, places), np.append(lag_us, arrived_us[places] - times)
