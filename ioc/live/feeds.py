"""How each feed fares: newest times, and the counts of the last hour and day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ioc.live.latest import NEVER
from ioc.live.topic import StateTopic
from ioc.live.wire import FeedItem, UnitRef, encoder
from ioc.model import Feed, Freshness, Receipt, freshness, from_micros, to_micros

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

_PARTS: Final = ("received", "stored", "duplicate", "corrected", "late", "quarantined")


@dataclass(slots=True)
class _Counts:
    received: int = 0
    stored: int = 0
    duplicate: int = 0
    corrected: int = 0
    late: int = 0
    quarantined: int = 0

    @property
    def held(self) -> int:
        """How many are in the store, as they came or already."""
        return self.stored + self.duplicate + self.corrected


@dataclass(slots=True)
class _Health:
    newest: int = NEVER
    received: int = NEVER
    minutes: dict[datetime, _Counts] = field(default_factory=dict[datetime, _Counts])


class FeedHealth:
    """Counts what the writer stored, per feed, and shows it as the topic `feeds`."""

    def __init__(self, epoch: str, now: Callable[[], datetime]) -> None:
        """Start without feeds."""
        self.topic = StateTopic("feeds", epoch, pace=1.0)
        self.topic.render = self._render
        self._now = now
        self._feeds: dict[str, Feed] = {}
        self._series: Mapping[int, int] = {}
        self._unit_names: Mapping[str, str] = {}
        self._health: dict[int, _Health] = {}
        self._states: dict[str, Freshness] = {}

    def load(
        self, feeds: Mapping[str, Feed], *, series: Mapping[int, int], unit_names: Mapping[str, str]
    ) -> None:
        """Take the feeds as they are now; `series` counts them by feed key."""
        changed = {
            key
            for key, feed in feeds.items()
            if self._feeds.get(key) != feed or self._series.get(feed.key) != series.get(feed.key)
        }
        self._feeds, self._series, self._unit_names = dict(feeds), series, unit_names
        for key in changed:
            self.topic.put(key)
        self.topic.keep_only(feeds)

    def restore(self, feed: int, minute: datetime, *counts: int) -> None:
        """Take a minute of the ledger, when the server starts: received and its parts in order."""
        health = self._health.setdefault(feed, _Health())
        health.minutes[minute] = kept = _Counts(*counts)
        if kept.held:
            health.received = max(health.received, to_micros(minute))

    def seen(self, feed: int, newest: int, received: int) -> None:
        """Take the newest observation of a series, when the server starts. µs."""
        health = self._health.setdefault(feed, _Health())
        health.newest = max(health.newest, newest)
        health.received = max(health.received, received)

    def note(self, feed: Feed, receipt: Receipt, newest: int | None, received_at: datetime) -> None:
        """Count a payload; `newest` is the newest phenomenon time among what was stored, in µs."""
        health = self._health.setdefault(feed.key, _Health())
        minute = received_at.replace(second=0, microsecond=0)
        counts = health.minutes.setdefault(minute, _Counts())
        _add(counts, receipt)
        if receipt.stored or receipt.corrected or receipt.duplicate:
            health.received = max(health.received, to_micros(received_at))
        if newest is not None:
            health.newest = max(health.newest, newest)
        self.topic.put(feed.id)

    def age(self, now: datetime) -> None:
        """Forget minutes of more than a day ago, and mark feeds whose state has changed."""
        for health in self._health.values():
            for minute in [m for m in health.minutes if m < now - DAY]:
                del health.minutes[minute]
        for key, feed in self._feeds.items():
            state = self.state(feed, now)
            if self._states.get(key) != state:
                self._states[key] = state
                self.topic.put(key)

    def state(self, feed: Feed, now: datetime) -> Freshness:
        """How old the newest data of a feed is, by its own rules."""
        health = self._health.get(feed.key)
        newest = NEVER if health is None else max(health.newest, _known(health.received, feed))
        age = None if newest == NEVER else (to_micros(now) - newest) / 1e6
        return freshness(age, feed.late_after, feed.stale_after)

    def last_received(self) -> dict[int, int | None]:
        """When something of each feed was last stored, µs; None where it never was."""
        return {
            feed.key: None
            if (health := self._health.get(feed.key)) is None or health.received == NEVER
            else health.received
            for feed in self._feeds.values()
        }

    def counts(self, now: datetime) -> dict[str, int]:
        """How many feeds are fresh, late, stale and never fed."""
        found = dict.fromkeys((str(state) for state in Freshness), 0)
        for feed in self._feeds.values():
            found[self.state(feed, now).value] += 1
        return found

    def day(self, now: datetime) -> dict[str, int]:
        """Rows received, and what became of them, within the last 24 hours, of all feeds."""
        total = _Counts()
        for health in self._health.values():
            _sum(total, health.minutes, now - DAY)
        return {name: getattr(total, name) for name in _PARTS}

    def item(self, feed: Feed, now: datetime) -> FeedItem:
        """The feed as it is shown."""
        health = self._health.get(feed.key, _Health())
        hour = _Counts()
        _sum(hour, health.minutes, now - HOUR)
        return FeedItem(
            id=feed.id,
            name=feed.name,
            agency=UnitRef(feed.agency, self._unit_names.get(feed.agency, feed.agency)),
            domain=feed.domain.value,
            state=self.state(feed, now),
            interval=feed.interval,
            late_after=feed.late_after,
            stale_after=feed.stale_after,
            last_time=None if health.newest == NEVER else from_micros(health.newest),
            last_received=None if health.received == NEVER else from_micros(health.received),
            received_hour=hour.received,
            stored_hour=hour.held,
            quarantined_hour=hour.quarantined,
            late_hour=hour.late,
            series=self._series.get(feed.key, 0),
            idempotent=feed.is_idempotent,
            simulated=feed.simulated,
        )

    def items(self, now: datetime, only: Callable[[Feed], bool]) -> list[FeedItem]:
        """The feeds that `only` lets through, by id."""
        return [self.item(feed, now) for _, feed in sorted(self._feeds.items()) if only(feed)]

    def _render(self, key: str) -> bytes:
        return encoder.encode(self.item(self._feeds[key], self._now()))


def _known(received: int, feed: Feed) -> int:
    """Dossiers have no series: what counts for a feed of them is when something came."""
    return received if feed.domain.value == "service" else NEVER


def _add(total: _Counts, more: _Counts | Receipt) -> None:
    for name in _PARTS:
        setattr(total, name, getattr(total, name) + getattr(more, name))


def _sum(total: _Counts, minutes: Mapping[datetime, _Counts], since: datetime) -> None:
    for minute, counts in minutes.items():
        if minute >= since:
            _add(total, counts)
