"""From decoded items to rows of known series; the unknown and the late are sorted out."""

import math
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from ingest.decoders.ioc import item_json
from ingest.numbers import read_number
from ingest.payload import ITEM, Decoded, Payload, Refused, Scalar
from ingest.personal import fields_in
from ingest.uom import same_uom, ucum
from ioc.flow.faults import (
    FUTURE_US,
    Fault,
    ahead,
    doubtful,
    kind_of,
    too_late,
    unknown,
    wrong_kind,
)
from ioc.model import (
    NO_COLUMNS,
    Columns,
    Feed,
    Problem,
    Reason,
    ValueKind,
    to_micros,
)
from ioc.store.flush import Part, Quarantined
from ioc.store.pool import WritePool
from ioc.store.registry import KINDS, Registry

_JSON: Final = "application/json"
_NUMBER, _BOOLEAN, _TEXT = (KINDS[k] for k in (ValueKind.NUMBER, ValueKind.BOOLEAN, ValueKind.TEXT))


class Resolver:
    """Turns what a payload says into rows, by what the registry knows of the feed."""

    def __init__(self, registry: Registry, writes: WritePool, zone: str) -> None:
        """Resolve by `registry`; series that a feed may make are made through `writes`.

        `zone` is the province's.
        """
        self._registry = registry
        self._writes = writes
        self._zone = ZoneInfo(zone)

    def read_numbers(self, items: Sequence[tuple[Feed, Decoded]]) -> None:
        """Take texts for numbers where the series takes numbers, in the number format of the feed.

        Texts of unknown series are numbers only where the feed says how it writes them.
        """
        for feed, decoded in items:
            told = feed.number_format != "plain"
            if decoded.numbers is not None or not (told or decoded.numeric_texts):
                continue
            known, kinds = self._registry.keys.get(feed.key, {}), self._registry.table.kind
            for place, (key, value) in enumerate(zip(decoded.keys, decoded.values, strict=True)):
                series = known.get(key, -1)
                if isinstance(value, str) and (told if series < 0 else kinds[series] == _NUMBER):
                    number = read_number(value, feed.number_format)
                    decoded.values[place] = value if number is None else number
            if all(type(value) is float for value in decoded.values):
                decoded.numbers = np.array(decoded.values, np.float64)

    async def make_series(self, items: Sequence[tuple[Feed, Decoded]]) -> None:
        """Make the unknown series of many payloads together, for feeds that may make them."""
        for key, wanted in self._unknown(items).items():
            feed = self._registry.feeds[key]
            kinds = {series: kind for series, (kind, _) in wanted.items()}
            uoms = {series: uom for series, (_, uom) in wanted.items() if uom}
            await self._registry.create_series(self._writes, feed, kinds, uoms)

    def _unknown(
        self, items: Sequence[tuple[Feed, Decoded]]
    ) -> dict[int, dict[str, tuple[ValueKind, str]]]:
        """Series by feed that do not exist and may be made, with kind and unit of their first.

        A text that stands in for a number or for nothing says nothing of what the series is.
        """
        found: dict[int, dict[str, tuple[ValueKind, str]]] = {}
        for feed, decoded in items:
            known = self._registry.keys.get(feed.key, {})
            if not feed.auto_series or all(map(known.__contains__, decoded.keys)):
                continue
            wanted = found.setdefault(feed.key, {})
            for place, key in enumerate(decoded.keys):
                if len(known) + len(wanted) >= feed.most_series:
                    break
                if key in known or key in wanted:
                    continue
                value = 0.0 if decoded.numbers is not None else decoded.values[place]
                if doubtful(feed, value) is None:
                    uom = "" if decoded.uoms is None else ucum(decoded.uoms[place])
                    wanted[key] = kind_of(value), uom
        return {key: wanted for key, wanted in found.items() if wanted}

    def resolve_plain(
        self, read: Sequence[tuple[Payload, Feed, Decoded]], now: datetime
    ) -> list[Part | None]:
        """The parts of payloads in which nothing is wrong; None for those that `resolve` must see.

        They are looked at together, because a payload of one observation would cost as much as
        one of a thousand.
        """
        parts: list[Part | None] = [None] * len(read)
        places_of: dict[int, list[int]] = {}
        for place, (_, feed, decoded) in enumerate(read):
            if (
                decoded.numbers is not None
                and decoded.keys
                and not decoded.refused
                and (decoded.uoms is None or self._uoms_agree(feed, decoded))
            ):
                places_of.setdefault(feed.key, []).append(place)
        for places in places_of.values():
            feed = read[places[0]][1]
            decoded = [read[place][2] for place in places]
            known = self._registry.keys.get(feed.key, {})
            ids = np.array([known.get(key, -1) for d in decoded for key in d.keys], np.int32)
            time = np.concatenate([d.time for d in decoded])
            numbers = np.concatenate([d.numbers for d in decoded if d.numbers is not None])
            sizes = np.array([len(d.keys) for d in decoded], np.int64)
            ends = np.cumsum(sizes, dtype=np.int64)
            starts = ends - sizes
            received = np.array([to_micros(read[place][0].received_at) for place in places])
            plain = self._plain(feed, ids, time, numbers, now, np.repeat(received, sizes))
            faults = np.add.reduceat((~plain).astype(np.int64), starts)
            late = np.add.reduceat(_stale(feed, time, now).astype(np.int64), starts)
            spans = zip(
                places, starts.tolist(), ends.tolist(), faults.tolist(), late.tolist(), strict=True
            )
            for place, start, end, faulty, stored_late in spans:
                if faulty:
                    continue
                payload = read[place][0]
                part = Part(
                    feed_key=feed.key,
                    channel=payload.channel.value,
                    received_at=payload.received_at,
                    rows=Columns(ids[start:end], time[start:end], numbers[start:end]),
                    index=read[place][2].index,
                    stored_late=stored_late,
                    redelivered=payload.redelivered,
                )
                parts[place] = _shift(part, payload.first_index)
        return parts

    def _plain(
        self,
        feed: Feed,
        ids: NDArray[np.int32],
        time: NDArray[np.int64],
        numbers: NDArray[np.float64],
        now: datetime,
        received_us: int | NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Which rows are finite numbers of known series that take them, neither early nor late.

        Late is what was so when it was received: what waited for us is not late for that.
        """
        table, now_us = self._registry.table, to_micros(now)
        plain = (ids >= 0) & (time <= now_us + FUTURE_US) & (table.kind[ids] == _NUMBER)
        if feed.late_limit is not None:
            plain &= time >= received_us - int(feed.late_limit * 1e6)
        return plain & np.isfinite(numbers)

    def resolve(self, payload: Payload, feed: Feed, decoded: Decoded, now: datetime) -> Part:
        """The part of a flush that a payload brings; `make_series` has come before."""
        part = Part(
            feed_key=feed.key,
            channel=payload.channel.value,
            received_at=payload.received_at,
            rows=NO_COLUMNS,
            index=decoded.index,
            redelivered=payload.redelivered,
            quarantined=[_aside(payload, feed, refused) for refused in decoded.refused],
        )
        if not decoded.keys:
            return _shift(part, payload.first_index)
        known = self._registry.keys.get(feed.key, {})
        ids = np.array([known.get(key, -1) for key in decoded.keys], np.int32)
        self._sort_out(part, feed, decoded, ids, now)
        return _shift(part, payload.first_index)

    def _sort_out(
        self, part: Part, feed: Feed, decoded: Decoded, ids: NDArray[np.int32], now: datetime
    ) -> None:
        now_us, received_us = to_micros(now), to_micros(part.received_at)
        late_us = None if feed.late_limit is None else received_us - int(feed.late_limit * 1e6)
        numbers = decoded.numbers
        agreed = decoded.uoms is None or self._uoms_agree(feed, decoded)
        if (
            agreed
            and numbers is not None
            and self._plain(feed, ids, decoded.time, numbers, now, received_us).all()
        ):
            part.rows = Columns(ids, decoded.time, numbers)
        else:
            self._one_by_one(part, feed, decoded, ids, now_us, late_us)
        part.stored_late = int(_stale(feed, part.rows.time, now).sum())

    def _one_by_one(
        self,
        part: Part,
        feed: Feed,
        decoded: Decoded,
        ids: NDArray[np.int32],
        now_us: int,
        late_us: int | None,
    ) -> None:
        """The careful path: name what is wrong with each row and keep the others."""
        numbers = decoded.numbers
        values: list[Scalar] = list(decoded.values) if numbers is None else numbers.tolist()
        kept: list[int] = []
        columns = zip(
            decoded.keys,
            ids.tolist(),
            decoded.time.tolist(),
            values,
            decoded.index.tolist(),
            decoded.uoms or [""] * len(values),
            strict=True,
        )
        for place, (key, series, time, value, index, uom) in enumerate(columns):
            fault = self._fault(feed, key, series, time, value, uom, now_us)
            if fault is not None:
                problem, item = Problem(index, *fault), item_json(key, time, value, uom)
                part.quarantined.append(Quarantined(problem, item, ITEM))
            elif late_us is not None and time < late_us:
                problem = Problem(index, Reason.TIME_LATE, too_late(feed, time, now_us))
                part.late.append(problem)
            elif isinstance(value, str):
                part.text.append((series, time, value, index))
            else:
                kept.append(place)
        rows = np.array(kept, np.intp)
        part.rows = Columns(
            ids[rows], decoded.time[rows], np.array([float(values[p]) for p in kept], np.float64)
        )
        part.index = decoded.index[rows]

    def _fault(
        self, feed: Feed, key: str, series: int, time: int, value: Scalar, uom: str, now_us: int
    ) -> Fault | None:
        if series < 0:
            return (doubtful(feed, value) if feed.auto_series else None) or unknown(feed)
        if time > now_us + FUTURE_US:
            return Reason.TIME_FUTURE, ahead(feed, time, now_us, self._zone)
        table = self._registry.table
        kind = int(table.kind[series])
        if _KIND_OF[type(value)] != kind and not (kind == _BOOLEAN and value in (0, 1)):
            return wrong_kind(feed, key, value, self._registry.series[series].value_kind)
        if not isinstance(value, str) and not math.isfinite(value):
            return Reason.VALUE_INVALID, "not a finite number; leave out what was not measured"
        if not self._uom_agrees(series, uom):
            described = self._registry.series[series].uom
            return Reason.UOM_MISMATCH, (
                f"the payload measures in {uom[:40]}, the series in {described}; convert before "
                "sending, or describe the series with the unit that is sent; nothing is converted "
                "here"
            )
        return None

    def _uoms_agree(self, feed: Feed, decoded: Decoded) -> bool:
        """Whether each unit that a payload names is the one of its series."""
        known = self._registry.keys.get(feed.key, {})
        pairs = zip(decoded.keys, decoded.uoms or (), strict=True)
        return all(key not in known or self._uom_agrees(known[key], uom) for key, uom in pairs)

    def _uom_agrees(self, series: int, uom: str) -> bool:
        """Whether a unit is the one of the series; who names none agrees."""
        described = self._registry.series[series].uom if uom else None
        return not described or same_uom(uom, described)


_KIND_OF: Final = {float: _NUMBER, int: _NUMBER, bool: _BOOLEAN, str: _TEXT}


def _stale(feed: Feed, time: NDArray[np.int64], now: datetime) -> NDArray[np.bool_]:
    """Which rows would be stale at once; they are stored and counted as late all the same."""
    if feed.stale_after is None:
        return np.zeros(len(time), np.bool_)
    return time < to_micros(now) - int(feed.stale_after * 1e6)


def _aside(payload: Payload, feed: Feed, refused: Refused) -> Quarantined:
    kind, raw = _content_type(payload, feed, refused), refused.raw
    personal = fields_in(raw)
    if not personal:
        return Quarantined(refused.problem, raw, kind)
    detail = (
        f"fields about a person: {', '.join(personal)}; the content is not kept, send it again "
        f"without them (dossiers: POST /api/v1/feeds/{feed.id}/dossiers)"
    )
    problem = Problem(refused.problem.index, Reason.PERSONAL_DATA, detail)
    return Quarantined(problem, b"", kind, sha256(raw).digest(), len(raw))


def _content_type(payload: Payload, feed: Feed, refused: Refused) -> str:
    """What the kept bytes are: the payload as it came, or an item of it, which is UTF-8."""
    if refused.problem.index < 0:
        return payload.content_type
    return (refused.kind or _JSON) + ("" if feed.charset == "utf-8" else "; charset=utf-8")


def _shift(part: Part, first: int) -> Part:
    """Count the places from the start of the whole body when the payload is a later part of it."""
    if not first:
        return part
    part.index = part.index + np.int32(first)
    part.quarantined = [
        msgspec.structs.replace(item, problem=moved(item.problem, first))
        for item in part.quarantined
    ]
    part.late = [moved(problem, first) for problem in part.late]
    return part


def moved(problem: Problem, first: int) -> Problem:
    """The problem with its place counted from the start of the whole body."""
    if problem.index < 0:
        return problem
    return msgspec.structs.replace(problem, index=problem.index + first)
