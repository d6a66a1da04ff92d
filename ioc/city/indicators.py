"""Indicators of a city: each version of each definition, checked against all that it names."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ioc.city.feeds import Feeds
from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import CityIndicator
from ioc.errors import Invalid
from ioc.kpi.checking import faults
from ioc.kpi.indicator import Definitions, Indicator, decode_indicator, overlapping
from ioc.kpi.origin import LatestSource
from ioc.kpi.reported import ReportedMeasure


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
    definitions = Definitions(one.indicator for one in good)
    reported = {measure.id: measure for measure in measures}
    for one in good:
        at = places[one.id, one.version]
        _check_terms(one.indicator, at, feeds)
        for fault in faults(one.indicator, definitions, reported, units):
            place = at
            for part in fault.key:
                place /= part
            place.report(fault.message, fault.hint)
    _check_versions(definitions, places)
    return Indicators(good, ids)


def _check_terms(indicator: Indicator, at: Spot, feeds: Feeds) -> None:
    """Report latest values of properties that no feed observes."""
    source = indicator.source
    if not isinstance(source, LatestSource):
        return
    known = feeds.properties(indicator.domain)
    for key, term in (("numerator", source.numerator), ("denominator", source.denominator)):
        if term is not None and term.property not in known:
            place = at / key / "property"
            place.unknown(f"property of {indicator.domain}", term.property, known)


def _check_versions(definitions: Definitions, places: Mapping[tuple[str, int], Spot]) -> None:
    """Report versions of one indicator that are valid on the same day."""
    for id in definitions:
        for one, other in overlapping(definitions.versions(id)):
            (places[other.id, other.version] / "from").report(
                f"version {other.version} is valid while version {one.version} is "
                f"({places[one.id, one.version]})",
                f"end that one: until = {other.valid_from or '…'}",
            )


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
