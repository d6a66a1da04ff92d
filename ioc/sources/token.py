"""Tokens of sharing platforms: asked for with credentials, kept until shortly before their end."""

import base64
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from ingest.expression import Exhausted, Expression, Finder
from ioc.errors import Invalid
from ioc.sources.document import Token, TokenRest
from ioc.sources.errand import Errand
from ioc.sources.exchange import Direction, Exchange, Outcome
from ioc.sources.failure import Failure
from ioc.sources.fetch import Answer, Ask

MOST_BYTES: Final = 256 * 1024
MOST_STEPS: Final = 1_000_000
"""Of an expression on an answer, less than a second."""

LONGEST: Final = timedelta(days=1)
MARGIN: Final = timedelta(minutes=1)
"""A token is renewed so long before its end, or with a tenth of its life left."""

_BLANK: Final = re.compile(r"\{(\w+)\}")


class _Kept(msgspec.Struct, frozen=True):
    told: Token
    text: str
    renew_at: datetime


class Tokens:
    """Tokens by source, in memory only."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._kept: dict[str, _Kept] = {}

    async def get(self, document: TokenRest, errand: Errand, *, fresh: bool = False) -> str:
        """A token that is good for a while yet; `fresh` asks for another one."""
        kept = self._kept.get(errand.source)
        if fresh or kept is None or kept.told != document.token or kept.renew_at <= errand.now():
            kept = await self._asked(document, errand)
            self._kept[errand.source] = kept
        errand.hide(kept.text)
        return kept.text

    def forget(self, source: str) -> None:
        """Drop the token of a source."""
        self._kept.pop(source, None)

    async def _asked(self, document: TokenRest, errand: Errand) -> _Kept:
        told = document.token
        async with errand.asked(_ask(document, errand), Direction.TOKEN) as (answer, _):
            if not 200 <= answer.status < 300:
                raise answer.failure(f"the token's server, for the secret `{document.secret}`,")
            found = read_json(answer)
            text = search(told.token, found)
            if (
                not isinstance(text, str)
                or not text.isascii()
                or not text.isprintable()
                or not text
            ):
                raise Failure(f"the answer has no token at `{told.token}`")
            errand.hide(text)
            now = errand.now()
            life = min(_life(told, found, now), LONGEST)
        return _Kept(told, text, now + life - min(MARGIN, life / 10))


def _ask(document: TokenRest, errand: Errand) -> Ask:
    told = document.token
    secret = errand.secret(document.secret)
    values = parts(secret)
    fields = {name: fill(text, values) for name, text in told.fields.items()}
    private: dict[str, str] = {}
    if not told.fields:
        fields = {"grant_type": "client_credentials"}
        if told.scope is not None:
            fields["scope"] = told.scope
        if not told.basic:
            fields |= {"client_id": told.client_id or "", "client_secret": secret}
    if told.basic:
        pair = secret if told.client_id is None else f"{told.client_id}:{secret}"
        encoded = base64.b64encode(pair.encode()).decode()
        errand.hide(encoded)
        private["Authorization"] = f"Basic {encoded}"
    as_json = told.send == "json"
    return Ask(
        url=told.url,
        method="POST",
        headers={
            "Accept": "application/json",
            "Content-Type": "application/json" if as_json else "application/x-www-form-urlencoded",
        },
        private=private,
        content=msgspec.json.encode(fields) if as_json else urlencode(fields).encode(),
        timeout=document.timeout,
        most_bytes=MOST_BYTES,
    )


def _life(told: Token, found: Any, now: datetime) -> timedelta:
    """How long a token is good for."""
    value = search(told.expires, found)
    try:
        if value is None:
            return told.lifetime
        if told.expires_as == "instant":
            return max(_instant(value) - now, timedelta(0))
        unit = timedelta(seconds=1) if told.expires_as == "seconds" else timedelta(milliseconds=1)
        return max(float(value) * unit, timedelta(0))
    except (TypeError, ValueError, OverflowError):
        return told.lifetime


def _instant(value: Any) -> datetime:
    if isinstance(value, str) and not value.isdigit():
        at = datetime.fromisoformat(value)
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    seconds = float(value)
    return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)


@asynccontextmanager
async def authorized(
    document: TokenRest, errand: Errand, tokens: Tokens, ask: Ask, direction: Direction
) -> AsyncGenerator[tuple[Answer, Exchange]]:
    """Ask with a token; one that is refused is renewed once."""
    told = document.token
    for fresh in (False, True):
        token = await tokens.get(document, errand, fresh=fresh)
        private = {told.header: f"{told.scheme} {token}".strip()}
        signed = msgspec.structs.replace(ask, private=private)
        async with errand.asked(signed, direction) as (answer, entry):
            if answer.status == 401 and not fresh:
                entry.outcome = Outcome.FAILED
                entry.detail = "the token was refused; another one is asked for"
                continue
            if answer.status == 401:
                tokens.forget(errand.source)
                raise answer.failure("the platform, to a token that it has just given,")
            yield answer, entry
            return


def parts(secret: str) -> dict[str, str]:
    """What the blanks of a secret stand for."""
    user, _, password = secret.partition(":")
    return {"secret": secret, "user": user, "password": password}


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its blanks such as {since} filled; unknown ones stay."""
    return _BLANK.sub(lambda blank: values.get(blank[1], blank[0]), text)


def read_json(answer: Answer) -> Any:
    """The JSON value of an answer."""
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(f"the answer is not JSON: {error}", status=answer.status) from error


def search(expression: str, value: Any) -> Any:
    """What stands at a JMESPath expression; None where nothing does."""
    finder = Finder(MOST_STEPS)
    finder.begin(value)
    try:
        return finder.find(Expression(expression), value)
    except Invalid as error:
        raise Failure(f"`{expression}` cannot be looked up in the answer: {error}") from error
    except Exhausted as error:
        raise Failure(
            f"`{expression}` takes too many steps on the answer; name what is needed directly, or "
            "ask for less at a time"
        ) from error
