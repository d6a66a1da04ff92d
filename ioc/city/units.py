"""Units, their versions and events from a city's files, checked against each other."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import msgspec

from geo.bbox import Bbox
from ioc.city.decode import decode_table
from ioc.city.finding import Spot
from ioc.city.folder import Folder, Placed
from ioc.city.spec import EventSpec, UnitSpec, VersionSpec
from ioc.errors import IocError
from ioc.org import Organisation, Passage, UnitEvent, UnitVersion, overlapping, unbalanced

COLUMNS = (
    "id",
    "code",
    "name",
    "short_name",
    "level",
    "parent",
    "from",
    "until",
    "area_km2",
    "longitude",
    "latitude",
)
TABLES = ("communes.csv", "districts.csv")

DAY = timedelta(days=1)


class Units(msgspec.Struct, frozen=True):
    """All units: an organisation of those without errors, and the ids of all."""

    organisation: Organisation
    versions: list[UnitVersion]
    events: list[UnitEvent]
    ids: set[str]


def read_units(folder: Folder, bounds: Bbox | None) -> Units:
    """Units of `units.toml`, `communes.csv` and `districts.csv`, with the events between them."""
    described = folder.tables(["units.toml"], "unit", UnitSpec, others=["event"])
    ids = set(described.ids)
    placed: list[Placed[UnitVersion]] = []
    for unit in described:
        for index, version in enumerate(unit.spec.version):
            at = unit.at / "version" / index
            placed.append(Placed(_version(unit.spec.id, version), at))
    for file in TABLES:
        for row, at in folder.rows(file, COLUMNS):
            ids.add(row["id"])
            version = _from_row(row, at)
            if version is not None:
                placed.append(Placed(version, at))
    good = _without_overlaps(_in_order(placed))
    organisation = Organisation([p.spec for p in good])
    for p in good:
        _check_parent(p, organisation, ids)
        _check_point(p, bounds)
    _check_codes(good)
    events = _read_events(folder, organisation, ids)
    versions = [p.spec for p in good]
    return Units(Organisation(versions, events), versions, events, ids)


def _version(unit: str, spec: VersionSpec) -> UnitVersion:
    return UnitVersion(unit=unit, **msgspec.structs.asdict(spec))


def _from_row(row: dict[str, str], at: Spot) -> UnitVersion | None:
    raw: dict[str, Any] = {
        key: row[key]
        for key in ("name", "short_name", "level", "parent", "from", "until")
        if row[key]
    }
    if row["code"]:
        raw["codes"] = {"gso": row["code"]}
    numbers = {key: row[key] for key in ("area_km2", "longitude", "latitude") if row[key]}
    values: dict[str, float] = {}
    for key, text in numbers.items():
        try:
            values[key] = float(text)
        except ValueError:
            (at / key).report(f"{text!r} is not a number", "write 12.5, without separators")
            return None
    if "area_km2" in values:
        raw["area_km2"] = values["area_km2"]
    if "longitude" in values and "latitude" in values:
        raw["point"] = [values["longitude"], values["latitude"]]
    elif "longitude" in values or "latitude" in values:
        at.report("has only one of longitude and latitude")
    unit = decode_table(UnitSpec, {"id": row["id"], "version": [raw]}, _Row(at))
    return None if unit is None else _version(unit.id, unit.version[0])


class _Row(Spot):
    """A row of a CSV as the place of a unit: the version's keys are the row's columns."""

    def __init__(self, at: Spot) -> None:
        self._row = at

    def __truediv__(self, key: str | int) -> Spot:
        return self if key == "version" or isinstance(key, int) else self._row / key

    def report(self, message: str, hint: str = "") -> None:
        self._row.report(message, hint)


def _in_order(placed: Iterable[Placed[UnitVersion]]) -> list[Placed[UnitVersion]]:
    good: list[Placed[UnitVersion]] = []
    for p in placed:
        until = p.spec.valid_until
        if until is not None and until <= p.spec.valid_from:
            (p.at / "until").report(
                f"the version ends on {until} but begins on {p.spec.valid_from}",
                "`until` is the first day on which it does not hold",
            )
        else:
            good.append(p)
    return good


def _without_overlaps(placed: list[Placed[UnitVersion]]) -> list[Placed[UnitVersion]]:
    by_unit: dict[str, list[Placed[UnitVersion]]] = defaultdict(list)
    for p in placed:
        by_unit[p.spec.unit].append(p)
    bad: set[int] = set()
    for unit, own in by_unit.items():
        place = {id(p.spec): p.at for p in own}
        for earlier, later in overlapping(p.spec for p in own):
            place[id(later)].report(
                f"two versions of unit {unit} hold on {later.valid_from}: "
                f"this one and the one at {place[id(earlier)]}",
                f"end the earlier one with until = {later.valid_from}",
            )
            bad.add(id(later))
    return [p for p in placed if id(p.spec) not in bad]


def _check_parent(placed: Placed[UnitVersion], organisation: Organisation, ids: set[str]) -> None:
    version, at = placed.spec, placed.at / "parent"
    if version.parent is None:
        return
    if version.parent not in ids:
        at.unknown("unit", version.parent, ids)
        return
    if version.parent not in organisation:
        return
    gap = _first_gap(organisation, version.parent, version.valid_from, version.valid_until)
    if gap is not None:
        at.report(f"the parent {version.parent} does not exist on {gap}", "end one with the other")
        return
    try:
        organisation.ancestors(version.unit, version.valid_from)
    except IocError as fault:
        at.report(fault.message)


def _first_gap(org: Organisation, unit: str, start: date, end: date | None) -> date | None:
    """The first day of a span on which a unit does not exist."""
    day = start
    while end is None or day < end:
        version = org.find(unit, day)
        if version is None:
            return day
        if version.valid_until is None:
            return None
        day = version.valid_until
    return None


def _check_point(placed: Placed[UnitVersion], bounds: Bbox | None) -> None:
    point = placed.spec.point
    if point is not None and bounds is not None and not bounds.contains(*point):
        (placed.at / "point").report(
            f"[{point[0]}, {point[1]}] lies outside the province's bounds", "longitude comes first"
        )


def _check_codes(placed: list[Placed[UnitVersion]]) -> None:
    by_code: dict[tuple[str, str], list[Placed[UnitVersion]]] = defaultdict(list)
    for p in placed:
        for kind, code in p.spec.codes.items():
            for other in by_code[kind, code]:
                if other.spec.unit != p.spec.unit and other.spec.overlaps(p.spec):
                    (p.at / "codes").report(
                        f"the {kind} code {code} belongs to {other.spec.unit} "
                        f"at the same time ({other.at})"
                    )
            by_code[kind, code].append(p)


def _read_events(folder: Folder, organisation: Organisation, ids: set[str]) -> list[UnitEvent]:
    events: list[UnitEvent] = []
    for placed in folder.tables(["units.toml"], "event", EventSpec, others=["unit"]):
        spec = placed.spec
        pairs: set[tuple[str, str]] = set()
        for index, passage in enumerate(spec.passages):
            at = placed.at / "map" / index
            for key, unit in (("from", passage.source), ("to", passage.target)):
                if unit not in ids:
                    (at / key).unknown("unit", unit, ids)
            if (passage.source, passage.target) in pairs:
                at.report(f"{passage.source} to {passage.target} stands here twice")
            pairs.add((passage.source, passage.target))
            _check_dates(at, spec.effective, passage.source, passage.target, organisation)
        passages = tuple(Passage(p.source, p.target, p.weight, p.basis) for p in spec.passages)
        event = UnitEvent(
            id=spec.id,
            kind=spec.kind,
            effective=spec.effective,
            legal_reference=spec.legal_reference,
            passages=passages,
        )
        for unit, total in unbalanced(event).items():
            (placed.at / "map").report(
                f"the weights of {unit} add up to {total:g} instead of 1",
                'what no unit took over needs kind = "dissolve"',
            )
        events.append(event)
    return events


def _check_dates(at: Spot, effective: date, source: str, target: str, org: Organisation) -> None:
    if source in org and org.find(source, effective - DAY) is None:
        (at / "from").report(f"unit {source} does not exist on the day before {effective}")
    if target in org and org.find(target, effective) is None:
        (at / "to").report(f"unit {target} does not exist on {effective}")
