"""`ioc up`, everything in one process, and `ioc serve`, the part that people see."""

import asyncio
import ipaddress
import json
import socket
from pathlib import Path
from typing import Final

import typer
import uvicorn

from ioc.api.deps import State
from ioc.app import create_app
from ioc.auth import passwords
from ioc.auth.tokens import new_secret
from ioc.city.read import packaged_city, read_city
from ioc.commands.process import (
    Stop,
    limit_stop,
    quieten_collector,
    run_process,
    status_after,
)
from ioc.config import Config
from ioc.errors import ConfigError
from ioc.runtime.composition import open_runtime
from ioc.runtime.role import SERVE, UP, Role
from ioc.store import accounts

GRACE: Final = 3
"""Seconds that open connections get at the end."""

LOGINS: Final = "demo-logins.json"


def up() -> None:
    """Start everything and print the addresses; Ctrl-C stops it in order."""
    run_process(lambda config: _serve(config, UP))


def serve() -> None:
    """Serve REST, websocket and pages, beside other processes on the same database.

    Several such processes may run, each on its own IOC_HTTP_PORT. They take observations by REST
    and show what any process has stored. IOC_DATABASE_URL names the database; `ioc ingest` takes
    from the broker, `ioc engine` judges.
    """
    run_process(lambda config: _serve(config, SERVE))


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


async def _serve(config: Config, role: Role) -> int:
    """Open everything, serve until a signal, close everything; the exit status."""
    sockets = bind(config.http_host, config.http_port)
    stop = Stop()
    async with open_runtime(config, role) as state:
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
        quieten_collector()
        welcoming = asyncio.create_task(_welcome(config, state, server))
        stop.served = True
        await server.serve(sockets=sockets)
        welcoming.cancel()
        await asyncio.gather(welcoming, return_exceptions=True)
        failed = state["facts"].health().failed
        limit_stop()
    return status_after(failed)


async def _welcome(config: Config, state: State, server: uvicorn.Server) -> None:
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
        lines += await _demo_lines(config, state, base)
    else:
        lines += await _first_steps(state)
    typer.echo("\n".join([*lines, ""]))


async def _first_steps(state: State) -> list[str]:
    async with state["reads"].connection() as conn:
        if await accounts.count(conn):
            return []
    return ["", "  nobody can sign in yet; make an administrator:",
            "    ioc user add NAME --role administrator"]  # fmt: skip


async def _demo_lines(config: Config, state: State, base: str) -> list[str]:
    """The demo's logins; made at the first start, kept readable by the owner only."""
    path = config.data_dir / LOGINS
    logins: dict[str, str] = {}
    if path.is_file():
        logins = json.loads(path.read_text(encoding="utf-8"))
    else:
        logins = await _make_logins(config, state)
        _write_private(path, json.dumps(logins, indent=2))
    width = max(len(name) for name in logins)
    return ["", "  DỮ LIỆU MÔ PHỎNG · simulated data; demo logins:",
            *(f"    {name:{width}}  {word}" for name, word in logins.items() if name != "wall"),
            f"  kiosk     {base}/w/{logins['wall']}"]  # fmt: skip


async def _make_logins(config: Config, state: State) -> dict[str, str]:
    city = read_city(config.city_dir or packaged_city())
    now = state["clock"].now()
    logins: dict[str, str] = {}
    if not state["facts"].identity.simulated:
        raise ConfigError("demo logins are made for a demo's database only")
    async with state["writes"].connection() as conn:
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
