"""Every frame fits the AsyncAPI document that the server hands out."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ioc.api.wire_document import document
from ioc.live import wire
from ioc.live.hub import Client, Hub
from ioc.live.topic import Change, LogTopic, StateTopic
from ioc.model import Freshness, Severity, Text
from tests.fixtures.schema import faults

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TEXT = Text("Quá tải", "Overload")
UNIT = wire.UnitRef("so-y-te", "Sở Y tế")

ITEMS: dict[str, Any] = {
    "LayerFeature": wire.LayerFeature(
        id="f/bv-1",
        geometry={"type": "Point", "coordinates": [105.3, 21.3]},
        properties=wire.LayerProperties(
            name="BV", unit=None, severity=Severity.HIGH,
            values={"beds": wire.Value(1.5, AT, None, Freshness.LATE)},
        ),
    ),
    "AlertItem": wire.AlertItem(
        id="0", rule="r", kind="threshold", severity=Severity.LOW, title=TEXT, reason=TEXT,
        state="active", acknowledged=False, acknowledged_by=None, acknowledged_at=None, since=AT,
        cleared_at=None, place=wire.Place(None, "x", (105.0, 21.0)), unit=UNIT, domain="health",
        feed=None, series=1, value=None, level=2.0, uom=None, value_time=AT,
    ),
    "FeedItem": wire.FeedItem(
        id="f", name="F", agency=UNIT, domain="it", state=Freshness.NEVER, interval=None,
        late_after=None, stale_after=None, last_time=None, last_received=AT, received_hour=1,
        stored_hour=1, quarantined_hour=0, late_hour=0, series=1, idempotent=True, simulated=False,
    ),
    "FigureItem": wire.FigureItem(
        id="online-share", indicator="online-share", version=1, name=TEXT, domain="service",
        unit=UNIT, period="2026", kind="share", value=40.0, numerator=10, denominator=25, uom="%",
        decimals=1, state=Freshness.FRESH, time=AT, late_after=None, stale_after=1.0,
        coverage=wire.Coverage(1, None),
        target=wire.TargetRef(value=51, direction="up", until=None, document="d", sample=True),
        standing="behind", trend=wire.Trend([0], [None], [1.0]), note=TEXT,
    ),
    "SeriesPoint": wire.SeriesPoint(7, AT, 1.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return json.loads(msgspec.json.encode(document()))["components"]["schemas"]


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_fits_its_shape_and_the_items_of_a_topic(
    name: str, schemas: dict[str, Any]
) -> None:
    item = json.loads(wire.encoder.encode(ITEMS[name]))
    assert faults(item, schemas[name], schemas) == []
    listed = schemas["Snapshot"]["properties"]["data"]["properties"]["items"]
    assert faults([item], listed, schemas) == []


async def test_every_frame_that_a_client_gets_fits_the_document(schemas: dict[str, Any]) -> None:
    hub = Hub()
    state, log = StateTopic("layer:health", "e", pace=0), LogTopic("alerts", "d")
    hub.add(state)
    hub.add(log)
    feature = wire.encoder.encode(ITEMS["LayerFeature"])
    alert = wire.encoder.encode(ITEMS["AlertItem"])
    client = Client(hub)
    frames: list[bytes] = []
    client.subscribe("s1", "layer:health", box=(0, 0, 180, 90), cursor="old.1")
    client.subscribe("s2", "alerts", box=None, cursor=None)
    frames += await client.frames()
    state.put("f/bv-1", feature, (105.3, 21.3))
    log.apply(Change(1, "add", "0", alert))
    hub.changed(state)
    frames += await client.frames()
    state.remove("f/bv-1")
    log.apply(Change(2, "remove", "0", alert))
    hub.changed(log)
    frames += await client.frames()
    said = [
        wire.Hello(AT, "e"), wire.Pong(), wire.Lag(1500), wire.WireError(None, "invalid", "no"),
        wire.Auth("t"), wire.Subscribe("s", "alerts", (1, 2, 3, 4), "e.1"), wire.Unsubscribe("s"),
        wire.Ping(),
    ]  # fmt: skip
    frames += [wire.encoder.encode(frame) for frame in said]
    by_type = {"error": "WireError"}
    seen: set[str] = set()
    for raw in frames:
        frame = json.loads(raw)
        kind: str = frame["type"]
        name = by_type.get(kind, kind.capitalize())
        seen.add(name)
        assert faults(frame, schemas[name], schemas) == [], name
    assert seen == {
        "Hello", "Pong", "Lag", "WireError", "Auth", "Subscribe", "Unsubscribe", "Ping", "Resync",
        "Snapshot", "Delta",
    }  # fmt: skip


def test_the_document_points_at_nothing_that_is_not_there(schemas: dict[str, Any]) -> None:
    text = msgspec.json.encode(document()).decode()
    named = {part.split('"', 1)[0] for part in text.split("#/components/schemas/")[1:]}
    assert named <= set(schemas)


@pytest.mark.parametrize(
    "frame",
    [b"", b"{}", b"[]", b'{"type":"shout"}', b'{"type":"subscribe","id":1,"topic":"x"}',
     b'{"type":"subscribe","id":"a","topic":"x","bbox":[1,2]}', b"\xff", b'{"type":"auth"}'],
)  # fmt: skip
def test_a_frame_of_no_known_shape_is_refused(frame: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        wire.client_frames.decode(frame)
