"""What is asked of an incident that begins: category and place, the rest follows from them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ingest.ticket import CONTROL
from ioc.api.deps import Facts
from ioc.errors import Invalid, NotFound
from ioc.flow.alerting import Alerting
from ioc.flow.incident_changes import Opening
from ioc.flow.incident_desk import Desk
from ioc.incidents.moves import MOST_SUPPORT
from ioc.incidents.plan import Category
from ioc.live.state import LiveState
from ioc.org import Level
from ioc.store import ticket_rows
from ioc.store.pool import ReadPool

Origin = Literal[
    "call", "112", "113", "114", "115", "1022", "camera", "commune", "alert", "ticket", "other"
]
"""Where an incident comes from; a number is the line on which somebody called."""

LONGEST_TEXT = 4_000


class PlaceBody(BaseModel):
    """Where it is: a feature of the map, a point (longitude, latitude), a unit, or words."""

    model_config = ConfigDict(extra="forbid")

    feature: Annotated[str | None, Field(max_length=320)] = None
    name: Annotated[str, Field(max_length=300)] = ""
    unit: Annotated[str | None, Field(max_length=80)] = None
    point: tuple[float, float] | None = None


class CallerBody(BaseModel):
    """Who called; kept apart, and shown whole to who took the call alone."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=120)
    phone: str = Field(pattern=r"^[0-9+ .()\-]{3,20}$")


class OpenBody(BaseModel):
    """A new incident; without a title it is called by its category and its place.

    What it comes from gives the place where none is told: its first alert, else its first ticket.
    """

    model_config = ConfigDict(extra="forbid")

    category: str = Field(max_length=64)
    title: str = Field("", max_length=200)
    description: str = Field("", max_length=LONGEST_TEXT)
    origin: Origin | None = None
    exercise: bool = False
    unit: str | None = Field(None, max_length=80, description="who leads, if not the category's")
    support: list[str] = Field(default_factory=list[str], max_length=MOST_SUPPORT)
    place: PlaceBody = PlaceBody()
    caller: CallerBody | None = None
    alerts: list[UUID] = Field(default_factory=list[UUID], max_length=200)
    tickets: list[UUID] = Field(default_factory=list[UUID], max_length=200)


class Opener:
    """Makes an opening of what somebody asks for."""

    def __init__(
        self, desk: Desk, facts: Facts, live: LiveState, alerting: Alerting, reads: ReadPool
    ) -> None:
        """Look up places, units, alerts and tickets there."""
        self._desk = desk
        self._facts = facts
        self._live = live
        self._alerting = alerting
        self._reads = reads

    async def opening(self, body: OpenBody) -> Opening:
        """The opening, checked; `Invalid` names what is wrong with it."""
        for text in (body.title, body.description, body.place.name):
            if CONTROL.search(text):
                raise Invalid("a text holds a control character; leave it out")
        category = self._desk.asked(body.category)
        place = self._featured(await self._placed(body))
        unit = None if place.unit is None else self._unit(place.unit)
        if place.point is not None:
            unit = unit or self._around(Level.COMMUNE, place.point)
        name = place.name or ("" if unit is None else self._desk.unit(unit).name)
        return Opening(
            category=category.id,
            title=body.title.strip() or " – ".join(filter(None, (category.name.vi, name))),
            description=body.description.strip(),
            origin=body.origin or _origin(body),
            exercise=body.exercise,
            lead=self._lead(body, category, place, unit),
            support=tuple(self._unit(one) for one in body.support),
            feature=place.feature,
            place_name=name,
            place_unit=unit,
            longitude=place.point and place.point[0],
            latitude=place.point and place.point[1],
            caller=None if body.caller is None else (body.caller.name, body.caller.phone),
            alerts=body.alerts,
            tickets=body.tickets,
        )

    async def _placed(self, body: OpenBody) -> PlaceBody:
        """The place that is told, else that of what the incident comes from."""
        if body.place != PlaceBody():
            return body.place
        item = self._alerting.open_item(body.alerts[0]) if body.alerts else None
        if item is not None:
            unit = None if item.unit is None else item.unit.id
            return PlaceBody(
                feature=item.place.feature, name=item.place.name, unit=unit, point=item.place.point
            )
        ticket = await ticket_rows.one(self._reads, body.tickets[0]) if body.tickets else None
        if ticket is not None:
            point = None
            if ticket.longitude is not None and ticket.latitude is not None:
                point = (ticket.longitude, ticket.latitude)
            return PlaceBody(name=ticket.address[:300], point=point)
        if body.alerts:
            return body.place
        raise Invalid("tell the `place`: a feature, a point, a unit, or its name")

    def _featured(self, place: PlaceBody) -> PlaceBody:
        """A place with what the map knows of its feature."""
        if place.feature is None:
            return self._inside(place)
        feature = self._live.feature(place.feature)
        if feature is None:
            raise NotFound(f"there is no feature {place.feature[:80]!r} on the map")
        point = place.point
        geometry = feature.geometry
        if point is None and geometry is not None and geometry["type"] == "Point":
            point = (geometry["coordinates"][0], geometry["coordinates"][1])
        told: dict[str, Any] = {"name": place.name or feature.name, "point": point}
        return place.model_copy(update=told)

    def _inside(self, place: PlaceBody) -> PlaceBody:
        west, south, east, north = self._facts.bounds
        if place.point is not None:
            longitude, latitude = place.point
            if not (west <= longitude <= east and south <= latitude <= north):
                raise Invalid(
                    f"the point {longitude}, {latitude} lies outside of the province; "
                    "longitude comes first"
                )
        return place

    def _unit(self, given: str) -> str:
        return self._desk.organisation.resolve(given, self._desk.today)

    def _around(self, level: Level, point: tuple[float, float]) -> str | None:
        return self._facts.places.find(self._facts.city, level, *point, self._desk.today)

    def _lead(self, body: OpenBody, category: Category, place: PlaceBody, unit: str | None) -> str:
        """Who leads: who is told, the category's unit, that around the place, the province."""
        if body.unit is not None:
            return self._unit(body.unit)
        found = category.unit
        if category.level is not None:
            around = place.point and self._around(category.level, place.point)
            found = around or unit
        if found is not None and found in self._desk.organisation:
            return found
        assert self._facts.identity.province is not None
        return self._facts.identity.province


def _origin(body: OpenBody) -> Origin:
    if body.alerts:
        return "alert"
    return "ticket" if body.tickets else "call"
