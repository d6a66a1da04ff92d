"""Units, their versions and events from a city's files, checked against each other."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import msgspec

from geo.bbox import Bbox
from ioc.city.folder import Folder, Placed
from ioc.city.unit_events import read_events
from ioc.city.unit_rows import COLUMNS, OPTIONAL, version_of, version_of_row
from ioc.city.unit_spec import UnitSpec
from ioc.errors import IocError
from ioc.org import Organisation, UnitEvent, UnitVersion, overlapping

TABLES = ("communes.csv", "districts.csv")

KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
CODE = re.compile(r"[^\s:]{1,64}")
"""A code is written as `kind:code` where its kind is said, so that it holds no colon."""


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
            placed.append(Placed(version_of(unit.spec.id, version), at))
    for file in TABLES:
        for row, at in folder.rows(file, COLUMNS, OPTIONAL):
            ids.add(row["id"])
            version = version_of_row(row, at)
            if version is not None:
                placed.append(Placed(version, at))
    good = _without_overlaps(_in_order(placed))
    organisation = Organisation([p.spec for p in good])
    for p in good:
        _check_parent(p, organisation, ids)
        _check_point(p, bounds)
    _check_codes(good)
    events = read_events(folder, organisation, ids)
    versions = [p.spec for p in good]
    return Units(Organisation(versions, events), versions, events, ids)


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
    gap = first_gap(organisation, version.parent, version.valid_from, version.valid_until)
    if gap is not None:
        at.report(f"the parent {version.parent} does not exist on {gap}", "end one with the other")
        return
    try:
        organisation.ancestors(version.unit, version.valid_from)
    except IocError as fault:
        at.report(fault.message)


def first_gap(org: Organisation, unit: str, start: date, end: date | None) -> date | None:
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
            if KIND.fullmatch(kind) is None:
                (p.at / "codes").report(
                    f"{kind!r} is no kind of code",
                    "write such as gso, eid or one_stop: a-z, 0-9, _",
                )
            if CODE.fullmatch(code) is None:
                (p.at / "codes").report(f"{code!r} is no code: it holds no spaces and no colon")
            for other in by_code[kind, code]:
                if other.spec.unit != p.spec.unit and other.spec.overlaps(p.spec):
                    (p.at / "codes").report(
                        f"the {kind} code {code} belongs to {other.spec.unit} "
                        f"at the same time ({other.at})"
                    )
            by_code[kind, code].append(p)
