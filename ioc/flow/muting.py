"""What of the alerts is kept quiet and why, and which belong together."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from alerts.alert import State
from alerts.matter import FLAP_WITHIN, Matters, is_flapping, is_flood
from alerts.mute import Causes, Facets, Inhibition, Matcher, Muted, Silence, silenced_by
from ioc.model import from_micros, to_micros
from ioc.store.alerts import AlertRow
from ioc.store.silences import SilenceRow

MOST_BEGUN: Final = 20_000
"""Beginnings of the last hour that are remembered for floods and flapping."""


class Muting:
    """Follows the active alerts, and says of each whether it is quiet and where it belongs."""

    def __init__(self, facets: Callable[[AlertRow], Facets]) -> None:
        """Look at alerts by `facets`; know no silence and no cause yet."""
        self._facets = facets
        self._silences: list[Silence] = []
        self._causes = Causes()
        self._matters = Matters()
        self._begun: deque[tuple[str, int]] = deque(maxlen=MOST_BEGUN)
        self._again: set[UUID] = set()
        self._looked_at = 0

    def load(
        self,
        silences: Iterable[SilenceRow],
        inhibitions: Iterable[Inhibition],
        rows: Iterable[AlertRow],
        begun: Iterable[tuple[str, datetime]],
    ) -> None:
        """Take what there is: all of `rows` are to be looked at."""
        self._causes, self._matters = Causes(inhibitions), Matters()
        self._begun.clear()
        self._begun.extend((mark, to_micros(at)) for mark, at in begun)
        for row in rows:
            self.follow(row)
        self.silence(silences)

    def silence(self, silences: Iterable[SilenceRow]) -> None:
        """Take the silences as they are now; every alert is to be looked at again."""
        self._silences = [_silence(row) for row in silences]
        self._looked_at = 0

    def follow(self, row: AlertRow) -> None:
        """Take an alert as it stands after a change, whoever made it."""
        if row.active_since is None:
            return
        id = str(row.alert_id)
        if row.state == State.ACTIVE:
            facets = self._facets(row)
            self._again |= {UUID(other) for other in self._causes.add(facets)}
            self._matters.add(facets, str(row.matter or row.alert_id))
            return
        self._again |= {UUID(other) for other in self._causes.remove(id)}
        if row.closed_at is not None:
            self._matters.remove(id)

    def begin(self, row: AlertRow, now_us: int) -> AlertRow:
        """The alert, which is about to become active, with its matter and whether it flaps."""
        self._begun.append((row.fingerprint, now_us))
        beginnings = [at for mark, at in self._begun if mark == row.fingerprint]
        facets = self._facets(row)
        muted = self._muted(facets, now_us)
        cause = muted.by if muted is not None and muted.rule else None
        flooding = is_flood((at for _, at in self._begun), now_us)
        found = self._matters.find(facets, cause=cause, flooding=flooding)
        # What begins in the same batch finds this one.
        self._matters.add(facets, found.matter)
        self._again |= {UUID(other) for other in self._causes.add(facets)}
        return replace(
            row,
            matter=UUID(found.matter),
            matter_reason=found.reason.value,
            flapping=is_flapping(beginnings, now_us),
            muted=_document(muted),
        )

    def look(self, row: AlertRow, now_us: int) -> AlertRow:
        """The alert with why it is quiet now, if it is."""
        if row.active_since is None or row.closed_at is not None:
            return row
        muted = _document(self._muted(self._facets(row), now_us))
        return row if muted == row.muted else replace(row, muted=muted)

    def due(self, rows: Mapping[UUID, AlertRow], now_us: int) -> list[AlertRow]:
        """The alerts that must be looked at: causes came or went, or a silence began or ended."""
        before, self._looked_at = self._looked_at, now_us
        while self._begun and self._begun[0][1] <= now_us - FLAP_WITHIN:
            self._begun.popleft()
        edges = (edge for silence in self._silences for edge in (silence.starts, silence.ends))
        if before == 0 or any(before < edge <= now_us for edge in edges):
            self._again.clear()
            return list(rows.values())
        again, self._again = self._again, set()
        return [rows[id] for id in again if id in rows]

    def _muted(self, facets: Facets, now_us: int) -> Muted | None:
        return silenced_by(facets, self._silences, now_us) or self._causes.of(facets)


def _silence(row: SilenceRow) -> Silence:
    return Silence(
        id=str(row.silence_id),
        matcher=msgspec.convert(row.matcher, Matcher),
        starts=to_micros(row.starts),
        ends=to_micros(row.ends),
        why=row.why,
        by=row.created_by,
        plan=row.plan,
    )


def _document(muted: Muted | None) -> dict[str, Any] | None:
    """Why an alert is quiet, as it is stored."""
    if muted is None:
        return None
    return {
        "cause": muted.cause.value, "by": muted.by, "rule": muted.rule, "why": muted.why,
        "until": None if muted.until is None else from_micros(muted.until).isoformat(),
    }  # fmt: skip
