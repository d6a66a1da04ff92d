"""A URL that an agency keeps current: asked again only for what is new."""

import base64
from hashlib import blake2b
from typing import Final

import msgspec

from ingest.compression import inflated
from ingest.decode import CAP, understood
from ioc.documents.cap_reading import read_messages
from ioc.errors import Invalid, TooLarge
from ioc.sources.document import Poll
from ioc.sources.errand import Errand
from ioc.sources.exchange import Direction, Outcome, Progress, Ran
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask
from ioc.sources.linked import follow

LONGEST_VALIDATOR: Final = 1_000


async def poll(document: Poll, errand: Errand) -> Ran:
    """Fetch what is new, hand it in, and remember its ETag after the commit."""
    ask = _ask(document, errand)
    links: list[str] = []
    async with errand.asked(ask, Direction.PULL) as (answer, entry):
        progress = _progress(answer)
        if answer.status == 304 or (answer.status == 200 and _known(progress, errand)):
            entry.outcome = Outcome.UNCHANGED
        elif answer.status == 200:
            content_type = document.content_type or answer.content_type
            body = _unpacked(answer, document)
            if errand.feed.format == CAP:
                links = read_messages(body, errand.now()).links
            else:
                check_type(content_type)
            await errand.store(body, content_type, entry)
        elif answer.status == 204:
            entry.outcome = Outcome.UNCHANGED
        else:
            raise answer.failure("the server")
    left = await follow(document, errand, links, ask) if links else 0
    if answer.status == 200 and not left:
        # With links that are left the same feed is read again by the next run.
        followed = errand.progress.followed
        await errand.keep(msgspec.structs.replace(progress, followed=followed))
    return Ran(entry.outcome, entry.detail)


def check_type(content_type: str) -> None:
    """Refuse an answer of a type that nothing reads, such as the page of an error."""
    if not understood(content_type):
        raise Failure(
            f"the answer is {content_type[:60]!r}, which is not read; if it is data all the same, "
            "say what it is with `content_type`"
        )


def _unpacked(answer: Answer, document: Poll) -> bytes:
    """The body; a file such as counts.csv.gz is compressed by itself, whatever the headers say."""
    try:
        return inflated(answer.body, document.most_bytes)
    except (Invalid, TooLarge) as error:
        raise Failure(f"the file cannot be decompressed: {error}") from error


def _known(progress: Progress, errand: Errand) -> bool:
    """Whether a server that knows no conditional requests sent what it sent before."""
    # Where times are those of arrival, the same value again is a new observation.
    return progress.digest == errand.progress.digest and errand.feed.is_idempotent


def _progress(answer: Answer) -> Progress:
    def validator(name: str) -> str:
        text = answer.headers.get(name, "")
        return text if len(text) <= LONGEST_VALIDATOR and text.isprintable() else ""

    return Progress(
        etag=validator("etag"),
        last_modified=validator("last-modified"),
        digest=blake2b(answer.body, digest_size=16).hexdigest(),
    )


def _ask(document: Poll, errand: Errand) -> Ask:
    headers = dict(document.headers)
    if errand.progress.etag:
        headers["If-None-Match"] = errand.progress.etag
    if errand.progress.last_modified:
        headers["If-Modified-Since"] = errand.progress.last_modified
    ask = Ask(
        url=document.url,
        headers=headers,
        timeout=document.timeout,
        most_bytes=document.most_bytes,
        most_redirects=document.most_redirects,
    )
    if document.secret is None:
        return ask
    secret = errand.secret(document.secret)
    way, _, name = document.send_secret.partition(":")
    if way == "query":
        return msgspec.structs.replace(ask, private_query={name: secret})
    if way == "header":
        return msgspec.structs.replace(ask, private={name: secret})
    if way == "basic":
        secret = base64.b64encode(secret.encode()).decode()
    return msgspec.structs.replace(ask, private={"Authorization": f"{way.capitalize()} {secret}"})
