"""Feeds of a city with their features and series, expanded and checked."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

from geo.bbox import Bbox
from geo.geojson import envelope, geometry_faults
from ingest.charset import readable
from ingest.decode import FORMATS
from ioc.city.decode import decode_table
from ioc.city.finding import Spot
from ioc.city.folder import Folder, Placed, Tables
from ioc.city.spec import (
    CityFeature,
    CityFeed,
    CitySeries,
    FeedId,
    FeedSpec,
    Named,
    SeriesSpec,
    Slug,
    Spec,
)
from ioc.city.units import Units
from ioc.model import Domain, ValueKind

NO_LIMIT = "none"

ATTRIBUTE = str | int | float | bool | None


class _FeatureSpec(Spec, frozen=True):
    """A GeoJSON feature of a feed; other properties than these two are its attributes."""

    type: str
    id: FeedId
    properties: dict[str, ATTRIBUTE]
    geometry: dict[str, Any] | None


class _Properties(Spec, frozen=True):
    """What every feature says about itself."""

    name: Named
    unit: Slug | None = None


class Feeds(msgspec.Struct, frozen=True):
    """All feeds: those without errors, and the ids of all."""

    good: list[CityFeed]
    ids: set[str]

    def properties(self, domain: Domain) -> set[str]:
        """The observed properties of a domain."""
        return {s.property for feed in self.good if feed.domain == domain for s in feed.series}

    def watched(self, domain: Domain, prop: str) -> list[CityFeature]:
        """The features of a domain of which a property is observed."""
        return [
            feature
            for feed in self.good
            if feed.domain == domain
            for names in [{s.feature for s in feed.series if s.property == prop}]
            for feature in feed.features
            if feature.id in names
        ]


def read_feeds(
    folder: Folder, units: Units, layers: Iterable[str], bounds: Bbox | None, time_zone: str
) -> Feeds:
    """Feeds of `feeds.toml`."""
    found: Tables[FeedSpec] = folder.tables(["feeds.toml"], "feed", FeedSpec)
    known = set(layers)
    good = [_feed(folder, placed, units, known, bounds, time_zone) for placed in found]
    return Feeds(good, set(found.ids))


def _feed(
    folder: Folder,
    placed: Placed[FeedSpec],
    units: Units,
    layers: set[str],
    bounds: Bbox | None,
    time_zone: str,
) -> CityFeed:
    spec, at = placed.spec, placed.at
    if spec.agency not in units.ids:
        (at / "agency").unknown("unit", spec.agency, units.ids)
    if spec.layer is not None and spec.layer not in layers:
        (at / "layer").unknown("layer", spec.layer, layers)
    if spec.format not in FORMATS:
        (at / "format").unknown("format", spec.format, FORMATS)
    if not readable(spec.charset):
        (at / "charset").report(
            f"{spec.charset!r} is not a character set", "write such as utf-8 or windows-1258"
        )
    if spec.time_zone is not None:
        check_time_zone(spec.time_zone, at / "time_zone")
    for key in ("interval", "freshness", "quarantine_age"):
        _check_positive(getattr(spec, key), at / key)
    if spec.interval and spec.freshness and spec.freshness < spec.interval:
        (at / "freshness").report(
            "is shorter than the interval: every value would be stale before the next is due"
        )
    features = _features(folder, placed, units, bounds)
    return CityFeed(
        id=spec.id,
        agency=spec.agency,
        name=spec.name,
        domain=spec.domain,
        format=spec.format,
        auto_series=spec.auto_series,
        interval=_seconds(spec.interval),
        freshness=_seconds(spec.freshness),
        late_limit=_late_limit(spec.late_limit, at / "late_limit"),
        time_zone=spec.time_zone or time_zone,
        time_source=spec.time,
        simulated=spec.simulated,
        number_format=spec.number_format,
        charset=spec.charset.lower(),
        most_series=spec.most_series,
        quarantine_bytes=spec.quarantine_bytes,
        quarantine_age=spec.quarantine_age.total_seconds(),
        layer=spec.layer,
        features=features,
        series=_series(placed, features),
    )


def is_time_zone(name: str) -> bool:
    """Whether a name is in the database of time zones."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def check_time_zone(name: str, at: Spot) -> None:
    """Report a time zone that is not in the database of zones."""
    if not is_time_zone(name):
        at.report(f"{name!r} is not a time zone", "write such as Asia/Ho_Chi_Minh")


