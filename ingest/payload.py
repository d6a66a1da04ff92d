"""A payload as it was received, and what decoding makes of it."""

from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.model import Problem, Reason, Receipt

MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a payload that is read as a whole, decompressed; lines and CSV stream unbounded."""

Scalar = float | bool | str
"""A value before it is known what its series takes."""


class Channel(StrEnum):
    """The way by which a payload came."""

    REST = "rest"
    MQTT = "mqtt"
    REPLAY = "replay"
    POLL = "poll"


ITEM = "application/vnd.ioc.observation+json"
"""The content type of one observation in the own format, whatever the format of its feed."""


class Replay(msgspec.Struct, frozen=True):
    """The quarantined item that comes again, its repairs as counted when it was read, its wait.

    `waited` is in seconds since it was first received: what came in time is not late later.
    """

    item: int
    edition: int
    waited: float


class Payload(msgspec.Struct, kw_only=True, eq=False):
    """Bytes as received for a feed, and whom to tell what became of them.

    `topic_key` is what stands in the topic below the feed, for most formats the series key.
    `answer` is called once, after the commit; what is never answered will be sent again by the
    sender. `retained` payloads were kept by the broker for late subscribers: they came before now.
    `source` says where a payload was fetched.
    """

    feed_key: int
    channel: Channel
    content_type: str
    body: bytes
    received_at: datetime
    answer: Callable[[Receipt], None]
    topic_key: str | None = None
    source: str | None = None
    redelivered: bool = False
    retained: bool = False
    first_index: int = 0
    replay: Replay | None = None

    @property
    def size(self) -> int:
        """Bytes that this payload holds in the intake."""
        return held(self.body)


def held(body: bytes) -> int:
    """Bytes that a payload with this body holds; small ones count with their overhead."""
    return len(body) + 512


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a decoder is told beside the bytes.

    Times without an offset are read in `zone`; `arrival` stands in for a missing time and is None
    where a time is demanded; `topic` is what stands below the feed in the topic; with `lines`
    each line is a document of its own. Cells of a table are numbers where they look like 1803.5,
    without `plain_numbers` they stay texts until it is known what their series takes.
    """

    zone: tzinfo
    received: datetime
    arrival: datetime | None = None
    topic: str | None = None
    lines: bool = False
    plain_numbers: bool = True


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payload says that a feature is: its id in the feed and GeoJSON as it was sent.

    `time` is when it was there, µs since 1970 in UTC. `index` is the item of the payload that says
    so, and `rows` the number of items from there on that were observed with it: the place holds
    where one of them is stored. A place without rows, such as that of a road, holds by itself.
    """

    feature: str
    geometry: dict[str, Any]
    time: int
    name: str = ""
    attributes: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    index: int = -1
    rows: int = 0


def point(longitude: float, latitude: float) -> dict[str, Any]:
    """A GeoJSON point."""
    return {"type": "Point", "coordinates": [longitude, latitude]}


class Refused(msgspec.Struct, frozen=True):
    """An item that was not understood: its place, why, and its own bytes for the quarantine.

    `kind` is the content type of the bytes where it is not that of the payload (index -1) or JSON.
    """

    problem: Problem
    raw: bytes
    kind: str = ""


class Report(msgspec.Struct, frozen=True):
    """An item that is a report of a measure, unit and period: its place, and JSON of its fields."""

    index: int
    raw: bytes


class GivenWarning(msgspec.Struct, frozen=True, kw_only=True):
    """An item that tells what another system warns of, in the words of its sender.

    Those with the same `identity` are one matter, of which the one that was `issued` last holds
    until it `ends`; one that is `over` ends it.
    """

    identity: str
    issued: datetime
    starts: datetime | None = None
    ends: datetime | None = None
    over: bool = False
    categories: tuple[str, ...] = ()
    severity: str = ""
    title: str = ""
    text: str = ""
    place: str = ""
    geometry: dict[str, Any] | None = None
    source: str = ""
    raw: bytes = b""


class Decoded(msgspec.Struct):
    """What stands in a payload: columns of equal length, and the items that were refused.

    `time` is int64 µs UTC; `numbers` holds all values where each is a number, else it is None
    and `values` holds them. `index` is the place of each row within the payload. `uoms` holds the
    measuring unit that each row names, empty where it names none; None where no row does.
    `numeric_texts` says that a text is meant as a number where its series takes numbers.
    `remarks` are told to the sender, though nothing is refused for them. `reports` are those
    items that are no observations but totals over a period, `warnings` those that warn.
    """

    keys: list[str]
    time: NDArray[np.int64]
    values: list[Scalar]
    numbers: NDArray[np.float64] | None
    index: NDArray[np.int32]
    refused: list[Refused]
    uoms: list[str] | None = None
    places: Sequence[Place] = ()
    numeric_texts: bool = False
    remarks: Sequence[Problem] = ()
    reports: Sequence[Report] = ()
    warnings: Sequence[GivenWarning] = ()

    @property
    def received(self) -> int:
        """How many observations the payload held, readable or not."""
        others = len(self.reports) + len(self.warnings)
        return len(self.keys) + len(self.refused) + others


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
