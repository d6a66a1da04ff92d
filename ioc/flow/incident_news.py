"""The topic of incidents, and one for each circle of units that sees its own only."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ioc.clock import Clock
from ioc.flow.incident_desk import Desks
from ioc.live.topic import Change, LogTopic
from ioc.live.wire import encoder
from ioc.store import incident_log, incident_rows
from ioc.store.incident_log import News
from ioc.store.pool import ReadPool

MOST_TAIL: Final = 20_000


@dataclass(frozen=True, slots=True)
class _View:
    """A topic and the units whose incidents it shows; None is all."""

    topic: LogTopic
    units: frozenset[str] | None

    def covers(self, units: Collection[str]) -> bool:
        return self.units is None or not self.units.isdisjoint(units)

    def change(self, news: News) -> Change:
        """What a change is to who sees these units: `none` where it is nothing."""
        before, after = self.covers(news.units_before), self.covers(news.units)
        if before and not after:
            verb = "remove"
        elif after and (before or news.verb == "remove"):
            verb = news.verb
        else:
            verb = "add" if after else "none"
        return Change(news.log_offset, verb, str(news.incident_id), news.item)


class IncidentNews:
    """Follows the log of incidents, whoever writes it, and tells clients in the order of commits.

    The topics of circles stay: there are no more than there are accounts of agencies.
    """

    def __init__(
        self,
        *,
        reads: ReadPool,
        desks: Desks,
        clock: Clock,
        topic: LogTopic,
        changed: Callable[[LogTopic], None],
    ) -> None:
        """Know nothing yet; `changed` is told of each topic that has news."""
        self.topic = topic
        self._reads = reads
        self._desks = desks
        self._clock = clock
        self._changed = changed
        self._views: dict[str, _View] = {topic.name: _View(topic, None)}
        self._following = asyncio.Lock()

    async def load(self) -> None:
        """Take what is not closed, and the tail of the log."""
        await self._load(self._views[self.topic.name])

    async def of(self, units: Collection[str]) -> LogTopic:
        """The topic of the incidents in which one of some units leads or supports."""
        name = f"{self.topic.name}:{','.join(sorted(units))}"
        async with self._following:
            view = self._views.get(name)
            if view is None:
                view = _View(LogTopic(name, self.topic.epoch), frozenset(units))
                await self._load(view)
                self._views[name] = view
        return view.topic

    async def _load(self, view: _View) -> None:
        desk = await self._desks.open()
        since = self._clock.now() - timedelta(days=incident_log.LOG_DAYS)
        offset, tail = await incident_log.tail(self._reads, since=since, limit=MOST_TAIL)
        # After the log: an incident that changes in between comes again, as it then stands.
        rows = await incident_rows.not_closed(self._reads)
        shown = [
            (str(row.incident_id), encoder.encode(desk.item(row)))
            for row in rows
            if view.covers(row.units)
        ]
        changes = [change for news in tail if (change := view.change(news)).verb != "none"]
        floor = tail[0].log_offset - 1 if tail else offset
        view.topic.load(shown, changes, offset, floor=floor)

    async def follow(self) -> None:
        """Tell what was stored since."""
        async with self._following:
            while True:
                offset = min(view.topic.offset for view in self._views.values())
                news = await incident_log.changed_after(self._reads, offset, limit=MOST_TAIL)
                if not news:
                    return
                for view in self._views.values():
                    self._tell(view, news)

    def _tell(self, view: _View, news: Sequence[News]) -> None:
        unknown = [one for one in news if one.log_offset > view.topic.offset]
        for one in unknown:
            view.topic.apply(view.change(one))
        if unknown:
            self._changed(view.topic)
