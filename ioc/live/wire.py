"""The shapes that travel to walls, phones and consoles, over the websocket and REST alike."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ioc.model import FlagName, Freshness, Severity, Text


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest value of one observed property of a feature.

    `suspect` says why the value is not plausible: range, rate, flat; absent where it is.
    """

    value: float | str | None
    time: datetime | None
    uom: str | None
    state: Freshness
    suspect: tuple[FlagName, ...] = ()


class LayerProperties(msgspec.Struct, frozen=True, kw_only=True):
    """What a layer feature shows; ages in seconds let a client age values while it is cut off.

    `link` is a web address of the feature's own, such as that of a camera's picture.
    """

    name: str
    unit: str | None
    unit_name: str | None = None
    feed: str | None = None
    values: dict[str, Value]
    severity: Severity | None = None
    late_after: float | None = None
    stale_after: float | None = None
    link: str | UnsetType = UNSET


class LayerFeature(msgspec.Struct, frozen=True, kw_only=True, tag="Feature", tag_field="type"):
    """A GeoJSON feature (RFC 7946) with live values."""

    id: str
    geometry: dict[str, Any] | None
    properties: LayerProperties


class Place(msgspec.Struct, frozen=True):
    """Where an alert is: the feature's id and name, and a point (longitude, latitude) if known."""

    feature: str | None
    name: str
    point: tuple[float, float] | None


class UnitRef(msgspec.Struct, frozen=True):
    """A unit by id and present name."""

    id: str
    name: str


class Shelved(msgspec.Struct, frozen=True):
    """An alert that an operator has put aside until a time, with the reason."""

    until: datetime
    by: str
    why: str


class MutedItem(msgspec.Struct, frozen=True):
    """Why an alert is kept quiet: a silence, planned work, or another alert that explains it."""

    cause: Literal["silence", "planned", "inhibited"]
    by: str
    reason: Text


class IncidentRef(msgspec.Struct, frozen=True):
    """An incident by id, and the code that people call it by."""

    id: str
    code: str


