"""What the files of a city may say, and the city that they describe together."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

import msgspec

from alerts.mute import Inhibition
from alerts.roster import Roster
from alerts.route import Plan as NotifyPlan
from alerts.rule import Rule
from ioc import feed_defaults
from ioc.incidents.plan import Plan as IncidentPlan
from ioc.kpi.action import Action
from ioc.kpi.cycle import Cycle
from ioc.kpi.form import Form
from ioc.kpi.indicator import Indicator
from ioc.kpi.obligation import Obligation
from ioc.kpi.reported import ReportedMeasure
from ioc.model import Domain, Severity, Text, ValueKind
from ioc.org import Level, Organisation, UnitEvent, UnitVersion
from ioc.procedures.calendar import Day
from ioc.procedures.catalogue import ProcedureVersion
from ioc.procedures.timing import Timing
from ioc.quality.plausible import PropertyLimits
from ioc.sources.document import Document
from ioc.tickets.plan import Plan

Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}$")]
FeedId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.-]{1,64}$")]
Named = Annotated[str, msgspec.Meta(min_length=1)]
Point = tuple[
    Annotated[float, msgspec.Meta(ge=-180, le=180)], Annotated[float, msgspec.Meta(ge=-90, le=90)]
]
Direction = Literal["up", "down"]
Role = Literal["administrator", "operator", "leader", "agency"]


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a city's file: unknown keys are errors."""


class Province(Spec, frozen=True):
    """The province that the installation serves; bounds are west, south, east, north."""

    unit: Slug
    name_vi: Named
    name_en: Named
    time_zone: str
    bounds: tuple[float, float, float, float]


class StoreSpec(Spec, frozen=True):
    """What the store is to expect and to keep; a domain not in `keep` is kept for ever."""

    observations_per_day: Annotated[float, msgspec.Meta(gt=0)] | None = None
    compress_after: timedelta = timedelta(days=14)
    keep: dict[str, timedelta] = msgspec.field(default_factory=dict[str, timedelta])


class SeriesSpec(Spec, frozen=True):
    """A series of every feature of a feed, or of those that `only` names."""

    property: Slug
    uom: str | None = None
    value_kind: ValueKind = ValueKind.NUMBER
    interval: timedelta | None = None
    low: float | None = None
    high: float | None = None
    only: list[str] | None = None


class FeedSpec(Spec, frozen=True):
    """A feed, as `[[feed]]` has it; durations are ISO 8601, `late_limit` may be "none"."""

    id: FeedId
    agency: Slug
    name: Named
    domain: Domain
    format: Named = "auto"
    auto_series: bool = False
    interval: timedelta | None = None
    freshness: timedelta | None = None
    late_limit: str = feed_defaults.LATE_LIMIT_TEXT
    time_zone: str | None = None
    time: Literal["payload", "arrival"] = "payload"
    simulated: bool = False
    number_format: Literal["plain", "vietnamese"] = "plain"
    charset: Named = "utf-8"
    most_series: Annotated[int, msgspec.Meta(ge=0)] = feed_defaults.MOST_SERIES
    quarantine_bytes: Annotated[int, msgspec.Meta(ge=0)] = feed_defaults.QUARANTINE_BYTES
    quarantine_age: timedelta = feed_defaults.QUARANTINE_AGE
    layer: Slug | None = None
    features: str | None = None
    features_of: Level | None = None
    series: list[SeriesSpec] = msgspec.field(default_factory=list[SeriesSpec])


class LevelSpec(Spec, frozen=True):
    """From `at` upwards the colour of a severity, or none."""

    at: float
    severity: Severity | None = None


class LayerSpec(Spec, frozen=True):
    """A layer of the map, as `[[layer]]` has it."""

    id: Slug
    name: Text
    kind: Literal["points", "units", "areas"]
    domain: Domain
    properties: list[Slug] = msgspec.field(default_factory=list[Slug])
    indicator: Slug | None = None
    levels: list[LevelSpec] = msgspec.field(default_factory=list[LevelSpec])


class BoardSpec(Spec, frozen=True):
    """Figures that are shown together, for the province or for the units below it.

    `ranked` are those that the units below are shown and ranked by, all unless told.
    """

    id: Slug
    figures: Annotated[list[Slug], msgspec.Meta(min_length=1)]
    units: Literal["province", "children"] = "province"
    ranked: list[Slug] | None = None


