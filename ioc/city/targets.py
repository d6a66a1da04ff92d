"""Targets of a city, one per unit, checked against its indicators, its units and one another."""

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Final

from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.indicators import Indicators
from ioc.city.spec import CityTarget, Direction, Named, Slug, Spec
from ioc.city.units import Units
from ioc.kpi.indicator import Indicator
from ioc.org import Level, UnitVersion

MOST_SHARE: Final = 100.0


class TargetSpec(Spec, frozen=True, rename={"valid_from": "from", "valid_until": "until"}):
    """A target of one unit, or of each unit of a level (below another one, if `within`).

    `document` is the decision that assigns it, of the day `decided_on`, by the unit `decided_by`.
    """

    indicator: Slug
    valid_from: date
    value: float
    direction: Direction
    document: Named
    unit: Slug | None = None
    each: Level | None = None
    within: Slug | None = None
    valid_until: date | None = None
    decided_on: date | None = None
    decided_by: Slug | None = None
    must_cascade_by: date | None = None
    sample: bool = False


def read_targets(folder: Folder, indicators: Indicators, units: Units) -> list[CityTarget]:
    """Targets of `targets.toml` and of `history/`."""
    newest = indicators.newest()
    files = ["targets.toml", *folder.files("history", "*.toml")]
    good: list[CityTarget] = []
    places: dict[tuple[str, str], list[tuple[CityTarget, Spot]]] = defaultdict(list)
    for placed in folder.tables(files, "target", TargetSpec, name=""):
        spec, at = placed.spec, placed.at
        if spec.indicator not in indicators.ids:
            (at / "indicator").unknown("indicator", spec.indicator, indicators.ids)
        _check_value(spec, at, newest.get(spec.indicator))
        if not _check_days(spec, at):
            continue
        for unit in _aimed_at(spec, at, units):
            target = CityTarget(
                indicator=spec.indicator,
                unit=unit,
                valid_from=spec.valid_from,
                valid_until=spec.valid_until,
                value=spec.value,
                direction=spec.direction,
                document=spec.document,
                sample=spec.sample,
                decided_on=spec.decided_on,
                decided_by=spec.decided_by,
                must_cascade_by=spec.must_cascade_by,
            )
            for other, place in places[spec.indicator, unit]:
                if _overlap(target, other):
                    at.report(
                        f"{unit} has a target for {spec.indicator} then already ({place})",
                        f"end that one: until = {max(target.valid_from, other.valid_from)}",
                    )
            places[spec.indicator, unit].append((target, at))
            good.append(target)
    return good


def _check_value(spec: TargetSpec, at: Spot, indicator: Indicator | None) -> None:
    if not math.isfinite(spec.value):
        (at / "value").report(f"{spec.value} is no target")
    if indicator is None:
        return
    if indicator.direction != spec.direction:
        (at / "direction").report(
            f"is {spec.direction!r}, but {spec.indicator} is good {indicator.direction}"
        )
    if indicator.kind == "share" and not 0 <= spec.value <= MOST_SHARE:
        (at / "value").report(
            f"{spec.indicator} is a share, and {spec.value:g} lies beyond it",
            "write percent, from 0 to 100",
        )


def _check_days(spec: TargetSpec, at: Spot) -> bool:
    if spec.valid_until is None:
        return True
    if spec.valid_until <= spec.valid_from:
        (at / "until").report(f"the target ends on {spec.valid_until}, before it begins")
        return False
    if spec.must_cascade_by is not None and spec.must_cascade_by >= spec.valid_until:
        (at / "must_cascade_by").report(
            f"is {spec.must_cascade_by}, when the target no longer holds"
        )
    return True


def _aimed_at(spec: TargetSpec, at: Spot, units: Units) -> list[str]:
    if (spec.unit is None) == (spec.each is None):
        at.report("needs exactly one of unit and each")
        return []
    named = {"unit": spec.unit, "within": spec.within, "decided_by": spec.decided_by}
    for key, name in named.items():
        if name is not None and name not in units.ids:
            (at / key).unknown("unit", name, units.ids)
            return []
    if spec.unit is not None:
        if spec.unit in units.organisation and not units.organisation.find(
            spec.unit, spec.valid_from
        ):
            (at / "unit").report(
                f"unit {spec.unit} does not exist on {spec.valid_from}",
                "a target does not follow a merge: assign a new one",
            )
        return [spec.unit]
    there: Iterable[UnitVersion] = (
        units.organisation.as_of(spec.valid_from).values()
        if spec.within is None
        else units.organisation.descendants(spec.within, spec.valid_from)
    )
    found = [version.unit for version in there if version.level == spec.each]
    if not found:
        (at / "each").report(f"no {spec.each} exists on {spec.valid_from}")
    return found


def _overlap(one: CityTarget, other: CityTarget) -> bool:
    return (one.valid_until is None or other.valid_from < one.valid_until) and (
        other.valid_until is None or one.valid_from < other.valid_until
    )
