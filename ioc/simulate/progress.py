"""What the simulator remembers between two runs, in a file beside the data."""

from pathlib import Path

import msgspec

from ioc.simulate.backfill import Span


class Progress(msgspec.Struct):
    """How far the past has been sent to one database, and which keys were made for it."""

    database: str = ""
    """Epoch of the database; what is remembered of another one is void."""

    open: dict[str, list[Span]] = msgspec.field(default_factory=dict[str, list[Span]])
    """By feed, the spans that are still to be sent in full."""

    told: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """By feed of dossiers, the instant up to which every change was sent."""

    keys: dict[str, list[int]] = msgspec.field(default_factory=dict[str, list[int]])
    """By feed, the numbers of keys to revoke."""

    mqtt: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """By agency, the hash of the password that the simulator set."""

    def close(self, feed: str, done: Span) -> None:
        """Take a sent span out of what is open."""
        since, until = done
        left: list[Span] = []
        for a, b in self.open.get(feed, []):
            if b <= since or a >= until:
                left.append((a, b))
                continue
            left += [(a, since)] if a < since else []
            left += [(until, b)] if b > until else []
        self.open[feed] = left


def load(path: Path, database: str) -> Progress:
    """What is remembered of a database; nothing, if the file is of another or unreadable."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError):
        return Progress(database=database)
    return found if found.database == database else Progress(database=database)


def save(path: Path, progress: Progress) -> None:
    """Write the file anew, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.encode(progress))
    partial.replace(path)
