"""Places: of which time they are, by each format, and which items they came with."""

import json
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

from ingest.payload import Decoded
from ioc.model import EPOCH, Mapping, from_micros
from tests.fixtures.decoding import RECEIVED, decoded

POINT = {"type": "Point", "coordinates": [105.4, 21.3]}
AT, LATER = "2026-11-22T01:00:00+00:00", "2026-11-22T01:30:00+00:00"


def _places(found: Decoded) -> list[tuple[str, int, int]]:
    """Time, first item and number of items of each place."""
    return [(from_micros(p.time).isoformat(), p.index, p.rows) for p in found.places]


def _entity(kind: str = "W", **attributes: Any) -> Decoded:
    entity = {"id": "tram-1", "type": kind, "location": {"value": POINT}, **attributes}
    return decoded(json.dumps(entity).encode(), "application/ld+json")


def test_the_place_of_a_vehicle_is_of_the_time_of_its_position_and_came_with_its_rows() -> None:
    message: Any = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    for number, time in enumerate((1_795_309_200, 1_795_311_000)):
        vehicle = message.entity.add(id=f"xe-{number}").vehicle
        vehicle.timestamp = time
        vehicle.position.latitude, vehicle.position.longitude = 21.3, 105.4
    found = decoded(message.SerializeToString(), "application/x-protobuf")
    assert _places(found) == [(AT, 0, 2), (LATER, 2, 2)]


@pytest.mark.parametrize(
    ("attributes", "time", "rows"),
    [
        ({"a": {"value": 1, "observedAt": AT}, "b": {"value": 2, "observedAt": LATER}}, LATER, 2),
        ({"a": {"value": 1}, "dateObserved": AT}, AT, 1),
        ({"a": {"value": 1, "observedAt": LATER},
          "location": {"value": POINT, "observedAt": AT}}, AT, 1),
        ({"dateObserved": AT}, AT, 0),
        ({"dateObserved": "yesterday"}, RECEIVED.isoformat(), 0),
        ({}, RECEIVED.isoformat(), 0),
        ({"a": {"value": 1}}, RECEIVED.isoformat(), 1),
    ],
    ids=["newest-row", "entity", "location", "no-row", "unreadable", "timeless", "refused-row"],
)  # fmt: skip
def test_the_place_of_an_entity_is_of_its_own_time_or_else_of_its_rows(
    attributes: dict[str, Any], time: str, rows: int
) -> None:
    assert _places(_entity(**attributes)) == [(time, 0, rows)]


def test_the_place_of_a_road_has_no_rows_and_the_time_of_its_description() -> None:
    assert _places(_entity("RoadSegment", dateModified=AT, lanes=2)) == [(AT, 0, 0)]


def test_the_place_of_an_observation_is_of_its_phenomenon_time() -> None:
    observation = {"Datastream": {"@iot.id": "s/1"}, "phenomenonTime": AT, "result": 1,
                   "FeatureOfInterest": {"feature": POINT}}  # fmt: skip
    found = decoded(json.dumps([observation] * 2).encode(), format="sensorthings")
    assert _places(found) == [(AT, 0, 1), (AT, 1, 1)]


def test_the_place_of_a_mapped_row_is_of_its_time_in_the_zone_of_the_feed() -> None:
    document = {"series": "id", "time": "at", "values": {"x": "x", "y": "y"},
                "latitude": "lat", "longitude": "lon"}  # fmt: skip
    row = {"id": "k", "at": "2026-11-22T08:00:00", "x": 1, "y": 2, "lat": 21.3, "lon": 105.4}
    version = Mapping(version=1, effective_from=EPOCH, document=document)
    found = decoded(json.dumps([row, {**row, "y": None}]).encode(), format="mapped",
                    mappings=(version,))  # fmt: skip
    assert _places(found) == [(AT, 0, 2), (AT, 2, 1)]


def test_the_place_of_a_situation_is_of_the_time_of_its_version() -> None:
    body = f"""<d2 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <payloadPublication xsi:type="SituationPublication"><situation><situationRecord id="s1">
        <situationRecordVersionTime>{LATER}</situationRecordVersionTime>
        <validity><validityStatus>active</validityStatus><validityTimeSpecification>
          <overallStartTime>{AT}</overallStartTime></validityTimeSpecification></validity>
        <severity>high</severity>
        <pointCoordinates><latitude>21.3</latitude><longitude>105.4</longitude></pointCoordinates>
      </situationRecord></situation></payloadPublication></d2>"""
    assert _places(decoded(body.encode(), "application/xml")) == [(LATER, 0, 2)]
