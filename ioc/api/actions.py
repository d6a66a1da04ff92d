"""Dated actions: what was done to move a figure, and how one is noted."""

from datetime import date, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.boards import Reader
from ioc.api.bodies import decoded, whole
from ioc.api.deps import KpiBoards, Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Role, Subject
from ioc.errors import Invalid, NotPermitted
from ioc.ids import uuid7
from ioc.kpi.action import Action, ActionKind
from ioc.kpi.indicator import Definitions
from ioc.model import Text
from ioc.org import Organisation
from ioc.store import actions, audit

router = APIRouter(tags=["actions"])

Noter = Annotated[Subject, Depends(requires(Permission.ACTION_NOTE))]


class ActionNote(msgspec.Struct, kw_only=True, forbid_unknown_fields=True,
                 rename={"valid_from": "from", "valid_until": "until"}):  # fmt: skip
    """An action as it is noted, with the document or letter that tells of it."""

    unit: str
    kind: ActionKind
    name: Text
    valid_from: date
    document: str
    indicators: tuple[str, ...]
    valid_until: date | None = None


class ActionList(msgspec.Struct):
    """Actions, oldest first."""

    items: list[Action]
    next: str | None = None


@router.get("/actions", responses=shape(ActionList))
async def get_actions(
    _: Reader,
    reads: Reads,
    indicator: str | None = None,
    unit: str | None = None,
    since: Annotated[date | None, Query(description="those that went on that day or later")] = None,
    until: Annotated[date | None, Query(description="those that began before that day")] = None,
) -> Response:
    """What was done to move figures, with the days on which it was done."""
    found = [
        action
        for action in await actions.read(reads)
        if (indicator is None or indicator in action.indicators)
        and (unit is None or action.unit == unit)
        and action.touches(since or date.min, until or date.max)
    ]
    return answer(ActionList(found))


@router.post(
    "/actions",
    status_code=201,
    responses=shape(Action),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/ActionNote"}}
            },
        }
    },
)
async def post_action(
    request: Request,
    subject: Noter,
    facts: ServerFacts,
    boards: KpiBoards,
    writes: Writes,
    now: Now,
) -> Response:
    """Note an action of a unit; an agency notes its own and those of the units below it."""
    hint = "; days are written 2026-07-01, and a name as {vi, en}"
    note = decoded(await whole(request), _note, "an action", hint)
    action = noted(note, facts.city.organisation, boards.figures.definitions, now)
    _check_scope(subject, action, facts.city.organisation)
    async with writes.connection() as conn:
        await actions.add(conn, action, by=subject.name)
        await audit.record(
            conn, now=now, actor=subject.name, source="api", action="action.note",
            subject=action.id, after=msgspec.to_builtins(action),
        )  # fmt: skip
    return answer(action, status=201)


_note = msgspec.json.Decoder(ActionNote)


def noted(
    note: ActionNote, organisation: Organisation, known: Definitions, now: datetime
) -> Action:
    """The action that is meant; raises with the cure."""
    if not note.document.strip():
        raise Invalid("an action needs the document or letter that tells of it")
    if not note.name.vi.strip() or not note.name.en.strip():
        raise Invalid("an action needs a name in both languages")
    if note.valid_until is not None and note.valid_until <= note.valid_from:
        raise Invalid(
            f"the action ends on {note.valid_until}, before it begins; `until` is the first day "
            "on which it no longer held"
        )
    if not note.indicators:
        raise Invalid("name at least one indicator on whose line the action is drawn")
    return Action(
        id=str(uuid7(now)), unit=organisation.resolve(note.unit, note.valid_from), kind=note.kind,
        name=note.name, valid_from=note.valid_from, valid_until=note.valid_until,
        document=note.document.strip(),
        indicators=tuple(known.require(id) for id in dict.fromkeys(note.indicators)),
    )  # fmt: skip


def _check_scope(subject: Subject, action: Action, organisation: Organisation) -> None:
    if subject.role is not Role.AGENCY:
        return
    if not any(action.unit in organisation.within(own, action.valid_from) for own in subject.units):
        raise NotPermitted(
            f"this account notes actions of {', '.join(subject.units)} and of the units below"
        )
