"""Pick the decoder that a feed names, or that the payload's own shape asks for."""

from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ingest import compression, shape
from ingest.charset import UTF8, charset_of, readable, to_utf8
from ingest.decoders import datex, gtfs, ioc, mapped, ngsi, senml, sensorthings, sparkplug
from ingest.decoders.births import Births
from ingest.decoders.documents import NOT_UTF8, TOO_DEEP
from ingest.decoders.sparkplug import Hearing
from ingest.mapping import compile_mapping, in_force
from ingest.payload import ITEM, Channel, Decoded, Payload, Setting, nothing
from ingest.shape import CSV, NDJSON
from ioc.errors import Invalid, TooLarge
from ioc.model import Feed, Reason

__all__ = ["CAP", "CONTENT_TYPES", "CSV", "FORMATS", "NDJSON", "decode", "media_type", "understood"]

FORMATS: Final = (
    "auto", "ioc", "senml", "ngsi-ld", "ngsi-v2", "sensorthings", "mapped", "sparkplug", "gtfs",
    "datex", "cap",
)  # fmt: skip
"""The formats that a feed may name."""

CONTENT_TYPES: Final = (
    "application/json", shape.SENML, shape.LD, "application/x-ndjson", "text/csv",
    "application/xml", "application/x-protobuf",
)  # fmt: skip
"""What the product says it takes."""

CAP: Final = "cap"
"""A feed of warnings, which are no observations: they have a door of their own."""

_UNDERSTOOD: Final = (
    frozenset({shape.SENML, shape.LD, ITEM, mapped.ROW})
    | shape.JSON | NDJSON | CSV | shape.PROTOBUF | shape.XML | shape.UNTOLD
)  # fmt: skip

_BINARY: Final = frozenset({"sparkplug", "gtfs", "datex"})
_BOM: Final = b"\xef\xbb\xbf"
_MARKS: Final = (_BOM, b"\xff\xfe", b"\xfe\xff")


def media_type(content_type: str) -> str:
    """The media type without parameters, in lower case."""
    return content_type.split(";", 1)[0].strip().lower()


def understood(content_type: str) -> bool:
    """Whether a body of that content type can be read at all."""
    return media_type(content_type) in _UNDERSTOOD


def decode(payload: Payload, feed: Feed, births: Births | None = None) -> Decoded:
    """The observations that stand in a payload, and what could not be read of it. Never raises.

    `births` holds what the birth certificates of Sparkplug nodes said before.
    """
    kind = media_type(payload.content_type)
    body = payload.body
    if compression.named(body) is not None:
        if payload.channel is Channel.REST:
            detail = "the body is compressed; say so in Content-Encoding: gzip or zstd"
            return nothing(Reason.COMPRESSION_INVALID, detail, body)
        try:
            body = compression.inflated(body)
        except (Invalid, TooLarge) as error:
            return nothing(Reason.COMPRESSION_INVALID, str(error), body)
    if not body.strip():
        return nothing(Reason.JSON_INVALID, "the body is empty", body)
    hearing = Hearing(
        births if births is not None else Births(),
        feed.key,
        replayed=payload.replay is not None,
        redelivered=payload.redelivered,
    )
    setting = Setting(
        zone=ZoneInfo(feed.time_zone),
        received=payload.received_at,
        arrival=payload.received_at if feed.time_source == "arrival" else None,
        topic=payload.topic_key,
        plain_numbers=feed.number_format == "plain",
    )
    if kind == ITEM:
        return ioc.decode_item(body, setting)
    if kind in shape.PROTOBUF or kind in shape.XML or feed.format in _BINARY:
        return _decoded(kind, body, feed, setting, hearing)
    charset = charset_of(payload.content_type) or feed.charset
    if charset not in UTF8:
        return _transcoded(kind, body, charset, feed, setting, hearing)
    if body.startswith(_MARKS):
        if not body.startswith(_BOM):
            return nothing(Reason.ENCODING_INVALID, "the text is UTF-16; send UTF-8", body)
        body = body.removeprefix(_BOM)
        if not body.strip():
            return nothing(Reason.JSON_INVALID, "the body is empty but for its mark", payload.body)
    return _decoded(kind, body, feed, setting, hearing)


def _transcoded(
    kind: str, body: bytes, charset: str, feed: Feed, setting: Setting, hearing: Hearing
) -> Decoded:
    """Decode a body in another character set; what is kept of it as a whole stays as it came."""
    if not readable(charset):
        detail = f"the charset {charset[:40]!r} cannot be read; send UTF-8"
        return nothing(Reason.ENCODING_INVALID, detail, body)
    text = to_utf8(body, charset)
    if text is None:
        detail = f"the text is not {charset}; {NOT_UTF8}"
        return nothing(Reason.ENCODING_INVALID, detail, body)
    found = _decoded(kind, text, feed, setting, hearing)
    found.refused = [
        msgspec.structs.replace(each, raw=body) if each.problem.index < 0 else each
        for each in found.refused
    ]
    return found


def _decoded(kind: str, body: bytes, feed: Feed, setting: Setting, hearing: Hearing) -> Decoded:
    try:
        return _read(kind, body, feed, setting, hearing)
    except RecursionError:
        # What is just not too deep to be read may be too deep to be written for the quarantine.
        return nothing(Reason.JSON_INVALID, TOO_DEEP, body)


def _read(kind: str, body: bytes, feed: Feed, setting: Setting, hearing: Hearing) -> Decoded:
    named = feed.format if feed.format != "auto" else shape.tell(kind, body, setting.topic)
    if named == "ioc":
        return _own(kind, body, setting)
    if named == "sparkplug":
        return sparkplug.decode(body, setting, hearing)
    if named == "gtfs":
        return gtfs.decode(body, setting)
    if named == "datex":
        return datex.decode(body, setting)
    if named == CAP:
        detail = f"feed {feed.id} is of warnings: send them to POST /feeds/{feed.id}/warnings"
        return nothing(Reason.FORMAT_UNKNOWN, detail, body)
    if named == "mapped":
        return _mapped(kind, body, feed, setting)
    if shape.is_lines(kind, body):
        setting = msgspec.structs.replace(setting, lines=True)
    if named == "senml":
        return senml.decode(body, setting)
    if named == "sensorthings":
        return sensorthings.decode(body, setting)
    return ngsi.decode(body, setting)


def _own(kind: str, body: bytes, setting: Setting) -> Decoded:
    if shape.is_table(kind, body):
        return ioc.decode_csv(body, setting)
    if shape.is_lines(kind, body):
        return ioc.decode_ndjson(body, setting)
    return ioc.decode_json(body, setting)


def _mapped(kind: str, body: bytes, feed: Feed, setting: Setting) -> Decoded:
    version = in_force(feed, setting.received)
    if version is None:
        detail = (
            f"feed {feed.id} has no mapping in force; try one out and keep it: "
            f"ioc feed mapping {feed.id} FILE"
        )
        return nothing(Reason.MAPPING_MISSING, detail, body)
    try:
        compiled = compile_mapping(version.document)
    except Invalid as error:
        return nothing(Reason.MAPPING_INVALID, str(error), body)
    if kind == mapped.ROW:
        return mapped.decode_row(body, setting, compiled)
    if shape.is_any_table(kind, body):
        return mapped.decode_table(body, setting, compiled)
    if shape.is_lines(kind, body):
        setting = msgspec.structs.replace(setting, lines=True)
    return mapped.decode(body, setting, compiled)
