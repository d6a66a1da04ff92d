"""Files of incidents: bounded in size and number, told by their bytes, never shown in the page."""

import hashlib
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from ingest.ticket import CONTROL
from ioc.api.bodies import whole
from ioc.api.deps import IncidentFlow, Now, Reads, requires
from ioc.api.encode import shape
from ioc.api.incident_items import IncidentDetail
from ioc.api.incident_rights import by, seen, works_on
from ioc.api.incidents import detailed
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound, UnsupportedFormat
from ioc.ids import uuid7
from ioc.incidents.file_kind import KINDS, kind_of
from ioc.store import incident_files, incident_rows
from ioc.store.incident_files import FileRow

router = APIRouter(tags=["incidents"])

Reader = Annotated[Subject, Depends(requires(Permission.INCIDENT_READ))]
Worker = Annotated[Subject, Depends(requires(Permission.INCIDENT_HANDLE))]

MOST_BYTES: Final = 10 * 1024 * 1024
"""Bytes of one file."""

BYTES: Final = "application/octet-stream"
"""How files leave: no browser shows one by itself; what each is stands in the incident."""

_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_SENT: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": dict.fromkeys(KINDS, _BINARY)}
}
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file", "content": {BYTES: _BINARY}}
}


@router.post("/incidents/{incident}/files", responses=shape(IncidentDetail), openapi_extra=_SENT)
async def post_file(
    request: Request, incident: UUID, subject: Worker, incidents: IncidentFlow, reads: Reads,
    now: Now, name: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:  # fmt: skip
    """Keep a file, which is the body itself: a picture, a PDF or a film of 10 MB at most."""
    if CONTROL.search(name) or "/" in name or "\\" in name:
        raise Invalid("the `name` holds a control character or a slash; send the bare name")
    body = await whole(request, MOST_BYTES, cure="send a smaller one, or its address in a note")
    kind = kind_of(body)
    if kind is None:
        raise UnsupportedFormat(f"the file is none of {', '.join(KINDS)} by its bytes")
    file = FileRow(
        file_id=uuid7(now), name=name, media_type=kind, size=len(body),
        sha256=hashlib.sha256(body).hexdigest(), added_at=now, added_by=subject.name,
    )  # fmt: skip
    row = await incidents.attach(incident, file, body, by(subject, request, works_on, "work on"))
    return await detailed(incidents, reads, row, subject, now)


@router.get("/incidents/{incident}/files/{file}", response_class=StreamingResponse, responses=_FILE)
async def get_file(incident: UUID, file: UUID, subject: Reader, reads: Reads) -> StreamingResponse:
    """The bytes of a file, to be kept and not to be shown by the browser itself."""
    row = seen(subject, incident, await incident_rows.one(reads, incident))
    found = await incident_files.one(reads, incident, file)
    if found is None:
        raise NotFound(f"{row.code} has no file {file}")
    return StreamingResponse(
        incident_files.parts(reads, found),
        media_type=BYTES,
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
            "Content-Length": str(found.size),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, no-store",
        },
    )
