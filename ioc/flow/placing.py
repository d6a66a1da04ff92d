"""Features that payloads place or move: checked, gathered, and written every few seconds."""

import logging
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

from geo.bbox import Bbox
from geo.geojson import envelope, from_wkb, to_wkb
from ingest.decoders.documents import as_list
from ingest.payload import Place
from ingest.rows import as_number, key_fault
from ioc.errors import Invalid, Unavailable
from ioc.model import Feature, Feed, Problem, Reason
from ioc.store.places import PlaceRow
from ioc.store.pool import WritePool
from ioc.store.registry import Registry

log = logging.getLogger(__name__)

MOVED_METRES: Final = 10.0
"""A feature that is nearer than this to where it was has not moved: receivers are no better."""

PAUSE_SECONDS: Final = 5.0
"""Time between two writings of a feed's places."""

MOST_BYTES: Final = 256 * 1024
"""Of a geometry, about 16,000 positions."""

MOST_WAITING: Final = 50_000
"""Places that wait to be written."""

_METRES_PER_DEGREE: Final = 111_195.0


class Placing:
    """Keeps the newest place of each feature until it is written, and never one write a payload.

    A place that is lost with the process is sent again with the feature's next observation.
    """

    def __init__(
        self,
        registry: Registry,
        writes: WritePool,
        bounds: tuple[float, float, float, float],
        placed: Callable[[], None] = lambda: None,
    ) -> None:
        """Place features of `registry`; `bounds` of the province tell swapped coordinates.

        `placed` is called after each writing, so that the map follows.
        """
        self._registry = registry
        self._writes = writes
        self._bounds = Bbox(*bounds)
        self._placed = placed
        self._waiting: dict[int, dict[str, PlaceRow]] = {}
        self._made: dict[int, int] = {}
        self._written_at: dict[int, float] = {}

    def note(self, feed: Feed, places: Iterable[Place]) -> list[Problem]:
        """Take the places that a payload states; returns what is wrong with some of them."""
        problems: list[Problem] = []
        for place in places:
            try:
                self._note(feed, place)
            except Invalid as error:
                problems.append(Problem(place.index, Reason.PLACE_INVALID, str(error)))
        return problems

    def _note(self, feed: Feed, place: Place) -> None:
        known = self._registry.features.get(f"{feed.id}/{place.feature}")
        waiting = self._waiting.setdefault(feed.key, {})
        if known is None and not (feed.auto_series and self._room(feed, place.feature)):
            return
        position = _first_position(place.geometry)
        if position is not None:
            _check_position(*position, self._bounds)
        settled = known is not None and place.feature not in waiting and not _more(known, place)
        if settled and position is not None and place.geometry.get("type") == "Point":
            before = known.geometry if known is not None else None
            if before is not None and before["type"] == "Point" and _near(before, position):
                return
        wkb = to_wkb(place.geometry)
        if len(wkb) > MOST_BYTES:
            raise Invalid(f"the geometry has {len(wkb)} bytes of at most {MOST_BYTES}; simplify it")
        geometry = from_wkb(wkb)
        box = envelope(geometry)
        if box is None or (settled and known is not None and known.geometry == geometry):
            return
        if place.feature not in waiting:
            if sum(map(len, self._waiting.values())) >= MOST_WAITING:
                return
            if known is None:
                self._made[feed.key] = self._made.get(feed.key, 0) + 1
        name = place.name.replace("\x00", "")
        attributes = {k: v for k, v in place.attributes.items() if "\x00" not in f"{k}{v}"}
        waiting[place.feature] = PlaceRow(
            feed.key, place.feature, name, feed.domain.value, wkb, box, attributes
        )

    def _room(self, feed: Feed, feature: str) -> bool:
        """Whether a feed may make a further feature: by itself as many as series."""
        if key_fault(feature) is not None:
            return False
        return feature in self._waiting[feed.key] or (
            self._made.get(feed.key, 0) < feed.most_series
        )

    async def write(self, now: float) -> None:
        """Write what waits of the feeds whose pause is over; `now` is in seconds, monotonic.

        While the database is away the places wait.
        """
        due = [
            key
            for key, waiting in self._waiting.items()
            if waiting and now - self._written_at.get(key, -PAUSE_SECONDS) >= PAUSE_SECONDS
        ]
        if not due:
            return
        rows = [row for key in due for row in self._waiting[key].values()]
        for key in due:
            self._written_at[key] = now
        try:
            await self._registry.place(self._writes, rows)
        except Unavailable as error:
            log.warning("the places of features wait: %s", error)
            return
        except Exception:
            # A place that the database does not take must cost itself, never the flow.
            log.exception("places of features could not be written and are dropped")
        for row in rows:
            waiting = self._waiting[row.feed_key]
            if waiting.get(row.id) is row:
                del waiting[row.id]
        self._placed()


def _first_position(geometry: dict[str, Any]) -> tuple[float, float] | None:
    """Longitude and latitude of the first position; None where there is none to be found."""
    first = as_list(geometry.get("coordinates"))
    while first and (inner := as_list(first[0])) is not None:
        first = inner
    if first is None or len(first) < 2:
        return None
    longitude, latitude = as_number(first[0]), as_number(first[1])
    return None if longitude is None or latitude is None else (longitude, latitude)


def _check_position(longitude: float, latitude: float, bounds: Bbox) -> None:
    """Raise `Invalid` where a position cannot be meant as it stands."""
    if longitude == 0 and latitude == 0:
        raise Invalid("0, 0 is what receivers send that do not know where they are; leave it out")
    swapped = abs(latitude) > 90 and abs(longitude) <= 90
    if swapped or (
        bounds.contains(latitude, longitude) and not bounds.contains(longitude, latitude)
    ):
        raise Invalid(
            f"[{longitude}, {latitude}] looks like latitude and longitude swapped; longitude comes "
            f"first: [{latitude}, {longitude}]"
        )


def _near(before: dict[str, Any], now: tuple[float, float]) -> bool:
    """Whether a point is where it was, as well as receivers can tell."""
    west, south = before["coordinates"][:2]
    across = (now[0] - west) * math.cos(math.radians(south)) * _METRES_PER_DEGREE
    return math.hypot(across, (now[1] - south) * _METRES_PER_DEGREE) <= MOVED_METRES


def _more(known: Feature | None, place: Place) -> bool:
    """Whether a payload names a feature that has no name, or has other attributes for it."""
    if known is None:
        return True
    unnamed = known.id.endswith(f"/{known.name}") and place.name not in ("", known.name)
    return unnamed or any(
        known.attributes.get(name) != value for name, value in place.attributes.items()
    )
