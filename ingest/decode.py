"""Pick the decoder that a feed names, or that the payload's own shape asks for."""

from zoneinfo import ZoneInfo

from ingest.decoders import ioc, senml
from ingest.payload import Decoded, Payload, nothing
from ioc.model import Feed, Reason

FORMATS = ("auto", "ioc", "senml")
"""The formats that a feed may name."""

JSON = "application/json"
NDJSON = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
CSV = frozenset({"text/csv", "application/csv"})
SENML = "application/senml+json"
_JSON_LIKE = frozenset({JSON, "", "text/plain", "application/octet-stream"})
_JSON_LIKE_FORMS = frozenset({"application/x-www-form-urlencoded"})
"""What curl says of `--data` when nobody names a type: the body is looked at all the same."""

CONTENT_TYPES = (JSON, SENML, "application/x-ndjson", "text/csv")
"""What the product says it takes."""


def media_type(content_type: str) -> str:
    """The media type without parameters, in lower case."""
    return content_type.split(";", 1)[0].strip().lower()


def understood(content_type: str) -> bool:
    """Whether a body of that content type can be read at all."""
    kind = media_type(content_type)
    return kind in _JSON_LIKE | _JSON_LIKE_FORMS | NDJSON | CSV or kind == SENML


def decode(payload: Payload, feed: Feed) -> Decoded:
    """The observations that stand in a payload, and what could not be read of it. Never raises."""
    zone = ZoneInfo(feed.time_zone)
    kind = media_type(payload.content_type)
    arrival = payload.received_at if feed.time_source == "arrival" else None
    body = payload.body
    if not body.strip():
        return nothing(Reason.JSON_INVALID, "the body is empty", body)
    chosen = _choose(feed.format, kind, body)
    if chosen == "senml":
        return senml.decode(body, zone=zone, received=payload.received_at, timed=arrival is None)
    if chosen == "csv":
        return ioc.decode_csv(body, zone=zone, topic_key=payload.topic_key, arrival=arrival)
    if chosen == "ndjson":
        return ioc.decode_ndjson(body, zone=zone, topic_key=payload.topic_key, arrival=arrival)
    return ioc.decode_json(body, zone=zone, topic_key=payload.topic_key, arrival=arrival)


def _choose(named: str, kind: str, body: bytes) -> str:
    if named == "senml" or (named == "auto" and kind == SENML):
        return "senml"
    if kind in CSV:
        return "csv"
    if kind in NDJSON:
        return "ndjson"
    start = body.lstrip()
    if start[:1] in b'{["-0123456789tfn':
        if named == "auto" and start[:1] == b"[" and _looks_senml(start):
            return "senml"
        if start[:1] == b"{" and b"\n{" in start.replace(b"\r", b""):
            return "ndjson"
        return "json"
    if b"," in start.split(b"\n", 1)[0] and start[:6].lower() in (b"series", b"time,v"):
        return "csv"
    return "json"


def _looks_senml(start: bytes) -> bool:
    """Tell a SenML pack from the own format by the first record's labels."""
    head = start[:2048].split(b"}", 1)[0]
    if b'"series"' in head:
        return False
    return any(label in head for label in (b'"bn"', b'"bt"', b'"n"'))
