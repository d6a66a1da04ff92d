"""Alerts as people and rules see them: with names, places, who answers, and reasons in words."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec

from alerts.alert import State
from alerts.mute import Facets
from alerts.rule import Behind, MissingReport, Rule, Together
from alerts.selection import SeriesFacts
from alerts.silence import FeedFacts
from ioc.flow.alert_search import sought
from ioc.flow.alert_words import Said
from ioc.live.state import LiveState
from ioc.live.wire import AlertItem, IncidentRef, MutedItem, Place, Shelved, Text, UnitRef
from ioc.model import Domain, Feature, Feed, Series, Severity, to_micros
from ioc.org import Organisation
from ioc.store.alerts import AlertRow, Sought
from ioc.store.registry import Registry

OWED: Final = "missing_report"
"""The kind of alerts about reports that are owed."""

FIGURE: Final = "figure"
"""The kind of alerts about figures of indicators."""


WARNING: Final = "warning"
"""The kind of alerts about warnings of others."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert says that has no rule to say it; `feature` is of the layer of warnings."""

    title: Text
    reason: Text
    place: str
    feature: str
    domain: str
    national_level: int | None
    exercise: bool


class AlertItems:
    """Puts names and places to alerts."""

    def __init__(self, registry: Registry, state: LiveState, zone: str) -> None:
        """Know no rules and units yet; `load` brings them."""
        self._registry = registry
        self._state = state
        self._said = Said(zone)
        self._units: Mapping[int, str] = {}
        self._zones: dict[str, frozenset[str]] = {}
        self._organisation = Organisation([])
        self._today = date.min
        self.rules: Mapping[str, Rule] = {}
        self.unit_keys: Mapping[str, int] = {}

    def load(
        self,
        rules: Mapping[str, Rule],
        organisation: Organisation,
        unit_keys: Mapping[int, str],
        today: date,
    ) -> None:
        """Take rules and units as they are today."""
        self.rules = rules
        self._organisation = self._said.organisation = organisation
        names = organisation.as_of(today)
        self._said.unit_names = {unit: version.short_name for unit, version in names.items()}
        self._units = unit_keys
        self._today = today
        self._zones = {}
        self.unit_keys = {unit: key for key, unit in unit_keys.items()}

    def item(self, row: AlertRow) -> AlertItem:
        """The alert as it is shown."""
        rule = self.rules.get(row.rule_id)
        about = _about(row)
        feed = self.feed(row.series_id, row.feed_key)
        unit = None if row.unit_key is None else self._units.get(row.unit_key)
        series = None if row.series_id is None else self._registry.series.get(row.series_id)
        prop, uom = (series.property, series.uom) if series else ("", None)
        muted = self._said.muted(row, self._explaining(row))
        return AlertItem(
            id=str(row.alert_id),
            rule=row.rule_id,
            kind=row.kind,
            severity=Severity(row.severity),
            title=about.title if about else self._title(row, rule),
            reason=self._reason(row, about, rule, prop, uom, unit),
            state="cleared" if row.state == State.CLEARED else "active",
            acknowledged=row.acknowledged_at is not None,
            acknowledged_by=row.acknowledged_by,
            acknowledged_at=row.acknowledged_at,
            since=row.active_since or row.pending_since,
            cleared_at=row.cleared_at,
            place=Place(about.feature, about.place, None)
            if about
            else self._place(row, feed, unit),
            unit=None if unit is None else self._named(unit),
            domain=about.domain if about else _domain(rule, feed),
            feed=feed.id if feed else None,
            series=row.series_id,
            value=row.value,
            level=row.level,
            uom=uom,
            value_time=row.value_time,
            comments=row.comments,
            version=row.version,
            assignee=None if row.assignee is None else self._named(row.assignee),
            shelved=_shelved(row),
            muted=None
            if row.muted is None or muted is None
            else MutedItem(row.muted["cause"], row.muted["by"], muted),
            matter=None if row.matter is None else str(row.matter),
            matter_reason=row.matter_reason,
            flapping=row.flapping,
            national_level=_level(about or rule),
            noted=row.noted,
            exercise=is_exercise(row),
            incident=_incident(row),
        )

    def _title(self, row: AlertRow, rule: Rule | None) -> Text:
        return Text(rule.name.vi, rule.name.en) if rule else Text(row.rule_id, row.rule_id)

    def _reason(
        self,
        row: AlertRow,
        about: About | None,
        rule: Rule | None,
        prop: str,
        uom: str | None,
        unit: str | None,
    ) -> Text:
        if about is not None and row.state != State.CLEARED:
            return about.reason
        return self._said.reason(row, rule, prop, uom, unit)

    def facets(self, row: AlertRow) -> Facets:
        """The alert as silences and causes look at it."""
        feature = self.feature(row)
        feed = self.feed(row.series_id, row.feed_key)
        unit = None if row.unit_key is None else self._units.get(row.unit_key)
        return Facets(
            id=str(row.alert_id),
            rule=row.rule_id,
            kind=row.kind,
            domain=about.domain
            if (about := _about(row))
            else _domain(self.rules.get(row.rule_id), feed),
            severity=Severity(row.severity),
            feed=feed.id if feed else None,
            unit=unit,
            feature=feature.id if feature else None,
            layer=feature.layer if feature else None,
            zones=self.zones(_zone_of(row) or (feature.unit if feature else None)),
            attributes=feature.attributes if feature else {},
            since=to_micros(row.active_since or row.pending_since),
        )

    def sought(self, row: AlertRow) -> Sought:
        """By what lists find the alert."""
        return sought(self.item(row), self.facets(row), self.feature(row))

    def series_facts(self, wanted: Iterable[Series]) -> list[SeriesFacts]:
        """What rules need to know of series."""
        facts: list[SeriesFacts] = []
        for series in wanted:
            feed = self._registry.feeds[series.feed_key]
            feature = self._registry.features.get(series.feature)
            zone = feature.unit if feature else None
            facts.append(
                SeriesFacts(
                    series_id=series.id,
                    feed_key=feed.key,
                    domain=feed.domain,
                    property=series.property,
                    feature=series.feature or "",
                    layer=feature.layer if feature else None,
                    feed=feed.id,
                    unit=feed.agency,
                    zone=zone,
                    zones=self.zones(zone),
                    attributes=feature.attributes if feature else {},
                    interval=series.interval or feed.interval,
                )
            )
        return facts

    def feed_facts(self) -> list[FeedFacts]:
        """What rules need to know of all feeds."""
        return [
            FeedFacts(
                feed_key=feed.key,
                id=feed.id,
                domain=feed.domain,
                created_at=to_micros(feed.created_at),
            )
            for feed in self._registry.feeds.values()
        ]

    def zones(self, unit: str | None) -> frozenset[str]:
        """A unit and all above it."""
        if unit is None:
            return frozenset()
        found = self._zones.get(unit)
        if found is None:
            above = self._organisation.ancestors(unit, self._today)
            found = self._zones[unit] = frozenset({unit, *(version.unit for version in above)})
        return found

    def answers(self, unit: str | None) -> tuple[str, ...]:
        """A unit and those above it, nearest first."""
        if unit is None or unit not in self._organisation:
            return ()
        above = self._organisation.ancestors(unit, self._today)
        return (unit, *(version.unit for version in above))

    def feed(self, series: int | None, feed_key: int | None) -> Feed | None:
        """The feed that an alert is about, or that its series is of."""
        if series is not None and series in self._registry.series:
            feed_key = self._registry.series[series].feed_key
        return None if feed_key is None else self._registry.feeds.get(feed_key)

    def feature(self, row: AlertRow) -> Feature | None:
        """The feature that an alert is about; None where it is about none, or many."""
        key = None
        if row.series_id is not None and row.series_id in self._registry.series:
            key = self._registry.series[row.series_id].feature
        elif row.subject is not None and row.subject.startswith("feature:"):
            key = row.subject.removeprefix("feature:")
        return self._registry.features.get(key) if key else None

    def _named(self, unit: str) -> UnitRef:
        return UnitRef(unit, self._said.unit_names.get(unit, unit))

    def _place(self, row: AlertRow, feed: Feed | None, unit: str | None) -> Place:
        feature = self.feature(row)
        if feature is None:
            return Place(None, self._name_of_place(row, feed, unit), None)
        geometry = feature.geometry
        point = None
        if geometry is not None and geometry["type"] == "Point":
            point = (geometry["coordinates"][0], geometry["coordinates"][1])
        return Place(feature.id, feature.name, point)

    def _name_of_place(self, row: AlertRow, feed: Feed | None, unit: str | None) -> str:
        kind, _, name = (row.subject or "").partition(":")
        if kind == "zone":
            return self._said.unit_names.get(name, name)
        if kind == "tag":
            return name.partition("=")[2]
        if row.kind == OWED and unit:
            return self._said.unit_names.get(unit, unit)
        return feed.name if feed else name

    def _explaining(self, row: AlertRow) -> Text:
        """The name of the rule whose alert explains this one."""
        id = row.muted["rule"] if row.muted else ""
        rule = self.rules.get(id)
        return Text(rule.name.vi, rule.name.en) if rule else Text(id, id)


def _zone_of(row: AlertRow) -> str | None:
    if row.subject is not None and row.subject.startswith("zone:"):
        return row.subject.removeprefix("zone:")
    return None


def _domain(rule: Rule | None, feed: Feed | None) -> str:
    """The domain of an alert: that of its feed, or of a rule that is about no single feed."""
    if isinstance(rule, MissingReport | Behind | Together):
        return rule.domain.value
    return feed.domain.value if feed else Domain.IT.value


def _about(row: AlertRow) -> About | None:
    return None if row.about is None else msgspec.convert(row.about, About)


def is_exercise(row: AlertRow) -> bool:
    """Whether the alert itself is one, of a warning that is; its incident may be, too."""
    about = _about(row)
    return about is not None and about.exercise


def _level(said: About | Rule | None) -> int | None:
    return None if said is None else said.national_level


def _incident(row: AlertRow) -> IncidentRef | None:
    if row.incident_id is None:
        return None
    return IncidentRef(str(row.incident_id), row.incident_code or "")


def _shelved(row: AlertRow) -> Shelved | None:
    if row.shelved_until is None:
        return None
    return Shelved(row.shelved_until, row.shelved_by or "", row.shelved_why or "")
