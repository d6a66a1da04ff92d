"""Values of msgspec as answers, with ETags, and their schemas for the OpenAPI document."""

import hashlib
from typing import Any

import msgspec
from fastapi import Request, Response

JSON = "application/json"

_types: list[type] = []


def answer(value: object, status: int = 200) -> Response:
    """A value as JSON."""
    return Response(msgspec.json.encode(value), status, media_type=JSON)


def cached(request: Request, body: bytes, media_type: str = JSON) -> Response:
    """A body with its ETag, or 304 where the client has it already."""
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def shape(
    kind: type, description: str = "", media_type: str = JSON
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an endpoint that answers with that Struct."""
    if kind not in _types:
        _types.append(kind)
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {
        200: {
            "description": description or (kind.__doc__ or "").split("\n")[0],
            "content": {media_type: {"schema": schema}},
        }
    }


def components() -> dict[str, Any]:
    """The schemas of all Structs that endpoints answer with."""
    _, found = msgspec.json.schema_components(_types, ref_template="#/components/schemas/{name}")
    return found
