"""Planned power cuts and road works, as an agency's list of windows."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from alerts.window import ALIASES, COLUMNS, NEEDED, Find, Window, from_rows, planned
from ioc.api.bodies import decoded, whole
from ioc.api.deps import Alerts, Known, Now, ServerFacts, Writes, feed_for
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission
from ioc.documents.tables import CSV, read_table
from ioc.documents.workbook import XLSX
from ioc.errors import Invalid
from ioc.model import Feed
from ioc.store import audit, windows
from ioc.store.registry import Registry

router = APIRouter(tags=["alerts"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]

MOST_WINDOWS: Final = 5_000

HINT: Final = (
    '; write [{"id": "…", "from": "2026-11-28T07:30:00+07:00", "until": …, '
    '"features": ["…"], "reason": "…"}]'
)

_windows = msgspec.json.Decoder(list[Window])


class WindowsTaken(msgspec.Struct):
    """What became of a list, counted in windows."""

    received: int
    begun: int
    changed: int
    same: int
    ended: int


@router.put(
    "/feeds/{feed}/windows",
    responses=shape(WindowsTaken),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Windows as JSON, or as a table, CSV or XLSX: " + ", ".join(COLUMNS),
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Window"}}
                },
                CSV: {},
                XLSX: {},
            },
        }
    },
)
async def put_windows(
    request: Request,
    feed: WritableFeed,
    writes: Writes,
    registry: Known,
    facts: ServerFacts,
    alerting: Alerts,
    now: Now,
) -> Response:
    """Plan power cuts or works: alerts of the feed's domain there are expected meanwhile.

    The same id again corrects its window, `withdrawn` ends it; windows that are not in the list
    stay. All of it is taken or, with the first fault named, nothing.
    """
    body = await whole(request, cure="send fewer windows at a time")
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/json"):
        given = decoded(body, _windows, "a list of windows", HINT)
    else:
        given = from_rows(read_table(body, kind, COLUMNS, needed=NEEDED, aliases=ALIASES))
    if len(given) > MOST_WINDOWS:
        raise Invalid(f"at most {MOST_WINDOWS} windows at once; send the list in parts")
    today = now.astimezone(ZoneInfo(facts.zone)).date()
    found = planned(
        given,
        domain=feed.domain.value,
        province=facts.identity.province,
        feature=_finder(registry, feed),
        unit=lambda name: facts.city.organisation.resolve(name, today),
    )
    actor = f"feed:{feed.id}"
    async with writes.connection() as conn:
        done = await windows.put(conn, feed.key, found, plan=feed.name, by=actor, at=now)
        taken = WindowsTaken(len(given), done.begun, done.changed, done.same, done.ended)
        await audit.record(
            conn, now=now, actor=actor, source="rest", action="feed.windows", subject=feed.id,
            after=msgspec.to_builtins(taken),
        )  # fmt: skip
    await alerting.follow()
    return answer(taken)


def _finder(registry: Registry, feed: Feed) -> Find:
    """Features by their whole id, else by the id that their own feed gives them."""

    def find(name: str) -> str:
        for id in (name, f"{feed.id}/{name}"):
            if id in registry.features:
                return id
        alike = [id for id in registry.features if id.partition("/")[2] == name]
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise Invalid(f"feature {name!r} may be any of {', '.join(sorted(alike))}; name one")
        raise Invalid(f"there is no feature {name!r}; write FEED/FEATURE as the map has it")

    return find
