"""Warnings that are typed in from a bulletin, with its PDF, and taken back."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from alerts.bulletin import Bulletin, cancelled, message_of
from alerts.cap import Area
from alerts.cap_telling import area_of
from geo.geojson import geometry_faults
from ioc.api.bodies import decoded, whole
from ioc.api.cap import sender_of
from ioc.api.deps import Facts, Now, Reads, ServerFacts, Settings, Writes, requires
from ioc.api.encode import answer, shape
from ioc.api.warnings import WarningItem, item
from ioc.auth.policy import Permission, Subject
from ioc.errors import Conflict, Invalid
from ioc.ids import uuid7
from ioc.store import audit, warnings

router = APIRouter(tags=["alerts"])

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]
Handler = Annotated[Subject, Depends(requires(Permission.ALERT_HANDLE))]

PDF: Final = "application/pdf"
MOST_PDF: Final = 10_000_000
MOST_NOTE: Final = 1_000_000
LONGEST: Final = timedelta(days=30)

HINT: Final = (
    '; write {"level": 3, "hazard": "Mưa lớn", "text": "…", "units": ["…"], '
    '"ends": "2026-11-28T15:00:00+07:00"}'
)


class WarningNote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A bulletin: its area by units or as GeoJSON polygons; in force from now unless told.

    `level` is that of Decision 18/2021/QĐ-TTg, `source` who issued the bulletin.
    """

    level: Annotated[int, msgspec.Meta(ge=1, le=5)]
    hazard: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
    ends: datetime
    starts: datetime | None = None
    units: Annotated[list[str], msgspec.Meta(max_length=200)] = []
    area: dict[str, Any] | None = None
    source: Annotated[str, msgspec.Meta(max_length=200)] = ""
    exercise: bool = False


