"""The layer of field reports: where each open one is, its category, its state and its clock."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ioc.live.topic import StateTopic
from ioc.live.wire import LayerFeature, LayerProperties, Value, encoder
from ioc.model import Freshness, Severity
from ioc.org import Organisation
from ioc.store import ticket_places, ticket_rows
from ioc.store.pool import ReadPool
from ioc.store.ticket_places import PlacedReport
from ioc.tickets.judgement import handling
from ioc.tickets.life import State

LAYER: Final = "field-reports"


@dataclass(frozen=True, slots=True)
class _View:
    """A topic and the units whose reports it shows; None is all, those of no unit too."""

    topic: StateTopic
    units: frozenset[str] | None

    def covers(self, report: PlacedReport) -> bool:
        return self.units is None or report.unit in self.units


class FieldReports:
    """Keeps the topic of all open field reports, and one for each circle of units that looks.

    The topics of circles stay: there are no more than there are accounts of agencies.
    """

    def __init__(
        self,
        *,
        reads: ReadPool,
        topic: StateTopic,
        epoch: str,
        organisation: Callable[[], Organisation],
        now: Callable[[], datetime],
    ) -> None:
        """Show nothing yet."""
        self.topic = topic
        self._reads = reads
        self._epoch = epoch
        self._organisation = organisation
        self._now = now
        self._views: dict[str, _View] = {topic.name: _View(topic, None)}
        self._open: Mapping[str, PlacedReport] = {}
        self._names: tuple[Mapping[str, str], Organisation] = ({}, organisation())
        """Of categories by id, and of units."""
        self._looked_at = now()
        self._reading = asyncio.Lock()
        """Who reads later shows later."""

    async def refresh(self) -> list[StateTopic]:
        """Show what is open by what is stored; returns the topics that changed."""
        async with self._reading:
            plan = await ticket_rows.read_plan(self._reads)
            rows = await ticket_places.open_reports(self._reads)
            return self.show(rows, {c.id: c.name.vi for c in plan.categories})

    def show(self, rows: Iterable[PlacedReport], categories: Mapping[str, str]) -> list[StateTopic]:
        """Show these reports and no others; returns the topics that changed."""
        names = (categories, self._organisation())
        renamed, self._names = names != self._names, names
        before, self._open = self._open, {str(row.ticket_id): row for row in rows}
        changed = {key: row for key, row in self._open.items() if renamed or before.get(key) != row}
        gone = before.keys() - self._open.keys()
        return self._changed(changed | self._passed(), gone)

    def age(self) -> list[StateTopic]:
        """Show which reports have become overdue by now; returns the topics that changed."""
        return self._changed(self._passed(), ())

    def _passed(self) -> dict[str, PlacedReport]:
        """The reports whose deadline has passed since this was asked last."""
        since, self._looked_at = self._looked_at, self._now()
        return {
            key: row for key, row in self._open.items() if since <= row.due_at < self._looked_at
        }

    def of(self, units: Collection[str]) -> StateTopic:
        """The topic of the reports of some units only."""
        name = f"{self.topic.name}:{','.join(sorted(units))}"
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = _View(StateTopic(name, self._epoch), frozenset(units))
            self._put(view, self._open, ())
        return view.topic

    def _changed(self, rows: Mapping[str, PlacedReport], gone: Collection[str]) -> list[StateTopic]:
        changed: list[StateTopic] = []
        for view in self._views.values():
            before = view.topic.offset
            self._put(view, rows, gone)
            if view.topic.offset != before:
                changed.append(view.topic)
        return changed

    def _put(self, view: _View, rows: Mapping[str, PlacedReport], gone: Collection[str]) -> None:
        for key, row in rows.items():
            if view.covers(row):
                point = (row.longitude, row.latitude)
                view.topic.put_if_changed(key, encoder.encode(self._feature(key, row)), point)
            else:
                view.topic.remove(key)
        for key in gone:
            view.topic.remove(key)

    def _feature(self, key: str, row: PlacedReport) -> LayerFeature:
        answers = row.unit or row.lead
        categories, organisation = self._names
        unit = organisation.find(answers, self._looked_at.date())
        clock = handling(State(row.state), row.due_at, self._looked_at)
        told = {"clock": clock, "state": row.state, "category": row.category}
        return LayerFeature(
            id=key,
            geometry={"type": "Point", "coordinates": [row.longitude, row.latitude]},
            properties=LayerProperties(
                name=categories.get(row.category, row.category),
                unit=answers,
                unit_name=unit.short_name if unit else answers,
                values={
                    name: Value(word, row.changed_at, None, Freshness.FRESH)
                    for name, word in told.items()
                },
                severity=Severity.MEDIUM if clock == "missed" else None,
            ),
        )
