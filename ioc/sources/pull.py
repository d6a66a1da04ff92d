"""Pulling from a sharing platform: what came since the last success, page by page."""

import re
from datetime import datetime
from typing import Any, Final

import msgspec
from httpx2 import URL, InvalidURL

from ioc.sources.document import SECRET_BLANKS, Pull, TokenRest
from ioc.sources.errand import Errand
from ioc.sources.exchange import Direction, Exchange, Outcome, Ran, worst
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask
from ioc.sources.poll import check_type
from ioc.sources.token import Tokens, authorized, fill, parts, read_json, search

_LINK: Final = re.compile(r"<([^<>]*)>([^<>]*)")
_NEXT: Final = re.compile(r"""\brel\s*=\s*["']?[^"',;]*\bnext\b""", re.IGNORECASE)
"""RFC 8288: <https://…?page=2>; rel="next", <https://…?page=9>; rel="last"."""


class _Page(msgspec.Struct, frozen=True):
    """What leads to a page."""

    number: int
    cursor: str
    url: str


async def pull(document: TokenRest, told: Pull, errand: Errand, tokens: Tokens) -> Ran:
    """Hand in every page; the time asked for moves on only after the last one is stored."""
    until = errand.now()
    since = errand.progress.since
    since = until - told.first_since if since is None else since - told.overlap
    page: _Page | None = _Page(
        told.first_page, errand.progress.cursor if told.keep_cursor else "", told.url
    )
    outcomes: list[Outcome] = []
    detail = ""
    for _ in range(told.most_pages):
        ask = _ask(document, told, page, since, until, errand)
        async with authorized(document, errand, tokens, ask, Direction.PULL) as (answer, entry):
            if not 200 <= answer.status < 300:
                raise answer.failure("the platform")
            page = await _turned(told, page, answer, entry, errand)
        outcomes.append(entry.outcome)
        detail = detail or entry.detail
        if page is None:
            break
        if told.keep_cursor:
            await errand.keep(msgspec.structs.replace(errand.progress, cursor=page.cursor))
    else:
        raise Failure(
            f"there are more than {told.most_pages} pages; raise `most_pages`, or ask for less at "
            "a time (what was read is stored)"
        )
    await errand.keep(msgspec.structs.replace(errand.progress, since=until))
    return Ran(worst(outcomes), detail)


async def _turned(
    told: Pull, page: _Page, answer: Answer, entry: Exchange, errand: Errand
) -> _Page | None:
    """Hand a page in; returns what leads to the next one, None after the last."""
    # Looked at only where the document asks: a CSV of an own format is handed in unread.
    found: Any = None if told.rows is None and told.next is None else read_json(answer)
    rows = None if told.rows is None else search(told.rows, found)
    empty = not answer.body.strip() or (told.rows is not None and not rows)
    if empty:
        entry.outcome, entry.rows = Outcome.UNCHANGED, 0
    else:
        content_type = told.content_type or answer.content_type
        check_type(content_type)
        await errand.store(answer.body, content_type, entry)
    match told.pages:
        case "page":
            return None if empty else _Page(page.number + 1, "", page.url)
        case "cursor":
            cursor = search(told.next or "", found)
            text = "" if cursor is None or isinstance(cursor, bool) else str(cursor)
            if not text or text == page.cursor:
                return None
            return _Page(page.number + 1, text, page.url)
        case "link":
            link = _link(told, answer, found)
            return None if link is None else _Page(page.number + 1, "", _beside(answer.url, link))
        case "none":
            return None


def _link(told: Pull, answer: Answer, found: Any) -> str | None:
    if told.next is not None:
        link = search(told.next, found)
        return link if isinstance(link, str) and link else None
    for target, attributes in _LINK.findall(answer.headers.get("link", "")):
        if _NEXT.search(attributes):
            return target
    return None


def _beside(url: str, link: str) -> str:
    """The address of the next page, which must be of the same server: the token goes along."""
    here = URL(url)
    try:
        there = here.join(link)
    except (InvalidURL, ValueError) as error:
        raise Failure("the link to the next page is not a URL") from error
    if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
        raise Failure(f"the link to the next page leads to another server, {there.host}")
    if there == here:
        raise Failure("the link to the next page leads to the same page")
    return str(there)


def _ask(
    document: TokenRest, told: Pull, page: _Page, since: datetime, until: datetime, errand: Errand
) -> Ask:
    values = {
        "since": written(since, told.time_format, errand),
        "until": written(until, told.time_format, errand),
        "cursor": page.cursor,
        "page": str(page.number),
    }
    hidden = {name for name, text in told.query.items() if _needs_secret(text)}
    if hidden or _needs_secret(told.body):
        values |= parts(errand.secret(document.secret))
    filled = {name: fill(text, values) for name, text in told.query.items()}
    url = URL(page.url)
    if page.url == told.url and told.query:
        # A query that asks for the cursor has none to name on the first page.
        url = url.copy_merge_params(
            {
                name: text
                for name, text in filled.items()
                if name not in hidden and (text or told.query[name] == "")
            }
        )
    content = None
    headers = {"Accept": "application/json", **told.headers}
    if told.method == "POST":
        content = msgspec.json.encode(_filled(told.body or {}, values))
        headers["Content-Type"] = "application/json"
    return Ask(
        url=str(url),
        method=told.method,
        headers=headers,
        private_query={name: filled[name] for name in hidden},
        content=content,
        timeout=document.timeout,
        most_bytes=told.most_bytes,
    )


def _needs_secret(value: Any) -> bool:
    match value:
        case str():
            return any(f"{{{blank}}}" in value for blank in SECRET_BLANKS)
        case dict():
            return any(map(_needs_secret, value.values()))  # pyright: ignore
        case list():
            return any(map(_needs_secret, value))  # pyright: ignore
        case _:
            return False


def _filled(value: Any, values: dict[str, str]) -> Any:
    match value:
        case "{page}":
            return int(values["page"])
        case str():
            return fill(value, values)
        case dict():
            return {name: _filled(part, values) for name, part in value.items()}  # pyright: ignore
        case list():
            return [_filled(part, values) for part in value]  # pyright: ignore
        case _:
            return value


def written(at: datetime, way: str, errand: Errand) -> str:
    """An instant as the platform wants it: iso, epoch, epoch-ms, or by strftime; local time."""
    match way:
        case "iso":
            return at.astimezone(errand.zone).isoformat(timespec="seconds")
        case "epoch":
            return str(int(at.timestamp()))
        case "epoch-ms":
            return str(int(at.timestamp() * 1000))
        case _:
            return at.astimezone(errand.zone).strftime(way)
