"""Events of dossiers, each by itself: what it needs, what it says, and how it is known again."""

from datetime import datetime
from typing import Any, Final

from ingest.dossier import TOLD, CheckedEvent, DossierEvent
from ingest.dossier_rules import (
    CLOCKS_APART,
    EARLIEST,
    LATEST,
    DossierRules,
    Fault,
    Units,
    aware,
    bad_year,
    closed_source,
    maybe_aware,
    no_unit,
    not_online,
    to_come,
    when,
)
from ioc.model import Reason, to_micros

NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "received": ("procedure", "received_unit", "handling_unit", "channel"),
    "due_changed": ("due_at",),
    "moved": ("handling_unit",),
    "step_in": ("office",),
    "step_out": ("office",),
    "rated": ("satisfaction",),
}
"""What an event of a kind cannot do without."""

IMPLIED: Final[dict[str, dict[str, str | bool]]] = {
    "digitised": {"digitised": True},
    "reused": {"reused": True},
    "synced": {"synced": True},
    "paid": {"paid_online": True},
    "result_filed": {"result_file": True},
    "asked": {"asked": True},
    "rated": {"asked": True},
    "complained": {"complained": True},
}
"""What an event of a kind says even if it says nothing more."""

_SETS: Final = (
    "procedure", "field", "channel",
    *(name for name in TOLD if name not in ("applicant_unit", "due_at")),
)  # fmt: skip
_UNITS: Final = ("received_unit", "handling_unit", "applicant_unit")


def check_event(event: DossierEvent, rules: DossierRules) -> CheckedEvent | Fault:
    """An event that is right by itself, or why not; whether it fits the others is seen later."""
    at = aware(event.at, rules.zone)
    changed = maybe_aware(event.changed_at, rules.zone) or at
    fault = _event_fault(event, at, changed, rules)
    if fault is not None:
        return fault
    due = None if event.due_at is None else when(event.due_at, rules)
    if isinstance(due, tuple):
        return due
    if due is not None and not EARLIEST <= due.year <= LATEST:
        return bad_year("due_at", due.year)
    told: dict[str, Any] = {name: getattr(event, name) for name in _SETS}
    units = Units(rules.find_unit)
    for name in _UNITS:
        given: str | None = getattr(event, name)
        if given is not None:
            unit = units.at(given, at.astimezone(rules.province).date())
            if not isinstance(unit, str):
                return no_unit(name, unit)
            told[name] = unit
    sets = {name: value for name, value in told.items() if value is not None}
    named = f"@{event.office}" if event.office else ""
    return CheckedEvent(
        code=event.code,
        key=f"id:{event.id}" if event.id else f"{event.event}@{to_micros(at)}{named}",
        event=event.event,
        at=at,
        changed_at=changed,
        cancelled=event.cancelled,
        office=event.office,
        due_at=due,
        sets={**IMPLIED.get(event.event, {}), **sets},
    )


def _event_fault(
    event: DossierEvent, at: datetime, changed: datetime, rules: DossierRules
) -> Fault | None:
    for name, moment in (("at", at), ("changed_at", changed)):
        if not EARLIEST <= moment.year <= LATEST:
            return bad_year(name, moment.year)
        if moment > rules.now + CLOCKS_APART:
            return to_come(name)
    for name in ("code", "procedure", "field", "office", "id"):
        text: str | None = getattr(event, name)
        if text is not None and ("\0" in text or (name != "field" and not text.strip())):
            return Reason.VALUE_INVALID, f"`{name}` is blank or has a zero character; correct it"
    missing = [name for name in NEEDED.get(event.event, ()) if getattr(event, name) is None]
    if missing and not event.cancelled:
        detail = f"an event `{event.event}` needs {', '.join(missing)}; send it with them"
        return Reason.VALUE_MISSING, detail
    if event.source is not None or event.screen is not None:
        if event.channel != "online":
            return not_online(event.channel)
        day = at.astimezone(rules.province).date()
        for rule in rules.timing.sources:
            if rule.source == event.source and day >= rule.until:
                return closed_source(rule.source, rules.timing)
    return None
