"""Figures that are only of now: of newest values, of feeds, of the ledger, of the four words."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from ioc.flow.figure_parts import described
from ioc.flow.newest import NewestValues, tightest
from ioc.kpi.evaluate import (
    Figure,
    by_rank,
    evaluate_counts,
    evaluate_latest,
    ranks,
    standing,
)
from ioc.kpi.indicator import Indicator
from ioc.kpi.origin import CountSource, LatestSource
from ioc.live.feeds import FeedHealth
from ioc.live.wire import Coverage, FigureItem, TargetRef
from ioc.model import from_micros
from ioc.org import Organisation
from ioc.quality.score import Today, total
from ioc.store.registry import Registry

SCORES_LATE: Final = 300.0
SCORES_STALE: Final = 1800.0
"""Seconds after which the four words, which are counted all the time, are late and stale."""

Targets = Callable[[str, str], TargetRef | None]
"""The target of an indicator and a unit that is in force now."""


class PresentFigures:
    """Evaluates what has no periods."""

    def __init__(self, registry: Registry, newest: NewestValues, health: FeedHealth) -> None:
        """Look at what the process knows of now."""
        self._registry = registry
        self._newest = newest
        self._health = health
        self.quality: Callable[[], Today] = Today
        """The four words of the running day by agency."""
        self._organisation = Organisation([])
        self._province = ""

    def load(self, organisation: Organisation, province: str) -> None:
        """Take the units."""
        self._organisation = organisation
        self._province = province

    async def of_latest(self, indicators: Iterable[Indicator], now: datetime) -> dict[str, Figure]:
        """The figures of newest values, each once however many boards show it.

        Half a million series take some hundredths of a second, so the flow gets its turn between.
        """
        members: dict[frozenset[str], list[Indicator]] = {}
        for indicator in indicators:
            if indicator.properties:
                members.setdefault(indicator.properties, []).append(indicator)
        found: dict[str, Figure] = {}
        for properties, alike in members.items():
            values = self._newest.of(properties, now)
            for indicator in alike:
                found[indicator.id] = evaluate_latest(indicator, values)
                await asyncio.sleep(0)
        return found

    def figure(self, indicator: Indicator, now: datetime) -> Figure:
        """One figure of the province."""
        source = indicator.source
        if isinstance(source, LatestSource):
            return evaluate_latest(indicator, self._newest.of(indicator.properties, now))
        assert isinstance(source, CountSource)
        match source.source:
            case "feeds":
                return evaluate_counts(indicator, self._health.counts(now))
            case "ledger":
                return evaluate_counts(indicator, self._health.day(now))
            case _:
                return self._scored(indicator, None)

    def ranking(self, indicator: Indicator, now: datetime, targets: Targets) -> list[FigureItem]:
        """The figure of every agency that has one of the four words, best first."""
        if not indicator.is_scored:
            return []
        units = sorted(self.quality().counts)
        figures = {unit: self._scored(indicator, [unit]) for unit in units}
        known = [unit for unit in units if figures[unit].numerator is not None]
        values = [figures[unit].value for unit in known]
        place = ranks(values, indicator.direction)
        return [
            msgspec.structs.replace(
                self.item(indicator, known[at], figures[known[at]], now, targets), rank=place[at]
            )
            for at in by_rank(values, indicator.direction)
        ]

    def item(
        self, indicator: Indicator, unit: str, figure: Figure, now: datetime, targets: Targets
    ) -> FigureItem:
        """One figure as it travels."""
        target = targets(indicator.id, unit)
        late, stale = self.limits(indicator)
        wanted = standing(figure.value, target.value if target else None, indicator.direction)
        return FigureItem(
            **described(indicator, unit, self._organisation, now.date(), self._province),
            period=None,
            value=figure.value,
            numerator=figure.numerator,
            denominator=figure.denominator,
            state=figure.state,
            time=self._time(indicator, figure),
            late_after=late,
            stale_after=stale,
            coverage=None
            if figure.observed is None
            else Coverage(figure.observed, figure.expected),
            target=target,
            standing=wanted.value,
            severity=indicator.severity(figure.value),
        )

    def dossiers_at(self) -> datetime | None:
        """When dossiers last came in: the age of every figure that is made of them."""
        received = self._health.last_received()
        times = [
            at
            for feed in self._registry.feeds.values()
            if feed.domain.value == "service" and (at := received.get(feed.key)) is not None
        ]
        return from_micros(max(times)) if times else None

    def limits(self, indicator: Indicator) -> tuple[float | None, float | None]:
        """The age limits of the feeds that an indicator is made of; the tightest counts."""
        if indicator.is_scored:
            return SCORES_LATE, SCORES_STALE
        if isinstance(indicator.source, LatestSource):
            limits = self._newest.layout().limits
            return limits.get(indicator.source.numerator.property, (None, None))
        feeds = self._registry.feeds.values()
        return tightest([feed for feed in feeds if feed.domain == indicator.domain])

    def _time(self, indicator: Indicator, figure: Figure) -> datetime | None:
        if indicator.is_scored:
            return self.quality().at
        if not isinstance(indicator.source, LatestSource):
            return None
        return from_micros(figure.time) if figure.time else None

    def _scored(self, indicator: Indicator, units: Sequence[str] | None) -> Figure:
        """A figure of the quality of data over the agencies among the units, or over all."""
        table: Mapping[str, msgspec.Struct] = self.quality().counts
        counts = total(table[unit] for unit in (units or table) if unit in table)
        return evaluate_counts(indicator, msgspec.structs.asdict(counts))
