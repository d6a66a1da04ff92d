"""Indicators of a city: each version of each definition, checked against all that it names."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from ioc.city.feeds import Feeds
from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import CityIndicator
from ioc.errors import Invalid
from ioc.kpi.definition import OF_PARTS
from ioc.kpi.formula import Formula, uom_of
from ioc.kpi.indicator import Definitions, Indicator, decode_indicator, overlapping
from ioc.kpi.measure import BUILT_IN
from ioc.kpi.origin import LatestSource, MeasureSource, PartsSource
from ioc.kpi.reported import ReportedMeasure

MAXIMUM_TOLERANCE = 1e-9


class Indicators(msgspec.Struct, frozen=True):
    """All indicators: those without errors, and the ids of all."""

    good: list[CityIndicator]
    ids: set[str]

    def newest(self) -> dict[str, Indicator]:
        """The highest version of each."""
        ordered = sorted((c.indicator for c in self.good), key=lambda i: i.version)
        return {indicator.id: indicator for indicator in ordered}


def read_indicators(
    folder: Folder, feeds: Feeds, measures: Iterable[ReportedMeasure], units: set[str]
) -> Indicators:
    """Indicators of all files in `indicators/`, with what they name."""
    good: list[CityIndicator] = []
    places: dict[tuple[str, int], Spot] = {}
    ids: set[str] = set()
    for file in folder.files("indicators", "*.toml"):
        content, top = folder.toml(file)
        folder.only(content, top, ["indicator"])
        for document, at in folder.array(content, "indicator", top):
            name = name_of(document, at)
            if name is None:
                continue
            ids.add(name)
            try:
                indicator = decode_indicator(name, document)
            except Invalid as fault:
                report(fault, f"indicator {name}: ", document, at)
                continue
            if (name, indicator.version) in places:
                (at / "id").report(
                    f"version {indicator.version} of {name!r} stands at "
                    f"{places[name, indicator.version]} already",
                    "a changed definition gets the next version",
                )
            places[name, indicator.version] = at
            good.append(CityIndicator(indicator, msgspec.to_builtins(document)))
    named = _Named(feeds, measures, units)
    for one in good:
        named.check(one.indicator, places[one.id, one.version])
    _check_versions([one.indicator for one in good], places)
    _check_parts([one.indicator for one in good], ids, places)
    return Indicators(good, ids)


class _Named:
    """What indicators may name."""

    def __init__(self, feeds: Feeds, measures: Iterable[ReportedMeasure], units: set[str]) -> None:
        self._feeds = feeds
        self._reported = {measure.id: measure for measure in measures}
        self._units = units
        own = {measure.id: measure.uom for measure in BUILT_IN.values()}
        self._uoms = own | {measure.id: measure.uom for measure in self._reported.values()}

    def check(self, indicator: Indicator, at: Spot) -> None:
        source = indicator.source
        if isinstance(source, LatestSource):
            known = self._feeds.properties(indicator.domain)
            for key, term in (("numerator", source.numerator), ("denominator", source.denominator)):
                if term is not None and term.property not in known:
                    place = at / key / "property"
                    place.unknown(f"property of {indicator.domain}", term.property, known)
        if isinstance(source, MeasureSource):
            self._check_formula(source.numerator, at / "numerator")
            self._check_formula(source.denominator, at / "denominator")
        for key in ("imported", "printed"):
            name = getattr(indicator, key)
            if name is not None and name not in self._reported:
                (at / key).unknown("reported measure", name, self._reported)
        if indicator.unit is not None and indicator.unit not in self._units:
            (at / "unit").unknown("unit", indicator.unit, self._units)

    def _check_formula(self, formula: Formula | None, at: Spot) -> None:
        if formula is None:
            return
        unknown = [name for name in formula.names if name not in self._uoms]
        for name in unknown:
            at.unknown("measure", name, self._uoms)
        if unknown:
            return
        try:
            uom_of(formula, self._uoms)
        except Invalid as fault:
            message, _, hint = fault.message.partition("; ")
            at.report(message, hint)


def _check_versions(
    indicators: Iterable[Indicator], places: Mapping[tuple[str, int], Spot]
) -> None:
    """Report versions of one indicator that are valid on the same day."""
    versions: dict[str, list[Indicator]] = defaultdict(list)
    for indicator in indicators:
        versions[indicator.id].append(indicator)
    for own in versions.values():
        for one, other in overlapping(own):
            (places[other.id, other.version] / "from").report(
                f"version {other.version} is valid while version {one.version} is "
                f"({places[one.id, one.version]})",
                f"end that one: until = {other.valid_from or '…'}",
            )


def _check_parts(
    indicators: list[Indicator], ids: set[str], places: Mapping[tuple[str, int], Spot]
) -> None:
    """Report sums of points whose parts are no points, or do not add up to the maximum."""
    definitions = Definitions(indicators)
    for indicator in indicators:
        if not isinstance(indicator.source, PartsSource):
            continue
        at = places[indicator.id, indicator.version] / "parts"
        day = indicator.valid_from or date.max
        most = 0.0
        for index, part in enumerate(indicator.source.parts):
            found = definitions.on(part, day)
            if part not in ids:
                (at / index).unknown("indicator", part, ids)
            elif found is None or found.kind not in OF_PARTS:
                what = "no version then" if found is None else f"kind {found.kind}"
                (at / index).report(f"{part} has {what}", "a part is a score or a composite")
            elif is_within(definitions, part, indicator.id, day):
                (at / index).report(f"{part} is a sum with {indicator.id} in it", "take it away")
            else:
                most += found.maximum or 0.0
                continue
            break
        else:
            if abs(most - (indicator.maximum or 0.0)) > MAXIMUM_TOLERANCE:
                at.report(f"have {most:g} points together, not {indicator.maximum:g}")


def is_within(definitions: Definitions, outer: str, inner: str, day: date) -> bool:
    """Whether one indicator is somewhere in the sum that another one is."""
    waiting, seen = [outer], set[str]()
    while waiting:
        name = waiting.pop()
        if name == inner:
            return True
        found = definitions.on(name, day)
        if name in seen or found is None or not isinstance(found.source, PartsSource):
            continue
        seen.add(name)
        waiting += found.source.parts
    return False


def name_of(document: dict[str, Any], at: Spot) -> str | None:
    """The id of a table, None where it has none, which is reported."""
    name = document.get("id")
    if isinstance(name, str):
        return name
    at.report("the key 'id' is missing, or not a text")
    return None


def report(fault: Invalid, prefix: str, document: dict[str, Any], at: Spot) -> None:
    """Report what a decoder refused, at the key that it names."""
    key = str(fault.values.get("key", ""))
    message, _, hint = fault.message.removeprefix(prefix).partition("; ")
    (at / key if key in document else at).report(message, hint)
