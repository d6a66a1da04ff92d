"""What a source is told: where to ask, when, and how; the words of its document."""

import re
from collections.abc import Iterator
from datetime import time, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from ioc.model import ValueKind
from ioc.sources.outside import url_fault
from ioc.sources.posts import FieldFault, posted_pattern

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}$")]
SecretName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,64}$")]
Bytes = Annotated[int, msgspec.Meta(ge=1_000, le=64 * 1024 * 1024)]

_BLANK = re.compile(r"\{(\w+)\}")

SHORTEST = timedelta(seconds=10)
LONGEST_TIMEOUT = timedelta(minutes=5)

Fault = tuple[tuple[str | int, ...], str, str]
"""Where in the document, what is wrong, and a hint."""

_CREDENTIALS = frozenset(
    ["access_token", "api_key", "apikey", "appid", "client_secret", "passwd", "password", "pwd",
     "secret", "token"]
)  # fmt: skip
_SECRET_HEADERS = frozenset(
    ["authorization", "cookie", "proxy-authorization", "x-api-key", "apikey", "x-auth-token"]
)

BLANKS = frozenset({"since", "until", "cursor", "page"})
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

    `{since}`, `{until}`, `{cursor}` and `{page}` may stand in `query` and in `body`. `next` is
    JMESPath for the address of the next page (`link`; without it the Link header) or for the
    next cursor (`cursor`). `rows` is JMESPath for the rows: pages by number end at an empty one.
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


def faults(document: Document, format: str) -> Iterator[Fault]:
    """What is wrong with a document whose keys and types are right, for a feed of that format."""
    yield from _timing(document)
    if isinstance(document, Probe) and format not in ("ioc", "auto"):
        yield (), f"a probe writes format ioc, and the feed takes {format}", "use a feed of its own"
    match document:
        case Poll():
            yield from _asked(("url",), document.url, document.headers)
            yield from _sending(document)
        case TokenRest():
            yield from _token_rest(document)
        case Probe():
            yield from _systems(document)


def _timing(document: Timed) -> Iterator[Fault]:
    if (document.every is None) == (not document.at):
        yield (), "a source runs `every` so often, or `at` times of day", 'write every = "PT5M"'
    if document.every is not None and document.every < SHORTEST:
        yield ("every",), "is shorter than 10 seconds", 'write such as "PT5M"'
    if any(at.tzinfo is not None for at in document.at):
        yield ("at",), "times of day have no offset: they are of the feed's zone", ""
    if document.jitter is not None and not timedelta(0) <= document.jitter:
        yield ("jitter",), "is negative", ""
    if document.every and document.jitter and document.jitter >= document.every:
        yield ("jitter",), "must be shorter than the interval", ""
    if not timedelta(0) < document.timeout <= LONGEST_TIMEOUT:
        yield ("timeout",), "must be more than nothing and at most PT5M", ""


def _asked(path: tuple[str | int, ...], url: str, headers: dict[str, str]) -> Iterator[Fault]:
    yield from _url(path, url)
    for name, value in headers.items():
        where = (*path[:-1], "headers", name)
        if name.lower() in _SECRET_HEADERS:
            yield where, "would keep a secret in the database", "name it with `secret`"
        if not name or not (name + value).isprintable() or not name.isascii():
            yield where, "is not a header of HTTP", ""


def _url(path: tuple[str | int, ...], url: str) -> Iterator[Fault]:
    fault = url_fault(url)
    if fault is not None:
        yield path, *fault
        return
    query = url.partition("#")[0].partition("?")[2]
    for name in (part.partition("=")[0].lower() for part in query.split("&") if part):
        if name in _CREDENTIALS:
            yield path, f"`{name}` would keep a secret in the database", "name it with `secret`"


def _sending(document: Poll) -> Iterator[Fault]:
    way, _, name = document.send_secret.partition(":")
    if way not in ("bearer", "basic", "header", "query") or (way in ("header", "query")) != (
        name != ""
    ):
        yield (
            ("send_secret",),
            f"{document.send_secret!r} is not a way to send a secret",
            "write bearer, basic, header:NAME or query:NAME",
        )


def _token_rest(document: TokenRest) -> Iterator[Fault]:
    token, pull, push = document.token, document.pull, document.push
    yield from _url(("token", "url"), token.url)
    yield from _expression(("token", "token"), token.token)
    yield from _expression(("token", "expires"), token.expires)
    if not token.fields and token.client_id is None and not token.basic:
        yield ("token",), "without `fields` or `basic` a `client_id` is needed", ""
    if pull is None and push is None:
        yield (), "needs a table [pull], a table [push], or both", ""
    if pull is not None:
        yield from _asked(("pull", "url"), pull.url, pull.headers)
        yield from _pages(pull)
    if push is not None:
        yield from _asked(("push", "url"), push.url, push.headers)
        if not timedelta(0) < push.reach <= timedelta(days=31):
            yield ("push", "reach"), "must be more than nothing and at most P31D", ""


def _pages(pull: Pull) -> Iterator[Fault]:
    yield from _expression(("pull", "next"), pull.next)
    yield from _expression(("pull", "rows"), pull.rows)
    if pull.pages == "page" and pull.rows is None:
        yield ("pull",), "pages by number end at an empty page: `rows` must say where rows are", ""
    if pull.pages == "cursor" and pull.next is None:
        yield ("pull",), "pages by cursor need `next`, JMESPath for the next cursor", ""
    if pull.keep_cursor and pull.pages != "cursor":
        yield ("pull", "keep_cursor"), 'belongs to pages = "cursor"', ""
    if pull.overlap < timedelta(0) or pull.first_since <= timedelta(0):
        yield ("pull",), "`overlap` and `first_since` must not be negative", ""
    if pull.method == "GET" and pull.body is not None:
        yield ("pull", "body"), "a GET has no body", 'write method = "POST"'
    for name, text in pull.query.items():
        for blank in set(_BLANK.findall(text)) - BLANKS:
            known = ", ".join(f"{{{known}}}" for known in sorted(BLANKS))
            yield ("pull", "query", name), f"{{{blank}}} stands for nothing", f"known: {known}"


def _expression(path: tuple[str | int, ...], text: str | None) -> Iterator[Fault]:
    try:
        if text is not None:
            jmespath.compile(text)
    except JMESPathError as error:
        yield path, f"is not JMESPath: {' '.join(str(error).split())[:200]}", "see jmespath.org"


def _systems(document: Probe) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, system in enumerate(document.systems):
        if system.id in seen:
            yield ("systems", place, "id"), f"{system.id!r} stands here twice", ""
        seen.add(system.id)
        yield from _url(("systems", place, "url"), system.url)
        if system.posts is not None:
            yield from _url(("systems", place, "posts"), system.posts)
        if system.post is not None:
            try:
                posted_pattern(system.post, system.post_format)
            except FieldFault as fault:
                yield ("systems", place, "post"), str(fault), 'write such as "Ngày đăng: {date}"'