class UserSpec(Spec, frozen=True):
    """A login without its password."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9._-]{1,64}$")]
    role: Role
    full_name: str = ""
    units: list[Slug] = msgspec.field(default_factory=list[Slug])
    demo: bool = False


class PropertySpec(Spec, frozen=True):
    """What is plausible of an observed property; `rate` is per minute, `flat` a duration."""

    id: Named
    uom: str | None = None
    low: float | None = None
    high: float | None = None
    rate: float | None = None
    flat: timedelta | None = None


class CityFeature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature of a feed; `id` is unique within the feed, `geometry` is GeoJSON or None."""

    id: str
    name: str
    unit: str | None
    geometry: dict[str, Any] | None
    attributes: dict[str, Any]


class CitySeries(msgspec.Struct, frozen=True, kw_only=True):
    """A series of a feed; `key` is `feature/property`, the interval is in seconds."""

    key: str
    feature: str
    property: str
    uom: str | None
    value_kind: ValueKind
    interval: float | None
    low: float | None
    high: float | None


class CityFeed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed with its features and series; durations in seconds, `late_limit` None has no limit."""

    id: str
    agency: str
    name: str
    domain: Domain
    format: str
    auto_series: bool
    interval: float | None
    freshness: float | None
    late_limit: float | None
    time_zone: str
    time_source: Literal["payload", "arrival"]
    simulated: bool
    number_format: str
    charset: str
    most_series: int
    quarantine_bytes: int
    quarantine_age: float
    layer: str | None
    features: list[CityFeature]
    series: list[CitySeries]


class CityStore(msgspec.Struct, frozen=True, kw_only=True):
    """Observations expected in a day, when they are compressed, and how long a domain is kept."""

    observations_per_day: float
    compress_after: timedelta
    keep: dict[Domain, timedelta]


class CitySource(msgspec.Struct, frozen=True):
    """A source of a feed, and what it is told."""

    id: str
    feed: str
    enabled: bool
    document: Document


class CityRule(msgspec.Struct, frozen=True):
    """A rule and the document that it was read from."""

    rule: Rule
    document: dict[str, Any]


class CityIndicator(msgspec.Struct, frozen=True):
    """An indicator and the document that it was read from."""

    indicator: Indicator
    document: dict[str, Any]

    @property
    def id(self) -> str:
        """The indicator's id."""
        return self.indicator.id

    @property
    def version(self) -> int:
        """The version of its definition."""
        return self.indicator.version


class CityTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target of one unit from one day up to, not including, another."""

    indicator: str
    unit: str
    valid_from: date
    valid_until: date | None
    value: float
    direction: Direction
    document: str
    sample: bool
    decided_on: date | None = None
    decided_by: str | None = None
    must_cascade_by: date | None = None


class CityOutline(msgspec.Struct, frozen=True):
    """The outline of a unit as GeoJSON, and where it comes from."""

    unit: str
    geometry: dict[str, Any]
    source: str


class City(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a city's folder says, checked as a whole."""

    province: Province
    store: CityStore
    organisation: Organisation
    units: list[UnitVersion]
    events: list[UnitEvent]
    outlines: list[CityOutline]
    feeds: list[CityFeed]
    layers: list[LayerSpec]
    rules: list[CityRule]
    inhibitions: list[Inhibition]
    indicators: list[CityIndicator]
    targets: list[CityTarget]
    boards: list[BoardSpec]
    users: list[UserSpec]
    sources: list[CitySource]
    properties: list[PropertyLimits]
    cycles: list[Cycle]
    measures: list[ReportedMeasure]
    obligations: list[Obligation]
    tickets: Plan
    incidents: IncidentPlan
    notify: NotifyPlan
    roster: Roster
    timing: Timing
    days: list[Day]
    procedures: list[ProcedureVersion]
    forms: list[Form]
    actions: list[Action]


def document(spec: LayerSpec | BoardSpec | CityRule | CityIndicator) -> dict[str, Any]:
    """The JSON document of a part of the city, as the database keeps it."""
    if isinstance(spec, CityRule | CityIndicator):
        return spec.document
    return msgspec.json.decode(msgspec.json.encode(spec), type=dict[str, Any])
