"""Counts of procedures by unit: how many there are on a day, and what a period added and cut."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Final

from ioc.procedures.calendar import Calendar
from ioc.procedures.catalogue import (
    PARTS,
    Catalogue,
    ProcedureVersion,
    PublishingTerms,
    decided_on_time,
    displayed_on_time,
)

Test = Callable[[ProcedureVersion, date], bool]


def _since(day: date | None, on: date) -> bool:
    return day is not None and day <= on


def _published(version: ProcedureVersion, on: date) -> bool:
    # Where no date of display is known the procedure counts as published with its version.
    return version.displayed_on is None or version.displayed_on <= on


STATES: Final[Mapping[str, Test]] = {
    "procedures_in_authority": lambda _v, _on: True,
    "procedures_published": _published,
    "procedures_level_2": lambda v, _on: v.level == "2",
    "procedures_level_3": lambda v, _on: v.level == "3",
    "procedures_level_4": lambda v, _on: v.level == "4",
    "procedures_full": lambda v, _on: v.level == "full",
    "procedures_partial": lambda v, _on: v.level == "partial",
    "procedures_integrated": lambda v, on: _since(v.integrated_on, on),
    "procedures_with_fee": lambda v, _on: v.fee,
    "procedures_with_fee_integrated": lambda v, on: v.fee and _since(v.payment_integrated_on, on),
    "procedures_population_data": lambda v, _on: v.population_data,
    "procedures_for_people": lambda v, _on: v.for_people,
    "procedures_content_full": lambda v, _on: set(v.parts) == set(PARTS),
}
"""What is counted of the procedures of a day."""

FLOWS: Final = (
    "procedures_added", "procedures_cut", "procedures_publish_on_time", "procedures_publish_due",
    "procedures_update_on_time", "procedures_update_due",
)  # fmt: skip
"""What is counted of a period."""


def competent(version: ProcedureVersion, province: str) -> str:
    """At which unit a procedure is counted: one that every commune has, once, at the province."""
    return version.unit or province


def on_day(versions: Iterable[ProcedureVersion], on: date, province: str) -> dict[str, list[int]]:
    """Counts in the order of `STATES` of the procedures of a day, by competent unit."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(STATES))
    for version in versions:
        counts = found[competent(version, province)]
        for place, test in enumerate(STATES.values()):
            counts[place] += test(version, on)
    return dict(found)


def within(
    catalogue: Catalogue,
    start: date,
    end: date,
    province: str,
    calendar: Calendar,
    terms: PublishingTerms,
) -> dict[str, list[int]]:
    """Counts in the order of `FLOWS` of the days of a half-open period, by competent unit."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * len(FLOWS))
    for code in catalogue:
        versions = catalogue.versions(code)
        first, last = versions[0], versions[-1]
        if start <= first.valid_from < end:
            found[competent(first, province)][0] += 1
        if last.valid_until is not None and start <= last.valid_until < end:
            found[competent(last, province)][1] += 1
        for version in versions:
            if version.decided_on is None or not start <= version.decided_on < end:
                continue
            counts = found[competent(version, province)]
            for place, outcome in (
                (2, decided_on_time(version, calendar, terms)),
                (4, displayed_on_time(version, calendar, terms, by=end)),
            ):
                counts[place] += outcome is True
                counts[place + 1] += outcome is not None
    return dict(found)
