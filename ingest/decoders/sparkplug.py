"""Format `sparkplug`: Sparkplug B payloads below `spBv1.0/{group}/{type}/{edge node}[/{device}]`.

The series key is `{group}/{edge node}[/{device}]/{metric}`. A birth certificate says what the
aliases, data types and units of the later payloads are; `Births` holds them.
"""

from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from google.protobuf.message import DecodeError

from ingest.decoders.births import Birth, Births, Tag
from ingest.decoders.sparkplug_message import Message
from ingest.payload import Decoded, Scalar, Setting, nothing
from ingest.rows import Rows, key_fault
from ioc.model import Reason

NAMESPACE: Final = "spBv1.0"
PROTOBUF: Final = "application/x-protobuf"

_BIRTHS: Final = frozenset({"NBIRTH", "DBIRTH"})
_DATA: Final = frozenset({"NDATA", "DDATA"})
_DEATHS: Final = frozenset({"NDEATH", "DDEATH"})
_BD_SEQ: Final = "bdSeq"
_CONTROL: Final = (_BD_SEQ, "Node Control/", "Device Control/")
"""Metrics that speak of the connection, not of the world."""

_SIGNED: Final = {1: 8, 2: 16, 3: 32, 4: 64}
"""Data types of signed integers, which are sent as unsigned ones, and their bits."""

_MOST_BITS: Final = 64

_VALUES: Final = (
    "boolean_value", "string_value", "double_value", "float_value", "int_value", "long_value",
)  # fmt: skip

_QUALITY: Final = "quality"
_GOOD: Final = range(192, 256)
"""Qualities of a good value: 192 by the specification, those after it are OPC's kinds of good."""

_WORDS: Final = {0: "bad", 500: "stale"}

_MOST_LISTED: Final = 10
_REBIRTH: Final = "have the node send a rebirth (NCMD `Node Control/Rebirth`)"


class _Topic(NamedTuple):
    """The type of a payload, its edge node with the group, and the device below the node."""

    kind: str
    node: str
    below: str

    @property
    def prefix(self) -> str:
        """What comes before the metric in the series key."""
        return "".join(f"{part}/" for part in (self.node, self.below) if part)


class Hearing(NamedTuple):
    """Through which feed a payload came, what is known of its node, and whether it is news.

    What is replayed from quarantine is none, and what the broker sends again has no place in the
    sequence.
    """

    births: Births
    feed: int
    replayed: bool = False
    redelivered: bool = False


def decode(body: bytes, setting: Setting, hearing: Hearing) -> Decoded:
    """Read the metrics of a payload, and take note of births and deaths."""
    topic = _topic(setting.topic)
    if topic is None:
        detail = f"the topic below the feed must be {NAMESPACE}/{{group}}/{{type}}/{{edge node}}"
        return nothing(Reason.SHAPE_INVALID, detail, body)
    if topic.kind not in _BIRTHS | _DATA | _DEATHS:
        # Commands and host states hold no observations.
        return Rows(setting.zone).done()
    message = Message()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return nothing(Reason.SHAPE_INVALID, "not a Sparkplug B payload", body)
    reading = _Reading(message, topic, setting, hearing)
    if not hearing.replayed and key_fault(topic.prefix) is None:
        reading.hear()
    if topic.kind not in _DEATHS:
        reading.tags()
    return reading.rows.done()


def node_of(topic: str | None) -> str | None:
    """The edge node, with its group, that a topic below a feed names; None for an unusable one."""
    if topic is None or not topic.startswith(NAMESPACE + "/"):
        return None
    found = _topic(topic)
    return None if found is None or key_fault(found.prefix) is not None else found.node


def _topic(written: str | None) -> _Topic | None:
    """The parts of a topic; a body without one (REST) has data under the metrics' own names."""
    if written is None:
        return _Topic("NDATA", "", "")
    parts = written.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE or not all(parts):
        return _Topic("STATE", "", "") if parts[:2] == [NAMESPACE, "STATE"] else None
    return _Topic(parts[2], f"{parts[1]}/{parts[3]}", parts[4] if len(parts) > 4 else "")


