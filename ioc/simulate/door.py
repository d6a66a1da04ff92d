"""The front door from outside: bodies over REST, sent until they are taken."""

import asyncio
import logging
import random
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx2
import msgspec

from ioc.errors import IocError
from ioc.model import Receipt

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
TIMEOUT: Final = 60.0
KEY_PATIENCE: Final = 15.0
"""Seconds within which a server that was just told of a fresh key comes to know it."""

AWAY: Final = frozenset({500, 502, 503, 504})


class _Latest(msgspec.Struct):
    time: datetime | None = None


class _Series(msgspec.Struct):
    key: str
    latest: _Latest | None = None


class _Listed(msgspec.Struct):
    items: list[_Series]
    next: str | None = None


_listed: Final = msgspec.json.Decoder(_Listed)
_receipts: Final = msgspec.json.Decoder(Receipt)


class Refused(IocError):
    """The server will not take this, however often it is sent."""

    status = 400
    code = "refused"


class RestDoor:
    """One server's REST interface; a body is sent again until it is answered with 200."""

    def __init__(self, url: str, *, connections: int = 8) -> None:
        """Talk to the server at `url`, such as http://127.0.0.1:8080."""
        self._client = httpx2.AsyncClient(
            base_url=url,
            timeout=TIMEOUT,
            limits=httpx2.Limits(max_connections=connections),
            trust_env=False,
        )
        self._said = False

    async def __aenter__(self) -> Self:
        """Open nothing yet; connections are made when needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, feed: str, part: str, key: str, body: bytes, content_type: str) -> Receipt:
        """Send a body to a part of a feed, `observations` or `dossiers`, until it is taken."""
        answer = await self._asked(
            "POST",
            f"/api/v1/feeds/{feed}/{part}",
            key,
            content=body,
            headers={"Content-Type": content_type},
        )
        receipt = _receipts.decode(answer.content)
        if receipt.quarantined or receipt.late:
            first = receipt.problems[0].detail if receipt.problems else ""
            log.warning(
                "feed %s did not take all of a body", feed,
                extra={"quarantined": receipt.quarantined, "late": receipt.late, "first": first},
            )  # fmt: skip
        return receipt

    async def newest(self, feed: str, key: str) -> dict[str, int]:
        """The newest stored time of each series of a feed that has one, in whole seconds."""
        found: dict[str, int] = {}
        after = "0"
        while True:
            answer = await self._asked(
                "GET", "/api/v1/series", key, params={"feed": feed, "after": after, "limit": "5000"}
            )
            listed = _listed.decode(answer.content)
            for item in listed.items:
                if item.latest is not None and item.latest.time is not None:
                    found[item.key] = int(item.latest.time.timestamp())
            if listed.next is None:
                return found
            after = listed.next

    async def _asked(self, method: str, path: str, key: str, **more: Any) -> httpx2.Response:
        """The answer of the server as soon as it has one; pauses while it is away or full."""
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            try:
                answer = await self._client.request(method, path, headers=headers, **more)
            except httpx2.TransportError as error:
                self._away(str(error) or type(error).__name__)
            else:
                if answer.status_code == 200:
                    self._said = False
                    return answer
                if answer.status_code == 429:
                    await asyncio.sleep(_retry_after(answer))
                    continue
                unknown = answer.status_code == 401 and waited < KEY_PATIENCE
                if answer.status_code not in AWAY and not unknown:
                    raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:400]}")
                if unknown:
                    waited += pause
                else:
                    self._away(f"status {answer.status_code}")
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311, no secret
            pause = min(2 * pause, LONGEST_PAUSE)

    def _away(self, why: str) -> None:
        if not self._said:
            log.warning("the server cannot be reached; trying until it can", extra={"why": why})
            self._said = True


def _retry_after(answer: httpx2.Response) -> float:
    text = answer.headers.get("Retry-After", "")
    return max(float(text), 0.05) if text.isdigit() else 1.0
