"""One request to the outside: guarded, bounded in time and bytes, redirects followed by hand."""

import asyncio
import errno
import os
import ssl
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx2
import msgspec

from ingest.compression import ACCEPTED, inflater
from ioc.errors import ConfigError, Invalid, UnsupportedFormat
from ioc.sources.failure import Failure
from ioc.sources.outside import Outside, url_fault

AGENT: Final = "ioc-sources/1"
CONNECT_SECONDS: Final = 10.0
ROOM: Final = 128 * 1024 * 1024
"""Bytes of answers that are held at the same time, over all sources."""

OUR_ERRORS: Final = frozenset(
    {
        errno.ENETDOWN, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EMFILE,
        errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EACCES, errno.EPERM,
    }
)  # fmt: skip
"""Why a connection fails before anything left this machine."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_Hold = Callable[[int], None]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request. `private` headers and query go to the first host only, never to another.

    With `cut` an answer that is too large is cut off; else it is a failure.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    private: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    private_query: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    content: bytes | None = None
    timeout: timedelta
    most_bytes: int
    most_redirects: int = 0
    cut: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: `url` is where the last redirect led, `hops` how many there were."""

    status: int
    headers: httpx2.Headers
    body: bytes
    url: str
    hops: int = 0

    @property
    def content_type(self) -> str:
        """What the server says the body is."""
        return self.headers.get("content-type", "")

    def failure(self, what: str) -> Failure:
        """This answer as the reason why it went wrong."""
        return Failure(
            f"{what} answered {self.status}",
            status=self.status,
            retry_after=self.retry_after,
        )

    @property
    def retry_after(self) -> timedelta | None:
        """How long the server wants to be let alone, by its own clock; None if it does not say."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return timedelta(seconds=min(int(text), 10**6))
        try:
            until = _instant(text)
            return max(until - _instant(self.headers.get("date", "")), timedelta(0))
        except (ValueError, TypeError):
            return None


def _instant(text: str) -> datetime:
    at = parsedate_to_datetime(text)
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


class Fetcher:
    """Asks the outside; one for all sources, because the room for answers is shared."""

    def __init__(
        self, outside: Outside, *, authorities: Path | None = None, room: int = ROOM
    ) -> None:
        """Go where `outside` permits; `authorities` is a PEM file of further certificates."""
        self.outside = outside
        self.tls = _trusting(authorities)
        self._room = room
        self._held = 0

    @asynccontextmanager
    async def ask(self, ask: Ask) -> AsyncGenerator[Answer]:
        """The answer, for the length of the block, in which its bytes count as held.

        `Failure` where there is none: not found, refused, too slow, too large, led in a circle.
        """
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            if self._held + size > self._room:
                raise Failure(
                    "too many large answers are held now; this one is fetched later", ours=True
                )
            self._held += size
            held += size

        try:
            try:
                async with asyncio.timeout(ask.timeout.total_seconds()):
                    answer = await self._follow(ask, hold)
            except TimeoutError as error:
                raise Failure(
                    f"no whole answer within {ask.timeout.total_seconds():g} s"
                ) from error
            yield answer
        finally:
            self._held -= held

    async def _follow(self, ask: Ask, hold: _Hold) -> Answer:
        first = httpx2.URL(ask.url)
        url, method, content = first, ask.method, ask.content
        for hop in range(ask.most_redirects + 1):
            own = (url.scheme, url.host, url.port) == (first.scheme, first.host, first.port)
            headers = {"User-Agent": AGENT, "Accept-Encoding": ACCEPTED, **ask.headers}
            sent = url
            if own:
                headers |= ask.private
                if ask.private_query and hop == 0:
                    sent = url.copy_merge_params(dict(ask.private_query))
            if not all(value.isascii() and value.isprintable() for value in headers.values()):
                raise Failure(
                    "a header, or the secret in it, has a character that no header takes", ours=True
                )
            answer = await self._once(sent, method, headers, content, ask, hold)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target or not ask.most_redirects:
                return msgspec.structs.replace(answer, url=str(url), hops=hop)
            url = _joined(url, target)
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, content = "GET", None
        raise Failure(f"redirected more than {ask.most_redirects} times")

    async def _once(
        self,
        url: httpx2.URL,
        method: str,
        headers: dict[str, str],
        content: bytes | None,
        ask: Ask,
        hold: _Hold,
    ) -> Answer:
        port = url.port or (443 if url.scheme == "https" else 80)
        refused: httpx2.TransportError | None = None
        ours = True
        for address in await self.outside.addresses(url.host, port):
            # The address that was judged is the one that is asked: a name may lead elsewhere the
            # next time it is looked up.
            request = httpx2.Request(
                method,
                url.copy_with(host=address),
                headers={"Host": url.netloc.decode("ascii"), **headers},
                content=content,
                extensions={
                    "sni_hostname": url.host,
                    "timeout": {"connect": CONNECT_SECONDS, "read": None, "write": None},
                },
            )
            try:
                return await self._send(request, ask, hold)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                refused, ours = error, ours and _is_ours(error)
            except (httpx2.TransportError, httpx2.InvalidURL) as error:
                raise Failure(f"the exchange broke off: {plain(error)}") from error
        assert refused is not None
        raise Failure(f"{url.host} cannot be reached: {plain(refused)}", ours=ours) from refused

    async def _send(self, request: httpx2.Request, ask: Ask, hold: _Hold) -> Answer:
        # A transport of its own, because one that keeps connections tells them apart by address
        # alone: what was verified for one name would carry requests for another.
        async with httpx2.AsyncHTTPTransport(verify=self.tls, http2=False) as transport:
            answer = await transport.handle_async_request(request)
            try:
                body = await _body(answer, ask, hold)
            except (Invalid, UnsupportedFormat) as error:
                raise Failure(f"the answer cannot be decompressed: {error}") from error
            finally:
                await answer.aclose()
        return Answer(
            status=answer.status_code, headers=answer.headers, body=body, url=str(request.url)
        )


async def _body(answer: httpx2.Response, ask: Ask, hold: _Hold) -> bytes:
    declared = answer.headers.get("content-length", "")
    if not ask.cut and declared.isdigit() and int(declared) > ask.most_bytes:
        raise _too_large(ask, answer.status_code)
    unpacked = inflater(answer.headers.get("content-encoding", ""))
    parts: list[bytes] = []
    size = 0
    # Raw, because a decompressed piece may be a thousand times what came in.
    async with aclosing(_raw(answer)) as chunks:
        async for chunk in chunks:
            for piece in unpacked.feed(chunk):
                hold(len(piece))
                size += len(piece)
                parts.append(piece)
                if size > ask.most_bytes:
                    if ask.cut:
                        return b"".join(parts)[: ask.most_bytes]
                    raise _too_large(ask, answer.status_code)
    if parts and not unpacked.finished():
        raise Failure("the answer's compression is cut off", status=answer.status_code)
    return b"".join(parts)


async def _raw(answer: httpx2.Response) -> AsyncGenerator[bytes]:
    async for chunk in answer.aiter_raw():
        yield chunk


def _too_large(ask: Ask, status: int) -> Failure:
    return Failure(
        f"the answer has more than {ask.most_bytes} bytes; ask for less, or raise `most_bytes`",
        status=status,
    )


def _joined(url: httpx2.URL, target: str) -> httpx2.URL:
    try:
        joined = url.join(target)
    except (httpx2.InvalidURL, ValueError) as error:
        raise Failure("redirected to what is not a URL") from error
    fault = url_fault(str(joined))
    if fault is not None:
        raise Failure(f"redirected to where no source may go: {fault[0]}")
    return joined


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_ours(error: BaseException) -> bool:
    """Whether a connection failed before anything left this machine."""
    # The numbers of TLS's errors are its own.
    causes = (
        c for c in _causes(error) if isinstance(c, OSError) and not isinstance(c, ssl.SSLError)
    )
    return any(cause.errno in OUR_ERRORS for cause in causes)


def plain(error: BaseException) -> str:
    """The reason of a failed connection in a few words, with the cure of an untrusted one."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"its certificate is not trusted ({cause.verify_message}); name the authority's "
                "certificate with IOC_SOURCES_CA if it is to be"
            )
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {cause.reason or cause.strerror}"
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            return os.strerror(cause.errno)
    return " ".join(str(error).split())[:200] or type(error).__name__


def _trusting(authorities: Path | None) -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"IOC_SOURCES_CA: {authorities} is not a PEM file of certificates ({error})"
            ) from error
    return context
