"""Events between units from `units.toml`, checked against the versions of the units."""

from collections.abc import Sequence
from datetime import date, timedelta

from ioc.city.finding import Spot
from ioc.city.folder import Folder, Placed
from ioc.city.unit_spec import EventSpec
from ioc.org import Organisation, Passage, UnitEvent, UnitVersion, unbalanced

DAY = timedelta(days=1)

PASSING = ("merge", "split", "transfer")
"""Kinds of events in which something goes from one unit to another."""


def read_events(folder: Folder, organisation: Organisation, ids: set[str]) -> list[UnitEvent]:
    """The `[[event]]` tables; what units they name must be there on their day."""
    events: list[UnitEvent] = []
    for placed in folder.tables(["units.toml"], "event", EventSpec, others=["unit"]):
        spec = placed.spec
        _check_units(placed, organisation, ids)
        _check_map(placed, organisation, ids)
        passages = tuple(Passage(p.source, p.target, p.weight, p.basis) for p in spec.passages)
        event = UnitEvent(
            id=spec.id,
            kind=spec.kind,
            effective=spec.effective,
            legal_reference=spec.legal_reference,
            units=tuple(spec.units),
            passages=passages,
        )
        for unit, total in unbalanced(event).items():
            (placed.at / "map").report(
                f"the weights of {unit} add up to {total:g} instead of 1",
                'what no unit took over needs kind = "dissolve"',
            )
        events.append(event)
    return events


def _check_units(placed: Placed[EventSpec], organisation: Organisation, ids: set[str]) -> None:
    spec, at = placed.spec, placed.at
    if spec.kind in PASSING and not spec.passages:
        at.report(f"a {spec.kind} says what went where", "add [[event.map]] with from, to, weight")
    elif not spec.units and not spec.passages:
        at.report("the event names no unit", 'write units = ["…"]')
    for index, unit in enumerate(spec.units):
        place = at / "units" / index
        if unit not in ids:
            place.unknown("unit", unit, ids)
        elif unit in organisation and not _happened(spec, organisation.versions(unit)):
            place.report(
                f"no version of {unit} begins or ends on {spec.effective}",
                "the event and the version are of one day",
            )


def _happened(spec: EventSpec, versions: Sequence[UnitVersion]) -> bool:
    return any(spec.effective in (v.valid_from, v.valid_until) for v in versions)


def _check_map(placed: Placed[EventSpec], organisation: Organisation, ids: set[str]) -> None:
    pairs: set[tuple[str, str]] = set()
    for index, passage in enumerate(placed.spec.passages):
        at = placed.at / "map" / index
        for key, unit in (("from", passage.source), ("to", passage.target)):
            if unit not in ids:
                (at / key).unknown("unit", unit, ids)
        if (passage.source, passage.target) in pairs:
            at.report(f"{passage.source} to {passage.target} stands here twice")
        pairs.add((passage.source, passage.target))
        _check_dates(at, placed.spec.effective, passage.source, passage.target, organisation)


def _check_dates(at: Spot, effective: date, source: str, target: str, org: Organisation) -> None:
    if source in org and org.find(source, effective - DAY) is None:
        (at / "from").report(f"unit {source} does not exist on the day before {effective}")
    if target in org and org.find(target, effective) is None:
        (at / "to").report(f"unit {target} does not exist on {effective}")
