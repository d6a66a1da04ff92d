"""Who may do what with an incident: an agency where it leads or supports, the centre with all."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from fastapi import Request

from ioc.auth.policy import Permission, Subject
from ioc.errors import NotFound, NotPermitted
from ioc.flow.incident_changes import By, Check
from ioc.incidents.moves import Move
from ioc.store.incident_rows import IncidentRow

_HANDLING: Final = frozenset({Move.ACKNOWLEDGE, Move.ASSIGN, Move.START, Move.RESOLVE})
"""Moves of the unit that leads; the others are those of the centre."""

Allows = Callable[[Subject, IncidentRow], bool]


def seen_units(subject: Subject) -> list[str] | None:
    """The units whose incidents somebody sees; None is all."""
    return None if subject.may_see_unit(None) else list(subject.units)


def sees(subject: Subject, row: IncidentRow) -> bool:
    """Whether an incident is shown to somebody."""
    return any(subject.may_see_unit(unit) for unit in row.units)


def works_on(subject: Subject, row: IncidentRow) -> bool:
    """Whether somebody does the work of an incident: the centre, who leads, who supports."""
    return subject.may(Permission.INCIDENT_HANDLE) and sees(subject, row)


def runs(subject: Subject, _: IncidentRow) -> bool:
    """Whether somebody runs incidents for the centre."""
    return subject.may(Permission.INCIDENT_RUN)


def may(subject: Subject, row: IncidentRow, move: Move) -> bool:
    """Whether somebody may make a move, if the incident allows it.

    A leader assigns; the unit that leads assigns one of its own.
    """
    if subject.may(Permission.INCIDENT_RUN):
        return True
    if move is Move.ASSIGN and subject.may(Permission.INCIDENT_ASSIGN):
        return True
    leads = subject.may(Permission.INCIDENT_HANDLE) and subject.may_see_unit(row.lead)
    return move in _HANDLING and leads


def seen(subject: Subject, incident: UUID, row: IncidentRow | None) -> IncidentRow:
    """The incident, if there is one that somebody may see."""
    if row is not None and sees(subject, row):
        return row
    if subject.may_see_unit(None):
        raise NotFound(f"there is no incident {incident}")
    # The same answer for both, so that nobody learns which incidents exist.
    raise NotPermitted(f"this account may not see incident {incident}; no unit of its own is in it")


def checked(subject: Subject, allows: Allows, what: str) -> Check:
    """Gives an incident to who sees it and may do that with it."""

    def check(incident: UUID, row: IncidentRow | None) -> IncidentRow:
        found = seen(subject, incident, row)
        if not allows(subject, found):
            raise NotPermitted(f"role {subject.role.value} may not {what} this incident")
        return found

    return check


def by(subject: Subject, request: Request, allows: Allows, what: str) -> By:
    """Somebody who does something with an incident."""
    return By(
        who=subject.name,
        source=request.client.host if request.client else "",
        check=checked(subject, allows, what),
    )
