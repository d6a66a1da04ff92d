"""Which unit of a level lies around a point, by the outlines of today."""

from datetime import date

from geo.zones import ZoneIndex
from ioc.org import Level
from ioc.store.city import Described


class UnitPlaces:
    """Finds units by place; an index is made when it is first needed, anew for another city."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._city: Described | None = None
        self._by_level: dict[Level, ZoneIndex] = {}

    def find(
        self, city: Described, level: Level, longitude: float, latitude: float, on: date
    ) -> str | None:
        """The unit of that level around a point; None outside of all outlines."""
        if city is not self._city:
            self._city, self._by_level = city, {}
        if level not in self._by_level:
            units = city.organisation.as_of(on)
            self._by_level[level] = ZoneIndex(
                {
                    unit: outline
                    for unit, (outline, _) in city.outlines.items()
                    if unit in units and units[unit].level is level
                }
            )
        return self._by_level[level].unit_at(longitude, latitude)
