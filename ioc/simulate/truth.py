"""What really happened in the simulated province, for judging the alerts; one JSON line each."""

from pathlib import Path

import msgspec

from ioc.simulate.calendar import iso
from ioc.simulate.episodes import Episode
from ioc.simulate.rhythm import Rhythm


class Line(msgspec.Struct):
    """One episode as the file has it; times are those that the observations carry."""

    id: str
    kind: str
    feed: str
    feature: str
    since: str
    until: str
    strength: float
    touched: dict[str, float]


class _Known(msgspec.Struct):
    id: str


class TruthFile:
    """A file to which every episode is appended once, when it begins."""

    def __init__(self, path: Path) -> None:
        """Append to that file; what it holds already is not written again."""
        self._path = path
        self._known: set[str] = set()
        if path.exists():
            for line in path.read_bytes().splitlines():
                try:
                    self._known.add(msgspec.json.decode(line, type=_Known).id)
                except msgspec.DecodeError:
                    continue  # the last line of a run that was killed

    def tell(self, found: list[tuple[str, Episode]], rhythm: Rhythm) -> int:
        """Append the episodes that are new; returns how many."""
        lines: list[bytes] = []
        for feed, episode in sorted(found, key=lambda item: (item[1].since, item[1].kind)):
            name = f"{feed}/{episode.id}"
            if name in self._known:
                continue
            self._known.add(name)
            lines.append(
                msgspec.json.encode(
                    Line(
                        id=name,
                        kind=episode.kind,
                        feed=feed,
                        feature=episode.feature,
                        since=iso(rhythm.shown(episode.since)),
                        until=iso(rhythm.shown(episode.until)),
                        strength=round(episode.strength, 3),
                        touched=dict(episode.touched),
                    )
                )
            )
        if lines:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                file.write(b"\n".join(lines) + b"\n")
        return len(lines)
