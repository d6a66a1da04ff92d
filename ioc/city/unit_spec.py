"""What `units.toml` may say of units, their versions and the events between them."""

from datetime import date
from typing import Annotated

import msgspec

from ioc.city.spec import Named, Point, Slug, Spec
from ioc.org import Basis, Contact, EventKind, Level

Phone = Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 .()-]{2,24}$")]


class ContactSpec(Spec, frozen=True):
    """Who answers for a unit, as publicly announced; a made-up one says `sample = true`."""

    post: Named | None = None
    name: Named | None = None
    phone: Phone | None = None
    sample: bool = False

    def contact(self) -> Contact:
        """What it says."""
        return Contact(**msgspec.structs.asdict(self))


class VersionSpec(Spec, frozen=True, rename={"valid_from": "from", "valid_until": "until"}):
    """One version of a unit, as `[[unit.version]]` has it."""

    valid_from: date
    name: Named
    short_name: Named
    level: Level
    valid_until: date | None = None
    parent: Slug | None = None
    codes: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    contact: ContactSpec | None = None
    area_km2: Annotated[float, msgspec.Meta(gt=0)] | None = None
    point: Point | None = None


class UnitSpec(Spec, frozen=True):
    """A unit with its versions."""

    id: Slug
    version: Annotated[list[VersionSpec], msgspec.Meta(min_length=1)]


class PassageSpec(Spec, frozen=True, rename={"source": "from", "target": "to"}):
    """What went from one unit to another in an event."""

    source: Slug
    target: Slug
    weight: Annotated[float, msgspec.Meta(gt=0, le=1)]
    basis: Basis


class EventSpec(Spec, frozen=True, rename={"passages": "map"}):
    """A change of units, as `[[event]]` has it; `units` are those that pass nothing on."""

    id: Slug
    kind: EventKind
    effective: date
    legal_reference: Named
    units: list[Slug] = msgspec.field(default_factory=list[Slug])
    passages: list[PassageSpec] = msgspec.field(default_factory=list[PassageSpec])
