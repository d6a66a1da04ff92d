"""Forms filled from dossiers: one look at them gives the rows of every section."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ioc.catalogue import say
from ioc.documents.forms import Head, Row, Table, laid_out
from ioc.kpi.form import MEASURES, Form, FormSection
from ioc.kpi.period import Period
from ioc.org import Organisation, UnitVersion
from ioc.store import dossier_drill
from ioc.store.dossier_lines import Chosen, DossierTally, Span
from ioc.store.pool import ReadPool

LONGEST_SECONDS: Final = 30.0
"""How long filling a form may keep the database busy."""

DAY: Final = "%d/%m/%Y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which form, of which units (by key; None: of all) and days, and what its head says."""

    form: Form
    period: Period
    units: Sequence[int] | None
    heading: Sequence[str]
    organisation: Organisation
    zone: ZoneInfo
    sample: bool


async def formed(pool: ReadPool, wanted: Wanted, now: datetime) -> list[Table]:
    """The sections of a form; their sums agree, since all are of the same moment."""
    end = datetime.combine(wanted.period.end, time(), wanted.zone)
    span = Span(start=wanted.period.start, end=wanted.period.end, at=min(now, end))
    tallies = await dossier_drill.counted(
        pool, Chosen(units=wanted.units), span, ["unit", "field"], seconds=LONGEST_SECONDS
    )
    head = _head(wanted, now, running=now < end)
    return [
        laid_out(wanted.form, section, head, _rows(section, tallies, wanted))
        for section in wanted.form.sections
    ]


def unit_name(organisation: Organisation, unit: str, period: Period) -> str:
    """What a unit was called when a period ended, or at last before that."""
    version = _version(organisation, unit, period.end - timedelta(days=1))
    return unit if version is None else version.name


def _head(wanted: Wanted, now: datetime, *, running: bool) -> Head:
    form, period = wanted.form, wanted.period
    local = now.astimezone(wanted.zone)
    last = period.end - timedelta(days=1)
    lines = [
        *wanted.heading,
        say("form.number", "vi", number=form.number, reference=form.legal_reference),
        say("form.period", "vi", period=period.text, first=f"{period.start:{DAY}}",
            last=f"{last:{DAY}}"),
        say("form.made", "vi", day=f"{local:{DAY}}"),
    ]  # fmt: skip
    marks = [say("form.sample", "vi")] if wanted.sample else []
    if running:
        marks.append(say("form.running", "vi", at=f"{local:%H:%M} {local:{DAY}}"))
    return Head(lines, marks)


def _rows(section: FormSection, tallies: Sequence[DossierTally], wanted: Wanted) -> list[Row]:
    sums: dict[str | None, Counter[str]] = {}
    for tally in tallies:
        unit, field = tally.key
        own = sums.setdefault(unit if section.rows == "unit" else field, Counter())
        own.update({measure: getattr(tally, measure) for measure in MEASURES})
    make = _unit_row if section.rows == "unit" else _field_row
    found = [make(section, key, counts, wanted) for key, counts in sums.items()]
    return sorted(found, key=lambda row: (row.name == section.unnamed, row.name.casefold()))


def _field_row(
    section: FormSection, field: str | None, counts: Mapping[str, int], _: Wanted
) -> Row:
    return Row(field or section.unnamed, counts)


def _unit_row(
    section: FormSection, unit: str | None, counts: Mapping[str, int], wanted: Wanted
) -> Row:
    last = wanted.period.end - timedelta(days=1)
    version = None if unit is None else _version(wanted.organisation, unit, last)
    group = section.groups[0] if version is None else section.group_of(version.level)
    name = unit or section.unnamed
    return Row(
        name if version is None else version.name, counts, None if group is None else group.number
    )


def _version(organisation: Organisation, unit: str, on: date) -> UnitVersion | None:
    """A unit as it was on a day, else as it was last before it, else as it began."""
    if unit not in organisation:
        return None
    versions = organisation.versions(unit)
    before = [version for version in versions if version.valid_from <= on]
    return before[-1] if before else versions[0]
