"""Places between the pages of a list that is ordered by time and id, and times in queries."""

from datetime import datetime
from typing import Final
from uuid import UUID

from ioc.errors import Invalid
from ioc.model import Severity

LAST: Final = UUID(int=2**128 - 1)
"""The id after all others."""

_CURE: Final = "the cursor is not one of a former page; begin without one"


def aware(name: str, at: datetime | None) -> datetime | None:
    """The time, or `Invalid` where it does not say its offset."""
    if at is not None and at.tzinfo is None:
        raise Invalid(f"{name} needs its offset, such as 2026-11-22T09:00:00+07:00")
    return at


def cursor_of(at: datetime, id: UUID) -> str:
    """The place after the last thing of a page."""
    return f"{at.isoformat().replace('+00:00', 'Z')}_{id}"


def place_of(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place that a cursor names; None at the beginning."""
    if cursor is None:
        return None
    at, _, id = cursor.partition("_")
    try:
        found = datetime.fromisoformat(at), UUID(id)
    except ValueError as error:
        raise Invalid(_CURE) from error
    aware("the cursor", found[0])
    return found


def ranked_cursor_of(severity: Severity, at: datetime, id: UUID) -> str:
    """The place after the last thing of a page whose list is ordered by severity before that."""
    return f"{severity.value}_{cursor_of(at, id)}"


def ranked_place_of(cursor: str | None) -> tuple[Severity, datetime, UUID] | None:
    """The place that such a cursor names; None at the beginning."""
    if cursor is None:
        return None
    severity, _, rest = cursor.partition("_")
    found = place_of(rest)
    if found is None or severity not in set(Severity):
        raise Invalid(_CURE)
    return Severity(severity), *found
