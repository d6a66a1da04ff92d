"""Systems looked at from outside: up, latency, certificate, IPv6, HTTPS, age of the last post."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import msgspec
from httpx2 import URL

from ioc.clock import monotonic
from ioc.sources.certificate import certificate_end
from ioc.sources.document import Probe, System, asks_for_redirect
from ioc.sources.errand import Errand
from ioc.sources.exchange import Direction, Exchange, Outcome, Ran
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask, plain
from ioc.sources.posts import newest_post

AT_ONCE: Final = 16
"""Systems of one source that are looked at together."""

MOST_PAGE: Final = 256 * 1024
MOST_POSTS_PAGE: Final = 1024 * 1024

_NO_IPV6_HERE: Final = frozenset(
    {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EHOSTUNREACH}
)

Values = dict[str, float | bool]
"""Values by observed property; what could not be told is absent."""


class _Row(msgspec.Struct, frozen=True):
    series: str
    time: str
    value: float | bool


async def probe(document: Probe, errand: Errand) -> Ran:
    """Look at every system and hand in what was seen; a system that is down is no failure."""
    turn = asyncio.Semaphore(AT_ONCE)
    time = errand.now().isoformat()

    async def one(system: System) -> _Look:
        async with turn:
            look = _Look(system, document.timeout, errand)
            await look.at_all()
            return look

    looks = await asyncio.gather(*(one(system) for system in document.systems))
    rows = [
        _Row(f"{look.system.id}/{prop}", time, value)
        for look in looks
        for prop, value in look.found.items()
    ]
    untold = "; ".join(f"{look.system.id} not told: {look.untold}" for look in looks if look.untold)
    if not rows:
        raise Failure(untold, ours=True)
    entry = Exchange(at=errand.now(), direction=Direction.PROBE, method="", url="")
    await errand.store(msgspec.json.encode(rows), "application/json", entry)
    down = ", ".join(look.system.id for look in looks if look.found.get("up") is False)
    said = (f"down: {down}" if down else "", entry.detail, untold)
    return Ran(entry.outcome, errand.plain("; ".join(part for part in said if part)))


class _Look:
    """One system and how long each look at it may take."""

    def __init__(self, system: System, patience: timedelta, errand: Errand) -> None:
        self.system = system
        self.found: Values = {}
        self.untold = ""
        self._url = URL(system.url)
        self._patience = patience
        self._errand = errand

    async def at_all(self) -> None:
        """Every look that the system asks for; what cannot be told is left out."""
        system, url = self.system, self._url
        looks: list[tuple[str, Callable[[], Awaitable[float | bool | None]]]] = []
        if url.scheme == "https":
            looks.append(("certificate-days", self._certificate))
        if system.ipv6:
            looks.append(("ipv6", self._ipv6))
        if asks_for_redirect(system):
            looks.append(("https-redirect", self._redirects))
        if system.posts is not None:
            looks.append(("post-age", self._post_age))
        await self._up()
        if self.untold:
            return
        for prop, look in looks:
            # Why it cannot be told stands in the log.
            with suppress(Failure):
                value = await look()
                if value is not None:
                    self.found[prop] = value

    def _ask(self, url: str, most_bytes: int, redirects: int = 5) -> Ask:
        return Ask(
            url=url,
            timeout=self._patience,
            most_bytes=most_bytes,
            most_redirects=redirects,
            cut=True,
        )

    async def _up(self) -> None:
        """Whether it is well; of one that was not reached for nothing is said but why."""
        ask = self._ask(self.system.url, MOST_PAGE)
        try:
            async with self._errand.asked(ask, Direction.PROBE) as (answer, entry):
                self._check(answer)
        except Failure as failure:
            if failure.ours:
                self.untold = failure.detail
            else:
                self.found["up"] = False
        else:
            self.found |= {"up": True, "latency": 1000 * entry.duration}

    def _check(self, answer: Answer) -> None:
        """`Failure` where the answer is not that of a system that is well."""
        wanted, text = self.system.status, self.system.text
        if answer.status not in wanted if wanted else not 200 <= answer.status < 400:
            raise answer.failure("the system")
        if text is not None and text not in answer.body.decode(errors="replace"):
            raise Failure(f"the page does not hold the text {text[:80]!r}")

    async def _certificate(self) -> float:
        """Days until the certificate ends, negative after it; also of one that is not trusted."""
        async with self._checked("TLS", self.system.url) as entry:
            host, port = self._url.host, self._url.port or 443
            address = (await self._errand.fetcher.outside.addresses(host, port))[0]
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host
            )
            try:
                der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            finally:
                writer.transport.abort()
            left = certificate_end(der or b"") - self._errand.now()
            entry.detail = f"ends in {left.days} days"
            return left / timedelta(days=1)

    async def _ipv6(self) -> bool | None:
        """Whether the host has an IPv6 address that takes connections; none told if we have none.

        The address is judged like every other: a name must not lead to an inner network.
        """
        host = self._url.host
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        outside = self._errand.fetcher.outside
        async with self._checked("CONNECT", f"{host} (IPv6)") as entry:
            try:
                named = await outside.found(host, port, socket.AF_INET6)
            except Failure as failure:
                if failure.ours:
                    raise
                entry.outcome, entry.detail = Outcome.FAILED, "there is no AAAA record"
                return False
            address = outside.permitted(host, named)[0]
            try:
                _, writer = await asyncio.open_connection(address, port)
            except OSError as error:
                if error.errno in _NO_IPV6_HERE:
                    raise Failure("this machine has no IPv6 itself, so nothing is said") from error
                entry.outcome, entry.detail = Outcome.FAILED, f"{address}: {plain(error)}"
                return False
            writer.transport.abort()
            return True

    async def _redirects(self) -> bool:
        """Whether plain HTTP leads to HTTPS."""
        url = self._url
        bare = url if url.scheme == "http" else url.copy_with(scheme="http", port=None)
        ask = self._ask(str(bare), MOST_PAGE, redirects=0)
        async with self._errand.asked(ask, Direction.PROBE) as (answer, entry):
            target = answer.headers.get("location", "")
            secure = 300 <= answer.status < 400 and target.lower().startswith("https://")
            if not secure:
                entry.outcome, entry.detail = Outcome.FAILED, "plain HTTP does not lead to HTTPS"
            return secure

    async def _post_age(self) -> float:
        """Seconds since the newest post."""
        system, errand = self.system, self._errand
        ask = self._ask(system.posts or "", MOST_POSTS_PAGE)
        async with errand.asked(ask, Direction.PROBE) as (answer, entry):
            if answer.status != 200:
                raise answer.failure("the list of posts")
            now = errand.now()
            newest = newest_post(
                answer.body.decode(errors="replace"),
                rule=system.post,
                written=system.post_format,
                zone=errand.zone,
                now=now,
            )
            if newest is None:
                raise Failure(
                    "no date of a post was found; name an RSS or Atom feed, or set `post` and "
                    "`post_format` as the page has them"
                )
            entry.detail = f"newest post of {newest.isoformat()}"
            return max((now - newest).total_seconds(), 0.0)

    @asynccontextmanager
    async def _checked(self, method: str, url: str) -> AsyncGenerator[Exchange]:
        """A look that is no request of HTTP, bounded in time, and its entry in the log."""
        seconds = self._patience.total_seconds()
        entry = Exchange(at=self._errand.now(), direction=Direction.PROBE, method=method, url=url)
        begun = monotonic()
        try:
            async with asyncio.timeout(seconds):
                yield entry
        except Failure as failure:
            entry.outcome, entry.detail = Outcome.FAILED, failure.detail
            raise
        except (OSError, ValueError) as error:
            entry.outcome = Outcome.FAILED
            slow = isinstance(error, TimeoutError)
            entry.detail = f"no answer within {seconds:g} s" if slow else plain(error)
            raise Failure(entry.detail) from error
        finally:
            entry.duration = monotonic() - begun
            await self._errand.note(entry)
