"""Observations as a file to take away: CSV or Parquet, streamed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from ioc.api.deps import CurrentSubject, FileTransfers, Known, Now, Reads, ServerFacts
from ioc.api.feeds import window
from ioc.auth.policy import Permission, Role
from ioc.errors import NotFound, NotPermitted
from ioc.flow.exporting import MEDIA_TYPES, FileFormat, exported
from ioc.model import Domain
from ioc.store.export import Wanted
from ioc.store.pool import ReadPool

router = APIRouter(tags=["series"])

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The observations, by time; a cut transfer lacks the file's end",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in MEDIA_TYPES.values()
        },
    }
}


@router.get("/observations.{file_format}", responses=_FILE, response_class=StreamingResponse)
async def get_file(
    file_format: FileFormat,
    subject: CurrentSubject,
    registry: Known,
    reads: Reads,
    facts: ServerFacts,
    transfers: FileTransfers,
    now: Now,
    feed: Annotated[list[str] | None, Query()] = None,
    series: Annotated[list[str] | None, Query(description="feed/series key")] = None,
    domain: Domain | None = None,
    layer: str | None = None,
    unit: Annotated[str | None, Query(description="this unit and those below it")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> StreamingResponse:
    """Observations of some series, the last 24 hours unless told; what is named is combined.

    Few run at once. A transfer of which nothing is read for half a minute is cut off.
    """
    if subject.role is Role.FEED:
        if subject.feed is None or any(named != subject.feed for named in feed or ()):
            raise NotPermitted("a feed's key exports that feed alone")
        feed = [subject.feed]
    elif not subject.may(Permission.CITY_READ):
        raise NotPermitted(f"role {subject.role.value} may not read observations")
    for named in feed or ():
        if named not in registry.feed_by_id:
            raise NotFound(f"there is no feed `{named[:64]}`")
    start, end = window(since, until, now)
    wanted = Wanted(
        start, end, feed, series, domain and domain.value, layer,
        None if unit is None else facts.city.organisation.within(unit, now.date()),
    )  # fmt: skip
    transfers.check()
    return transfers.answer(
        _streamed(reads, wanted, file_format),
        media_type=MEDIA_TYPES[file_format],
        filename=f"observations.{file_format}",
    )


async def _streamed(
    reads: ReadPool, wanted: Wanted, file_format: FileFormat
) -> AsyncGenerator[bytes]:
    async with reads.connection() as conn, aclosing(exported(conn, wanted, file_format)) as file:
        async for piece in file:
            yield piece
