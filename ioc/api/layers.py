"""Layers: what there is to show on the map, as GeoJSON."""

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from geo.bbox import parse_bbox
from ioc.api.deps import Live, PlacedTickets, ServerFacts, requires
from ioc.api.encode import cached, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import NotFound
from ioc.flow.field_reports import LAYER
from ioc.live.topic import StateTopic
from ioc.live.wire import LayerFeature

router = APIRouter(tags=["layers"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]

GEOJSON = "application/geo+json"


class LayerList(msgspec.Struct):
    """The layers in the order of the legend, as the city describes them."""

    items: list[dict[str, Any]]
    next: str | None = None


class FeatureCollection(msgspec.Struct):
    """GeoJSON (RFC 7946) features with live values."""

    features: list[LayerFeature]
    type: Literal["FeatureCollection"] = "FeatureCollection"


@router.get("/layers", responses=shape(LayerList))
async def get_layers(request: Request, _: Reader, facts: ServerFacts) -> Response:
    """The layers of the map."""
    layers = [{"id": id, **document} for id, document in facts.city.layers.items()]
    return cached(request, msgspec.json.encode(LayerList(layers)))


@router.get(
    "/layers/{layer}",
    response_class=Response,  # else the document would promise application/json too
    responses=shape(FeatureCollection, media_type=GEOJSON),
)
async def get_layer(
    request: Request,
    layer: str,
    subject: Reader,
    live: Live,
    field_reports: PlacedTickets,
    facts: ServerFacts,
    bbox: Annotated[str | None, Query(description="west,south,east,north in degrees")] = None,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 10_000,
) -> Response:
    """The features of a layer with their newest values, within a box.

    Of the field reports an agency is shown those that its own units handle.
    """
    topic = live.topics.get(layer)
    if layer == LAYER and not subject.may_see_unit(None):
        topic = field_reports.of(subject.units)
    if layer not in facts.city.layers and topic is None:
        raise NotFound(f"there is no layer `{layer[:64]}`; see GET /api/v1/layers")
    box = None if bbox is None else parse_bbox(bbox)
    items = topic.items(box) if isinstance(topic, StateTopic) else []
    body = b'{"type":"FeatureCollection","features":[' + b",".join(items[:limit]) + b"]}"
    return cached(request, body, GEOJSON)
