"""Warnings behind the links of an Atom feed: each is asked for once, and handed in by itself."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from ioc.sources.document import Poll
from ioc.sources.errand import Errand
from ioc.sources.exchange import Direction
from ioc.sources.failure import Failure
from ioc.sources.fetch import Ask

MOST_AT_ONCE: Final = 50
"""Links that one run follows; the next run goes on."""

MOST_REMEMBERED: Final = 2_000


async def follow(document: Poll, errand: Errand, links: Sequence[str], ask: Ask) -> int:
    """Ask for what is behind links that were not followed yet; returns how many are left.

    What fails is logged and asked for again by the next run. The secret goes to the server of the
    feed only.
    """
    known = list(errand.progress.followed)
    new = [link for link in dict.fromkeys(links) if _mark(link) not in known]
    followed = 0
    for link in new[:MOST_AT_ONCE]:
        try:
            async with errand.asked(_ask_for(link, document, ask), Direction.PULL) as (
                answer,
                entry,
            ):
                if answer.status != 200:
                    raise answer.failure("the server")
                await errand.store(answer.body, answer.content_type, entry)
        except Failure:
            continue
        followed += 1
        known.append(_mark(link))
    if followed:
        kept = tuple(known[-MOST_REMEMBERED:])
        await errand.keep(msgspec.structs.replace(errand.progress, followed=kept))
    return len(new) - followed


def _ask_for(link: str, document: Poll, ask: Ask) -> Ask:
    url = urljoin(document.url, link)
    if _server(url) == _server(document.url):
        plain = {k: v for k, v in ask.headers.items() if not k.startswith("If-")}
        return msgspec.structs.replace(ask, url=url, headers=plain)
    return Ask(
        url=url,
        timeout=document.timeout,
        most_bytes=document.most_bytes,
        most_redirects=document.most_redirects,
    )


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _mark(link: str) -> str:
    return blake2b(link.encode(), digest_size=8).hexdigest()