class _Wrong(Exception):
    """A metric that cannot be taken, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Reading:
    """One payload as it is read."""

    def __init__(self, message: Any, topic: _Topic, setting: Setting, hearing: Hearing) -> None:
        self.rows = Rows(setting.zone)
        self._message = message
        self._topic = topic
        self._arrival = setting.arrival
        self._hearing = hearing
        self._transient: list[str] = []

    def hear(self) -> None:
        """Take note of a birth or a death, and of payloads that are missing before this one."""
        births, feed = self._hearing.births, self._hearing.feed
        kind, node, below = self._topic
        if kind in _BIRTHS:
            births.born(feed, node, below, self._birth())
        elif kind == "NDEATH":
            births.died(feed, node, self._bd_seq())
            return
        elif kind == "DDEATH":
            births.ended(feed, node, below)
        if self._hearing.redelivered or not self._message.HasField("seq"):
            return
        missed = births.missed(feed, node, self._message.seq)
        if missed:
            detail = (
                f"{missed} payloads of {node} before this one (seq {self._message.seq}) did not "
                f"come; look at its connection, and {_REBIRTH}"
            )
            self.rows.remark(-1, Reason.SEQUENCE_GAP, detail)

    def tags(self) -> None:
        """Take the metrics."""
        for tag in self._message.metrics:
            if not isinstance(tag.name, str):
                raw = partial(self._alone, tag, None)
                detail = "the name of the metric is not UTF-8"
                self.rows.refuse(self.rows.next, Reason.SERIES_INVALID, detail, raw, kind=PROTOBUF)
            elif not tag.name.startswith(_CONTROL):
                self._tag(tag)
        if self._transient:
            named = ", ".join(self._transient[:_MOST_LISTED])
            detail = (
                f"{len(self._transient)} metrics are transient by their own word and not stored: "
                f"{named}; send them without `is_transient` if they are to be"
            )
            self.rows.remark(-1, Reason.VALUE_TRANSIENT, detail)

    def _birth(self) -> Birth:
        tags = [
            Tag(tag.name, _alias(tag), tag.datatype, _uom(tag))
            for tag in self._message.metrics
            if isinstance(tag.name, str) and tag.name and not tag.name.startswith(_CONTROL)
        ]
        return Birth(tuple(tags), self._bd_seq() if self._topic.kind == "NBIRTH" else None)

    def _bd_seq(self) -> int | None:
        """The number of the session that a birth begins and its death ends."""
        for tag in self._message.metrics:
            if tag.name == _BD_SEQ:
                return tag.long_value if tag.HasField("long_value") else tag.int_value
        return None

    def _tag(self, tag: Any) -> None:
        rows, topic, alias = self.rows, self._topic, _alias(tag)
        births, feed = self._hearing.births, self._hearing.feed
        known = births.find(feed, topic.node, topic.below, alias, tag.name)
        raw = partial(self._alone, tag, known)
        named = tag.name or (known.name if known else "")
        if not named:
            rows.refuse(rows.next, *_nameless(alias), raw, kind=PROTOBUF)
            return
        if tag.is_transient:
            self._transient.append(named)
            return
        if topic.kind in _BIRTHS and not _has_value(tag):
            return  # A birth declares metrics; not each has a value that is stored.
        try:
            value = _value(tag, tag.datatype or (known.datatype if known else 0))
            time = self._time(tag)
        except _Wrong as wrong:
            rows.refuse(rows.next, wrong.reason, wrong.detail, raw, kind=PROTOBUF)
            return
        uom = _uom(tag) or (known.uom if known else "")
        rows.add(rows.next, topic.prefix + named, time, value, raw, uom=uom, kind=PROTOBUF)

    def _time(self, tag: Any) -> datetime | int:
        millis: int = tag.timestamp or self._message.timestamp
        if millis:
            return millis * 1000
        if self._arrival is None:
            detail = "neither the metric nor the payload has a timestamp"
            raise _Wrong(Reason.TIME_MISSING, detail)
        return self._arrival

    def _alone(self, tag: Any, known: Tag | None) -> bytes:
        """A payload of this metric alone, with what is known of it."""
        made = Message()
        made.timestamp = self._message.timestamp
        kept = made.metrics.add()
        kept.CopyFrom(tag)
        if known is not None:
            kept.name = known.name
            kept.datatype = tag.datatype or known.datatype
        return made.SerializeToString()


def _alias(tag: Any) -> int | None:
    return tag.alias if tag.HasField("alias") else None


def _nameless(alias: int | None) -> tuple[Reason, str]:
    if alias is None:
        return Reason.SERIES_MISSING, "the metric has neither a name nor an alias"
    return Reason.ALIAS_UNKNOWN, f"alias {alias} has no name yet; {_REBIRTH}"


def _check_quality(tag: Any) -> None:
    """Raise `_Wrong` for a value of which the node itself says that it is not good."""
    for key, value in zip(tag.properties.keys, tag.properties.values, strict=False):
        if key.lower() != _QUALITY or value.is_null:
            continue
        quality: int = value.long_value if value.HasField("long_value") else value.int_value
        if quality not in _GOOD:
            said = _WORDS.get(quality, "not one of good values")
            raise _Wrong(
                Reason.VALUE_INVALID,
                f"the node says that the value is not good (Quality {quality}: {said}); look at "
                "the sensor and its connection, and discard the value",
            )


def _has_value(tag: Any) -> bool:
    return not tag.is_null and any(tag.HasField(field) for field in _VALUES)


def _value(tag: Any, datatype: int) -> Scalar:
    _check_quality(tag)
    if not _has_value(tag):
        detail = "the metric is null or of a type that is not stored (bytes, data set, template)"
        raise _Wrong(Reason.VALUE_MISSING, detail)
    if tag.HasField("boolean_value"):
        return tag.boolean_value
    if tag.HasField("string_value"):
        text: object = tag.string_value
        if not isinstance(text, str):
            raise _Wrong(Reason.VALUE_INVALID, "the text is not UTF-8; send UTF-8")
        return text
    for field in ("double_value", "float_value"):
        if tag.HasField(field):
            return float(getattr(tag, field))
    return _whole(tag.long_value if tag.HasField("long_value") else tag.int_value, datatype)


def _whole(sent: int, datatype: int) -> float:
    """An integer by its type: signed ones are sent as unsigned ones, of their bits or of more."""
    if not datatype and sent.bit_length() in _SIGNED.values():
        raise _Wrong(
            Reason.DATATYPE_UNKNOWN,
            f"{sent} may stand for a negative number, and no birth says of which type it is; "
            f"{_REBIRTH}, or send the datatype along",
        )
    bits = _SIGNED.get(datatype, _MOST_BITS + 1)
    whole = sent & ((1 << bits) - 1)
    return float(whole - (1 << bits) if whole >> (bits - 1) else whole)


def _uom(tag: Any) -> str:
    for key, value in zip(tag.properties.keys, tag.properties.values, strict=False):
        if key.lower() == "engunit":
            return value.string_value if isinstance(value.string_value, str) else ""
    return ""
