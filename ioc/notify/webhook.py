"""Sending a letter to another system: signed as a whole, or as a provider's template wants it."""

import hashlib
import hmac
from datetime import datetime
from typing import Any, Final

import httpx2
import msgspec

from alerts.channel import SECRET, Template, Webhook, filled
from ioc.notify.failure import NotSent
from ioc.notify.words import Words

TIMEOUT: Final = 15.0
"""Seconds for a request."""

AGAIN: Final = frozenset({408, 425, 429})
"""Refusals that may end by themselves."""

SIGNATURE: Final = "X-IOC-Signature"
TIMESTAMP: Final = "X-IOC-Timestamp"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the hex HMAC-SHA256 of timestamp, full stop and body under the secret.

    Who receives it computes the same, compares in constant time, and refuses an old timestamp.
    """
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


class WebhookSender:
    """Sends letters over HTTP; an answer is read no further than its status."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        """Send by a client, which follows no redirects."""
        self._client = client

    async def signed(
        self, channel: Webhook, secret: str, key: str, document: dict[str, Any], now: datetime
    ) -> None:
        """Send the whole message, signed."""
        body = msgspec.json.encode(document)
        timestamp = str(int(now.timestamp()))
        headers = {TIMESTAMP: timestamp, SIGNATURE: signature(secret, timestamp, body)}
        await self._post(channel.url, body, headers, key)

    async def by_template(
        self, channel: Template, secret: str | None, key: str, words: Words
    ) -> None:
        """Send what the template makes of the words."""
        headers = {
            name: text.replace(SECRET, secret or "") for name, text in channel.headers.items()
        }
        await self._post(
            channel.url, msgspec.json.encode(filled(channel.body, words.said)), headers, key
        )

    async def _post(self, url: str, body: bytes, headers: dict[str, str], key: str) -> None:
        sent = {**headers, "Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
        host = httpx2.URL(url).host
        try:
            async with self._client.stream("POST", url, content=body, headers=sent) as answer:
                status = answer.status_code
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NotSent(f"{host} cannot be reached: {type(error).__name__}") from None
        if not 200 <= status < 300:
            final = 400 <= status < 500 and status not in AGAIN
            raise NotSent(f"{host} answered {status}", final=final)
