"""What a source is told: where to ask, when, and how; the words of its document."""

from datetime import time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from ioc.model import ValueKind

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}$")]
SecretName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}$")]
Bytes = Annotated[int, msgspec.Meta(ge=1_000, le=64 * 1024 * 1024)]

SECRET_BLANKS = frozenset({"secret", "user", "password"})
"""The secret, or its parts where it is user:password."""

BLANKS = frozenset({"since", "until", "cursor", "page"}) | SECRET_BLANKS
"""What may stand in braces in the query and the body of a pull."""


class _Table(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A table of a source's document: unknown keys are errors."""


class Timed(_Table, frozen=True):
    """When a source runs: after each interval, or at times of day in the feed's zone."""

    every: timedelta | None = None
    at: list[time] = []
    jitter: timedelta | None = None
    timeout: timedelta = timedelta(seconds=30)


class Poll(Timed, frozen=True, kw_only=True, tag_field="kind", tag="poll"):
    """A URL that an agency keeps current; what stands there is a payload of the feed.

    `send_secret` says how the secret goes along: bearer, basic (the secret is user:password),
    header:NAME or query:NAME. `content_type` stands in for what the server says.
    """

    url: str
    headers: dict[str, str] = {}
    secret: SecretName | None = None
    send_secret: str = "bearer"  # noqa: S105 - a way of sending, no secret
    content_type: Named | None = None
    most_bytes: Bytes = 16 * 1024 * 1024
    most_redirects: Annotated[int, msgspec.Meta(ge=0, le=10)] = 5


class Token(_Table, frozen=True):
    """Where credentials are exchanged for a token, and where it stands in the answer.

    `fields` are what is posted; `{secret}` stands for the secret, `{user}` and `{password}` for
    its parts where it is user:password. Without `fields` the OAuth 2 client-credentials grant
    (RFC 6749, 4.4) is posted with `client_id` and `scope`. `token` and `expires` are JMESPath.
    """

    url: str
    client_id: str | None = None
    scope: str | None = None
    basic: bool = False
    send: Literal["form", "json"] = "form"
    fields: dict[str, str] = {}
    token: Named = "access_token"  # noqa: S105 - a path, no secret
    expires: Named = "expires_in"
    expires_as: Literal["seconds", "milliseconds", "instant"] = "seconds"
    lifetime: timedelta = timedelta(minutes=5)
    header: Named = "Authorization"
    scheme: str = "Bearer"


class Pull(_Table, frozen=True):
    """What is asked for and how it is turned over, page by page.

    `{since}`, `{until}`, `{cursor}` and `{page}` may stand in `query` and in `body`, and so may
    what stands for the secret, as in `fields` of the token. `next` is JMESPath for the address of
    the next page (`link`; without it the Link header) or for the next cursor (`cursor`). `rows` is
    JMESPath for the rows: pages by number end at an empty one.
    """

    url: str
    method: Literal["GET", "POST"] = "GET"
    query: dict[str, str] = {}
    body: dict[str, Any] | None = None
    headers: dict[str, str] = {}
    time_format: Named = "iso"
    overlap: timedelta = timedelta(0)
    first_since: timedelta = timedelta(days=1)
    pages: Literal["none", "link", "page", "cursor"] = "none"
    next: Named | None = None
    rows: Named | None = None
    first_page: Annotated[int, msgspec.Meta(ge=0)] = 1
    most_pages: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000
    keep_cursor: bool = False
    content_type: Named | None = None
    most_bytes: Bytes = 16 * 1024 * 1024


class Push(_Table, frozen=True):
    """Which series of the feed are sent (keys, `*` stands for anything), and to where.

    `reach` bounds how long after its phenomenon time an observation may come in and be sent.
    """

    url: str
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    series: Annotated[list[Named], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: ["*"]
    )
    most_rows: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 5_000
    reach: timedelta = timedelta(days=1)


class TokenRest(Timed, frozen=True, kw_only=True, tag_field="kind", tag="token-rest"):
    """A sharing platform behind a token (LGSP, NDOP): pulled from, pushed to, or both."""

    secret: SecretName
    token: Token
    pull: Pull | None = None
    push: Push | None = None


class System(_Table, frozen=True):
    """A web portal or system to look at.

    `status` are the answers that count as up; none given: 200 to 399. The newest post is read
    from the RSS or Atom feed at `posts`, or from a page there by `post`, a text in which `{date}`
    stands for the date, written as `post_format` (strptime).
    """

    id: Slug
    url: str
    status: list[int] = []
    text: Named | None = None
    posts: str | None = None
    post: Named | None = None
    post_format: Named = "%d/%m/%Y"
    ipv6: bool = True
    https_redirect: bool | None = None


class Probe(Timed, frozen=True, kw_only=True, tag_field="kind", tag="probe"):
    """Systems that are looked at from outside; what is seen becomes observations of the feed."""

    timeout: timedelta = timedelta(seconds=10)
    systems: Annotated[list[System], msgspec.Meta(min_length=1, max_length=200)]


Document = Poll | TokenRest | Probe

KINDS: dict[str, type[Poll] | type[TokenRest] | type[Probe]] = {
    "poll": Poll,
    "token-rest": TokenRest,
    "probe": Probe,
}


class Seen(msgspec.Struct, frozen=True):
    """A series that a probe makes."""

    system: str
    property: str
    uom: str | None = None
    value_kind: ValueKind = ValueKind.NUMBER


def seen_by(document: Document) -> list[Seen]:
    """The series that a source makes by itself: those of a probe."""
    found: list[Seen] = []
    for system in document.systems if isinstance(document, Probe) else ():
        found += [
            Seen(system.id, "up", None, ValueKind.BOOLEAN),
            Seen(system.id, "latency", "ms"),
        ]
        if system.url.startswith("https:"):
            found.append(Seen(system.id, "certificate-days", "d"))
        if system.ipv6:
            found.append(Seen(system.id, "ipv6", None, ValueKind.BOOLEAN))
        if asks_for_redirect(system):
            found.append(Seen(system.id, "https-redirect", None, ValueKind.BOOLEAN))
        if system.posts is not None:
            found.append(Seen(system.id, "post-age", "s"))
    return found


def asks_for_redirect(system: System) -> bool:
    """Whether it is looked whether plain HTTP leads to HTTPS: on the usual port, or if told."""
    if system.https_redirect is not None:
        return system.https_redirect
    return urlsplit(system.url).port in (None, 80, 443)


def stored(document: Document) -> dict[str, Any]:
    """The document as the database keeps it."""
    return msgspec.json.decode(msgspec.json.encode(document), type=dict[str, Any])


def read_stored(document: dict[str, Any]) -> Document:
    """The document that `stored` came from."""
    return msgspec.convert(document, Document)  # pyright: ignore[reportArgumentType,reportReturnType]


def secret_of(document: Document) -> str | None:
    """The name of the secret that a document uses."""
    return None if isinstance(document, Probe) else document.secret
