"""`ioc up`: everything in one process, with the embedded database and broker by default."""

import asyncio
import gc
import ipaddress
import json
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Final

import typer
import uvicorn
import uvloop

from ioc import log as logs
from ioc.app import create_app
from ioc.auth import passwords
from ioc.auth.tokens import new_secret
from ioc.city.read import packaged_city, read_city
from ioc.clock import SystemClock
from ioc.commands.database import connection
from ioc.config import Config, read_config
from ioc.embedded.process import EmbeddedError
from ioc.errors import ConfigError, IocError
from ioc.runtime import open_runtime
from ioc.store import accounts, identity

log = logging.getLogger(__name__)

GRACE: Final = 3
"""Seconds that open connections get at the end."""

LOGINS: Final = "demo-logins.json"


def up() -> None:
    """Start everything and print the addresses; Ctrl-C stops it in order."""
    logs.configure(os.environ.get("IOC_LOG", "INFO"))
    try:
        config = read_config()
        sockets = bind(config.http_host, config.http_port)
    except IocError as error:
        typer.echo(f"ioc: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        status = uvloop.run(_up(config, sockets))
    except asyncio.CancelledError:
        status = 130
    except (IocError, EmbeddedError) as error:
        typer.echo(f"ioc: {error}", err=True)
        raise typer.Exit(1) from error
    raise typer.Exit(status)


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets for a host: both loopbacks for one of them, both families for the wildcard."""
    hosts = {
        "127.0.0.1": ["127.0.0.1", "::1"],
        "::1": ["::1", "127.0.0.1"],
        "localhost": ["127.0.0.1", "::1"],
        "0.0.0.0": ["0.0.0.0", "::"],  # noqa: S104 - it is what the setting asks for
        "::": ["::", "0.0.0.0"],  # noqa: S104
    }.get(host, [host])
    made: list[socket.socket] = []
    for address in hosts:
        try:
            family = (
                socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
            )
        except ValueError:
            family = socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            one.bind((address, port))
        except OSError as error:
            one.close()
            if made and error.errno in (97, 99):  # a machine without IPv6
                continue
            for other in made:
                other.close()
            raise ConfigError(
                f"cannot listen on {address} port {port}: {error.strerror}; set IOC_HTTP_PORT "
                "or IOC_HTTP_HOST"
            ) from error
        made.append(one)
    return made


async def _up(config: Config, sockets: list[socket.socket]) -> int:
    """Open everything, serve until a signal, close everything; the exit status."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    stop = _Stop(asyncio.current_task())
    async with open_runtime(config) as state:
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(state),
                log_config=None,
                access_log=False,
                loop="none",
                http="httptools",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                ws_max_size=65_536,
                timeout_graceful_shutdown=GRACE,
                backlog=2_048,
                server_header=False,
            )
        )
        _quieten_collector()
        welcoming = asyncio.create_task(_welcome(config, server))
        stop.served = True
        await server.serve(sockets=sockets)
        welcoming.cancel()
        await asyncio.gather(welcoming, return_exceptions=True)
        failed = state["facts"].health()["failed"]
    if failed is None:
        return 0
    log.critical("stopped because the vital task `%s` died", failed)
    return 1


def _quieten_collector() -> None:
    """Look for cycles of garbage seldom: with 16,000 series each full look costs tens of ms.

    Nearly all that comes and goes here has no cycles. Measured with one observation per payload:
    0.34 of the limit before, 0.59 after.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


class _Stop:
    """Turns the first signal of the start into an orderly end.

    While it serves, uvicorn handles the signals, and sends them on to us once it has stopped: by
    then everything is closing, and nothing may cut that short.
    """

    def __init__(self, task: "asyncio.Task[object] | None") -> None:
        self.served = False
        self._task = task
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signum, self._signalled)

    def _signalled(self) -> None:
        if not self.served and self._task is not None:
            self._task.cancel()


async def _welcome(config: Config, server: uvicorn.Server) -> None:
    """Say where everything is, once it is there."""
    while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
        await asyncio.sleep(0.05)
    base = f"http://{config.http_host}:{config.http_port}"
    lines = ["", f"  wall      {base}/", f"  console   {base}/console", f"  phone     {base}/m"]
    lines.append(f"  REST      {base}/api/v1   (OpenAPI: {base}/api/v1/openapi.json)")
    if config.mqtt_url is None:
        lines.append(
            f"  MQTT      {config.mqtt_host}:{config.mqtt_port}   topic ioc/v1/AGENCY/FEED"
        )
    lines.append(f"  data      {config.data_dir.resolve()}")
    if config.demo:
        lines += await _demo_lines(config, base)
    else:
        lines += await _first_steps(config)
    typer.echo("\n".join([*lines, ""]))


async def _first_steps(config: Config) -> list[str]:
    async with connection(config) as conn:
        if await accounts.count(conn):
            return []
    return ["", "  nobody can sign in yet; make an administrator:",
            "    ioc user add NAME --role administrator"]  # fmt: skip


async def _demo_lines(config: Config, base: str) -> list[str]:
    """The demo's logins; made at the first start, kept readable by the owner only."""
    path = config.data_dir / LOGINS
    logins: dict[str, str] = {}
    if path.is_file():
        logins = json.loads(path.read_text(encoding="utf-8"))
    else:
        logins = await _make_logins(config)
        _write_private(path, json.dumps(logins, indent=2))
    width = max(len(name) for name in logins)
    return ["", "  DỮ LIỆU MÔ PHỎNG · simulated data; demo logins:",
            *(f"    {name:{width}}  {word}" for name, word in logins.items() if name != "wall"),
            f"  kiosk     {base}/w/{logins['wall']}"]  # fmt: skip


async def _make_logins(config: Config) -> dict[str, str]:
    city = read_city(config.city_dir or packaged_city())
    now = SystemClock().now()
    logins: dict[str, str] = {}
    async with connection(config) as conn:
        if not (await identity.read(conn)).simulated:
            raise ConfigError("demo logins are made for a demo's database only")
        for user in city.users:
            if not user.demo or await accounts.find(conn, user.name) is not None:
                continue
            word = new_secret()[:16]
            hashed = await asyncio.to_thread(passwords.hash_password, word)
            await accounts.add(
                conn,
                name=user.name,
                full_name=user.full_name,
                role=user.role,
                password_hash=hashed,
                units=user.units,
                now=now,
            )
            logins[user.name] = word
        logins["wall"] = await accounts.add_wall(conn, "demo", now)
    return logins


def _write_private(path: Path, text: str) -> None:
    made = path.with_suffix(".new")
    made.touch(mode=0o600)
    made.write_text(text, encoding="utf-8")
    made.replace(path)
