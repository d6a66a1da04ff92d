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


class Told(msgspec.Struct):
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


def told(dossier: Dossier, now: int, rhythm: Rhythm, prefix: str) -> Told:
    """A dossier as far as it is known at an instant of the province's own time."""
    resolved = dossier.resolved_at <= now

    def at(lived: int) -> str:
        return iso(rhythm.shown(lived))

    return Told(
        code=f"{prefix}-{dossier.code}",
        procedure=dossier.procedure.code,
        field=dossier.procedure.field,
        received_unit=dossier.received_unit,
        handling_unit=dossier.handling_unit,
        applicant_unit=dossier.applicant_unit,
        channel=dossier.channel,
        received_at=at(dossier.received_at),
        due_at=None if dossier.due_at is None else at(dossier.due_at),
        resolved_at=at(dossier.resolved_at) if resolved else None,
        outcome=dossier.outcome if resolved else None,
        changed_at=at(dossier.resolved_at if resolved else dossier.received_at),
    )


def dossier_bodies(dossiers: Sequence[Told], most: int = DOSSIERS_PER_BODY) -> Iterator[bytes]:
    """Bodies of at most so many dossiers."""
    for first in range(0, len(dossiers), most):
        yield _encoder.encode(dossiers[first : first + most])
