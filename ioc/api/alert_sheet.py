"""All about one alert: its rule's levels and advice, what raised it, and who was told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Response

from alerts.levels import Levels
from ioc.api.deps import Alerts, Reads, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import NotFound
from ioc.live.wire import AlertItem
from ioc.model import Text
from ioc.store import alerts, outbox, roster, untold
from ioc.store.outbox import OutboxRow
from ioc.store.pool import ReadPool

router = APIRouter(tags=["alerts"])

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]

MOST_TOLD: Final = 200


class Raised(msgspec.Struct, frozen=True):
    """The value that raised an alert, and when it was observed."""

    value: float | None = None
    value_time: datetime | None = None


_raised = msgspec.json.Decoder(Raised)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One who was told, is to be told, or is not: `held` says why later or why not at all."""

    at: datetime
    person: str
    channel: str
    stage: str
    reason: str
    held: str | None
    state: str
    settled_at: datetime | None
    detail: str


class Untold(msgspec.Struct, frozen=True):
    """Why an alert tells nobody anew, and since when."""

    reason: str
    at: datetime


class AlertSheet(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with what explains it; `told` and `untold` only for who may handle alerts."""

    alert: AlertItem
    pending_since: datetime
    raised: Raised
    levels: Levels
    advice: Text | None
    told: list[Told]
    untold: Untold | None


@router.get("/alerts/{alert}", responses=shape(AlertSheet))
async def get_alert(alert: UUID, subject: Reader, alerting: Alerts, reads: Reads) -> Response:
    """An open or past alert, the levels it was judged by, and who was told of it."""
    row = await alerts.find(reads, alert)
    if row is None:
        raise NotFound(f"there is no alert {alert}")
    levels, advice = alerting.judged_by(row)
    first = await alerts.raised_as(reads, alert)
    told, why = [], None
    if subject.may(Permission.ALERT_HANDLE):
        why = await untold.of_alert(reads, alert)
        told = await _told(reads, await outbox.of_alert(reads, alert, limit=MOST_TOLD))
    sheet = AlertSheet(
        alert=alerting.item(row),
        pending_since=row.pending_since,
        raised=_raised.decode(first) if first else Raised(row.value, row.value_time),
        levels=levels,
        advice=advice,
        told=told,
        untold=None if why is None else Untold(*why),
    )
    return answer(sheet)


async def _told(reads: ReadPool, letters: Sequence[OutboxRow]) -> list[Told]:
    _, people = await roster.read(reads)
    names = {person.id: person.name for person in people.persons}
    return [
        Told(
            at=letter.created_at,
            person=names.get(letter.person, letter.person),
            channel=letter.channel,
            stage=letter.stage,
            reason=letter.reason,
            held=letter.held,
            state=letter.state,
            settled_at=letter.settled_at,
            detail=letter.detail,
        )
        for letter in letters
    ]
