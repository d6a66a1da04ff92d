"""Format `sparkplug`: Sparkplug B payloads below `spBv1.0/{group}/{type}/{edge node}[/{device}]`.

The series key is `{group}/{edge node}[/{device}]/{metric}`. A birth certificate says what the
aliases, data types and units of the later payloads are; `Births` holds them.
"""

from collections import OrderedDict
from typing import Any, Final, NamedTuple

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ingest.payload import Decoded, Scalar, Setting, nothing
from ingest.rows import Rows
from ioc.model import Reason

NAMESPACE: Final = "spBv1.0"
PROTOBUF: Final = "application/x-protobuf"

MOST_NAMES: Final = 400_000
"""Names and aliases that are kept; the node that was silent for longest is forgotten first."""

_BIRTHS: Final = frozenset({"NBIRTH", "DBIRTH"})
_DATA: Final = frozenset({"NDATA", "DDATA"})
_CONTROL: Final = ("bdSeq", "Node Control/", "Device Control/")
"""Metrics that speak of the connection, not of the world."""

_SIGNED: Final = {1: 8, 2: 16, 3: 32, 4: 64}
"""Data types of signed integers, which are sent as unsigned ones, and their bits."""

_MOST_BITS: Final = 64


def _describe() -> type[Any]:
    """The messages by the field numbers of the Sparkplug 3.0 specification, section 6.4.

    Data sets, templates and files are left out: protobuf passes over fields that it does not know.
    """
    field = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "string": field.TYPE_STRING, "bytes": field.TYPE_BYTES, "uint32": field.TYPE_UINT32,
        "uint64": field.TYPE_UINT64, "float": field.TYPE_FLOAT, "double": field.TYPE_DOUBLE,
        "bool": field.TYPE_BOOL,
    }  # fmt: skip
    messages = {
        "PropertyValue": {
            "type": (1, "uint32"), "is_null": (2, "bool"), "int_value": (3, "uint32"),
            "long_value": (4, "uint64"), "float_value": (5, "float"), "double_value": (6, "double"),
            "boolean_value": (7, "bool"), "string_value": (8, "string"),
        },
        "PropertySet": {"keys": (1, "*string"), "values": (2, "*PropertyValue")},
        "Metric": {
            "name": (1, "string"), "alias": (2, "uint64"), "timestamp": (3, "uint64"),
            "datatype": (4, "uint32"), "is_historical": (5, "bool"), "is_transient": (6, "bool"),
            "is_null": (7, "bool"), "properties": (9, "PropertySet"), "int_value": (10, "uint32"),
            "long_value": (11, "uint64"), "float_value": (12, "float"),
            "double_value": (13, "double"), "boolean_value": (14, "bool"),
            "string_value": (15, "string"), "bytes_value": (16, "bytes"),
        },
        "Payload": {
            "timestamp": (1, "uint64"), "metrics": (2, "*Metric"), "seq": (3, "uint64"),
            "uuid": (4, "string"), "body": (5, "bytes"),
        },
    }  # fmt: skip
    package = "ioc.sparkplug"
    file = descriptor_pb2.FileDescriptorProto(
        name="ioc/sparkplug_b.proto", package=package, syntax="proto2"
    )
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for label, (number, kind) in fields.items():
            plain = kind.removeprefix("*")
            made = message.field.add(name=label, number=number)
            made.label = field.LABEL_REPEATED if kind != plain else field.LABEL_OPTIONAL
            made.type = scalars.get(plain, field.TYPE_MESSAGE)
            if plain not in scalars:
                made.type_name = f".{package}.{plain}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Payload"))


Message: Final = _describe()
"""The protobuf class of a Sparkplug payload."""


class Declared(msgspec.Struct, frozen=True):
    """What a birth certificate says of a metric."""

    name: str
    datatype: int
    uom: str


class _Node(msgspec.Struct):
    by_alias: dict[int, Declared] = {}
    by_name: dict[tuple[str, str], Declared] = {}


