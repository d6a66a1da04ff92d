"""States of dossiers against units, portals and each other's times.

They come by the thousand: they are looked at as columns, and only what is wrong one by one.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, tzinfo
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingest.dossier import Dossier, DossierState, Oddity, Step
from ingest.dossier_rules import (
    CLOCKS_APART,
    EARLIEST,
    LATEST,
    DossierRules,
    Fault,
    Units,
    aware,
    bad_year,
    closed_source,
    maybe_aware,
    no_unit,
    not_online,
    to_come,
    when,
)
from ioc.model import Reason
from ioc.procedures.timing import Timing, instants, local_days

_FIRST: Final = np.datetime64(f"{EARLIEST}-01-01", "us")
_AFTER: Final = np.datetime64(f"{LATEST + 1}-01-01", "us")


class _Times:
    """The times of states as they came: aware, and those of one name as a column."""

    def __init__(self, found: Sequence[Dossier], zone: tzinfo) -> None:
        self.received = [aware(d.received_at, zone) for d in found]
        self.resolved = [maybe_aware(d.resolved_at, zone) for d in found]
        self.changed = [maybe_aware(d.changed_at, zone) for d in found]
        self.paused = [maybe_aware(d.paused_since, zone) for d in found]
        self.office = [maybe_aware(d.office_since, zone) for d in found]

    def columns(self, due: Sequence[datetime | None]) -> dict[str, NDArray[np.datetime64]]:
        """By the names on the wire."""
        return {
            "received_at": instants(self.received),
            "due_at": instants(due),
            "resolved_at": instants(self.resolved),
            "changed_at": instants(self.changed),
            "paused_since": instants(self.paused),
            "office_since": instants(self.office),
        }


def check_states(
    found: Sequence[Dossier], rules: DossierRules
) -> tuple[list[DossierState | None], dict[int, Fault]]:
    """The states of what is right, None in the place of the others, and why they are not."""
    faults: dict[int, Fault] = {}
    due = _due_times(found, rules, faults)
    times = _Times(found, rules.zone)
    columns = times.columns(due)
    for row, fault in _time_faults(found, columns, rules):
        faults.setdefault(row, fault)
    for row, fault in _text_faults(found):
        faults.setdefault(row, fault)
    days = local_days(columns["received_at"], rules.province)
    for row, fault in _source_faults(found, days, rules.timing):
        faults.setdefault(row, fault)
    units = Units(rules.find_unit)
    states: list[DossierState | None] = []
    for row, (dossier, day) in enumerate(zip(found, days.tolist(), strict=True)):
        made = None
        if row not in faults:
            made = _state(dossier, row, day, due[row], times, units, rules)
            if not isinstance(made, DossierState):
                faults[row] = made
                made = None
        states.append(made)
    return states, faults


def _due_times(
    found: Sequence[Dossier], rules: DossierRules, faults: dict[int, Fault]
) -> list[datetime | None]:
    """The return dates; many dossiers have the same."""
    known: dict[str, datetime | Fault] = {}
    due: list[datetime | None] = []
    for row, dossier in enumerate(found):
        text = dossier.due_at
        if text is None:
            due.append(None)
            continue
        at = known.get(text)
        if at is None:
            at = known[text] = when(text, rules)
        if isinstance(at, datetime):
            due.append(at)
        else:
            faults[row] = at
            due.append(None)
    return due


def _time_faults(
    found: Sequence[Dossier], columns: dict[str, NDArray[np.datetime64]], rules: DossierRules
) -> Iterator[tuple[int, Fault]]:
    for name, column in columns.items():
        for row in np.flatnonzero((column < _FIRST) | (column >= _AFTER)).tolist():
            yield row, bad_year(name, column[row].astype("datetime64[Y]"))
    latest = instants([rules.now + CLOCKS_APART])[0]
    for name in ("received_at", "resolved_at", "changed_at", "paused_since", "office_since"):
        for row in np.flatnonzero(columns[name] > latest).tolist():
            yield row, to_come(name)
    received, resolved = columns["received_at"], columns["resolved_at"]
    for row in np.flatnonzero(resolved < received).tolist():
        yield (
            row,
            (
                Reason.TIME_INVALID,
                "`resolved_at` is before `received_at`; check which of the two is wrong",
            ),
        )
    for row in np.flatnonzero(columns["paused_since"] < received).tolist():
        yield row, (Reason.TIME_INVALID, "`paused_since` is before `received_at`; check both")
    for row in np.flatnonzero(np.isnat(resolved)).tolist():
        if found[row].outcome is not None:
            detail = "a dossier with an `outcome` needs `resolved_at`; send it, or no outcome"
            yield row, (Reason.TIME_MISSING, detail)


def _text_faults(found: Sequence[Dossier]) -> Iterator[tuple[int, Fault]]:
    for row, d in enumerate(found):
        if not d.code.strip() or not d.procedure.strip():
            name = "procedure" if d.code.strip() else "code"
            yield row, (Reason.VALUE_INVALID, f"`{name}` is blank; send it as it is written")
        if "\0" in d.code or "\0" in d.procedure or "\0" in d.field or "\0" in (d.office or ""):
            yield row, (Reason.VALUE_INVALID, "a text has a zero character; take it out")


def _source_faults(
    found: Sequence[Dossier], days: NDArray[np.datetime64], timing: Timing
) -> Iterator[tuple[int, Fault]]:
    closed = {rule.source: rule for rule in timing.sources}
    for row, dossier in enumerate(found):
        if dossier.source is None and dossier.screen is None:
            continue
        if dossier.channel != "online":
            yield row, not_online(dossier.channel)
        elif dossier.source in closed and days[row] >= np.datetime64(closed[dossier.source].until):
            yield row, closed_source(dossier.source, timing)


def _state(
    dossier: Dossier,
    row: int,
    day: date,
    due: datetime | None,
    times: _Times,
    units: Units,
    rules: DossierRules,
) -> DossierState | Fault:
    received, resolved = times.received[row], times.resolved[row]
    changed = times.changed[row] or (received if resolved is None else max(received, resolved))
    flags = 0
    received_unit = units.at(dossier.received_unit, day)
    if not isinstance(received_unit, str):
        return no_unit("received_unit", received_unit)
    handling_unit = units.at(dossier.handling_unit, day)
    if not isinstance(handling_unit, str):
        later = units.at(dossier.handling_unit, changed.astimezone(rules.province).date())
        if not isinstance(later, str):
            return no_unit("handling_unit", handling_unit)
        handling_unit, flags = later, int(Oddity.UNIT_OF_LATER)
    applicant_unit = None
    if dossier.applicant_unit is not None:
        applicant_unit = units.at(dossier.applicant_unit, day)
        if not isinstance(applicant_unit, str):
            return no_unit("applicant_unit", applicant_unit)
    office, office_since = dossier.office, times.office[row]
    if dossier.steps is not None:
        fault = _step_fault(dossier.steps, received, rules.zone)
        if fault is not None:
            return fault
        office, office_since = _held(dossier.steps, rules.zone)
    return DossierState(
        code=dossier.code,
        procedure=dossier.procedure,
        field=dossier.field,
        received_unit=received_unit,
        handling_unit=handling_unit,
        applicant_unit=applicant_unit,
        channel=dossier.channel,
        received_at=received,
        due_at=due,
        resolved_at=resolved,
        outcome=dossier.outcome,
        changed_at=changed,
        source=dossier.source,
        screen=dossier.screen,
        level=dossier.level,
        office=office,
        office_since=office_since,
        supplements=dossier.supplements,
        paused_seconds=dossier.paused_seconds,
        paused_since=times.paused[row],
        result_required=dossier.result_required,
        result_file=dossier.result_file,
        digitised=dossier.digitised,
        reused=dossier.reused,
        personal_store=dossier.personal_store,
        population_data=dossier.population_data,
        authenticated=dossier.authenticated,
        fee=dossier.fee,
        paid_online=dossier.paid_online,
        synced=dossier.synced,
        asked=dossier.asked if dossier.satisfaction is None else True,
        complained=dossier.complained,
        satisfaction=dossier.satisfaction,
        flags=flags,
    )


def _step_fault(steps: Sequence[Step], received: datetime, zone: tzinfo) -> Fault | None:
    for number, step in enumerate(steps):
        entered, left = aware(step.since, zone), maybe_aware(step.out, zone)
        if not step.office.strip() or "\0" in step.office:
            return Reason.VALUE_INVALID, f"`steps[{number}].office` is blank; name the office"
        if entered < received or (left is not None and left < entered):
            detail = f"`steps[{number}]` must enter after the receipt and before it leaves"
            return Reason.TIME_INVALID, f"{detail}; check `in` and `out`"
    return None


def _held(steps: Sequence[Step], zone: tzinfo) -> tuple[str | None, datetime | None]:
    """The office that a dossier entered last and has not left, and since when."""
    entered = [(aware(step.since, zone), step.office) for step in steps if step.out is None]
    if not entered:
        return None, None
    since, office = max(entered)
    return office, since
