"""Features that payloads place or move: checked, gathered, and written every few seconds."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from geo.bbox import Bbox
from geo.geojson import envelope, from_wkb, to_wkb
from ingest.decoders.documents import as_list
from ingest.payload import Place
from ingest.rows import EARLIEST, as_number, key_fault
from ioc.errors import Invalid, Unavailable
from ioc.flow.faults import FUTURE_US, Fault, ahead
from ioc.model import Feature, Feed, Problem, Reason, Receipt, to_micros
from ioc.store.flush import Part
from ioc.store.places import PlaceRow
from ioc.store.pool import WritePool
from ioc.store.registry import Registry

log = logging.getLogger(__name__)

MOVED_METRES: Final = 10.0
"""A feature that is nearer than this to where it was has not moved: receivers are no better."""

PAUSE_SECONDS: Final = 5.0
"""Time between two writings of a feed's places."""

STILL_SECONDS: Final = 60.0
"""The same while nothing of the feed moves: then it is only said until when things stood there."""

MANY: Final = 5_000
"""Places of a feed that do not wait for so long even if nothing moves."""

MOST_BYTES: Final = 256 * 1024
"""Of a geometry, about 16,000 positions."""

MOST_WAITING: Final = 50_000
"""Places that wait to be written."""

_METRES_PER_DEGREE: Final = 111_195.0


def holding(places: Iterable[Place], part: Part, receipt: Receipt, first: int) -> list[Place]:
    """The places of a payload whose item is stored, now or before, and those without an item.

    `first` is the place of the payload's first item within the whole body; that of each is counted
    from there on in what is returned.
    """
    taken: set[int] = set()
    if receipt.stored + receipt.duplicate + receipt.corrected:
        taken = {*part.index.tolist(), *(index for *_, index in part.text)}
    found: list[Place] = []
    for place in places:
        index = place.index if place.index < 0 else place.index + first
        if not place.rows or not taken.isdisjoint(range(index, index + place.rows)):
            found.append(msgspec.structs.replace(place, index=index))
    return found


