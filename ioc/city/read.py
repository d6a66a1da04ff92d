"""Reads a city's folder into one checked whole, or raises every error in it at once."""

from pathlib import Path
from typing import Any, cast

from geo.bbox import Bbox, checked_bbox
from geo.geojson import geometry_faults
from ioc import feed_defaults
from ioc.city.actions import read_actions
from ioc.city.calendar import read_days
from ioc.city.decode import decode_table
from ioc.city.feeds import check_time_zone, read_feeds
from ioc.city.figures import (
    check_boards,
    check_layers,
)
from ioc.city.finding import CityError, Finding, Spot
from ioc.city.folder import Folder
from ioc.city.forms import read_forms
from ioc.city.incidents import read_incident_plan
from ioc.city.indicators import read_indicators
from ioc.city.measures import read_measures
from ioc.city.notify import read_notify, read_roster
from ioc.city.periods import read_cycles
from ioc.city.procedures import read_procedures
from ioc.city.properties import read_properties
from ioc.city.reporting import read_obligations
from ioc.city.rules import Known, read_inhibitions, read_rules
from ioc.city.sources import read_sources
from ioc.city.spec import (
    BoardSpec,
    City,
    CityOutline,
    LayerSpec,
    Province,
    UserSpec,
)
from ioc.city.store import read_store
from ioc.city.targets import read_targets
from ioc.city.tickets import read_plan
from ioc.city.timing import read_timing
from ioc.city.units import Units, read_units
from ioc.errors import Invalid
from ioc.org import Level

AREAS = ("Polygon", "MultiPolygon")

FALLBACK_ZONE = feed_defaults.TIME_ZONE


def packaged_city() -> Path:
    """The folder of the demo province: within an installed wheel, else in the source tree."""
    package = Path(__file__).parents[1]
    packaged = package / "_city"
    return packaged if packaged.is_dir() else package.parent / "city"


def read_city(path: Path) -> City:
    """The city that a folder describes; `CityError` carries every error of every file."""
    folder = Folder(path)
    if not path.is_dir():
        missing = Finding(file=str(path), line=None, path="", message="there is no such folder")
        raise CityError([missing])
    folder.check_names()
    province, at = _read_province(folder)
    bounds = _bounds(province, at)
    units = read_units(folder, bounds)
    _check_province(province, at, units)
    layers = folder.tables(["layers.toml"], "layer", LayerSpec)
    zone = FALLBACK_ZONE if province is None else province.time_zone
    feeds = read_feeds(folder, units, layers.ids, bounds, zone)
    store = read_store(folder, feeds)
    properties = read_properties(folder, feeds)
    cycles = read_cycles(folder)
    measures = read_measures(folder, cycles, units.ids)
    obligations = read_obligations(folder, measures, cycles, units.organisation)
    articles = folder.files("history/articles", "measures.toml")
    stated = read_measures(folder, cycles, units.ids, files=articles) if articles else []
    indicators = read_indicators(folder, feeds, [*measures, *stated], units.ids)
    check_layers(layers, feeds, indicators.ids)
    obliged = {obligation.id for obligation in obligations}
    rules = read_rules(folder, Known(feeds, set(layers.ids), units.ids, indicators.ids, obliged))
    inhibitions = read_inhibitions(folder, [rule.rule.id for rule in rules])
    targets = read_targets(folder, indicators, units)
    actions = read_actions(folder, indicators.ids, units)
    boards = folder.tables(["boards.toml"], "board", BoardSpec)
    check_boards(boards, indicators.ids)
    users = folder.tables(["users.toml"], "user", UserSpec, name="name")
    for placed in users:
        _check_user(placed.spec, placed.at, units)
    outlines = _read_outlines(folder, units)
    sources = read_sources(folder, feeds)
    tickets = read_plan(folder, units.organisation)
    incidents = read_incident_plan(folder, units.organisation)
    roster = read_roster(folder, units.ids)
    notify = read_notify(folder, units.ids, [person.id for person in roster.persons])
    timing = read_timing(folder)
    days = read_days(folder)
    procedures = read_procedures(folder, units.ids)
    forms = read_forms(folder, cycles)
    if folder.findings or province is None:
        # units.toml is read for units and for events: what is wrong with it as a whole comes twice.
        findings = dict.fromkeys(folder.findings)
        raise CityError(sorted(findings, key=lambda f: (f.file, f.line or 0)))
    return City(
        province=province,
        store=store,
        organisation=units.organisation,
        units=units.versions,
        events=units.events,
        outlines=outlines,
        feeds=feeds.good,
        layers=layers.specs(),
        rules=rules,
        inhibitions=inhibitions,
        indicators=indicators.good,
        targets=targets,
        boards=boards.specs(),
        users=users.specs(),
        sources=sources,
        properties=properties,
        cycles=cycles,
        measures=measures,
        obligations=obligations,
        tickets=tickets,
        incidents=incidents,
        notify=notify,
        roster=roster,
        timing=timing,
        days=days,
        procedures=procedures,
        forms=forms,
        actions=actions,
    )


