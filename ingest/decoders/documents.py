"""JSON bodies as documents: one, or one a line, each fault named and none raised."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import msgspec

from ingest.rows import Rows
from ioc.model import Reason

NOT_UTF8 = (
    "the text is not UTF-8; send UTF-8, or name its charset: `ioc feed set FEED --charset "
    "windows-1258`, or `charset=` in the content type"
)
TOO_DEEP = "the JSON is nested too deeply; send the values without the objects around them"


class Document(NamedTuple):
    """What stands in a piece of JSON, and the piece."""

    content: Any
    raw: bytes


def read_documents(body: bytes, rows: Rows, *, lines: bool) -> Iterator[Document]:
    """The documents in a body; what is not JSON is refused in `rows`."""
    pieces = [line for line in body.split(b"\n") if line.strip()] if lines else [body]
    for piece in pieces:
        at = rows.next if lines else -1
        try:
            content = msgspec.json.decode(piece)
        except msgspec.DecodeError as error:
            rows.refuse(at, Reason.JSON_INVALID, f"not valid JSON: {error}", piece)
        except UnicodeDecodeError:
            rows.refuse(at, Reason.ENCODING_INVALID, NOT_UTF8, piece)
        except RecursionError:
            rows.refuse(at, Reason.JSON_INVALID, TOO_DEEP, piece)
        else:
            yield Document(content, piece.strip())


def as_object(value: object) -> dict[str, Any] | None:
    """The value if it is a JSON object."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any] | None:
    """The value if it is a JSON array."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def as_text(value: object) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def encode(value: object) -> bytes:
    """JSON for the quarantine."""
    return msgspec.json.encode(value)
