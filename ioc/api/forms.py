"""Forms to take away, filled from dossiers: a workbook with formulas, or the same as CSV."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Facts, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.unit_scope import Scope, scope_of
from ioc.auth.policy import Permission, Subject
from ioc.catalogue import say
from ioc.documents.form_files import csv_of, workbook_of
from ioc.documents.tables import CSV
from ioc.documents.workbook import XLSX
from ioc.errors import Invalid, NotFound
from ioc.flow.forming import Wanted, formed, unit_name
from ioc.kpi.cycle import Cycle
from ioc.kpi.form import Form
from ioc.kpi.period import Period
from ioc.model import Text
from ioc.store import forms, measures

router = APIRouter(tags=["forms"])

Insider = Annotated[Subject, Depends(requires(Permission.DOSSIER_READ))]

FileFormat = Literal["xlsx", "csv"]

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The form",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in (XLSX, CSV)
        },
    }
}


class FormCycle(msgspec.Struct, frozen=True):
    """A cycle that a form may be made for, with its last period that is over."""

    id: str
    name: Text
    last: str | None


class FormEntry(msgspec.Struct, frozen=True):
    """A form that can be taken away; the first cycle is the usual one."""

    id: str
    number: str
    title: str
    legal_reference: str
    cycles: list[FormCycle]


class FormList(msgspec.Struct):
    """The forms."""

    items: list[FormEntry]
    next: str | None = None


@router.get("/forms", responses=shape(FormList))
async def get_forms(_: Insider, reads: Reads, facts: ServerFacts, now: Now) -> Response:
    """The forms that can be taken away, and for which periods."""
    cycles, today = (await measures.read(reads)).cycles, _today(facts, now)
    items = [
        FormEntry(
            form.id, form.number, form.title, form.legal_reference,
            [FormCycle(id, cycles[id].name, _last(cycles[id], today)) for id in form.cycles],
        )
        for form in await forms.read(reads)
    ]  # fmt: skip
    return answer(FormList(items))


@router.get("/forms/{form}.{file_format}", responses=_FILE, response_class=Response)
async def get_form(
    form: str,
    file_format: FileFormat,
    subject: Insider,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    unit: Annotated[str | None, Query(description="this unit and those below it")] = None,
    period: str | None = None,
    cycle: str | None = None,
) -> Response:
    """A form of the province or a unit, for the last period that is over unless told.

    In hand and overdue are as they stood when the period ended.
    """
    wanted = await _asked(reads, form, cycle)
    days = _period(wanted[1], period, _today(facts, now))
    scope = scope_of(subject, facts, unit, [days.start, days.end - timedelta(days=1)])
    tables = await formed(
        reads,
        Wanted(
            form=wanted[0],
            period=days,
            units=scope.keys,
            heading=_heading(facts, scope, days),
            organisation=facts.city.organisation,
            zone=ZoneInfo(facts.zone),
            sample=facts.identity.simulated,
        ),
        now,
    )
    body, media_type = (
        (workbook_of(tables), XLSX) if file_format == "xlsx" else (csv_of(tables), CSV)
    )
    name = f"{form}-{scope.named[0]}-{days.text.replace('/', '_')}.{file_format}"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, media_type=media_type, headers=disposition)


async def _asked(reads: Reads, id: str, cycle: str | None) -> tuple[Form, Cycle]:
    known = {form.id: form for form in await forms.read(reads)}
    if id not in known:
        raise NotFound(f"there is no form `{id[:64]}`; there are {', '.join(known) or 'none'}")
    form = known[id]
    chosen = cycle or form.cycles[0]
    if chosen not in form.cycles:
        raise Invalid(
            f"form {id} is not made for cycle {chosen[:40]}; use {', '.join(form.cycles)}"
        )
    return form, (await measures.read(reads)).cycles[chosen]


def _period(cycle: Cycle, text: str | None, today: date) -> Period:
    if text is not None:
        return cycle.period(text)
    last = _last(cycle, today)
    if last is None:
        raise Invalid(f"cycle {cycle.id} has no last period; name one in `period`")
    return cycle.period(last)


def _last(cycle: Cycle, today: date) -> str | None:
    """The last period of a cycle that is over; None where it has no periods of its own."""
    if cycle.length in ("any", "listed"):
        return None
    return cycle.previous(cycle.of(today)).text


def _heading(facts: Facts, scope: Scope, days: Period) -> list[str]:
    """The province, and the units that the form is of where it is not of the whole."""
    organisation, province = facts.city.organisation, facts.identity.province or ""
    names = [unit_name(organisation, unit, days) for unit in scope.named]
    heading = [unit_name(organisation, province, days).upper()]
    if scope.keys is not None:
        heading.append(say("form.unit", "vi", unit=", ".join(names)))
    return heading


def _today(facts: Facts, now: datetime) -> date:
    return now.astimezone(ZoneInfo(facts.zone)).date()