class Placing:
    """Keeps the newest place of each feature until it is written, and never one write a payload.

    The database keeps the time of each place and refuses what is older, so that the order in which
    places come, and by which process, does not matter. A place that is lost with the process is
    sent again with the feature's next observation.
    """

    def __init__(
        self,
        registry: Registry,
        writes: WritePool,
        bounds: tuple[float, float, float, float],
        zone: str,
        placed: Callable[[], None] = lambda: None,
    ) -> None:
        """Place features of `registry`; `bounds` of the province tell swapped coordinates.

        `zone` is the province's. `placed` is called after each writing by which something is new
        or has moved, so that the map follows.
        """
        self._registry = registry
        self._writes = writes
        self._bounds = Bbox(*bounds)
        self._zone = ZoneInfo(zone)
        self._placed = placed
        self._waiting: dict[int, dict[str, PlaceRow]] = {}
        self._moving: set[int] = set()
        self._made: dict[int, int] = {}
        self._written_at: dict[int, float] = {}
        self.lost = 0
        """Places that were not taken, or that the database refused, since the start."""

    def note(self, feed: Feed, places: Sequence[Place], now: datetime) -> list[Problem]:
        """Take the places that hold of a payload; returns why some of them are not taken."""
        problems: list[Problem] = []
        now_us = to_micros(now)
        for place in places:
            fault = self._fault(feed, place, now_us)
            if fault is None:
                try:
                    self._keep(feed, place)
                except Invalid as error:
                    fault = Reason.PLACE_INVALID, str(error)
            if fault is not None:
                problems.append(Problem(place.index, *fault))
        self.lost += len(problems)
        return problems

    def _fault(self, feed: Feed, place: Place, now_us: int) -> Fault | None:
        """Why a place is not taken, whatever its geometry is."""
        if place.time > now_us + FUTURE_US:
            return Reason.TIME_FUTURE, ahead(feed, place.time, now_us, self._zone)
        if place.time < EARLIEST:
            return Reason.PLACE_INVALID, (
                "the place is of a time before 1970; check the clock of the sender"
            )
        if place.feature in self._waiting.get(feed.key, {}):
            return None
        if f"{feed.id}/{place.feature}" not in self._registry.features:
            if (wrong := key_fault(place.feature)) is not None:
                return Reason.PLACE_INVALID, f"of the feature's id: {wrong}"
            if not feed.auto_series:
                return Reason.FEATURE_UNKNOWN, (
                    f"feed {feed.id} has no feature {place.feature}; describe it (PUT "
                    f"/api/v1/feeds/{feed.id}/features), or make the feed with --auto-series"
                )
            if self._made.get(feed.key, 0) >= feed.most_series:
                return Reason.FEATURE_UNKNOWN, (
                    f"feed {feed.id} has made {feed.most_series} features, all that it may make by "
                    "itself; look for numbers or times in their ids, or raise its limit: "
                    f"ioc feed set {feed.id} --max-series {2 * feed.most_series}"
                )
        if sum(map(len, self._waiting.values())) >= MOST_WAITING:
            return Reason.PLACE_DROPPED, (
                f"{MOST_WAITING} places wait to be written already; send the place again in a "
                "minute, and each only when it has changed"
            )
        return None

    def _keep(self, feed: Feed, place: Place) -> None:
        """Let a place wait, unless what waits of its feature is newer; raises `Invalid`."""
        known = self._registry.features.get(f"{feed.id}/{place.feature}")
        waiting = self._waiting.setdefault(feed.key, {})
        before = waiting.get(place.feature)
        position = _first_position(place.geometry)
        if position is not None:
            _check_position(*position, self._bounds)
        if before is not None and place.time < before.time:
            return
        stood = None if known is None or _more(known, place) else known.geometry
        if stood is not None and _near(stood, place.geometry, position):
            geometry, wkb = stood, to_wkb(stood)
        else:
            wkb = to_wkb(place.geometry)
            geometry = from_wkb(wkb)
        if len(wkb) > MOST_BYTES:
            raise Invalid(f"the geometry has {len(wkb)} bytes of at most {MOST_BYTES}; simplify it")
        if (box := envelope(geometry)) is None:
            raise Invalid("the geometry has no position; send its coordinates or leave it out")
        if known is None and before is None:
            self._made[feed.key] = self._made.get(feed.key, 0) + 1
        if geometry != stood:
            self._moving.add(feed.key)
        waiting[place.feature] = _row(feed, place, wkb, box)

    async def write(self, now: float) -> None:
        """Write what waits of the feeds whose pause is over; `now` is in seconds, monotonic.

        While the database is away the places wait.
        """
        due = [
            key
            for key, waiting in self._waiting.items()
            if waiting and now - self._written_at.get(key, -math.inf) >= self._pause(key)
        ]
        if not due:
            return
        self._written_at |= dict.fromkeys(due, now)
        rows = [row for key in due for row in self._waiting[key].values()]
        changed = False
        try:
            changed = await self._registry.place(self._writes, rows)
        except Unavailable as error:
            log.warning("the places of features wait: %s", error)
            return
        except Exception:
            # A place that the database does not take must cost itself, never the flow.
            log.exception("places of features could not be written and are dropped")
            self.lost += len(rows)
        for key in due:
            self._waiting[key].clear()
            self._moving.discard(key)
        if changed:
            self._placed()

    def _pause(self, feed: int) -> float:
        """Seconds between two writings of a feed."""
        hurried = feed in self._moving or len(self._waiting[feed]) >= MANY
        return PAUSE_SECONDS if hurried else STILL_SECONDS


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


def _near(
    before: dict[str, Any], now: dict[str, Any], position: tuple[float, float] | None
) -> bool:
    """Whether a point, now at `position`, is where it was, as well as receivers can tell."""
    if position is None or before["type"] != "Point" or now.get("type") != "Point":
        return False
    west, south = before["coordinates"][:2]
    across = (position[0] - west) * math.cos(math.radians(south)) * _METRES_PER_DEGREE
    return math.hypot(across, (position[1] - south) * _METRES_PER_DEGREE) <= MOVED_METRES


def _row(feed: Feed, place: Place, wkb: bytes, box: Bbox) -> PlaceRow:
    """What is written of a place; the database holds no NUL."""
    name = place.name.replace("\x00", "")
    attributes = {k: v for k, v in place.attributes.items() if "\x00" not in f"{k}{v}"}
    return PlaceRow(
        feed.key, place.feature, name, feed.domain.value, wkb, box, attributes, place.time
    )


def _more(known: Feature | None, place: Place) -> bool:
    """Whether a payload names a feature that has no name, or has other attributes for it."""
    if known is None:
        return True
    unnamed = known.id.endswith(f"/{known.name}") and place.name not in ("", known.name)
    return unnamed or any(
        known.attributes.get(name) != value for name, value in place.attributes.items()
    )
