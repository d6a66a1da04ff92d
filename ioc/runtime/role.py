"""What a process does: all of it, or its share beside others on the same database."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """Which parts of the flow run in a process; `shared` says that others run beside it."""

    name: str
    shared: bool
    subscribes: bool
    """Takes payloads from the broker."""
    shows: bool
    """Serves REST, websocket and pages."""
    judges: bool
    """Runs the alert engine and what else one process does for all."""

    @property
    def follows(self) -> bool:
        """Whether it must hear what others store."""
        return self.shared and (self.shows or self.judges)


UP = Role("up", shared=False, subscribes=True, shows=True, judges=True)
INGEST = Role("ingest", shared=True, subscribes=True, shows=False, judges=False)
ENGINE = Role("engine", shared=True, subscribes=False, shows=False, judges=True)
SERVE = Role("serve", shared=True, subscribes=False, shows=True, judges=False)
