"""The warnings in force: their areas as a layer of the map, and what becomes an alert."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from alerts.cap_hearing import geometry_of, in_language, warned
from ioc.flow.warning_rows import Standing, standings
from ioc.live.topic import StateTopic
from ioc.live.wire import LayerFeature, LayerProperties, Value, encoder
from ioc.model import Freshness
from ioc.store import warnings
from ioc.store.pool import ReadPool
from ioc.store.warnings import WarningRow

LAYER: Final = "canh-bao"


class Warnings:
    """Keeps the topic of the areas that are warned of."""

    def __init__(
        self,
        *,
        reads: ReadPool,
        topic: StateTopic,
        now: Callable[[], datetime],
        zone: str,
        province: str | None,
    ) -> None:
        """Show nothing yet; times in words are those of `zone`.

        The `province` answers for what is typed in.
        """
        self.topic = topic
        self._reads = reads
        self._now = now
        self._zone = ZoneInfo(zone)
        self._province = province

    async def refresh(self) -> list[Standing]:
        """Show what is in force by what is stored; returns it as alerts are made of it."""
        rows = await warnings.standing(self._reads, self._now())
        self.show(rows)
        return standings(rows, self._zone, self._province)

    def show(self, rows: Sequence[WarningRow]) -> None:
        """Show these warnings and no others."""
        wanted: dict[str, bytes] = {}
        for row in rows:
            feature = _feature(row)
            if feature is not None:
                wanted[feature.id] = encoder.encode(feature)
        for key, item in wanted.items():
            self.topic.put_if_changed(key, item)
        self.topic.keep_only(wanted)


def _feature(row: WarningRow) -> LayerFeature | None:
    message = row.message
    info = in_language(message.infos, "vi")
    geometry = geometry_of(info.areas)
    if geometry is None:
        return None
    meant = warned(message, trusted=row.feed_key is None or row.signature == "verified")
    told = {
        "event": info.event,
        "ends": row.ends.isoformat(),
        "signature": row.signature,
        "level": meant.national_level,
    }
    return LayerFeature(
        id=str(row.warning_id),
        geometry=geometry,
        properties=LayerProperties(
            name=meant.title.vi,
            unit=None,
            values={
                name: Value(value, message.sent, None, Freshness.FRESH)
                for name, value in told.items()
                if value is not None
            },
            severity=meant.severity,
        ),
    )