class WarningEnd(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why a warning is taken back."""

    why: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


_note = msgspec.json.Decoder(WarningNote)
_end = msgspec.json.Decoder(WarningEnd)


def _body(name: str) -> dict[str, Any]:
    schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
    return {"requestBody": {"required": True, "content": {"application/json": schema}}}


@router.post(
    "/warnings",
    status_code=201,
    responses=shape(WarningItem),
    openapi_extra=_body("WarningNote"),
)
async def post_warning(
    request: Request,
    subject: Handler,
    writes: Writes,
    facts: ServerFacts,
    config: Settings,
    now: Now,
) -> Response:
    """Type in a bulletin; its PDF is attached afterwards."""
    body = await whole(request, MOST_NOTE, cure="simplify the polygon")
    note = decoded(body, _note, "a warning", HINT)
    bulletin = _checked(note, facts, now)
    name = str(uuid7(now))
    message = message_of(bulletin, identifier=name, sender=sender_of(config, facts), now=now)
    async with writes.connection() as conn:
        await warnings.lock(conn, 0)
        made = await warnings.put(conn, message, feed=None, raw=None, by=subject.name, now=now)
        assert made is not None  # its name is new
        row = await warnings.find(conn, made)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="warning.issue",
            subject=str(made), after={"level": note.level, "hazard": note.hazard},
        )  # fmt: skip
    return answer(item(row), 201)


@router.post(
    "/warnings/{warning}/cancel", responses=shape(WarningItem), openapi_extra=_body("WarningEnd")
)
async def cancel_warning(
    request: Request, warning: UUID, subject: Handler, writes: Writes, now: Now
) -> Response:
    """End a warning that was typed in, with the reason."""
    body = await whole(request, MOST_NOTE, cure="say it in fewer words")
    why = decoded(body, _end, "the end of a warning", '; write {"why": "…"}').why.strip()
    if not why or "\x00" in why:
        raise Invalid("say in `why` the reason for which the warning is taken back, without NUL")
    async with writes.connection() as conn:
        await warnings.lock(conn, 0)
        row = await warnings.find(conn, warning)
        if row.feed_key is not None:
            raise Conflict("the warning came by a feed, whose sender cancels it; close its alert")
        if row.replaced or row.kind == "Cancel" or row.ends <= now:
            raise Conflict("the warning is over already")
        message = cancelled(row.message, identifier=str(uuid7(now)), why=why, now=now)
        await warnings.put(conn, message, feed=None, raw=None, by=subject.name, now=now)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="warning.cancel",
            subject=str(warning), after={"why": why},
        )  # fmt: skip
        row = await warnings.find(conn, warning)
    return answer(item(row))


@router.put(
    "/warnings/{warning}/bulletin",
    responses=shape(WarningItem),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_bulletin(
    request: Request, warning: UUID, subject: Handler, writes: Writes, now: Now
) -> Response:
    """Attach the PDF that a warning was typed in from."""
    content = await whole(request, MOST_PDF, cure="send the PDF with smaller pictures")
    if not content.startswith(b"%PDF-"):
        raise Invalid("the body is not a PDF; send the file as it is, as application/pdf")
    async with writes.connection() as conn:
        row = await warnings.find(conn, warning)
        if row.feed_key is not None:
            raise Conflict("the warning came by a feed; a bulletin goes with one that is typed in")
        await warnings.attach(conn, warning, content, by=subject.name, now=now)
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request), action="warning.attach",
            subject=str(warning), after={"bytes": len(content)},
        )  # fmt: skip
        row = await warnings.find(conn, warning)
    return answer(item(row))


@router.get(
    "/warnings/{warning}/bulletin",
    response_class=Response,
    responses={
        200: {
            "description": "The PDF of a warning",
            "content": {PDF: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def get_bulletin(warning: UUID, _: Reader, reads: Reads) -> Response:
    """The PDF that a warning was typed in from."""
    content = await warnings.bulletin(reads, warning)
    # Saved, never opened in a page of ours: who typed it in is trusted, the file is not.
    headers = {
        "Content-Disposition": f'attachment; filename="canh-bao-{warning}.pdf"',
        "Content-Security-Policy": "sandbox",
    }
    return Response(content, media_type=PDF, headers=headers)


def _checked(note: WarningNote, facts: Facts, now: datetime) -> Bulletin:
    for name, at in (("starts", note.starts), ("ends", note.ends)):
        if at is not None and at.tzinfo is None:
            raise Invalid(f"`{name}` has no time zone; write such as 2026-11-28T15:00:00+07:00")
    starts = note.starts or now
    if not max(starts, now) < note.ends <= now + LONGEST:
        raise Invalid(f"`ends` lies after `starts` and now, and within {LONGEST.days} days")
    if "\x00" in note.hazard + note.text + note.source or not note.hazard.strip():
        raise Invalid("say in `hazard` what is warned of; NUL characters are not taken")
    if not note.units and note.area is None:
        raise Invalid("say where it is: name `units`, or draw an `area`")
    return Bulletin(
        level=note.level,
        hazard=note.hazard.strip(),
        text=note.text.strip(),
        starts=starts.replace(microsecond=0),
        ends=note.ends.replace(microsecond=0),
        areas=_areas(note, facts, now),
        source=note.source.strip(),
        exercise=note.exercise,
    )


def _areas(note: WarningNote, facts: Facts, now: datetime) -> list[Area]:
    organisation, today = facts.city.organisation, now.date()
    found: list[Area] = []
    for unit in note.units:
        version = organisation.find(unit, today)
        if version is None:
            raise Invalid(f"there is no unit `{unit[:64]}` today; see GET /units")
        found.append(area_of(version.name, facts.city.outlines.get(unit, (None, ""))[0]))
    if note.area is not None:
        if note.area.get("type") not in ("Polygon", "MultiPolygon"):
            raise Invalid("`area` is a GeoJSON geometry of type Polygon or MultiPolygon")
        faults = geometry_faults(note.area)
        if faults:
            raise Invalid(f"area: {faults[0].message}")
        found.append(area_of("vùng khoanh trên bản đồ", note.area))
    return found


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
