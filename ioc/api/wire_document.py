"""The AsyncAPI 3 document of the websocket, made from the shapes themselves."""

from typing import Any

import msgspec
from fastapi import APIRouter, Response

from ioc.api.encode import JSON
from ioc.live import wire
from ioc.live.incident_wire import IncidentItem

router = APIRouter(tags=["live"])

_CLIENT = (wire.Auth, wire.Subscribe, wire.Unsubscribe, wire.Ping)
_SERVER = (wire.Hello, wire.Resync, wire.Lag, wire.WireError, wire.Pong)
_ITEMS = {
    "layer:{layer}": wire.LayerFeature,
    "series:{series}": wire.SeriesPoint,
    "alerts": wire.AlertItem,
    "incidents": IncidentItem,
    "feeds": wire.FeedItem,
    "board:{board}": wire.FigureItem,
    "summary": wire.FigureItem,
}


def document() -> dict[str, Any]:
    """Every frame of `ioc.v1`."""
    kinds = [*_CLIENT, *_SERVER, *_ITEMS.values()]
    _, schemas = msgspec.json.schema_components(
        list(dict.fromkeys(kinds)), ref_template="#/components/schemas/{name}"
    )
    items = {
        "oneOf": [
            {"$ref": f"#/components/schemas/{kind.__name__}"}
            for kind in dict.fromkeys(_ITEMS.values())
        ]
    }
    listed = {"type": "array", "items": items}
    rest = {
        "type": "object",
        "description": "of `alerts`: how many open ones are not among the items, by severity",
        "additionalProperties": {"type": "integer"},
    }
    framed = {"id": {"type": "string"}, "cursor": {"type": "string"}}
    schemas["Snapshot"] = {
        "type": "object",
        "required": ["type", "id", "cursor", "data"],
        "properties": {
            "type": {"const": "snapshot"},
            **framed,
            "data": {"type": "object", "properties": {"items": listed, "rest": rest}},
        },
    }
    schemas["Delta"] = {
        "type": "object",
        "required": ["type", "id", "cursor", "data"],
        "properties": {
            "type": {"const": "delta"},
            **framed,
            "data": {
                "type": "object",
                "properties": {
                    "update": listed,
                    "add": listed,
                    "remove": {"type": "array", "items": {"type": "string"}},
                    "rest": rest,
                },
            },
        },
    }
    names = [k.__name__ for k in (*_CLIENT, *_SERVER)] + ["Snapshot", "Delta"]
    messages = {
        name: {"name": name, "payload": {"$ref": f"#/components/schemas/{name}"}} for name in names
    }
    sent = [k.__name__ for k in _CLIENT]
    received = [name for name in names if name not in sent]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "IOC stream", "version": "1"},
        "servers": {"ioc": {"host": "localhost:8080", "protocol": "ws"}},
        "channels": {
            "stream": {
                "address": "/api/v1/stream",
                "description": "Subprotocol ioc.v1. Topics: " + ", ".join(_ITEMS),
                "messages": messages,
            }
        },
        "operations": {
            "send": _operation("receive", sent),
            "receive": _operation("send", received),
        },
        "components": {"schemas": schemas},
    }


def _operation(action: str, names: list[str]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": "#/channels/stream"},
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in names],
    }


@router.get("/asyncapi.json", response_class=Response)
async def get_asyncapi() -> Response:
    """The AsyncAPI document."""
    return Response(msgspec.json.encode(document()), media_type=JSON)