class AlertItem(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as people see it; ISA-18.2 words.

    `version` rises with each change. Alerts of one `matter` belong together. `national_level`
    is that of a natural hazard (Decision 18/2021/QĐ-TTg). `noted` was found afterwards in data
    that came late, and never was about now. An `exercise` is none. `incident`
    is the one that has it.
    """

    id: str
    rule: str
    kind: str
    severity: Severity
    title: Text
    reason: Text
    state: Literal["active", "cleared"]
    acknowledged: bool
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    since: datetime
    cleared_at: datetime | None
    place: Place
    unit: UnitRef | None
    domain: str
    feed: str | None
    series: int | None
    value: float | None
    level: float | None
    uom: str | None
    value_time: datetime | None
    comments: int = 0
    version: int = 1
    assignee: UnitRef | None = None
    shelved: Shelved | None = None
    muted: MutedItem | None = None
    matter: str | None = None
    matter_reason: str | None = None
    flapping: bool = False
    national_level: int | None = None
    noted: bool = False
    exercise: bool = False
    incident: IncidentRef | None = None


class FeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """How a feed fares: its newest times, and what came in during the last hour."""

    id: str
    name: str
    agency: UnitRef
    domain: str
    state: Freshness
    interval: float | None
    late_after: float | None
    stale_after: float | None
    last_time: datetime | None
    last_received: datetime | None
    received_hour: int
    stored_hour: int
    quarantined_hour: int
    late_hour: int
    series: int
    idempotent: bool
    simulated: bool


class Trend(msgspec.Struct, frozen=True):
    """A line behind a figure: ms since the epoch, values, and the same day last week as ghost."""

    time: list[int]
    value: list[float | None]
    ghost: list[float | None]


class TargetRef(msgspec.Struct, frozen=True, kw_only=True):
    """The value wanted by a date; `sample` says that the document is made up."""

    value: float
    direction: Literal["up", "down"]
    until: str | None
    document: str
    sample: bool


class Coverage(msgspec.Struct, frozen=True):
    """How much of what was expected lies behind a figure."""

    observed: int
    expected: int | None


class PeriodFigure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The same figure of another period, by the definition of that time."""

    period: str
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    version: int = 1
    estimated: bool = False


class PrintedFigure(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody published of a figure, and whether the computed one prints the same.

    `agrees` is null where there is nothing to compare it with.
    """

    value: float
    bound: Literal["=", ">=", "<=", "~"]
    decimals: int
    document: str
    period: str
    agrees: bool | None


class OfficialScore(msgspec.Struct, frozen=True, kw_only=True):
    """The points that the authority gave; a movement upwards is positive."""

    score: float
    at: str
    document: str
    rank: int | None = None
    of: int | None = None
    movement: int | None = None


class OwnScore(msgspec.Struct, frozen=True, kw_only=True):
    """The points by our own counting, an estimate; `covered` of the maximum are made of figures.

    `formula` is false where nobody published how the points are made.
    """

    value: float | None
    covered: float
    maximum: float
    formula: bool = True


class LineBreak(msgspec.Struct, frozen=True):
    """A day from which figures are not comparable with those before: units or definition changed.

    A chart breaks its line there.
    """

    at: str
    reason: Text


class Answering(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who answers for a figure: the unit, its head's post and name, its duty phone."""

    unit: UnitRef
    post: str | None = None
    name: str | None = None
    phone: str | None = None
    sample: bool = False


class Outlook(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a figure is headed by its target's end, as looked at `at`, with the reason in words.

    The period ends with `value`, and with one from `low` to `high` in 8 of 10 cases, where that
    could be foreseen. `needed` and `recent` are as in `/targets/standing`.
    """

    course: Literal["met", "on_track", "at_risk", "off_track", "unknown"]
    reason: Text
    at: datetime | None = None
    needed: float | None = None
    recent: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


class LateDossier(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier that is overdue, and where it is held; nothing about a person.

    `due_at` is the return date with pauses added; `procedure_name` is what the catalogue called
    the procedure on the day of filing, null where it does not know it. `days_late` are the working
    days behind the return date up to now, or to where a pause stands, as in `/dossiers`: 0 of one
    that is late by hours or by days of rest, null where the calendar does not reach.
    """

    code: str
    procedure: str
    procedure_name: str | None
    unit: UnitRef
    office: str | None
    due_at: datetime
    days_late: int | None


class FigureItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure of a board; a share carries numerator and denominator and is computed from them.

    `value` is null when the denominator is null or 0. `period` as in the design; None means now.
    `cumulative` runs from the year's beginning; the periods before are cut to as many days as a
    running period has behind it. `flags` name what is wrong with the counts: `above`, a numerator
    that is larger than its denominator. A score is the official one where there is one; `own` is
    ours. `estimated` where counts were shared out by weight, or a score is ours alone;
    `provisional` where a report behind it is not approved yet. `movement` is by how many ranks it
    rose since the period before. `late` are the dossiers overdue longest, behind the province's
    count of them; `outlook` is where the province's figure of the running year is headed.
    """

    id: str
    indicator: str
    version: int
    name: Text
    domain: str
    unit: UnitRef | None
    period: str | None
    kind: Literal["share", "sum", "max", "mean", "count", "ratio", "score", "composite"]
    value: float | None
    numerator: float | None
    denominator: float | None
    uom: str
    decimals: int
    state: Freshness
    time: datetime | None
    late_after: float | None
    stale_after: float | None
    coverage: Coverage | None
    target: TargetRef | None
    standing: Literal["met", "behind", "none"]
    trend: Trend | None = None
    rank: int = 0
    of: int = 0
    movement: int | None = None
    note: Text | None = None
    use: Literal["steering", "statistical"] | None = None
    severity: Severity | None = None
    maximum: float | None = None
    rounding: Literal["half_up", "truncate"] = "half_up"
    cumulative: PeriodFigure | None = None
    previous: PeriodFigure | None = None
    same_last_year: PeriodFigure | None = None
    printed: PrintedFigure | None = None
    official: OfficialScore | None = None
    own: OwnScore | None = None
    estimated: bool = False
    provisional: bool = False
    flags: tuple[Literal["above"], ...] = ()
    breaks: tuple[LineBreak, ...] = ()
    answering: Answering | None = None
    late: tuple[LateDossier, ...] = ()
    outlook: Outlook | None = None


class SeriesPoint(msgspec.Struct, frozen=True):
    """The newest observation of one series; the topic `series:{id}` holds nothing else."""

    id: int
    time: datetime | None
    value: float | None


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """First frame of the server."""

    server_time: datetime
    epoch: str


class Pong(msgspec.Struct, frozen=True, tag="pong"):
    """Answer to a ping."""


class Resync(msgspec.Struct, frozen=True, tag="resync"):
    """The cursor is not held any more; a snapshot follows."""

    id: str
    reason: str


class Lag(msgspec.Struct, frozen=True, tag="lag"):
    """This client takes frames more slowly than they are made."""

    behind_ms: int


class WireError(msgspec.Struct, frozen=True, tag="error"):
    """A frame that could not be followed; the connection stays open unless the code says so."""

    id: str | None
    code: str
    message: str


class Auth(msgspec.Struct, frozen=True, tag="auth"):
    """Sign-in by a first frame."""

    token: str


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Ask for a topic; `id` names the subscription in every frame that answers it."""

    id: str
    topic: str
    bbox: tuple[float, float, float, float] | None = None
    cursor: str | None = None


class Unsubscribe(msgspec.Struct, frozen=True, tag="unsubscribe"):
    """End a subscription."""

    id: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Ask for a pong."""


ClientFrame = Auth | Subscribe | Unsubscribe | Ping

encoder = msgspec.json.Encoder()
client_frames: msgspec.json.Decoder[ClientFrame] = msgspec.json.Decoder(ClientFrame)