class Births:
    """The metrics of edge nodes by their birth certificates, bounded in number."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        """Keep at most `most` names and aliases; the decoders of one process share one table."""
        self._most = most
        self._nodes: OrderedDict[tuple[int, str], _Node] = OrderedDict()
        self._count = 0

    def forget(self, feed: int, node: str) -> None:
        """Drop what is known of an edge node: it died, or is born anew."""
        gone = self._nodes.pop((feed, node), None)
        if gone is not None:
            self._count -= len(gone.by_name) + len(gone.by_alias)

    def born(self, feed: int, node: str, below: str, alias: int | None, tag: Declared) -> None:
        """Note a metric of a birth certificate."""
        known = self._nodes.setdefault((feed, node), _Node())
        self._nodes.move_to_end((feed, node))
        self._count += (below, tag.name) not in known.by_name
        self._count += alias is not None and alias not in known.by_alias
        known.by_name[below, tag.name] = tag
        if alias is not None:
            # An alias is unique over the node with all of its devices.
            known.by_alias[alias] = tag
        while self._count > self._most:
            self.forget(*next(iter(self._nodes)))

    def find(
        self, feed: int, node: str, below: str, alias: int | None, name: str
    ) -> Declared | None:
        """The metric of that alias, or of that name where it has one."""
        known = self._nodes.get((feed, node))
        if known is None:
            return None
        self._nodes.move_to_end((feed, node))
        if name:
            return known.by_name.get((below, name))
        return None if alias is None else known.by_alias.get(alias)


class _Topic(NamedTuple):
    """The type of a payload, its edge node with the group, and the device below the node."""

    kind: str
    node: str
    below: str

    @property
    def prefix(self) -> str:
        """What comes before the metric in the series key."""
        return "".join(f"{part}/" for part in (self.node, self.below) if part)


def decode(body: bytes, setting: Setting, births: Births, feed: int) -> Decoded:
    """Read the metrics of a payload; births are noted in `births` for the feed of that key."""
    topic = _topic(setting.topic)
    if topic is None:
        detail = f"the topic below the feed must be {NAMESPACE}/{{group}}/{{type}}/{{edge node}}"
        return nothing(Reason.SHAPE_INVALID, detail, body)
    if topic.kind in ("NBIRTH", "NDEATH"):
        births.forget(feed, topic.node)
    if topic.kind not in _BIRTHS | _DATA:
        # Deaths, commands and host states hold no observations.
        return Rows(setting.zone).done()
    message = Message()
    try:
        message.ParseFromString(body)
    except DecodeError:
        return nothing(Reason.SHAPE_INVALID, "not a Sparkplug B payload", body)
    rows = Rows(setting.zone)
    for tag in message.metrics:
        if _garbled(tag):
            detail = "name, text or unit of the metric is not UTF-8; send UTF-8"
            raw = _one(message, tag, "")
            rows.refuse(rows.next, Reason.ENCODING_INVALID, detail, raw, kind=PROTOBUF)
        elif not tag.name.startswith(_CONTROL):
            _tag(rows, message, tag.name, tag, topic, births, feed, setting)
    return rows.done()


def _garbled(tag: Any) -> bool:
    """Whether a text is not UTF-8; protobuf gives it as bytes."""
    texts = (tag.name, tag.string_value, *(each.string_value for each in tag.properties.values))
    return any(isinstance(text, bytes) for text in texts)


def _topic(written: str | None) -> _Topic | None:
    """The parts of a topic; a body without one (REST) has data under the metrics' own names."""
    if written is None:
        return _Topic("NDATA", "", "")
    parts = written.split("/")
    if len(parts) not in (4, 5) or parts[0] != NAMESPACE or not all(parts):
        return _Topic("STATE", "", "") if parts[:2] == [NAMESPACE, "STATE"] else None
    return _Topic(parts[2], f"{parts[1]}/{parts[3]}", parts[4] if len(parts) > 4 else "")


def _tag(
    rows: Rows,
    message: Any,
    name: str,
    tag: Any,
    topic: _Topic,
    births: Births,
    feed: int,
    setting: Setting,
) -> None:
    alias = tag.alias if tag.HasField("alias") else None
    birth = topic.kind in _BIRTHS
    if birth and name:
        known: Declared | None = Declared(name, tag.datatype, _uom(tag))
        births.born(feed, topic.node, topic.below, alias, known)
    else:
        known = births.find(feed, topic.node, topic.below, alias, name)
    named = name or (known.name if known else "")
    raw = _one(message, tag, named)
    if not named:
        detail = (
            f"alias {alias} has no name yet; send a rebirth (NCMD `Node Control/Rebirth`)"
            if alias is not None
            else "the metric has neither a name nor an alias"
        )
        reason = Reason.SERIES_MISSING if alias is None else Reason.ALIAS_UNKNOWN
        rows.refuse(rows.next, reason, detail, raw, kind=PROTOBUF)
        return
    datatype = tag.datatype or (known.datatype if known else 0)
    value = None if tag.is_null else _value(tag, datatype)
    if value is None:
        if birth:
            return  # A birth declares metrics; not each has a value yet, or one that is stored.
        detail = "the metric is null or of a type that is not stored (bytes, data set, template)"
        rows.refuse(rows.next, Reason.VALUE_MISSING, detail, raw, kind=PROTOBUF)
        return
    millis = tag.timestamp or message.timestamp
    time = _micros(millis) if millis else setting.arrival
    if time is None:
        detail = "neither the metric nor the payload has a timestamp"
        rows.refuse(rows.next, Reason.TIME_MISSING, detail, raw, kind=PROTOBUF)
        return
    uom = _uom(tag) or (known.uom if known else "")
    rows.add(rows.next, topic.prefix + named, time, value, raw, uom=uom, kind=PROTOBUF)


def _micros(millis: int) -> int:
    return millis * 1000 if millis < 7_000_000_000_000 else -1


def _one(message: Any, tag: Any, name: str) -> bytes:
    """A payload of this metric alone, under its name."""
    made = Message()
    made.timestamp = message.timestamp
    kept = made.metrics.add()
    kept.CopyFrom(tag)
    if name:
        kept.name = name
    return made.SerializeToString()


def _value(tag: Any, datatype: int) -> Scalar | None:
    if tag.HasField("boolean_value"):
        return tag.boolean_value
    if tag.HasField("string_value"):
        return tag.string_value
    for field in ("double_value", "float_value"):
        if tag.HasField(field):
            return float(getattr(tag, field))
    for field in ("int_value", "long_value"):
        if tag.HasField(field):
            whole: int = getattr(tag, field)
            bits = _SIGNED.get(datatype, _MOST_BITS + 1)
            whole &= (1 << bits) - 1
            return float(whole - (1 << bits) if whole >> (bits - 1) else whole)
    return None


def _uom(tag: Any) -> str:
    for key, value in zip(tag.properties.keys, tag.properties.values, strict=False):
        if key.lower() == "engunit":
            return value.string_value
    return ""
