"""Observations and dossiers as an agency's own system would write them."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np

from ioc.model import ValueKind
from ioc.simulate.backfill import Run
from ioc.simulate.calendar import iso
from ioc.simulate.dossiers import Dossier
from ioc.simulate.noise import Ticks
from ioc.simulate.rhythm import Rhythm

ROWS_PER_BODY = 1_000
DOSSIERS_PER_BODY = 500

JSON = "application/json"
SENML = "application/senml+json"


class Item(msgspec.Struct, gc=False):
    """One observation in the format `ioc`."""

    series: str
    time: str
    value: float | bool


class Record(msgspec.Struct, gc=False, omit_defaults=True):
    """One observation as a record of SenML (RFC 8428)."""

    n: str
    t: int
    u: str | None = None
    v: float | None = None
    vb: bool | None = None


_encoder = msgspec.json.Encoder()


def content_type(format: str) -> str:
    """How a body in that format of a feed is announced."""
    return SENML if format == "senml" else JSON


def stamps(time: Ticks) -> list[str]:
    """Instants in RFC 3339, UTC."""
    return np.datetime_as_string(time.astype("datetime64[s]"), unit="s", timezone="UTC").tolist()


def bodies(runs: Iterable[Run], format: str, most: int = ROWS_PER_BODY) -> Iterator[bytes]:
    """Bodies of at most so many observations; those of booleans by themselves."""
    held: list[Item | Record] = []
    ordered = sorted(runs, key=lambda run: run.kind is ValueKind.BOOLEAN)
    kind = ordered[0].kind if ordered else ValueKind.NUMBER
    for run in ordered:
        if held and run.kind is not kind:
            yield _encoder.encode(held)
            held = []
        kind = run.kind
        held += _items(run, format)
        while len(held) >= most:
            yield _encoder.encode(held[:most])
            held = held[most:]
    if held:
        yield _encoder.encode(held)


def _items(run: Run, format: str) -> Sequence[Item | Record]:
    boolean = run.kind is ValueKind.BOOLEAN
    values = [bool(value) for value in run.value] if boolean else run.value.tolist()
    if format == "senml":
        return [
            Record(
                run.key, at, run.uom, None if boolean else value, bool(value) if boolean else None
            )
            for at, value in zip(run.time.tolist(), values, strict=True)
        ]
    return [Item(run.key, at, value) for at, value in zip(stamps(run.time), values, strict=True)]


class Told(msgspec.Struct, omit_defaults=True, kw_only=True, rename={"screen": "device"}):
    """A dossier as it is told at one moment."""

    code: str
    procedure: str
    field: str
    received_unit: str
    handling_unit: str
    applicant_unit: str | None
    channel: str
    received_at: str
    due_at: str | None
    resolved_at: str | None
    outcome: str | None
    changed_at: str
    source: str | None = None
    screen: str | None = None
    level: str | None = None
    office: str | None = None
    office_since: str | None = None
    supplements: int = 0
    paused_seconds: int = 0
    paused_since: str | None = None
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
    satisfaction: str | None = None


def told(dossier: Dossier, now: int, rhythm: Rhythm, prefix: str) -> Told:
    """A dossier as far as it is known at an instant of the province's own time."""
    more = dossier.details
    told = Told(
        code=f"{prefix}-{dossier.code}",
        procedure=dossier.procedure.code,
        field=dossier.procedure.field,
        received_unit=dossier.received_unit,
        handling_unit=dossier.handling_unit,
        applicant_unit=dossier.applicant_unit,
        channel=dossier.channel,
        received_at=iso(rhythm.shown(dossier.received_at)),
        due_at=None if dossier.due_at is None else iso(rhythm.shown(dossier.due_at)),
        resolved_at=None,
        outcome=None,
        changed_at=iso(rhythm.shown(max(at for at in dossier.changes() if at <= now))),
        source=more.source,
        screen=more.screen,
        level=more.level,
        result_required=more.result_required,
        digitised=more.digitised,
        reused=more.reused,
        personal_store=more.personal_store,
        population_data=more.population_data,
        authenticated=more.authenticated,
        fee=more.fee,
        synced=more.synced,
    )
    _tell_pause(told, dossier, now, rhythm)
    if dossier.resolved_at <= now:
        _tell_end(told, dossier, rhythm)
    else:
        since, told.office = max(step for step in more.steps if step[0] <= now)
        told.office_since = iso(rhythm.shown(since))
    return told


def _tell_pause(told: Told, dossier: Dossier, now: int, rhythm: Rhythm) -> None:
    """A request to supplement is known when it is made; a second one ends with the first."""
    pause = dossier.details.pause
    if pause is None or now < pause[0]:
        return
    begun, over = rhythm.shown(pause[0]), rhythm.shown(pause[1])
    if now < pause[1]:
        told.supplements, told.paused_since = 1, iso(begun)
    else:
        told.supplements, told.paused_seconds = dossier.details.supplements, over - begun


def _tell_end(told: Told, dossier: Dossier, rhythm: Rhythm) -> None:
    more = dossier.details
    told.resolved_at = iso(rhythm.shown(dossier.resolved_at))
    told.outcome = dossier.outcome
    told.result_file = more.result_file and dossier.outcome == "granted"
    told.paid_online = more.paid_online if more.fee else None
    told.asked = more.asked
    told.complained = more.complained
    told.satisfaction = more.satisfaction


def dossier_bodies(dossiers: Sequence[Told], most: int = DOSSIERS_PER_BODY) -> Iterator[bytes]:
    """Bodies of at most so many dossiers."""
    for first in range(0, len(dossiers), most):
        yield _encoder.encode(dossiers[first : first + most])
