"""What the front end needs to know of the province before it shows anything."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Response

from ioc.api.deps import Now, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.live.wire import UnitRef
from ioc.model import Text

router = APIRouter(tags=["city"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]

ILLUSTRATIVE = Text("ranh giới minh họa", "illustrative boundaries")


class Backfill(msgspec.Struct):
    """How far the simulated past has been filled in."""

    running: bool
    done: float


class CityFacts(msgspec.Struct):
    """The province, its layers, and whether its figures are invented."""

    province: UnitRef
    bounds: tuple[float, float, float, float]
    time_zone: str
    simulated: bool
    version: str
    layers: list[dict[str, Any]]
    backfill: Backfill | None
    outline_note: Text | None


@router.get("/city", responses=shape(CityFacts))
async def get_city(_: Reader, facts: ServerFacts, now: Now) -> Response:
    """The province as the screens introduce it."""
    unit = facts.identity.province or ""
    version = facts.city.organisation.find(unit, now.date())
    sources = {source for _, source in facts.city.outlines.values()}
    return answer(
        CityFacts(
            province=UnitRef(unit, version.name if version else unit),
            bounds=facts.bounds,
            time_zone=facts.zone,
            simulated=facts.identity.simulated,
            version=facts.version,
            layers=[{"id": id, **document} for id, document in facts.city.layers.items()],
            backfill=None
            if facts.backfill is None
            else Backfill(facts.backfill < 1, facts.backfill),
            outline_note=ILLUSTRATIVE if ILLUSTRATIVE.vi in sources else None,
        )
    )
