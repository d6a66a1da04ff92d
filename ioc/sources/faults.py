"""What is wrong with the document of a source, found before anything is asked."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from ingest.decoders.documents import as_list, as_object
from ingest.expression import Expression
from ioc.errors import Invalid
from ioc.sources.document import BLANKS, Document, Poll, Probe, Pull, Timed, TokenRest
from ioc.sources.outside import url_fault
from ioc.sources.posts import FieldFault, posted_pattern

SHORTEST: Final = timedelta(seconds=10)
LONGEST_TIMEOUT: Final = timedelta(minutes=5)

Fault = tuple[tuple[str | int, ...], str, str]
"""Where in the document, what is wrong, and a hint."""

_BLANK: Final = re.compile(r"\{(\w+)\}")

_SECRET_NAMES: Final = frozenset(
    ["appid", "auth", "authorization", "bearer", "cookie", "jwt", "key", "pass", "pwd",
     "proxyauthorization", "sig"]
)  # fmt: skip
_SECRET_ENDINGS: Final = (
    "accesskey", "apikey", "appkey", "authkey", "credential", "credentials", "masterkey", "matkhau",
    "passphrase", "passwd", "password", "privatekey", "secret", "secretkey", "sharedkey",
    "signature", "subscriptionkey", "token",
)  # fmt: skip

_IN_POLL: Final = (
    "put it into a secret, name that with `secret`, and say how it goes along with `send_secret`, "
    "such as query:{name} or header:{name}"
)
_IN_FIELD: Final = (
    "put it into the secret and write {{secret}}, {{user}} or {{password}} in its place"
)
_IN_PULL: Final = "put it into the secret and write it in `pull.query` as {{secret}}"
_IN_PUSH: Final = "put it into the secret; what is sent along is the token, as `token` says"
_IN_PROBE: Final = "a probe sends no secret: look at an address that needs none"


def faults(document: Document, format: str) -> Iterator[Fault]:
    """What is wrong with a document whose keys and types are right, for a feed of that format."""
    yield from _timing(document)
    if isinstance(document, Probe) and format not in ("ioc", "auto"):
        yield (), f"a probe writes format ioc, and the feed takes {format}", "use a feed of its own"
    match document:
        case Poll():
            yield from _asked(("url",), document.url, document.headers, _IN_POLL)
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


def _asked(
    path: tuple[str | int, ...], url: str, headers: dict[str, str], cure: str
) -> Iterator[Fault]:
    yield from _url(path, url, cure)
    for name, value in headers.items():
        where = (*path[:-1], "headers", name)
        if _is_secret(name):
            yield where, *_kept(name, cure)
        if not name or not (name + value).isprintable() or not name.isascii():
            yield where, "is not a header of HTTP", ""


def _url(path: tuple[str | int, ...], url: str, cure: str) -> Iterator[Fault]:
    fault = url_fault(url)
    if fault is not None:
        yield path, *fault
        return
    query = url.partition("#")[0].partition("?")[2]
    for name in (part.partition("=")[0] for part in query.split("&") if part):
        if _is_secret(name):
            yield path, *_kept(name, cure)


def _is_secret(name: str) -> bool:
    """Whether the name of a field says that what it holds is a secret."""
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    return letters in _SECRET_NAMES or letters.endswith(_SECRET_ENDINGS)


def _kept(name: str, cure: str) -> tuple[str, str]:
    return f"`{name[:60]}` would keep a secret in the database", cure.format(name=name[:60])


def _literal(path: tuple[str | int, ...], value: Any, cure: str) -> Iterator[Fault]:
    """Secrets that are written out in a value or anywhere within it."""
    pending = [(path, value)]
    while pending:
        where, each = pending.pop()
        name = str(where[-1])
        if isinstance(each, str) and each and _is_secret(name) and not _BLANK.search(each):
            yield where, *_kept(name, cure)
        within = as_object(each)
        parts = enumerate(as_list(each) or ()) if within is None else within.items()
        pending += [((*where, key), inner) for key, inner in parts]


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
    yield from _url(("token", "url"), token.url, "put it into `token.fields` as {{secret}}")
    yield from _literal(("token", "fields"), token.fields, _IN_FIELD)
    yield from _expression(("token", "token"), token.token)
    yield from _expression(("token", "expires"), token.expires)
    if not token.fields and token.client_id is None and not token.basic:
        yield ("token",), "without `fields` or `basic` a `client_id` is needed", ""
    if pull is None and push is None:
        yield (), "needs a table [pull], a table [push], or both", ""
    if pull is not None:
        yield from _asked(("pull", "url"), pull.url, pull.headers, _IN_PULL)
        yield from _literal(("pull", "query"), pull.query, _IN_FIELD)
        yield from _literal(("pull", "body"), pull.body, _IN_FIELD)
        yield from _pages(pull)
    if push is not None:
        yield from _asked(("push", "url"), push.url, push.headers, _IN_PUSH)
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
            Expression(text)
    except Invalid as error:
        yield path, f"is not JMESPath: {error}", "see jmespath.org"


def _systems(document: Probe) -> Iterator[Fault]:
    seen: set[str] = set()
    for place, system in enumerate(document.systems):
        if system.id in seen:
            yield ("systems", place, "id"), f"{system.id!r} stands here twice", ""
        seen.add(system.id)
        yield from _url(("systems", place, "url"), system.url, _IN_PROBE)
        if system.posts is not None:
            yield from _url(("systems", place, "posts"), system.posts, _IN_PROBE)
        if system.post is not None:
            try:
                posted_pattern(system.post, system.post_format)
            except FieldFault as fault:
                yield ("systems", place, "post"), str(fault), 'write such as "Ngày đăng: {date}"'
