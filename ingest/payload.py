"""A payload as it was received, and what decoding makes of it."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.model import Problem, Reason, Receipt

Scalar = float | bool | str
"""A value before it is known what its series takes."""


class Channel(StrEnum):
    """The way by which a payload came."""

    REST = "rest"
    MQTT = "mqtt"
    REPLAY = "replay"


class Payload(msgspec.Struct, kw_only=True, eq=False):
    """Bytes as received for a feed, and whom to tell what became of them.

    `topic_key` is the series key that stands in the topic, if any. `answer` is called once,
    after the commit; what is never answered will be sent again by the sender.
    """

    feed_key: int
    channel: Channel
    content_type: str
    body: bytes
    received_at: datetime
    answer: Callable[[Receipt], None]
    topic_key: str | None = None
    redelivered: bool = False
    first_index: int = 0

    @property
    def size(self) -> int:
        """Bytes that this payload holds in the intake; small ones count with their overhead."""
        return len(self.body) + 512


class Refused(msgspec.Struct, frozen=True):
    """An item that was not understood: its place, why, and its own bytes for the quarantine."""

    problem: Problem
    raw: bytes


class Decoded(msgspec.Struct):
    """What stands in a payload: columns of equal length, and the items that were refused.

    `time` is int64 µs UTC; `numbers` holds all values where each is a number, else it is None
    and `values` holds them. `index` is the place of each row within the payload.
    """

    keys: list[str]
    time: NDArray[np.int64]
    values: list[Scalar]
    numbers: NDArray[np.float64] | None
    index: NDArray[np.int32]
    refused: list[Refused]

    @property
    def received(self) -> int:
        """How many observations the payload held, readable or not."""
        return len(self.keys) + len(self.refused)


def nothing(reason: Reason, detail: str, body: bytes) -> Decoded:
    """The outcome for a payload of which nothing could be read; it counts as one received."""
    return Decoded(
        keys=[],
        time=np.empty(0, np.int64),
        values=[],
        numbers=np.empty(0, np.float64),
        index=np.empty(0, np.int32),
        refused=[Refused(Problem(-1, reason, detail), body)],
    )
