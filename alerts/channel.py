"""The ways by which people are told, as data, and what each can say; pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from string import Formatter
from typing import Any, Literal, cast

import msgspec

from ioc.model import Text

Address = Literal["email", "phone", "zalo", "account"]

BLANKS = frozenset(
    {"id", "subject", "text", "title", "reason", "place", "unit", "severity", "since", "name",
     "email", "phone", "zalo"}
)  # fmt: skip
"""What a template may have set in."""

SECRET = "{secret}"  # noqa: S105 - a blank, no secret
"""Where a header of a template has the channel's secret."""

SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "push.apple.com",
    "notify.windows.com",
)
"""The push services of the browsers in use."""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told, as it was when it was decided; without an alert it is a test."""

    alert: str | None = None
    matter: str | None = None
    incident: str | None = None
    title: Text | None = None
    reason: Text | None = None
    place: str = ""
    unit: str = ""
    severity: str = ""
    since: datetime | None = None
    cleared_at: datetime | None = None


class Mail(msgspec.Struct, frozen=True, kw_only=True, tag="mail", tag_field="kind"):
    """E-mail through a server; `user` and `password` name secrets."""

    id: str
    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = None
    enabled: bool = False

    @property
    def address(self) -> Address | None:
        """What it needs to know of a person."""
        return "email"


class Webhook(msgspec.Struct, frozen=True, kw_only=True, tag="webhook", tag_field="kind"):
    """A request to another system that carries the whole message, signed by a secret."""

    id: str
    url: str
    secret: str
    enabled: bool = False

    @property
    def address(self) -> Address | None:
        """What it needs to know of a person."""
        return None


class Template(msgspec.Struct, frozen=True, kw_only=True, tag="template", tag_field="kind"):
    """A request as a provider of SMS or chat wants it; `body` has blanks in its texts."""

    id: str
    url: str
    address: Address
    body: dict[str, Any]
    headers: dict[str, str] = {}
    secret: str | None = None
    enabled: bool = False


class Push(msgspec.Struct, frozen=True, kw_only=True, tag="push", tag_field="kind"):
    """Messages to browsers through the services of their makers; `secret` names the signing key.

    `services` are the hosts that are pushed to, with all below them.
    """

    id: str
    contact: str
    secret: str
    services: tuple[str, ...] = SERVICES
    enabled: bool = False

    @property
    def address(self) -> Address | None:
        """What it needs to know of a person."""
        return "account"

    def serves(self, host: str) -> bool:
        """Whether a host is one of the services."""
        return any(host == name or host.endswith(f".{name}") for name in self.services)


Channel = Mail | Webhook | Template | Push


def texts(value: object) -> Iterator[str]:
    """All texts of a template's body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, object]", value).values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from texts(inner)


def wrong_blanks(text: str) -> list[str]:
    """Blanks of a text that nothing is set into; the text itself where its braces do not match."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        return [text]
    return [
        name
        for _, name, form, conversion in parts
        if name is not None and (name not in BLANKS or form or conversion)
    ]


def filled(value: object, said: Mapping[str, str]) -> object:
    """The body of a template with its blanks set in."""
    if isinstance(value, str):
        return value.format_map(said)
    if isinstance(value, Mapping):
        named = cast("Mapping[str, object]", value)
        return {key: filled(inner, said) for key, inner in named.items()}
    if isinstance(value, list):
        return [filled(inner, said) for inner in cast("list[object]", value)]
    return value
