"""Try a mapping on a pasted sample: what it would make of it, without storing anything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from ingest.decode import decode
from ingest.payload import Channel, Payload, Scalar
from ioc.model import EPOCH, Feed, Problem, from_micros
from ioc.model import Mapping as Version


class TrialRow(msgspec.Struct, frozen=True):
    """An observation that the mapping makes; `uom` is the measuring unit that the sample names."""

    series: str
    time: datetime
    value: Scalar
    uom: str | None = None


class TrialFeature(msgspec.Struct, frozen=True):
    """A feature that the mapping places; `geometry` is GeoJSON."""

    id: str
    name: str
    geometry: dict[str, Any]


class Trial(msgspec.Struct, frozen=True):
    """What a mapping makes of a sample; `problems` are those of decoding, not of the registry.

    They include what is told though nothing was refused for it.
    """

    rows: list[TrialRow]
    features: list[TrialFeature]
    problems: list[Problem]


def try_mapping(
    document: Mapping[str, Any], body: bytes, feed: Feed, *, content_type: str, now: datetime
) -> Trial:
    """Read a sample with a mapping and the other settings of the feed; raises nothing.

    A mapping with a fault gives one problem, `mapping_invalid`, that says what is wrong with it.
    """
    version = Version(version=1, effective_from=EPOCH, document=dict(document))
    tried = msgspec.structs.replace(feed, format="mapped", mappings=(version,))
    payload = Payload(
        feed_key=feed.key,
        channel=Channel.REST,
        content_type=content_type,
        body=body,
        received_at=now,
        answer=lambda _: None,
    )
    found = decode(payload, tried)
    values: list[Scalar] = list(found.values) if found.numbers is None else found.numbers.tolist()
    uoms = found.uoms or [""] * len(found.keys)
    return Trial(
        rows=[
            TrialRow(key, from_micros(time), value, uom or None)
            for key, time, value, uom in zip(
                found.keys, found.time.tolist(), values, uoms, strict=True
            )
        ],
        features=[TrialFeature(p.feature, p.name, p.geometry) for p in found.places],
        problems=[*(refused.problem for refused in found.refused), *found.remarks],
    )
