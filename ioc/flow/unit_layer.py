"""The layer of units: each coloured by its figures."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from ioc.flow.tables import Table
from ioc.live.topic import StateTopic
from ioc.live.wire import LayerFeature, LayerProperties, Value, encoder
from ioc.model import Freshness
from ioc.org import Level, Organisation


class UnitLayer:
    """Keeps the topic of the units' layer."""

    def __init__(self, topic: StateTopic) -> None:
        """Show nothing yet."""
        self.topic = topic
        self._organisation = Organisation([])
        self._outlines: Mapping[str, tuple[dict[str, Any], str]] = {}
        self.indicators: Collection[str] = ()

    def load(
        self,
        organisation: Organisation,
        outlines: Mapping[str, tuple[dict[str, Any], str]],
        indicators: Collection[str],
    ) -> None:
        """Take the units, their outlines and the indicators that they are shown with."""
        self.indicators = indicators
        self._organisation = organisation
        self._outlines = outlines

    def show(self, table: Table, at: datetime | None, now: datetime) -> bool:
        """Colour the communes by what a table says; whether anything changed."""
        before = self.topic.offset
        today = self._organisation.as_of(now.date())
        for unit, (geometry, _) in self._outlines.items():
            version = today.get(unit)
            if version is None or version.level is not Level.COMMUNE:
                continue
            feature = LayerFeature(
                id=unit,
                geometry=geometry,
                properties=LayerProperties(
                    name=version.name,
                    unit=unit,
                    unit_name=version.short_name,
                    values={id: _value(id, unit, table, at) for id in self.indicators},
                ),
            )
            self.topic.put_if_changed(unit, encoder.encode(feature))
        return self.topic.offset != before


def _value(indicator: str, unit: str, table: Table, at: datetime | None) -> Value:
    found = table.find(indicator)
    value = table.value(indicator, unit)
    state = Freshness.NEVER if value is None else Freshness.FRESH
    return Value(value, at, None if found is None else found.indicator.uom, state)
