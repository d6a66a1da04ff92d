"""Changes of alerts that are about to be stored together."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from alerts.alert import State
from alerts.lifecycle import SHOWN, Life, Shelf, condition, verb_for
from ioc.flow.alert_items import AlertItems
from ioc.live.wire import encoder
from ioc.store.alerts import AlertRow, LogRow, Sought

ENGINE: Final = "engine"
"""The actor of changes that no person made."""


class Draft:
    """Alerts as they will stand, with the log of how they came to it."""

    def __init__(self, items: AlertItems, rows: Mapping[UUID, AlertRow], now: datetime) -> None:
        """Begin from the open alerts as they stand."""
        self._items = items
        self._before = rows
        self.now = now
        self.rows: dict[UUID, AlertRow] = {}
        self.sought: dict[UUID, Sought] = {}
        self.changes: list[tuple[AlertRow, LogRow]] = []

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.changes)

    def get(self, alert: UUID) -> AlertRow | None:
        """An open alert as it will stand."""
        return self.rows.get(alert) or self._before.get(alert)

    def put(
        self, after: AlertRow, change: str, *, actor: str = ENGINE, comment: str = ""
    ) -> AlertRow:
        """Let an alert stand so; returns it with its new version."""
        before = self.get(after.alert_id)
        after = replace(after, version=1 if before is None else before.version + 1)
        verb = "none"
        if not after.noted:
            verb = verb_for(None if before is None else life_of(before), life_of(after))
        if verb == "none" and before is not None and shown(after):
            verb = "update"
        item = b"" if verb == "none" else encoder.encode(self._items.item(after))
        if _is_listed_anew(before, after):
            self.sought[after.alert_id] = self._items.sought(after)
        entry = LogRow(
            alert_id=after.alert_id, at=self.now, change=change, actor=actor, comment=comment,
            verb=verb, item=item,
        )  # fmt: skip
        self.rows[after.alert_id] = after
        self.changes.append((after, entry))
        return after


def _is_listed_anew(before: AlertRow | None, after: AlertRow) -> bool:
    """Whether lists do not find an alert yet, or by what it was about before."""
    if after.active_since is None:
        return False
    return before is None or before.active_since is None or before.about != after.about


def life_of(row: AlertRow) -> Life:
    """The life of an alert as it is stored."""
    shelf = None
    if row.shelved_until is not None:
        shelf = Shelf(row.shelved_until, row.shelved_by or "", row.shelved_why or "")
    return Life(
        state=State(row.state),
        active_since=row.active_since,
        cleared_at=row.cleared_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        closed_at=row.closed_at,
        comments=row.comments,
        assignee=row.assignee,
        shelf=shelf,
    )


def with_life(row: AlertRow, life: Life) -> AlertRow:
    """The alert with another life."""
    shelf = life.shelf
    return replace(
        row,
        state=life.state.value,
        active_since=life.active_since,
        cleared_at=life.cleared_at,
        acknowledged_at=life.acknowledged_at,
        acknowledged_by=life.acknowledged_by,
        closed_at=life.closed_at,
        comments=life.comments,
        assignee=life.assignee,
        shelved_until=shelf.until if shelf else None,
        shelved_by=shelf.by if shelf else None,
        shelved_why=shelf.why if shelf else None,
    )


def shown(row: AlertRow) -> bool:
    """Whether the list of open alerts shows it."""
    return not row.noted and condition(life_of(row)) in SHOWN
