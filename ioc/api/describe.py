"""An agency describes its feed: features with their places, series with uom and limits."""

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from geo.geojson import Fault, envelope, geometry_faults, to_wkb
from ingest.rows import key_fault
from ioc.api.bodies import decoded, whole
from ioc.api.deps import Known, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission
from ioc.errors import Invalid
from ioc.model import Feed, ValueKind
from ioc.store import audit
from ioc.store.registry import (
    FeatureRow,
    SeriesRow,
    add_features,
    announce,
    put_features,
    put_series,
    split_key,
)

router = APIRouter(tags=["feeds"])

DescribedFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_DESCRIBE))]

MOST_ITEMS = 50_000


class Described(msgspec.Struct):
    """How many were described."""

    described: int


class SeriesDescription(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A series: key, feature, property, uom (UCUM), interval in seconds, plausible limits.

    `value_kind` is what its values are from now on; who names none leaves it as it is.
    """

    key: str
    feature: str | None = None
    property: str | None = None
    uom: str | None = None
    value_kind: ValueKind | None = None
    interval: Annotated[float, msgspec.Meta(gt=0)] | None = None
    low: float | None = None
    high: float | None = None


class _FeatureDescription(msgspec.Struct):
    id: str | int | None = None
    geometry: dict[str, Any] | None = None
    properties: dict[str, Any] | None = None


class _Collection(msgspec.Struct, tag_field="type", tag="FeatureCollection"):
    features: list[_FeatureDescription]


_collection = msgspec.json.Decoder(_Collection)
_descriptions = msgspec.json.Decoder(list[SeriesDescription])


@router.put(
    "/feeds/{feed}/features",
    responses=shape(Described),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/geo+json": {"schema": {"type": "object"}}},
        }
    },
)
async def put_feed_features(
    request: Request,
    feed: DescribedFeed,
    writes: Writes,
    facts: ServerFacts,
    now: Now,
) -> Response:
    """Place features on the map: a GeoJSON FeatureCollection; properties may hold `name`, `unit`.

    All of it is taken or, with the first fault named, nothing.
    """
    collection = decoded(await whole(request), _collection, "a GeoJSON FeatureCollection")
    if len(collection.features) > MOST_ITEMS:
        raise Invalid(f"at most {MOST_ITEMS} features at once")
    today = now.astimezone(ZoneInfo(facts.zone)).date()
    rows = [_feature_row(n, f, feed, facts, today) for n, f in enumerate(collection.features)]
    async with writes.connection() as conn:
        await put_features(conn, feed.key, rows)
        await announce(conn)
        await audit.record(
            conn, now=now, actor=f"feed:{feed.id}", source="rest", action="feed.features",
            subject=feed.id, after={"described": len(rows)},
        )  # fmt: skip
    return answer(Described(len(rows)))


def _feature_row(
    place: int, described: _FeatureDescription, feed: Feed, facts: ServerFacts, today: date
) -> FeatureRow:
    properties = dict(described.properties or {})
    given = described.id if described.id is not None else properties.pop("id", None)
    id = str(given) if given is not None else ""
    fault = key_fault(id)
    if fault is not None:
        raise Invalid(f"feature {place}: {fault.replace('series key', 'id')}")
    geometry = described.geometry
    faults: list[Fault] = [] if geometry is None else geometry_faults(geometry)
    if faults:
        raise Invalid(f"feature {place} ({id}): {faults[0].message}")
    unit = properties.pop("unit", None)
    if unit is not None:
        try:
            unit = facts.city.organisation.resolve(str(unit), today)
        except Invalid as fault:
            raise Invalid(f"feature {place} ({id}): {fault.message}") from fault
    box = None if geometry is None else envelope(geometry)
    return FeatureRow(
        id=id,
        name=str(properties.pop("name", id))[:200].replace("\x00", ""),
        layer=feed.domain.value,
        unit=unit,
        geometry=None if geometry is None else to_wkb(geometry),
        extent=None if box is None else (box[0], box[1], box[2], box[3]),
        attributes=_without_nul(properties),
    )


def _without_nul(value: Any) -> Any:
    """The value without NUL characters, which PostgreSQL does not keep."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_without_nul(k): _without_nul(v) for k, v in value.items()}  # pyright: ignore
    if isinstance(value, list):
        return [_without_nul(part) for part in value]  # pyright: ignore
    return value


@router.put(
    "/feeds/{feed}/series",
    responses=shape(Described),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/SeriesDescription"},
                    }
                }
            },
        }
    },
)
async def put_feed_series(
    request: Request,
    feed: DescribedFeed,
    reads: Reads,
    writes: Writes,
    registry: Known,
    now: Now,
) -> Response:
    """Describe series; a feature that does not exist is made without a place.

    A series may change the kind of its values: what is stored of the kind before stays as it is,
    and what was refused for its kind can be replayed.
    """
    described = decoded(await whole(request), _descriptions, "a JSON array of series")
    if len(described) > MOST_ITEMS:
        raise Invalid(f"at most {MOST_ITEMS} series at once")
    rows: list[SeriesRow] = []
    for place, series in enumerate(described):
        named = (series.key, series.feature or "x", series.property or "x", series.uom or "x")
        fault = next((fault for name in named if (fault := key_fault(name)) is not None), None)
        if fault is not None:
            raise Invalid(f"series {place}: {fault}")
        feature, prop = split_key(series.key)
        rows.append(
            SeriesRow(
                series.key, series.feature or feature, series.property or prop, series.uom,
                series.value_kind, series.interval, series.low, series.high,
            )
        )  # fmt: skip
    async with writes.connection() as conn:
        await add_features(conn, feed, {row.feature for row in rows})
        await put_series(conn, feed.key, rows)
        await announce(conn)
        await audit.record(
            conn, now=now, actor=f"feed:{feed.id}", source="rest", action="feed.series",
            subject=feed.id, after={"described": len(rows)},
        )  # fmt: skip
    await registry.learn(reads, feed, [row.key for row in rows])
    return answer(Described(len(rows)))