def _read_province(folder: Folder) -> tuple[Province | None, Spot]:
    before = len(folder.findings)
    content, file = folder.toml("city.toml")
    if not content and len(folder.findings) > before:
        return None, file
    folder.only(content, file, ["province", "store"])
    at = file / "province"
    if "province" not in content:
        file.report("the table [province] is missing")
        return None, at
    return decode_table(Province, content["province"], at), at


def _bounds(province: Province | None, at: Spot) -> Bbox | None:
    if province is None:
        return None
    try:
        return checked_bbox(province.bounds)
    except Invalid as fault:
        (at / "bounds").report(fault.message)
        return None


def _check_province(province: Province | None, at: Spot, units: Units) -> None:
    if province is None:
        return
    check_time_zone(province.time_zone, at / "time_zone")
    if province.unit not in units.ids:
        (at / "unit").unknown("unit", province.unit, units.ids)
        return
    versions = [v for v in units.versions if v.unit == province.unit]
    if versions and not any(v.level == Level.PROVINCE for v in versions):
        (at / "unit").report(f"unit {province.unit} is a {versions[-1].level}, not a province")


def _check_user(user: UserSpec, at: Spot, units: Units) -> None:
    for index, unit in enumerate(user.units):
        if unit not in units.ids:
            (at / "units" / index).unknown("unit", unit, units.ids)
    if not user.units and user.role == "agency":
        at.report("an account of role agency needs units")


def _read_outlines(folder: Folder, units: Units) -> list[CityOutline]:
    content, file = folder.json("outlines.geojson", needed=False)
    if content is None:
        return []
    features: Any = (
        cast("dict[str, Any]", content).get("features") if isinstance(content, dict) else None
    )
    if not isinstance(features, list):
        file.report("is not a FeatureCollection", "see RFC 7946, section 3.3")
        return []
    found: dict[str, CityOutline] = {}
    for index, raw in enumerate(cast("list[Any]", features)):
        at = file / "features" / index
        outline = _outline(raw, at, units)
        if outline is None:
            continue
        if outline.unit in found:
            (at / "properties" / "unit").report(f"{outline.unit} has an outline already")
        found[outline.unit] = outline
    return list(found.values())


def _outline(raw: Any, at: Spot, units: Units) -> CityOutline | None:
    feature = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    properties: Any = feature.get("properties")
    geometry: Any = feature.get("geometry")
    if not isinstance(properties, dict) or not isinstance(geometry, dict):
        at.report("is not a feature with properties and a geometry")
        return None
    named = cast("dict[str, Any]", properties)
    unit, source = named.get("unit"), named.get("source")
    if not isinstance(unit, str) or not isinstance(source, str):
        (at / "properties").report("an outline says its unit and its source")
        return None
    if unit not in units.ids:
        (at / "properties" / "unit").unknown("unit", unit, units.ids)
        return None
    shape = cast("dict[str, Any]", geometry)
    if shape.get("type") not in AREAS:
        (at / "geometry").report(f"an outline is a {' or '.join(AREAS)}")
        return None
    faults = geometry_faults(shape)
    for fault in faults:
        (at / "geometry").report(fault.message)
    return None if faults else CityOutline(unit, shape, source)
