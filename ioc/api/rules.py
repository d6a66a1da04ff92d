"""Rules for alerts: reading and writing them, and what one would have raised."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from alerts.rule import Behind, Missing, MissingReport, Rule, Together
from alerts.rule_reading import decode_rule
from ioc.api.bodies import decoded, whole
from ioc.api.deps import Alerts, Known, KpiBoards, Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound
from ioc.flow.rule_trial import RuleTrial, tried
from ioc.model import Domain
from ioc.store import rules
from ioc.store.registry import Registry
from ioc.store.rules import StoredRule

router = APIRouter(tags=["alerts"])

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]
Trier = Annotated[Subject, Depends(requires(Permission.ALERT_HANDLE))]
Author = Annotated[Subject, Depends(requires(Permission.RULE_MANAGE))]

MOST_BYTES: Final = 64_000
MOST_DAYS: Final = 92
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


class RuleItem(msgspec.Struct):
    """A rule as it was written, by whom last."""

    id: str
    document: dict[str, Any]
    changed_at: datetime
    changed_by: str


class RuleList(msgspec.Struct):
    """Rules by id."""

    items: list[RuleItem]
    next: str | None = None


class RuleChangeItem(msgspec.Struct):
    """One change of a rule; the document is null where it was removed."""

    at: datetime
    actor: str
    document: dict[str, Any] | None


class RuleHistory(msgspec.Struct):
    """Changes of a rule, the newest first."""

    items: list[RuleChangeItem]
    next: str | None = None


@router.get("/rules", responses=shape(RuleList))
async def get_rules(_: Reader, reads: Reads) -> Response:
    """The rules that watch now."""
    return answer(RuleList([_item(row) for row in await rules.read(reads)]))


@router.get("/rules/{rule}/history", responses=shape(RuleHistory))
async def get_history(
    rule: str, _: Reader, reads: Reads, limit: Annotated[int, Query(ge=1, le=1_000)] = 100
) -> Response:
    """Who wrote what of a rule."""
    found = await rules.history(reads, rule, limit=limit)
    return answer(RuleHistory([RuleChangeItem(c.at, c.actor, c.document) for c in found]))


@router.post("/rules/{rule}/trial", responses=shape(RuleTrial), openapi_extra=_BODY)
async def try_rule(
    rule: str,
    request: Request,
    _: Trier,
    alerting: Alerts,
    reads: Reads,
    now: Now,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 30,
) -> Response:
    """What a rule would have raised of late, from stored observations; nothing is changed."""
    wanted = decode_rule(rule, await _document(request))
    facts = alerting.series_facts()
    since = now - timedelta(days=days)
    return answer(await tried(wanted, facts, reads, alerting.rhythms, since=since, until=now))


@router.put("/rules/{rule}", responses=shape(RuleItem), openapi_extra=_BODY)
async def put_rule(
    rule: str,
    request: Request,
    subject: Author,
    boards: KpiBoards,
    facts: ServerFacts,
    known: Known,
    writes: Writes,
    now: Now,
) -> Response:
    """Write a rule; it watches within two seconds, and alerts it does not bear out end."""
    document = await _document(request)
    wanted = decode_rule(rule, document)
    _check_names(wanted, known, set(facts.city.organisation), set(boards.indicators))
    async with writes.connection() as conn:
        new = await rules.write(
            conn, rule, document, by=subject.name, source=_source(request), now=now
        )
    return answer(RuleItem(rule, document, now, subject.name), status=201 if new else 200)


@router.delete("/rules/{rule}", status_code=204)
async def delete_rule(
    rule: str, request: Request, subject: Author, writes: Writes, now: Now
) -> Response:
    """Remove a rule; its open alerts end, and what they were stays in the history."""
    async with writes.connection() as conn:
        done = await rules.remove(conn, rule, by=subject.name, source=_source(request), now=now)
    if not done:
        raise NotFound(f"there is no rule `{rule}`")
    return Response(status_code=204)


async def _document(request: Request) -> dict[str, Any]:
    hint = '; send {"kind": "threshold", "name": {"vi": …, "en": …}, …}'
    return decoded(await whole(request, MOST_BYTES), _decoder, "a rule", hint)


_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def _check_names(rule: Rule, known: Registry, units: set[str], indicators: set[str]) -> None:
    """Refuse what names a feed, a unit, a property or an indicator that there is not."""
    match rule:
        case Missing():
            _is_there("feed", rule.feed, known.feed_by_id)
            return
        case Behind():
            _is_there("indicator", rule.indicator, dict.fromkeys(indicators))
            return
        case MissingReport():
            return
        case Together():
            properties = [condition.observed_property for condition in rule.when]
        case _:
            properties = [rule.observed_property]
    observed = _observed(known, rule.domain)
    for name in properties:
        _is_there("property", name, observed)
    _is_there("feed", rule.where.feed, known.feed_by_id)
    _is_there("unit", rule.where.unit, dict.fromkeys(units))
    _is_there("unit", rule.where.zone, dict.fromkeys(units))


def _observed(known: Registry, domain: Domain) -> dict[str, None]:
    feeds = {feed.key for feed in known.feeds.values() if feed.domain == domain}
    found = (one.property for one in known.series.values() if one.feed_key in feeds)
    return dict.fromkeys(found)


def _is_there(what: str, name: str | None, known: Mapping[str, object]) -> None:
    if name is not None and name not in known:
        some = ", ".join(sorted(known)[:10])
        raise Invalid(f"there is no {what} `{name}`; known are {some or 'none yet'}", key=what)


def _item(row: StoredRule) -> RuleItem:
    return RuleItem(row.id, row.document, row.changed_at, row.changed_by)


def _source(request: Request) -> str:
    return request.client.host if request.client else ""
