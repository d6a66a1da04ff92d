"""Dossiers as agencies send them, states and events, and as they are stored; units by id."""

from datetime import datetime
from enum import IntFlag
from typing import Annotated, Final, Literal

import msgspec

from ioc.model import Problem

LONGEST: Final = 200
"""Characters of a text."""

MOST_STEPS: Final = 50
MOST_PAUSED: Final = 10 * 366 * 86_400
"""Seconds: no pauses last longer than ten years."""

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
Words = Annotated[str, msgspec.Meta(max_length=LONGEST)]
When = Annotated[
    str,
    msgspec.Meta(
        min_length=8,
        max_length=40,
        description="A time as in RFC 3339, or a day, which stands for its last moment.",
        examples=["2026-11-09T17:00:00+07:00", "2026-11-09"],
    ),
]

Way = Literal["direct", "online", "post"]
Source = Literal["national_portal", "vneid", "provincial_portal"]
Screen = Literal["mobile", "desktop"]
Level = Literal["full", "partial", "info", "1", "2", "3", "4"]
Outcome = Literal["granted", "refused", "withdrawn", "returned"]
Satisfaction = Literal["satisfied", "neutral", "disliked"]
Kind = Literal[
    "received", "due_changed", "moved", "step_in", "step_out", "supplement_requested",
    "supplemented", "paused", "resumed", "digitised", "reused", "synced", "paid", "resolved",
    "refused", "withdrawn", "returned", "result_filed", "asked", "rated", "complained",
]  # fmt: skip


class Oddity(IntFlag):
    """What is odd about a dossier that was taken nevertheless; it changes no figure."""

    PROCEDURE_UNKNOWN = 1
    """The catalogue of procedures has no such code on the filing day."""
    DUE_ON_REST_DAY = 2
    """The return date is no working day."""
    DUE_BEFORE_RECEIPT = 4
    DUE_DIFFERS = 8
    """The return date is not the day that the procedure's time limit gives."""
    SUPPLEMENTED_OFTEN = 16
    """More supplement requests than the rule of the filing day allows, hence late."""
    UNIT_OF_LATER = 32
    """The handling unit came into being only after the filing day."""
    MOVED = 64
    """The handling unit changed while the dossier was in hand."""
    PAUSED_TOO_LONG = 128
    """The pauses are longer than the dossier has been there."""
    ENDED_BEFORE_RECEIPT = 256
    """Its events end it before they begin it; the end does not count until it is corrected."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "in"}):
    """How long an office held a dossier; without `out` it holds it still."""

    office: Name
    since: datetime
    out: datetime | None = None


class Told(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"screen": "device"},
):
    """What states and events may say alike; what is null or absent is not told.

    `screen` is what an online filing was made at, `device` on the wire.
    """

    applicant_unit: Name | None = None
    due_at: When | None = None
    source: Source | None = None
    screen: Screen | None = None
    level: Level | None = None
    result_required: bool | None = None
    result_file: bool | None = None
    digitised: bool | None = None
    reused: bool | None = None
    personal_store: bool | None = None
    population_data: bool | None = None
    authenticated: bool | None = None
    fee: bool | None = None
    paid_online: bool | None = None
    synced: bool | None = None
    asked: bool | None = None
    complained: bool | None = None
    satisfaction: Satisfaction | None = None


class Dossier(Told, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dossier (hồ sơ TTHC) as it stands at `changed_at`; units by id or official code.

    `paused_seconds` are pauses that are over and that `due_at` does not allow for, `paused_since`
    is one that lasts. `steps` say where it was held; `office` is where it is held now.
    """

    code: Name
    procedure: Name
    received_unit: Name
    handling_unit: Name
    channel: Way
    received_at: datetime
    field: Words = ""
    resolved_at: datetime | None = None
    outcome: Outcome | None = None
    steps: Annotated[list[Step], msgspec.Meta(max_length=MOST_STEPS)] | None = None
    office: Name | None = None
    office_since: datetime | None = None
    supplements: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    paused_seconds: Annotated[int, msgspec.Meta(ge=0, le=MOST_PAUSED)] = 0
    paused_since: datetime | None = None
    changed_at: datetime | None = None


class DossierEvent(Told, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened to a dossier at `at`; what is told with it holds from then on.

    An event is known by its `id`, or by its kind, time and office. One that is sent again with a
    later `changed_at` replaces the former, and with `cancelled` it never was.
    """

    code: Name
    event: Kind
    at: datetime
    id: Name | None = None
    changed_at: datetime | None = None
    cancelled: bool = False
    office: Name | None = None
    procedure: Name | None = None
    field: Words | None = None
    received_unit: Name | None = None
    handling_unit: Name | None = None
    channel: Way | None = None


class DossierState(msgspec.Struct, kw_only=True):
    """A dossier as it is stored: units by id, times aware, judged."""

    code: str
    procedure: str
    field: str
    received_unit: str
    handling_unit: str
    applicant_unit: str | None
    channel: Way
    received_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    outcome: Outcome | None
    changed_at: datetime
    source: Source | None = None
    screen: Screen | None = None
    level: str | None = None
    office: str | None = None
    office_since: datetime | None = None
    supplements: int = 0
    paused_seconds: int = 0
    paused_since: datetime | None = None
    result_required: bool | None = None
    result_file: bool | None = None
    digitised: bool | None = None
    reused: bool | None = None
    personal_store: bool | None = None
    population_data: bool | None = None
    authenticated: bool | None = None
    fee: bool | None = None
    paid_online: bool | None = None
    synced: bool | None = None
    asked: bool | None = None
    complained: bool | None = None
    satisfaction: Satisfaction | None = None
    due_computed: datetime | None = None
    flags: int = 0
    timeliness: str | None = None


FIELDS: Final = tuple(f.encode_name for f in msgspec.structs.fields(Dossier))
"""All that is taken of a dossier; nothing of it is about a person."""

EVENT_FIELDS: Final = tuple(f.encode_name for f in msgspec.structs.fields(DossierEvent))
STEP_FIELDS: Final = tuple(f.encode_name for f in msgspec.structs.fields(Step))

TOLD: Final = tuple(f.name for f in msgspec.structs.fields(Told))


class RefusedDossier(msgspec.Struct, frozen=True):
    """What was not understood: its place, why, and its own bytes.

    Where it may hold something about a person there is only the SHA-256 of the bytes, and `raw`
    is empty: such content is kept nowhere.
    """

    problem: Problem
    raw: bytes
    size: int
    digest: bytes | None = None


class DecodedDossiers(msgspec.Struct):
    """The states and events that were understood, and what was not."""

    dossiers: list[DossierState] = msgspec.field(default_factory=list[DossierState])
    events: list["CheckedEvent"] = msgspec.field(default_factory=list["CheckedEvent"])
    refused: list[RefusedDossier] = msgspec.field(default_factory=list[RefusedDossier])

    @property
    def received(self) -> int:
        """How many items the body held."""
        return len(self.dossiers) + len(self.events) + len(self.refused)


class CheckedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event with times aware: `due_at` and `sets`, fields of a state, hold from `at` on.

    Of two with the same code and key the one with the later `changed_at` counts.
    """

    code: str
    key: str
    event: Kind
    at: datetime
    changed_at: datetime
    cancelled: bool
    office: str | None
    due_at: datetime | None
    sets: dict[str, str | bool]