def _features(
    folder: Folder, placed: Placed[FeedSpec], units: Units, bounds: Bbox | None
) -> list[CityFeature]:
    spec, at = placed.spec, placed.at
    if spec.features is not None and spec.features_of is not None:
        (at / "features_of").report("features and features_of exclude each other")
        return []
    if (spec.features is None) != (not spec.series) and spec.features_of is None:
        missing = "features" if spec.features is None else "series"
        at.report(f"a feed with {_other(missing)} needs {missing} too")
    if (spec.features or spec.features_of) and spec.layer is None:
        at.report("features need a layer to be shown in", 'add layer = "…"')
    if spec.features_of is not None:
        return [
            CityFeature(
                id=version.unit,
                name=version.name,
                unit=version.unit,
                geometry=None
                if version.point is None
                else {"type": "Point", "coordinates": list(version.point)},
                attributes={},
            )
            for version in units.versions
            if version.level == spec.features_of and version.valid_until is None
        ]
    if spec.features is None:
        return []
    if not (folder.root / spec.features).is_file():
        near = folder.files("features", "*.geojson")
        (at / "features").unknown("file", spec.features, near)
        return []
    content, file = folder.json(spec.features)
    return _collection(content, file, units, bounds)


def _other(key: str) -> str:
    return "series" if key == "features" else "features"


def _collection(content: Any, file: Spot, units: Units, bounds: Bbox | None) -> list[CityFeature]:
    if content is None:
        return []
    raw: Any = cast("dict[str, Any]", content).get("features") if _is_collection(content) else None
    if not isinstance(raw, list):
        file.report("is not a FeatureCollection", "see RFC 7946, section 3.3")
        return []
    found: dict[str, CityFeature] = {}
    for index, item in enumerate(cast("list[Any]", raw)):
        at = file / "features" / index
        spec = decode_table(_FeatureSpec, item, at)
        if spec is None:
            continue
        if spec.type != "Feature":
            (at / "type").report(f"is {spec.type!r} instead of 'Feature'")
            continue
        own = {k: spec.properties[k] for k in ("name", "unit") if k in spec.properties}
        properties = decode_table(_Properties, own, at / "properties")
        if properties is None or not _placed_well(spec.geometry, at / "geometry", bounds):
            continue
        if properties.unit is not None and properties.unit not in units.ids:
            (at / "properties" / "unit").unknown("unit", properties.unit, units.ids)
        if spec.id in found:
            (at / "id").report(f"the feature {spec.id!r} stands in this file twice")
        found[spec.id] = CityFeature(
            id=spec.id,
            name=properties.name,
            unit=properties.unit,
            geometry=spec.geometry,
            attributes={k: v for k, v in spec.properties.items() if k not in own},
        )
    return list(found.values())


def _is_collection(content: Any) -> bool:
    return (
        isinstance(content, dict)
        and cast("dict[str, Any]", content).get("type") == "FeatureCollection"
    )


def _placed_well(geometry: Mapping[str, Any] | None, at: Spot, bounds: Bbox | None) -> bool:
    if geometry is None:
        return True
    faults = geometry_faults(geometry)
    for fault in faults:
        place = at
        for key in fault.path:
            place /= key
        place.report(fault.message)
    if faults:
        return False
    box = envelope(geometry)
    if box is not None and bounds is not None and not bounds.intersects(box):
        at.report("lies outside the province's bounds", "longitude comes first")
    return True


def _series(placed: Placed[FeedSpec], features: list[CityFeature]) -> list[CitySeries]:
    by_key: dict[str, CitySeries] = {}
    ids = [feature.id for feature in features]
    for index, pattern in enumerate(placed.spec.series):
        at = placed.at / "series" / index
        _check_pattern(pattern, ids, at)
        for feature in ids if pattern.only is None else [i for i in ids if i in pattern.only]:
            key = f"{feature}/{pattern.property}"
            if key in by_key:
                at.report(f"the series {key!r} is described twice")
            by_key[key] = CitySeries(
                key=key,
                feature=feature,
                property=pattern.property,
                uom=pattern.uom,
                value_kind=pattern.value_kind,
                interval=_seconds(pattern.interval or placed.spec.interval),
                low=pattern.low,
                high=pattern.high,
            )
    return list(by_key.values())


def _check_pattern(pattern: SeriesSpec, ids: list[str], at: Spot) -> None:
    for name in pattern.only or ():
        if ids and name not in ids:
            (at / "only").unknown("feature", name, ids)
    if pattern.low is not None and pattern.high is not None and pattern.low >= pattern.high:
        (at / "low").report(f"low {pattern.low:g} is not below high {pattern.high:g}")
    if pattern.value_kind != ValueKind.NUMBER and (
        pattern.low is not None or pattern.high is not None
    ):
        at.report(f"a {pattern.value_kind} has no low and high")
    _check_positive(pattern.interval, at / "interval")


def _check_positive(duration: timedelta | None, at: Spot) -> None:
    if duration is not None and duration <= timedelta(0):
        at.report("a duration must be longer than nothing", 'write such as "PT5M"')


def _late_limit(text: str, at: Spot) -> float | None:
    if text == NO_LIMIT:
        return None
    try:
        limit = msgspec.convert(text, timedelta)
    except msgspec.ValidationError:
        at.report(f"{text!r} is not a duration", 'write such as "P7D", or "none" for no limit')
        return None
    _check_positive(limit, at)
    return limit.total_seconds()


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
