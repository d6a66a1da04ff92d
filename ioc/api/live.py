"""The websocket, and the same frames as server-sent events: at each client's own pace."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from geo.bbox import parse_bbox
from ioc.api.deps import (
    IncidentFlow,
    LiveHub,
    PlacedTickets,
    find_subject,
    requires,
    same_origin,
    state_of,
    subject_of_token,
)
from ioc.auth.policy import Permission, Role, Subject
from ioc.errors import IocError, NotFound, NotPermitted
from ioc.flow.field_reports import FieldReports
from ioc.flow.incident_news import IncidentNews
from ioc.live.hub import Client, Hub
from ioc.live.topic import Box, Topic
from ioc.live.wire import (
    Auth,
    Hello,
    Ping,
    Pong,
    Subscribe,
    Unsubscribe,
    WireError,
    client_frames,
    encoder,
)

log = logging.getLogger(__name__)

router = APIRouter(tags=["live"])

PROTOCOL = "ioc.v1"

AUTH_SECONDS = 5.0

MOST_FRAME = 16_384
"""Bytes of a client's frame."""

FAILED = 1011
NOT_SIGNED_IN = 4401
NOT_PERMITTED = 4403

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]


def check_topic(subject: Subject, topic: str) -> None:
    """Raise `NotPermitted` unless the subject may follow the topic."""
    needed = Permission.ALERT_READ if topic in ("alerts", "incidents") else Permission.CITY_READ
    if not subject.may(needed):
        raise NotPermitted(f"role {subject.role.value} may not follow `{topic[:64]}`")
    if topic == "feeds" and subject.role is Role.AGENCY:
        raise NotPermitted("an agency sees its own feeds by GET /api/v1/feeds")


async def topic_for(
    subject: Subject, topic: str, reports: FieldReports, news: IncidentNews, hub: Hub
) -> str:
    """The topic that somebody follows by a name: an agency what is of its own units."""
    check_topic(subject, topic)
    for shared in (reports.topic.name, news.topic.name):
        if topic.startswith(f"{shared}:"):
            raise NotFound(f"there is no topic `{topic[:64]}`; follow `{shared}`")
    if subject.may_see_unit(None):
        return topic
    if topic == reports.topic.name:
        own: Topic = reports.of(subject.units)
    elif topic == news.topic.name:
        own = await news.of(subject.units)
    else:
        return topic
    hub.add(own)
    return own.name


@router.websocket("/stream")
async def stream(socket: WebSocket) -> None:
    """Snapshots and deltas of topics; see the AsyncAPI document."""
    offered = socket.scope.get("subprotocols", [])
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    state = state_of(socket)
    client = Client(state["hub"])
    try:
        subject = await _subject(socket)
        if subject is None:
            await _fail(socket, "not_signed_in", "sign in first", NOT_SIGNED_IN)
            return
        epoch = state["facts"].identity.epoch
        await _send(socket, encoder.encode(Hello(state["clock"].now(), epoch)))
        # One task for what goes out; what comes in is read here, which saves a task a client.
        writing = asyncio.create_task(_write(socket, client))
        try:
            await _read(socket, client, subject)
        finally:
            writing.cancel()
    except (WebSocketDisconnect, RuntimeError):
        log.debug("a client went away")
    finally:
        client.close()


async def _subject(socket: WebSocket) -> Subject | None:
    """Who connects: by header, by cookie of the same origin, or by a first frame."""
    if not socket.headers.get("authorization") and socket.cookies and not same_origin(socket):
        return None
    found = await find_subject(socket)
    if found is None:
        try:
            raw = await asyncio.wait_for(socket.receive_text(), AUTH_SECONDS)
            frame = client_frames.decode(raw)
        except (TimeoutError, msgspec.DecodeError, KeyError):
            return None
        found = await subject_of_token(socket, frame.token) if isinstance(frame, Auth) else None
    return None if found is None or found.role is Role.FEED else found


async def _write(socket: WebSocket, client: Client) -> None:
    """Send frames for ever; when it cannot go on, the closed connection ends the reading too."""
    try:
        while True:
            for frame in await client.frames():
                await _send(socket, frame)
    except (WebSocketDisconnect, RuntimeError):
        log.debug("a client went away")
    except Exception:
        log.exception("a websocket failed")
        await socket.close(FAILED)


async def _read(socket: WebSocket, client: Client, subject: Subject) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        raw = message.get("text") or message.get("bytes") or ""
        if len(raw) > MOST_FRAME:
            await _error(socket, None, "too_large", f"a frame has at most {MOST_FRAME} bytes")
            continue
        try:
            frame = client_frames.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            await _error(socket, None, "invalid", f"not a frame of {PROTOCOL}: {error}")
            continue
        match frame:
            case Ping():
                await _send(socket, encoder.encode(Pong()))
            case Subscribe():
                await _subscribe(socket, client, subject, frame)
            case Unsubscribe():
                client.unsubscribe(frame.id)
            case Auth():
                continue


async def _subscribe(socket: WebSocket, client: Client, subject: Subject, frame: Subscribe) -> None:
    try:
        state = state_of(socket)
        topic = await topic_for(
            subject, frame.topic, state["field_reports"], state["incidents"].news, state["hub"]
        )
        client.subscribe(frame.id, topic, box=frame.bbox, cursor=frame.cursor)
    except IocError as error:
        await _error(socket, frame.id, error.code, error.message)


async def _error(socket: WebSocket, key: str | None, code: str, text: str) -> None:
    await _send(socket, encoder.encode(WireError(key, code, text)))


async def _fail(socket: WebSocket, code: str, text: str, close: int) -> None:
    await _error(socket, None, code, text)
    await socket.close(close, text)


async def _send(socket: WebSocket, frame: bytes) -> None:
    await socket.send({"type": "websocket.send", "text": frame.decode()})


@router.get("/stream/sse", response_class=StreamingResponse)
async def stream_sse(
    subject: Reader,
    hub: LiveHub,
    field_reports: PlacedTickets,
    incidents: IncidentFlow,
    topic: Annotated[str, Query(max_length=200)],
    cursor: str | None = None,
    bbox: str | None = None,
) -> StreamingResponse:
    """The same frames for one topic as server-sent events, where websockets are blocked."""
    topic = await topic_for(subject, topic, field_reports, incidents.news, hub)
    hub.find(topic)
    box = None if bbox is None else parse_bbox(bbox)
    return StreamingResponse(
        _events(hub, topic, box, cursor),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _events(
    hub: Hub, topic: str, box: Box | None, cursor: str | None
) -> AsyncIterator[bytes]:
    client = Client(hub)
    try:
        client.subscribe("sse", topic, box=box, cursor=cursor)
        while True:
            try:
                frames = await asyncio.wait_for(client.frames(), 15)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            for frame in frames:
                yield b"data: " + frame + b"\n\n"
    except NotFound:
        return
    finally:
        client.close()
