"""Separate processes on one database: two ingest, one of two engines works, two serve."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from websockets.sync.client import connect

from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.senders import MqttSender, RestSender, Sender, all_is_stored_once
from tests.fixtures.server import ROOT, FeedDoor, Server, eventually, free_port, now, stamp

SLOW, FREE = 5, 60


class Serve(Server):
    """`ioc serve` with the settings of its neighbours."""

    def launch(self) -> None:
        self.process = _launched("serve", self.environment, self.data_dir)


def _launched(
    command: str, environment: dict[str, str], data_dir: Path, *options: str
) -> subprocess.Popen[bytes]:
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir.parent / f"{data_dir.name}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ioc", command, *options],
            cwd=ROOT, env=environment, stdout=log, stderr=log,
        )  # fmt: skip


@dataclass
class City:
    """The processes of one city by name, on a broker and a database that outlive them."""

    directory: Path
    broker: Mosquitto
    database_url: str
    scheme: str = "mqtt"
    serves: list[Serve] = field(default_factory=list[Serve])
    others: dict[str, subprocess.Popen[bytes]] = field(
        default_factory=dict[str, subprocess.Popen[bytes]]
    )

    def settings(self, **more: str) -> dict[str, str]:
        return {
            **self.broker.settings(self.scheme),
            "IOC_DATABASE_URL": self.database_url,
            "IOC_DEMO": "1",
            "IOC_MQTT_SHARE": "ioc",
            **more,
        }

    def serve(self) -> Serve:
        made = Serve(
            self.directory / f"serve-{len(self.serves)}", self.settings(),
            mqtt_port=self.broker.port,
        )  # fmt: skip
        made.start()
        self.serves.append(made)
        return made

    def start(self, name: str, command: str, *options: str, **more: str) -> None:
        """Start a process under a name, which for `ingest` is that of its session too."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
        environment = {**inherited, **self.settings(**{"IOC_MQTT_CLIENT_ID": name, **more})}
        environment["IOC_DATA_DIR"] = str(self.directory / name)
        self.others[name] = _launched(command, environment, self.directory / name, *options)

    def said(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str) -> None:
        process = self.others.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        process = self.others.pop(name)
        process.terminate()
        return process.wait(30)

    def close(self) -> None:
        for name in list(self.others):
            self.kill(name)
        for serve in self.serves:
            serve.close()


