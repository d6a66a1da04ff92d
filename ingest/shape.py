"""Tell the format of a payload by its content type, its topic and its own shape."""

import re
from typing import Any, Final

import msgspec

from ingest.decoders.documents import as_list, as_object
from ingest.decoders.sparkplug import NAMESPACE

JSON: Final = frozenset({"application/json", "application/geo+json"})
LD: Final = "application/ld+json"
NDJSON: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
CSV: Final = frozenset({"text/csv", "application/csv"})
SENML: Final = "application/senml+json"
PROTOBUF: Final = frozenset(
    {"application/x-protobuf", "application/protobuf", "application/vnd.google.protobuf"}
)
XML: Final = frozenset({"application/xml", "text/xml"})
UNTOLD: Final = frozenset(
    {"", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"}
)
"""Types that say nothing (the last is what curl says of `--data`): the body is looked at."""

_MAYBE_CSV: Final = UNTOLD | JSON
_HEAD: Final = 2048
_FOREIGN: Final = re.compile(
    rb'"(id|@id|result|dataArray|phenomenonTime|subscriptionId|data|entities|features|n|bn|'
    rb'@iot\.[a-zA-Z]+)"\s*:|"value"\s*:\s*\['
)
_LINES_OF_CELLS: Final = re.compile(rb"\s*+(?![\[{<])[^\r\n,;\t|]*+[,;\t|][^\r\n]*+[\r\n]\s*+\S")
_GTFS: Final = re.compile(rb"\x0a.\x0a.[0-9]\.[0-9]", re.DOTALL)
"""The header of a FeedMessage comes first, and first in it the version."""


def tell(kind: str, body: bytes, topic: str | None) -> str:
    """The format of a body for a feed that names none; `ioc` where nothing speaks for another."""
    # What comes most often is told first.
    if topic is None and kind in _MAYBE_CSV and b'"series"' in body[:_HEAD]:
        return "ioc"
    if kind == SENML:
        return "senml"
    if kind == LD:
        return "ngsi-ld"
    if kind in XML:
        return "datex"
    if topic is not None:
        if topic.startswith(NAMESPACE + "/"):
            return "sparkplug"
        if "Datastreams(" in topic:
            return "sensorthings"
    if kind in PROTOBUF:
        return "gtfs" if _GTFS.match(body) else "sparkplug"
    head = body[:_HEAD].lstrip()
    if kind in UNTOLD:
        if head[:1] == b"<":
            return "datex"
        if _GTFS.match(body):
            return "gtfs"
    if kind in CSV or b'"series"' in head or not _FOREIGN.search(head):
        return "ioc"
    return _json(body, lines=kind in NDJSON)


def is_table(kind: str, body: bytes) -> bool:
    """Whether a body is CSV: it says so, or it says nothing and begins like the header of one."""
    if kind in CSV:
        return True
    if body[:1] in (b"[", b"{"):
        return False
    start = body.lstrip()[:6].lower()
    return (
        kind in _MAYBE_CSV
        and start in (b"series", b"time,v", b"time;v")
        and re.search(rb"[,;\t]", body.lstrip().split(b"\n", 1)[0]) is not None
    )


def is_any_table(kind: str, body: bytes) -> bool:
    """Whether a body of any columns is CSV: it says so, or has lines, cells and no JSON's start."""
    return kind in CSV or (kind in _MAYBE_CSV and _LINES_OF_CELLS.match(body) is not None)


def is_lines(kind: str, body: bytes) -> bool:
    """Whether each line of a body is a document of its own."""
    if kind in NDJSON:
        return True
    # An object that is spread over lines also holds lines that begin with a brace.
    if b"\n{" not in body:
        return False
    start = body.lstrip()
    if start[:1] != b"{":
        return False
    return start[: start.find(b"\n")].rstrip()[-1:] == b"}"


def _json(body: bytes, *, lines: bool) -> str:
    """Look at the first object of a JSON body."""
    piece = body.lstrip().split(b"\n", 1)[0] if lines else body
    try:
        content: Any = msgspec.json.decode(piece)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "ioc"
    listed = as_list(content)
    first = as_object(listed[0]) if listed else as_object(content)
    return "ioc" if first is None else _object(first, alone=listed is None)


def _object(first: dict[str, Any], *, alone: bool) -> str:
    if "series" in first:
        return "ioc"
    if first.keys() & {"result", "dataArray", "Observations", "Datastreams", "MultiDatastreams"}:
        return "sensorthings"
    inner = as_list(first.get("value"))
    if alone and inner is not None:
        return "sensorthings"
    if isinstance(first.get("n"), str) or isinstance(first.get("bn"), str):
        return "senml"
    if first.keys() & {"type", "@type"} and first.keys() & {"id", "@id"}:
        return "ngsi-ld"
    if alone and any(as_list(first.get(name)) for name in ("data", "entities", "features")):
        return "ngsi-ld"
    return "ioc"
