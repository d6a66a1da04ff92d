"""Alive, ready, and the counters."""

from ipaddress import ip_address
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from ioc.api.deps import Health, Incoming, Known, LiveHub, Now, ServerFacts, find_subject
from ioc.api.encode import answer, shape
from ioc.auth.policy import Permission
from ioc.catalogue import preferred, say
from ioc.errors import NotSignedIn
from ioc.live.latest import NEVER
from ioc.model import to_micros
from ioc.telemetry import CONTENT_TYPE, exposition

router = APIRouter(tags=["health"])


class Alive(msgspec.Struct):
    """The process answers."""

    status: str
    version: str


class Ready(msgspec.Struct):
    """Whether data can be taken and stored now, and how old everything is, in seconds.

    `reasons` are sentences with the cure, one for each part that is not ready.
    """

    ready: bool
    database: bool
    broker: bool
    failed: str | None
    commit_age: float | None
    reasons: list[str]
    feeds: dict[str, Any]


@router.get("/healthz", responses=shape(Alive))
async def healthz(facts: ServerFacts) -> Response:
    """Alive."""
    return answer(Alive("ok", facts.version))


@router.get("/readyz", responses=shape(Ready))
async def readyz(
    request: Request, facts: ServerFacts, health: Health, registry: Known, now: Now
) -> Response:
    """Ready: 503 when the database, the broker or a vital task is away; silent feeds are listed."""
    found = facts.health()
    language = preferred(request.headers.get("accept-language"))
    received = health.last_received()
    feeds: dict[str, Any] = {}
    for feed in registry.feeds.values():
        at = received.get(feed.key)
        feeds[feed.id] = {
            "state": health.state(feed, now).value,
            "age": None if at is None else (to_micros(now) - at) / 1e6,
        }
    ready = Ready(
        ready=found.database and found.broker and found.failed is None,
        database=found.database,
        broker=found.broker,
        failed=found.failed,
        commit_age=found.commit_age,
        reasons=[say(f"ready.{reason}", language, task=found.failed) for reason in found.reasons],
        feeds=feeds,
    )
    return answer(ready, 200 if ready.ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(
    request: Request,
    facts: ServerFacts,
    health: Health,
    registry: Known,
    hub: LiveHub,
    intake: Incoming,
    now: Now,
) -> Response:
    """Counters for Prometheus; from another machine an administrator's token is needed."""
    near = request.client is not None and ip_address(request.client.host).is_loopback
    if not near:
        subject = await find_subject(request)
        if subject is None or not subject.may(Permission.FEED_MANAGE):
            raise NotSignedIn("send an administrator's token as `Authorization: Bearer …`")
    payloads, size = intake.held
    gauges = {
        **facts.gauges(),
        "clients": ("connected websocket clients", float(len(hub.clients))),
        "intake_payloads": ("payloads that wait to be stored", float(payloads)),
        "intake_bytes": ("bytes that wait to be stored", float(size)),
    }
    counters = {
        **facts.counters(),
        "frames": ("frames sent to clients", float(hub.frames)),
        "resyncs": ("clients that had to start over", float(hub.resyncs)),
        "intake_refused": ("requests refused because the intake was full", float(intake.refused)),
    }
    feeds: dict[str, dict[str, float]] = {}
    received = health.last_received()
    for feed in registry.feeds.values():
        item = health.item(feed, now)
        at = received.get(feed.key)
        feeds[feed.id] = {
            "received_hour": item.received_hour,
            "stored_hour": item.stored_hour,
            "quarantined_hour": item.quarantined_hour,
            "late_hour": item.late_hour,
        }
        if at is not None and at != NEVER:
            feeds[feed.id]["age_seconds"] = (to_micros(now) - at) / 1e6
    return Response(exposition(gauges, counters, feeds), media_type=CONTENT_TYPE)
