"""Mappings of a feed: which there are, trying one on a sample, putting a new version in force."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from ingest.mapping import Document, compile_mapping, in_force
from ingest.trial import Trial, try_mapping
from ioc.api.bodies import decoded, whole
from ioc.api.deps import CurrentSubject, Now, Reads, Writes, feed_for
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission
from ioc.catalogue import say
from ioc.errors import Invalid
from ioc.model import Feed, Text
from ioc.store import audit, mappings
from ioc.store.registry import FEEDS, announce

router = APIRouter(tags=["feeds"])

LedgerFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_LEDGER))]
RepairableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_REPAIR))]

MOST_MAPPING = 256 * 1024
MOST_TRIAL = 2 * 1024 * 1024
MOST_SHOWN = 1_000
"""Rows, features and problems of a trial that are shown of each."""


class MappingList(msgspec.Struct):
    """The versions of a feed's mapping, newest first; `in_force` is used for what comes now.

    Only a feed whose `format` is mapped is read by them.
    """

    items: list[mappings.Kept]
    in_force: int | None
    format: str
    next: str | None = None


class MappingRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A new version; without `effective_from` it is in effect from now on."""

    mapping: Document
    effective_from: datetime | None = None


class MappingAdded(msgspec.Struct):
    """The version that was made."""

    version: int
    effective_from: datetime


class TrialRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A mapping and a sample: a text as it would be sent, or the JSON itself."""

    mapping: dict[str, Any]
    sample: msgspec.Raw
    content_type: str = "application/json"


class TrialReason(msgspec.Struct):
    """A reason that problems of a trial name, and what cures it, in both languages."""

    reason: str
    title: Text
    cure: Text


class TrialAnswer(msgspec.Struct):
    """What the mapping makes of the sample; long lists are cut, `rows_found` counts all.

    `reasons` says in words those of its problems.
    """

    trial: Trial
    rows_found: int
    reasons: list[TrialReason]


_request = msgspec.json.Decoder(MappingRequest)
_trial = msgspec.json.Decoder(TrialRequest)


def _body(kind: str, description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{kind}"}
    return {
        "requestBody": {
            "required": True,
            "description": description,
            "content": {"application/json": {"schema": schema}},
        }
    }


@router.get("/feeds/{feed}/mapping", responses=shape(MappingList))
async def get_mapping(feed: LedgerFeed, reads: Reads, now: Now) -> Response:
    """All versions of the mapping, and which is in force."""
    found = await mappings.versions(reads, feed.key)
    current = in_force(msgspec.structs.replace(feed, mappings=tuple(found)), now)
    version = None if current is None else current.version
    return answer(MappingList(found, version, feed.format))


@router.put(
    "/feeds/{feed}/mapping",
    responses=shape(MappingAdded),
    openapi_extra=_body("MappingRequest", "The mapping; it is checked before it is kept."),
)
async def put_mapping(
    request: Request, feed: RepairableFeed, subject: CurrentSubject, writes: Writes, now: Now
) -> Response:
    """Make a new version of the mapping, in effect from now or from a given time on.

    It stays in effect until the time of another version comes.
    """
    hint = '; send {"mapping": {"series": …, "time": …, "value": …}}'
    given = decoded(await whole(request, MOST_MAPPING), _request, "a mapping", hint)
    start = given.effective_from or now
    if start.tzinfo is None:
        raise Invalid("`effective_from` needs an offset, such as 2026-11-22T00:00:00+07:00")
    document = _document(given.mapping)
    compile_mapping(document)
    async with writes.connection() as conn:
        version = await mappings.add(conn, feed.key, document, start, subject.name, now)
        await announce(conn, FEEDS)
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="feed.mapping",
            subject=feed.id,
            after={"version": version, "effective_from": start.isoformat(), "mapping": document},
        )  # fmt: skip
    return answer(MappingAdded(version, start))


def _document(mapping: Document) -> dict[str, Any]:
    """The mapping as it is kept: without the fields that say nothing."""
    return {name: value for name, value in msgspec.structs.asdict(mapping).items() if value}


@router.post(
    "/feeds/{feed}/mapping/test",
    responses=shape(TrialAnswer),
    openapi_extra=_body("TrialRequest", "A mapping and a sample; nothing of it is stored."),
)
async def post_mapping_test(request: Request, feed: RepairableFeed, now: Now) -> Response:
    """Try a mapping on a pasted sample: rows, features and problems; nothing is stored."""
    hint = '; send {"mapping": {…}, "sample": …, "content_type": …}'
    given = decoded(await whole(request, MOST_TRIAL), _trial, "a trial", hint)
    sample = bytes(given.sample)
    if sample[:1] == b'"':
        sample = msgspec.json.decode(sample, type=str).encode()
    found = await asyncio.to_thread(
        try_mapping, given.mapping, sample, feed, content_type=given.content_type, now=now
    )
    shown = Trial(found.rows[:MOST_SHOWN], found.features[:MOST_SHOWN], found.problems[:MOST_SHOWN])
    reasons = dict.fromkeys(problem.reason.value for problem in shown.problems)
    return answer(TrialAnswer(shown, len(found.rows), [_in_words(reason) for reason in reasons]))


def _in_words(reason: str) -> TrialReason:
    def text(key: str) -> Text:
        return Text(vi=say(key, "vi"), en=say(key, "en"))

    return TrialReason(reason, text(f"reason.{reason}"), text(f"cure.{reason}"))
