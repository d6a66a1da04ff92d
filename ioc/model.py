"""The words of the product: feed, series, observation columns, feature, receipt, reasons."""

from datetime import UTC, datetime, timedelta
from enum import IntFlag, StrEnum
from typing import Any, Literal, NewType

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc import feed_defaults

SeriesId = NewType("SeriesId", int)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly (a float of seconds would round)."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The instant that `to_micros` came from."""
    return EPOCH + timedelta(microseconds=micros)


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words in both languages of the interface."""

    vi: str
    en: str


class Domain(StrEnum):
    """What a feed is about; also the scenes of the wall."""

    TRAFFIC = "traffic"
    HEALTH = "health"
    ELECTRICITY = "electricity"
    ENVIRONMENT = "environment"
    SERVICE = "service"
    IT = "it"


class Severity(StrEnum):
    """How bad an alert is, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""0 is the worst."""


class ValueKind(StrEnum):
    """What the values of a series are."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"


class Freshness(StrEnum):
    """How old a value is by the rules of its feed."""

    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"
    NEVER = "never"


FRESHNESS_CODES = {state: code for code, state in enumerate(Freshness)}
"""Fresh 0, late 1, stale 2, never 3, as columns hold them."""


class Reason(StrEnum):
    """Why an observation or a payload was not stored; the key of its sentence in the catalogue."""

    JSON_INVALID = "json_invalid"
    ENCODING_INVALID = "encoding_invalid"
    COMPRESSION_INVALID = "compression_invalid"
    FORMAT_UNKNOWN = "format_unknown"
    SHAPE_INVALID = "shape_invalid"
    SERIES_MISSING = "series_missing"
    SERIES_UNKNOWN = "series_unknown"
    SERIES_INVALID = "series_invalid"
    TIME_MISSING = "time_missing"
    TIME_INVALID = "time_invalid"
    TIME_FUTURE = "time_future"
    TIME_LATE = "time_late"
    VALUE_MISSING = "value_missing"
    VALUE_INVALID = "value_invalid"
    VALUE_KIND = "value_kind"
    SUM_UNSUPPORTED = "sum_unsupported"
    ENTITY_UNSUPPORTED = "entity_unsupported"
    ALIAS_UNKNOWN = "alias_unknown"
    DATATYPE_UNKNOWN = "datatype_unknown"
    VALUE_TRANSIENT = "value_transient"
    SEQUENCE_GAP = "sequence_gap"
    UOM_MISMATCH = "uom_mismatch"
    FEATURE_UNKNOWN = "feature_unknown"
    PLACE_INVALID = "place_invalid"
    PLACE_DROPPED = "place_dropped"
    MAPPING_MISSING = "mapping_missing"
    MAPPING_INVALID = "mapping_invalid"
    PERSONAL_DATA = "personal_data"
    FEED_UNKNOWN = "feed_unknown"
    MEASURE_UNKNOWN = "measure_unknown"
    UNIT_UNKNOWN = "unit_unknown"
    PERIOD_INVALID = "period_invalid"
    PERIOD_OVERLAP = "period_overlap"
    REPORT_STANDS = "report_stands"
    STORE_REFUSED = "store_refused"


class Flag(IntFlag):
    """Why a stored value is suspect; the bits of `observation_flag.flags`."""

    RANGE = 1
    RATE = 2
    FLAT = 4


FlagName = Literal["range", "rate", "flat"]

_FLAG_NAMES: dict[Flag, FlagName] = {Flag.RANGE: "range", Flag.RATE: "rate", Flag.FLAT: "flat"}