@contextlib.contextmanager
def _database(server: str) -> Iterator[str]:
    name = f"city_{uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_conninfo(**{**conninfo_to_dict(server), "dbname": name})
    finally:
        with psycopg.connect(server, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module", params=["mqtt", "mqtt5"])
async def city(
    request: pytest.FixtureRequest, database_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[City]:
    """Two `ioc ingest` that share a subscription, one engine and one `ioc serve`."""
    broker = Mosquitto()
    try:
        with _database(database_server) as url:
            made = City(tmp_path_factory.mktemp("city"), broker, url, request.param)
            try:
                await asyncio.to_thread(_start, made)
                yield made
            finally:
                await asyncio.to_thread(made.close)
    finally:
        broker.close()


def _start(city: City) -> None:
    city.start("engine-1", "engine")
    eventually(lambda: "ioc engine: running" in city.said("engine-1"))
    for name in ("ingest-1", "ingest-2"):
        city.start(name, "ingest")
        eventually(lambda name=name: "subscribed" in city.said(name))
    city.serve()


def _speeds(door: FeedDoor, series: str, *pairs: tuple[float, float]) -> None:
    body = [
        {"series": series, "time": stamp(now() - timedelta(minutes=ago)), "value": value}
        for ago, value in pairs
    ]
    door.publish(json.dumps(body).encode())


def _open(client: httpx2.Client, feed: str) -> list[dict[str, Any]]:
    items = client.get("/alerts").json()["items"]
    return [item for item in items if item["feed"] == feed]


def test_two_divide_the_work_and_one_that_is_killed_loses_nothing(city: City) -> None:
    serve = city.serves[0]
    door = serve.feed("chia.viec")
    senders: list[Sender] = [
        MqttSender(door, "m1", bad_every=7), MqttSender(door, "m2"), RestSender(door, "r1"),
    ]  # fmt: skip
    for sender in senders:
        sender.start()
    for _ in range(2):
        before = senders[0].acknowledged
        eventually(lambda before=before: senders[0].acknowledged > before + 60)
        city.kill("ingest-1")
        before = senders[1].acknowledged
        eventually(lambda before=before: senders[1].acknowledged > before + 20)
        city.start("ingest-1", "ingest")
    for sender in senders:
        sender.finish()
    all_is_stored_once(serve, door, senders)
    with serve.database() as conn:
        found = conn.execute("SELECT count(*) FROM batch").fetchone()
    assert found is not None
    assert found[0] > 0


def test_the_wall_shows_what_another_process_has_stored(city: City) -> None:
    serve = city.serves[0]
    other = city.serve()
    door = serve.feed("len.tuong")
    door.publish(json.dumps([{"series": "a/x", "time": stamp(), "value": 1}]).encode())
    eventually(lambda: serve.stored(door.feed) == 1)
    for one in (serve, other):
        client = one.sign_in()
        items = _series(client, door.feed)
        with connect(
            f"ws://127.0.0.1:{one.http_port}/api/v1/stream",
            subprotocols=["ioc.v1"],  # pyright: ignore[reportArgumentType]
            additional_headers={"Authorization": client.headers["authorization"]},
        ) as socket:
            topic = f"series:{items[0]['id']}"
            socket.send(json.dumps({"type": "subscribe", "id": "a", "topic": topic}))
            value = 40 + one.http_port % 10
            sent = {"series": "a/x", "time": stamp(), "value": value}
            door.publish(json.dumps([sent]).encode())
            frame = ""
            while f'"value":{float(value)}' not in frame and f'"value":{value}' not in frame:
                frame = str(socket.recv(timeout=30))


def _series(client: httpx2.Client, feed: str) -> list[dict[str, Any]]:
    def items() -> list[dict[str, Any]]:
        answer = client.get("/series", params={"feed": feed})
        return answer.json()["items"] if answer.status_code == 200 else []

    eventually(items)
    return items()


def test_a_standby_engine_takes_over_and_acknowledgements_reach_it(city: City) -> None:
    serve = city.serves[0]
    door = serve.feed("ben.kia", "so-xay-dung", domain="traffic")
    client = serve.sign_in()
    _speeds(door, "ql-1/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: _open(client, door.feed))
    alert = _open(client, door.feed)[0]["id"]
    assert client.post(f"/alerts/{alert}/acknowledge").json()["acknowledged"] is True
    # The engine goes on from what a person did by way of another process.
    _speeds(door, "ql-1/speed", (0.5, FREE))
    eventually(lambda: _open(client, door.feed) == [])
    log = [entry["change"] for entry in client.get(f"/alerts/{alert}/log").json()["items"]]
    assert log == ["breach_began", "held", "acknowledge", "level_cleared"]

    city.start("engine-2", "engine")
    eventually(lambda: "stands by" in city.said("engine-2"))
    _speeds(door, "ql-2/speed", (12, SLOW))
    eventually(lambda: serve.stored(door.feed) == 4)
    city.kill("engine-1")
    eventually(lambda: "ioc engine: running" in city.said("engine-2"))
    _speeds(door, "ql-2/speed", (0.2, SLOW))
    eventually(lambda: len(_open(client, door.feed)) == 1)
    held = _open(client, door.feed)[0]["id"]
    log = [entry["change"] for entry in client.get(f"/alerts/{held}/log").json()["items"]]
    assert log == ["breach_began", "held"]
    city.start("engine-1", "engine")
    eventually(lambda: city.said("engine-1").count("stands by") == 1)


def test_a_second_process_of_the_same_session_stands_by(city: City) -> None:
    city.start("ingest-2b", "ingest", IOC_MQTT_CLIENT_ID="ingest-2")
    eventually(lambda: "stands by" in city.said("ingest-2b"))
    before = city.said("ingest-2").count("subscribed")
    assert city.stop("ingest-2") == 0
    eventually(lambda: "subscribed" in city.said("ingest-2b"))
    assert before == 1


def test_all_in_one_and_one_of_several_refuse_each_other(city: City) -> None:
    environment = city.serves[0].environment
    done = subprocess.run(
        [sys.executable, "-m", "ioc", "up"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={
            **environment,
            "IOC_HTTP_PORT": str(free_port()),
            "IOC_DATA_DIR": str(city.directory / "up"),
        },
    )  # fmt: skip
    assert done.returncode == 1
    assert "another IOC process already writes to this database" in done.stderr


@pytest.mark.parametrize("command", ["ingest", "engine", "serve"])
def test_one_of_several_demands_servers_that_outlive_it(tmp_path: Path, command: str) -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("IOC_")}
    done = subprocess.run(
        [sys.executable, "-m", "ioc", command],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**inherited, "IOC_DATA_DIR": str(tmp_path), "IOC_HTTP_PORT": str(free_port())},
    )  # fmt: skip
    assert done.returncode == 1
    assert "IOC_DATABASE_URL" in done.stderr
