"""Events folded to states: the same events give the same state, in whatever order they came.

The newest state that was sent whole says everything up to its `changed_at`; events after it apply
on top, by their time. Of an event that comes again the newest version counts.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import msgspec

from ingest.dossier import CheckedEvent, DossierState, Kind, Oddity

Taken = Literal["stored", "corrected", "duplicate"]

ENDS: Final[dict[str, str]] = {
    "resolved": "granted",
    "refused": "refused",
    "withdrawn": "withdrawn",
    "returned": "returned",
}
"""The outcome of what ends a dossier."""

_STARTS: Final = {"supplement_requested": "supplement", "paused": "pause"}
_STOPS: Final = {"supplemented": "supplement", "resumed": "pause"}
"""What stops the clock, and what lets it go on."""

_FROM_BEFORE: Final = "told"
"""The pause that a whole state says is open: whatever lets the clock go on ends it."""

_RANK: Final = {kind: place for place, kind in enumerate(get_args(Kind))}
"""Of events at one instant the receipt comes first and the end last."""

_encoder: Final = msgspec.json.Encoder(order="deterministic")


def version(item: DossierState | CheckedEvent) -> tuple[datetime, bytes]:
    """Which of two versions is newer; content decides where their times are the same."""
    said = [
        value.astimezone(UTC) if isinstance(value, datetime) else value
        for value in msgspec.structs.astuple(item)
    ]
    return item.changed_at, _encoder.encode(said)


def after_move(earlier: DossierState, later: DossierState) -> DossierState:
    """The later of two whole states, marked if the dossier changed its unit while in hand."""
    moved = earlier.resolved_at is None and earlier.handling_unit != later.handling_unit
    if later.flags & Oddity.MOVED or not (moved or earlier.flags & Oddity.MOVED):
        return later
    return msgspec.structs.replace(later, flags=later.flags | int(Oddity.MOVED))


def newer(before: DossierState, state: DossierState) -> DossierState:
    """Which of two whole states counts, of one time the one that came last; marked if it moved."""
    if state.changed_at < before.changed_at:
        return after_move(state, before)
    return after_move(before, state)


class History(msgspec.Struct):
    """What is known of one dossier: the newest whole state, and every event by its key."""

    snapshot: DossierState | None = None
    events: dict[str, CheckedEvent] = msgspec.field(default_factory=dict[str, CheckedEvent])

    def take_snapshot(self, state: DossierState) -> Taken:
        """Keep a whole state unless a newer one is there; at one time the one sent last counts."""
        before = self.snapshot
        if before is None:
            self.snapshot = state
            return "stored"
        self.snapshot = newer(before, state)
        if state.changed_at < before.changed_at or version(self.snapshot) == version(before):
            return "duplicate"
        return "corrected"

    def take_event(self, event: CheckedEvent) -> Taken:
        """Keep an event if it is new, or a newer version of one that is there."""
        before = self.events.get(event.key)
        if before is not None and version(event) <= version(before):
            return "duplicate"
        self.events[event.key] = event
        return "stored" if before is None else "corrected"

    def state(self) -> DossierState | None:
        """How the dossier stands; None while its receipt is not known."""
        return folded(self.snapshot, self.events.values())


def folded(snapshot: DossierState | None, events: Iterable[CheckedEvent]) -> DossierState | None:
    """The state after all events; its `changed_at` is that of the newest word about it."""
    known = list(events)
    life = _Life(snapshot)
    for event in sorted(known, key=lambda event: (event.at, _RANK[event.event], event.key)):
        if event.cancelled:
            continue
        life.look(event)
        if snapshot is None or event.at > snapshot.changed_at:
            life.apply(event)
    words = [event.changed_at for event in known]
    if snapshot is not None:
        words.append(snapshot.changed_at)
    return life.ended(max(words)) if words else None


class _Life:
    """A state while events are applied to it."""

    def __init__(self, snapshot: DossierState | None) -> None:
        self._told: dict[str, Any] = {"flags": 0}
        if snapshot is not None:
            self._told.update(msgspec.structs.asdict(snapshot))
        self._open: set[str] = {_FROM_BEFORE} if self._told.get("paused_since") else set()

    def look(self, event: CheckedEvent) -> None:
        """Mark that it moved if an event, even one before the whole state, tells another unit."""
        here, ended = self._told.get("handling_unit"), self._told.get("resolved_at")
        elsewhere = here not in (None, event.sets.get("handling_unit", here))
        if elsewhere and (ended is None or event.at < ended):
            self._told["flags"] |= int(Oddity.MOVED)

    def apply(self, event: CheckedEvent) -> None:
        """Let an event happen."""
        told = self._told
        told.update(event.sets)
        told.setdefault("code", event.code)
        if event.due_at is not None:
            told["due_at"] = event.due_at
        if event.event == "received":
            told.setdefault("received_at", event.at)
        elif event.event == "step_in":
            told["office"], told["office_since"] = event.office, event.at
        elif event.event == "step_out" and told.get("office") == event.office:
            told["office"] = told["office_since"] = None
        elif event.event in _STARTS:
            self._stop_clock(event)
        elif event.event in _STOPS:
            self._open -= {_STOPS[event.event], _FROM_BEFORE}
            self._go_on(event.at)
        elif event.event in ENDS:
            self._end(event)

    def _stop_clock(self, event: CheckedEvent) -> None:
        told = self._told
        told["supplements"] = told.get("supplements", 0) + (event.event == "supplement_requested")
        if not self._open:
            told["paused_since"] = event.at
        self._open.add(_STARTS[event.event])

    def _go_on(self, at: datetime) -> None:
        since: datetime | None = self._told.get("paused_since")
        if since is not None and not self._open:
            self._told["paused_since"] = None
            paused = max(int((at - since).total_seconds()), 0)
            self._told["paused_seconds"] = self._told.get("paused_seconds", 0) + paused

    def _end(self, event: CheckedEvent) -> None:
        """A dossier that was done stays so, whatever is said of it later."""
        if event.event != "resolved" and self._told.get("outcome") == "granted":
            return
        self._told["resolved_at"], self._told["outcome"] = event.at, ENDS[event.event]
        self._open.clear()
        self._go_on(event.at)

    def ended(self, changed_at: datetime) -> DossierState | None:
        """The state that came of it."""
        told = self._told
        if _NEEDED - told.keys():
            return None
        if told["channel"] != "online":
            told["source"] = told["screen"] = None
        resolved: datetime | None = told.get("resolved_at")
        if resolved is not None and resolved < told["received_at"]:
            told["resolved_at"] = told["outcome"] = None
            told["flags"] |= int(Oddity.ENDED_BEFORE_RECEIPT)
        return msgspec.convert({**_NOTHING, **told, "changed_at": changed_at}, type=DossierState)


_NEEDED: Final = frozenset({
    "code", "procedure", "received_unit", "handling_unit", "channel", "received_at",
})  # fmt: skip
_NOTHING: Final[dict[str, Any]] = {
    **{f.name: None for f in msgspec.structs.fields(DossierState) if f.name not in _NEEDED},
    "field": "", "supplements": 0, "paused_seconds": 0, "flags": 0,
}  # fmt: skip
