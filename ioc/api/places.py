"""Places by name: units and features of the map, found by what somebody types."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Known, Now, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.city.decode import slug
from ioc.model import Feature
from ioc.org import UnitVersion

router = APIRouter(tags=["map"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]

LONGEST: Final = 80


class PlaceItem(msgspec.Struct, frozen=True, kw_only=True):
    """A unit, or a feature within one, and its point (longitude, latitude) where it has one."""

    kind: Literal["unit", "feature"]
    id: str
    name: str
    within: str | None
    point: tuple[float, float] | None


class PlaceList(msgspec.Struct):
    """The places that begin with what was typed first, units before features."""

    items: list[PlaceItem]
    next: str | None = None


@lru_cache(maxsize=1 << 17)
def _plain(name: str) -> str:
    """A name as it is searched: without marks and case."""
    return slug(name)


@router.get("/places", responses=shape(PlaceList))
async def get_places(
    _: Reader,
    registry: Known,
    facts: ServerFacts,
    now: Now,
    q: Annotated[str, Query(min_length=1, max_length=LONGEST, description="part of a name")],
    limit: Annotated[int, Query(ge=1, le=50)] = 8,
) -> Response:
    """Units and features whose name holds what somebody types; marks and case aside."""
    part = _plain(q)
    units = facts.city.organisation.as_of(now.astimezone(ZoneInfo(facts.zone)).date())
    places = (*map(_unit, units.values()), *_features(registry.features.values(), units))
    found = [place for place in places if part and part in _plain(place.name)]
    found.sort(key=lambda place: _rank(place, part))
    return answer(PlaceList(found[:limit]))


def _rank(place: PlaceItem, part: str) -> tuple[bool, bool, str, str]:
    begins = _plain(place.name).startswith(part)
    return not begins, place.kind != "unit", place.name, place.id


def _unit(version: UnitVersion) -> PlaceItem:
    return PlaceItem(
        kind="unit", id=version.unit, name=version.name, within=None, point=version.point
    )


def _features(features: Iterable[Feature], units: Mapping[str, UnitVersion]) -> Iterator[PlaceItem]:
    for feature in features:
        shape = feature.geometry
        point = None
        if shape is not None and shape["type"] == "Point":
            point = (shape["coordinates"][0], shape["coordinates"][1])
        around = units.get(feature.unit or "")
        yield PlaceItem(
            kind="feature", id=feature.id, name=feature.name, within=around and around.name,
            point=point,
        )  # fmt: skip
