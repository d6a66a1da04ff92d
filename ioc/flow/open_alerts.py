"""The open alerts, found by what asks for them, and what they show on the map."""

from collections.abc import Iterable
from uuid import UUID

from alerts.alert import State
from ioc.flow.alert_draft import shown
from ioc.flow.alert_items import AlertItems
from ioc.live.state import LiveState
from ioc.live.worst import Rank
from ioc.model import SEVERITY_RANK, Severity, to_micros
from ioc.store.alerts import AlertRow


class OpenAlerts:
    """Alerts that are not closed; a change of one costs the same however many there are."""

    def __init__(self, items: AlertItems, state: LiveState) -> None:
        """Know no alert yet."""
        self._items = items
        self._state = state
        self.rows: dict[UUID, AlertRow] = {}
        self.standing: dict[str, UUID] = {}
        """Those that have not cleared, by fingerprint."""
        self.shelved: dict[UUID, None] = {}
        self._of_kind: dict[str, dict[str, UUID]] = {}
        self._where: dict[UUID, str] = {}
        self._at: dict[str, dict[UUID, Severity]] = {}

    def load(self, rows: Iterable[AlertRow]) -> None:
        """Take all that there are, at first."""
        for row in rows:
            self.take(row)

    def take(self, row: AlertRow) -> str | None:
        """Take an alert as it stands now; returns the layer on which that changed anything."""
        self.rows[row.alert_id] = row
        of_kind = self._of_kind.setdefault(row.kind, {})
        if row.state != State.CLEARED:
            self.standing[row.fingerprint] = of_kind[row.fingerprint] = row.alert_id
        elif self.standing.get(row.fingerprint) == row.alert_id:
            del self.standing[row.fingerprint], of_kind[row.fingerprint]
        if row.shelved_until is None or row.closed_at is not None:
            self.shelved.pop(row.alert_id, None)
        else:
            self.shelved[row.alert_id] = None
        return self._colour(row)

    def forget_closed(self, rows: Iterable[AlertRow]) -> None:
        """Forget those that have closed, after clients were told."""
        for row in rows:
            if row.closed_at is not None:
                self.rows.pop(row.alert_id, None)

    def of_kind(self, kind: str) -> dict[str, AlertRow]:
        """Those of a kind that have not cleared, by fingerprint."""
        return {mark: self.rows[alert] for mark, alert in self._of_kind.get(kind, {}).items()}

    def recolour(self, series: Iterable[int] | None = None) -> set[str]:
        """Show anew what alerts are about, of some series or all; returns what layers changed."""
        meant = None if series is None else set(series)
        found = {
            self._colour(row)
            for row in self.rows.values()
            if meant is None or row.series_id is None or row.series_id in meant
        }
        return {layer for layer in found if layer is not None}

    def _colour(self, row: AlertRow) -> str | None:
        """Show on its feature the worst of the active alerts that are not quiet."""
        feature = self._items.feature(row)
        touched: set[str] = set()
        before = self._where.pop(row.alert_id, None)
        if before is not None:
            del self._at[before][row.alert_id]
            touched.add(before)
        if feature is not None and row.state == State.ACTIVE and row.muted is None:
            self._where[row.alert_id] = feature.id
            self._at.setdefault(feature.id, {})[row.alert_id] = Severity(row.severity)
            touched.add(feature.id)
        layers = [self._show(id) for id in touched]
        return next((layer for layer in layers if layer is not None), None)

    def _show(self, feature: str) -> str | None:
        severities = self._at.get(feature)
        if not severities:
            self._at.pop(feature, None)
            return self._state.set_severity(feature, None)
        worst = min(severities.values(), key=SEVERITY_RANK.__getitem__)
        return self._state.set_severity(feature, worst)


def rank_of(row: AlertRow) -> Rank:
    """Where an alert stands among all, as lists of open ones show them."""
    return Rank(
        quiet=row.muted is not None or row.shelved_until is not None,
        cleared=row.state == State.CLEARED,
        severity=SEVERITY_RANK[Severity(row.severity)],
        acknowledged=row.acknowledged_at is not None,
        age=-to_micros(row.active_since or row.pending_since),
        key=str(row.alert_id),
    )


def ranks_of(rows: Iterable[AlertRow]) -> list[Rank]:
    """The ranks of those that lists show."""
    return [rank_of(row) for row in rows if shown(row)]