def flag_names(flags: int) -> tuple[FlagName, ...]:
    """The flags as they travel."""
    return tuple(name for flag, name in _FLAG_NAMES.items() if flags & flag)


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One item of a payload that was not stored.

    `index` counts from 0 within the payload; -1 stands for the payload as a whole.
    """

    index: int
    reason: Reason
    detail: str


class Receipt(msgspec.Struct, kw_only=True):
    """What became of a payload: received = stored + duplicate + corrected + late + quarantined."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    corrected: int = 0
    late: int = 0
    quarantined: int = 0
    problems: list[Problem] = msgspec.field(default_factory=list[Problem])

    def add(self, other: "Receipt", *, most_problems: int) -> None:
        """Take the counts of a further part of the same body into this receipt."""
        shift = self.received
        self._count(other)
        room = most_problems - len(self.problems)
        self.problems += [
            msgspec.structs.replace(p, index=p.index + shift) if p.index >= 0 else p
            for p in other.problems[: max(room, 0)]
        ]

    def join(self, other: "Receipt", *, most_problems: int) -> None:
        """Take in the counts of other items of the same part, which have places of their own."""
        self._count(other)
        problems = sorted(self.problems + other.problems, key=lambda problem: problem.index)
        self.problems = problems[:most_problems]

    def _count(self, other: "Receipt") -> None:
        self.received += other.received
        self.stored += other.stored
        self.duplicate += other.duplicate
        self.corrected += other.corrected
        self.late += other.late
        self.quarantined += other.quarantined


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """How the payloads of a feed are read from `effective_from` on: JMESPath by field."""

    version: int
    effective_from: datetime
    document: dict[str, Any]


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One configured inflow of one agency.

    Durations are in seconds; `late_limit` None takes data however old (decision: demo history
    and replay), `interval` None means that nothing regular is expected.
    """

    key: int
    id: str
    agency: str
    agency_key: int
    name: str
    domain: Domain
    format: str = "auto"
    auto_series: bool = False
    interval: float | None = None
    freshness: float | None = None
    late_limit: float | None = feed_defaults.LATE_LIMIT.total_seconds()
    time_zone: str = feed_defaults.TIME_ZONE
    time_source: str = "payload"
    simulated: bool = False
    created_at: datetime = EPOCH
    number_format: str = "plain"
    charset: str = "utf-8"
    most_series: int = feed_defaults.MOST_SERIES
    mappings: tuple[Mapping, ...] = ()

    @property
    def late_after(self) -> float | None:
        """Age in seconds from which a value is late: twice the feed's interval."""
        return None if self.interval is None else 2 * self.interval

    @property
    def stale_after(self) -> float | None:
        """Age in seconds from which a value is stale: the freshness limit, else six intervals."""
        if self.freshness is not None:
            return self.freshness
        return None if self.interval is None else 6 * self.interval

    @property
    def is_idempotent(self) -> bool:
        """Whether what is sent again is known again; not where the time of arrival stands in."""
        return self.time_source == "payload"


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Observations of one property of one feature by one feed; `low` and `high` are plausible."""

    id: SeriesId
    feed_key: int
    key: str
    feature: str
    property: str
    uom: str | None = None
    value_kind: ValueKind = ValueKind.NUMBER
    interval: float | None = None
    low: float | None = None
    high: float | None = None


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A thing in the province that series are about; `geometry` is GeoJSON or None if unplaced.

    `id` is unique over the product: `feed/feature`.
    """

    id: str
    feed_key: int
    name: str
    layer: str
    unit: str | None = None
    geometry: dict[str, Any] | None = None
    attributes: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Columns(msgspec.Struct, frozen=True):
    """Observations as columns of equal length, newest arrival last.

    `time` is int64 µs since 1970 in UTC, `series` int32 ids, `value` float64.
    """

    series: NDArray[np.int32]
    time: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        """How many observations."""
        return len(self.series)

    def take(self, rows: NDArray[Any]) -> "Columns":
        """The rows that an index or a mask picks."""
        return Columns(self.series[rows], self.time[rows], self.value[rows])


NO_COLUMNS = Columns(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64))


def freshness(age: float | None, late_after: float | None, stale_after: float | None) -> Freshness:
    """How a value of that age (seconds; None: never seen) stands; without limits it is fresh."""
    if age is None:
        return Freshness.NEVER
    if stale_after is not None and age > stale_after:
        return Freshness.STALE
    if late_after is not None and age > late_after:
        return Freshness.LATE
    return Freshness.FRESH
