"""What is wrong with a definition beside the others: names that stand for nothing, sums that miss.

Pure; the reader of a city and the API say it in their own ways.
"""

import difflib
from collections.abc import Collection, Iterator, Mapping
from datetime import date

import msgspec

from ioc.errors import Invalid
from ioc.kpi.definition import OF_PARTS
from ioc.kpi.formula import uom_of
from ioc.kpi.indicator import Definitions, Indicator
from ioc.kpi.measure import BUILT_IN
from ioc.kpi.origin import MeasureSource, PartsSource
from ioc.kpi.reported import ReportedMeasure

MAXIMUM_TOLERANCE = 1e-9


class Fault(msgspec.Struct, frozen=True):
    """What is wrong at a key of a definition, and the cure."""

    key: tuple[str | int, ...]
    message: str
    hint: str


def faults(
    indicator: Indicator,
    definitions: Definitions,
    measures: Mapping[str, ReportedMeasure],
    units: Collection[str],
) -> Iterator[Fault]:
    """All that is wrong; `definitions` holds the indicator too, `measures` are handed in."""
    for key in ("imported", "printed"):
        name = getattr(indicator, key)
        if name is not None and name not in measures:
            yield _unknown((key,), "reported measure", name, measures)
    if indicator.unit is not None and indicator.unit not in units:
        yield _unknown(("unit",), "unit", indicator.unit, units)
    if isinstance(indicator.source, MeasureSource):
        yield from _faults_of_formulas(indicator.source, measures)
    if isinstance(indicator.source, PartsSource):
        yield from _faults_of_parts(indicator, indicator.source, definitions)


def _faults_of_formulas(
    source: MeasureSource, measures: Mapping[str, ReportedMeasure]
) -> Iterator[Fault]:
    uoms = {measure.id: measure.uom for measure in BUILT_IN.values()}
    uoms |= {measure.id: measure.uom for measure in measures.values()}
    for key, formula in (("numerator", source.numerator), ("denominator", source.denominator)):
        if formula is None:
            continue
        unknown = [name for name in formula.names if name not in uoms]
        for name in unknown:
            yield _unknown((key,), "measure", name, uoms)
        if unknown:
            continue
        try:
            uom_of(formula, uoms)
        except Invalid as fault:
            message, _, hint = fault.message.partition("; ")
            yield Fault((key,), message, hint)


def _faults_of_parts(
    indicator: Indicator, source: PartsSource, definitions: Definitions
) -> Iterator[Fault]:
    day = indicator.valid_from or date.max
    most, sound = 0.0, True
    for index, part in enumerate(source.parts):
        at = ("parts", index)
        found = definitions.on(part, day)
        if part not in definitions:
            yield _unknown(at, "indicator", part, list(definitions))
        elif found is None or found.kind not in OF_PARTS:
            what = "no version then" if found is None else f"kind {found.kind}"
            yield Fault(at, f"{part} has {what}", "a part is a score or a composite")
        elif is_within(definitions, part, indicator.id, day):
            yield Fault(at, f"{part} is a sum with {indicator.id} in it", "take it away")
        else:
            most += found.maximum or 0.0
            continue
        sound = False
    if sound and abs(most - (indicator.maximum or 0.0)) > MAXIMUM_TOLERANCE:
        hint = "make the maximum the sum of those of the parts"
        yield Fault(("parts",), f"have {most:g} points, not {indicator.maximum:g}", hint)


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


def _unknown(key: tuple[str | int, ...], what: str, name: str, known: Collection[str]) -> Fault:
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"declare the {what} first"
    return Fault(key, f"no {what} is called {name!r}", hint)
