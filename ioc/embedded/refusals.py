"""Publishes that the broker refused, told by agency."""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import msgspec

from ioc.embedded.questions import Questions, asking

log = logging.getLogger(__name__)

# Told of an agency and the topic where it may not publish.
OnForbidden = Callable[[str, str], None]

_OPEN_OR_CLOSED: Final = 2
_CLOSING_SECONDS: Final = 0.05
_CLOSING_TRIES: Final = 20
_KEPT_NAMES: Final = 10_000
_KEPT_REFUSALS: Final = 10_000
_CONNECTIONS: Final = "$SYS.REQ.SERVER.PING.CONNZ"

# The connection's number stands before anything that a client chose, its client id included.
_REFUSED: Final = re.compile(
    r'\[\d+\] \S+ \S+ \[ERR\] \S+ - mid:(\d+) - .*Publish Violation - Subject "(.*)"'
)
_LEVELS: Final = re.compile(r"/\.|//|\.|/$")


class _Connection(msgspec.Struct):
    cid: int
    authorized_user: str = ""


class _Connections(msgspec.Struct):
    connections: list[_Connection] = []


class _Answer(msgspec.Struct):
    data: _Connections


class Refusals:
    """Reads refusals off the broker's log and asks the broker whose they are.

    The log names an MQTT client by number and by a client id of its own choice; whose number
    it is, the broker's system account says, also for connections that have just ended.
    """

    def __init__(self, on_forbidden: OnForbidden | None) -> None:
        self.unattributed = 0
        self._on_forbidden = on_forbidden
        self._login = (0, "", "")
        self._names: OrderedDict[int, str] = OrderedDict()
        self._waiting: asyncio.Queue[tuple[int, str]] = asyncio.Queue(_KEPT_REFUSALS)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._tell(), name="refused publishes")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def new_broker(self, port: int, user: str, password: str) -> None:
        """Whom to ask from now on; the numbers start anew with each process."""
        self._login = (port, user, password)
        self._names.clear()

    def read(self, line: str) -> None:
        """Take one line of the broker's log."""
        if (found := _REFUSED.match(line)) is None:
            return
        try:
            self._waiting.put_nowait((int(found[1]), topic_of(found[2])))
        except asyncio.QueueFull:
            self.unattributed += 1

    async def _tell(self) -> None:
        while True:
            number, topic = await self._waiting.get()
            name = await self._name(number)
            if not name:
                self.unattributed += 1
                log.warning("a publish to %s was refused, its sender is unknown", topic)
            elif self._on_forbidden is not None:
                self._on_forbidden(name, topic)

    async def _name(self, number: int) -> str:
        if number not in self._names:
            try:
                async with asking(*self._login) as questions:
                    found = await _user_of(number, questions)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                log.warning("the broker did not say who sent: %s", error)
                return ""
            self._names[number] = found
            if len(self._names) > _KEPT_NAMES:
                self._names.popitem(last=False)
        return self._names[number]


async def _user_of(number: int, questions: Questions) -> str:
    question = {"cid": number, "auth": True, "state": _OPEN_OR_CLOSED}
    for _ in range(_CLOSING_TRIES):
        answer = await questions.ask(_CONNECTIONS, question)
        found = msgspec.json.decode(answer, type=_Answer).data.connections
        if found:
            return found[0].authorized_user
        # While it is being closed a connection is in neither of the broker's lists.
        await asyncio.sleep(_CLOSING_SECONDS)
    return ""


def topic_of(subject: str) -> str:
    """The MQTT topic that NATS made this subject of."""
    turned = {"/.": "/", "//": ".", ".": "/", "/": ""}
    return _LEVELS.sub(lambda found: turned[found[0]], subject)
