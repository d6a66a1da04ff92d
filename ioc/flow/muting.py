"""What of the alerts is kept quiet and why, and which belong together."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from alerts.alert import State
from alerts.matter import Beginnings, Matters
from alerts.mute import (
    Causes,
    Facets,
    Inhibition,
    Matcher,
    MuteCause,
    Muted,
    Silence,
    matches,
    silenced_by,
)
from ioc.model import from_micros, to_micros
from ioc.store.alerts import AlertRow
from ioc.store.silences import SilenceRow


class Muting:
    """Follows the open alerts, and says of each whether it is quiet and where it belongs."""

    def __init__(self, facets: Callable[[AlertRow], Facets]) -> None:
        """Look at alerts by `facets`; know no silence and no cause yet."""
        self._facets = facets
        self._silences: list[Silence] = []
        self._causes = Causes()
        self._matters = Matters()
        self._begun = Beginnings()
        self._again: set[UUID] = set()
        self._looked_at = 0

    def load(
        self,
        silences: Iterable[SilenceRow],
        inhibitions: Iterable[Inhibition],
        rows: Iterable[AlertRow],
        begun: Iterable[tuple[str, datetime]],
        now_us: int,
    ) -> None:
        """Take what there is: all of `rows` are to be looked at."""
        self._causes, self._matters = Causes(inhibitions), Matters()
        self._begun = Beginnings()
        for mark, at in begun:
            self._begun.add(mark, to_micros(at))
        self._silences = [_silence(row) for row in silences]
        self._looked_at = now_us
        for row in rows:
            self.follow(row)
            self._again.add(row.alert_id)

    def silence(self, silences: Iterable[SilenceRow]) -> None:
        """Take the silences as they are now; whom one of those means that differ is looked at."""
        before, self._silences = self._silences, [_silence(row) for row in silences]
        self._look_at_meant(set(before) ^ set(self._silences))

    def follow(self, row: AlertRow) -> None:
        """Take an alert as it stands after a change, whoever made it."""
        if row.active_since is None:
            return
        facets = self._facets(row)
        if row.closed_at is not None:
            self._look_at(self._causes.remove(facets.id))
            self._matters.remove(facets.id)
            return
        self._matters.add(facets, str(row.matter or row.alert_id))
        is_active = row.state == State.ACTIVE
        self._look_at(self._causes.add(facets) if is_active else self._causes.clear(facets))

    def begin(self, row: AlertRow, now_us: int) -> AlertRow:
        """The alert, which is about to become active, with its matter and whether it flaps."""
        self._begun.add(row.fingerprint, now_us)
        facets = self._facets(row)
        muted = self._muted(facets, now_us)
        cause = muted.by if muted is not None and muted.rule else None
        found = self._matters.find(facets, cause=cause, flooding=self._begun.floods(now_us))
        # What begins in the same batch finds this one.
        self._matters.add(facets, found.matter)
        self._look_at(self._causes.add(facets))
        return replace(
            row,
            matter=UUID(found.matter),
            matter_reason=found.reason.value,
            flapping=self._begun.flaps(row.fingerprint, now_us),
            muted=_document(muted),
        )

    def look(self, row: AlertRow, now_us: int) -> AlertRow:
        """The alert with why it is quiet now, if it is."""
        if row.active_since is None or row.closed_at is not None:
            return row
        muted = _document(self._muted(self._facets(row), now_us))
        return row if muted == row.muted else replace(row, muted=muted)

    @staticmethod
    def change(before: AlertRow, after: AlertRow, now_us: int) -> str:
        """What is said of an alert that became quiet or loud: planned work may have overrun."""
        if after.muted is not None:
            return "muted"
        was = before.muted or {}
        if was.get("cause") != MuteCause.PLANNED or after.state != State.ACTIVE:
            return "unmuted"
        until = to_micros(datetime.fromisoformat(was["until"]))
        return "overrun" if until <= now_us else "unmuted"

    def due(self, now_us: int) -> list[UUID]:
        """The alerts that must be looked at: causes came or went, or a silence began or ended."""
        before, self._looked_at = self._looked_at, now_us
        self._begun.forget(now_us)
        self._look_at_meant(
            silence
            for silence in self._silences
            if before < silence.starts <= now_us or before < silence.ends <= now_us
        )
        again, self._again = self._again, set()
        return sorted(again)

    def _look_at(self, ids: Iterable[str]) -> None:
        self._again.update(map(UUID, ids))

    def _look_at_meant(self, silences: Iterable[Silence]) -> None:
        """Look again at the alerts that some silences mean."""
        matchers = [silence.matcher for silence in silences]
        if matchers:
            self._look_at(
                facets.id
                for facets in self._matters.known()
                if any(matches(matcher, facets) for matcher in matchers)
            )

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
