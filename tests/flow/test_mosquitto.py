"""Debian's mosquitto with the settings we ship, as the external broker; over MQTT 3.1.1 and 5."""

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.server import FeedDoor, Server, eventually, external_database, now, stamp

VERSIONS = {"311": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}


@pytest.fixture(scope="module", params=["mqtt", "mqtt5"])
def product(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The product with mosquitto as its broker; its own connection speaks 3.1.1 or 5."""
    broker = Mosquitto()
    try:
        with external_database() as url:
            settings = {"IOC_DEMO": "1", **broker.settings(request.param)}
            if url is not None:
                settings["IOC_DATABASE_URL"] = url
            made = Server(
                tmp_path_factory.mktemp("product") / "data", settings, mqtt_port=broker.port
            )
            try:
                yield made.start()
            finally:
                made.close()
    finally:
        broker.close()


@dataclass
class Agency:
    """An MQTT client of an agency, and what it heard and was told."""

    door: FeedDoor
    version: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311
    heard: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])
    told: dict[int, bool] = field(default_factory=dict[int, bool])
    answers: list[bool] = field(default_factory=list[bool])
    client: paho.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=self.version)
        self.client.username_pw_set(self.door.agency, self.door.password)
        self.client.reconnect_delay_set(1, 1)
        self.client.max_queued_messages_set(0)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self.client.on_message = self._on_message
        self.client.connect_async("127.0.0.1", self.door.server.mqtt_port)
        self.client.loop_start()

    def _on_connect(self, _c: object, _d: object, _f: object, reason: Any, _p: object) -> None:
        self.answers.append(not reason.is_failure)

    def _on_publish(self, _c: object, _d: object, mid: int, reason: Any, _p: object) -> None:
        self.told[mid] = not reason.is_failure

    def _on_message(self, _c: object, _d: object, message: paho.MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))

    def __enter__(self) -> "Agency":
        eventually(self.client.is_connected)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, topic: str, body: object) -> bool:
        """Publish bytes, or anything else as JSON, with QoS 1; whether the broker took it."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = self.client.publish(topic, payload, qos=1)
        eventually(lambda: sent.mid in self.told)
        return self.told[sent.mid]

    def subscribe(self, topic: str) -> None:
        granted: list[int] = []
        self.client.on_subscribe = lambda _c, _d, mid, _r, _p: granted.append(mid)
        _, mid = self.client.subscribe(topic, qos=1)
        eventually(lambda: mid in granted)


def _item(series: str, value: float, seconds_ago: float = 0) -> dict[str, object]:
    return {"series": series, "time": stamp(now() - timedelta(seconds=seconds_ago)), "value": value}


@pytest.mark.parametrize("version", VERSIONS)
def test_observations_over_either_version_are_stored(product: Server, version: str) -> None:
    door = product.feed(f"thu.{version}")
    with Agency(door, VERSIONS[version]) as agency:
        assert agency.publish(door.topic, [_item("a/x", 1), _item("a/y", 2)])
        assert agency.publish(door.topic, gzip.compress(json.dumps(_item("a/w", 4)).encode()))
    eventually(lambda: product.stored(door.feed) == 3)
    program = shutil.which("mosquitto_pub")
    assert program is not None, "mosquitto_pub is missing; cure: apt-get install mosquitto-clients"
    command = [
        program, "-V", version, "-h", "127.0.0.1", "-p", str(product.mqtt_port), "-q", "1",
        "-u", door.agency, "-P", door.password, "-t", f"{door.topic}/a/z",
        "-m", json.dumps({"time": stamp(), "value": 3}),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    eventually(lambda: product.stored(door.feed) == 4)
    assert door.ledger()["quarantined"] == 0


def test_an_agency_writes_and_reads_only_what_is_its_own(product: Server) -> None:
    mine = product.feed("cua.toi", "so-noi-vu", domain="service")
    theirs = product.feed("cua.ho", "so-tu-phap", domain="service")
    five = MQTTProtocolVersion.MQTTv5
    with Agency(mine, five) as owner, Agency(theirs, five) as other:
        owner.subscribe(f"ioc/errors/{mine.agency}/#")
        for topic in ("ioc/errors/#", "ioc/v1/#", f"ioc/errors/{mine.agency}/{mine.feed}"):
            other.subscribe(topic)
        assert not other.publish(mine.topic, [_item("a/x", 1)])
        assert not other.publish(f"ioc/errors/{mine.agency}/{mine.feed}", {"reason": "a lie"})
        assert owner.publish(mine.topic, [{"series": "a/x", "value": 1}])
        eventually(lambda: owner.heard)
        assert other.publish(theirs.topic, [_item("a/x", 2), {"series": "a/x", "value": 1}])
        eventually(lambda: other.heard)
    topic, refusal = owner.heard[0]
    assert topic == f"ioc/errors/{mine.agency}/{mine.feed}"
    assert json.loads(refusal)["reason"] == "time_missing"
    assert len(owner.heard) == 1
    assert [topic for topic, _ in other.heard] == [f"ioc/errors/{theirs.agency}/{theirs.feed}"]
    assert product.stored(mine.feed) == 0
    assert product.stored(theirs.feed) == 1


def test_a_wrong_password_is_refused(product: Server) -> None:
    door = product.feed("sai.mat-khau")
    door.password = "khong-phai"
    agency = Agency(door)
    try:
        eventually(lambda: agency.answers)
        assert agency.answers[0] is False
    finally:
        agency.client.disconnect()
        agency.client.loop_stop()


def test_what_agencies_send_while_the_product_is_away_is_stored_once(product: Server) -> None:
    door = product.feed("vang.mat")
    with Agency(door) as agency:
        first = [_item("a/x", n, 1000 - n) for n in range(20)]
        for item in first:
            assert agency.publish(door.topic, item)
        eventually(lambda: product.stored(door.feed) == 20)

        product.stop()
        for n in range(40):
            body = [_item(f"a/{k}", n, 900 - n) for k in range(5)]
            assert agency.publish(door.topic, body)
        product.start()
        eventually(lambda: product.stored(door.feed) == 220)
    ledger = door.ledger()
    assert (ledger["received"], ledger["stored"]) == (220, 220)
    assert ledger["duplicate"] == 0


def test_what_the_broker_kept_for_late_subscribers_is_never_taken_for_new(product: Server) -> None:
    dated = product.feed("giu.ngay")
    undated = product.feed("giu.khong-ngay", time_source="arrival")
    items = [(dated, _item("a/x", 1, 30)), (undated, {"series": "a/x", "value": 1})]
    for door, item in items:
        with Agency(door) as agency:
            sent = agency.client.publish(door.topic, json.dumps(item).encode(), 1, retain=True)
            eventually(lambda mid=sent.mid, agency=agency: mid in agency.told)
        eventually(lambda door=door: product.stored(door.feed) == 1)
    product.stop()
    product.start()
    # At its subscription the broker sends both again, as it would to anybody who is late.
    eventually(lambda: dated.ledger()["duplicate"] == 1)
    eventually(lambda: undated.ledger()["quarantined"] == 1)
    assert undated.quarantine()[0]["reason"] == "time_missing"
    assert (product.stored(dated.feed), product.stored(undated.feed)) == (1, 1)
    for door, _ in items:
        with Agency(door) as agency:
            agency.client.publish(door.topic, b"", 1, retain=True).wait_for_publish(20)


def test_a_product_killed_between_two_payloads_loses_none(product: Server) -> None:
    door = product.feed("bi.giet")
    with Agency(door) as agency:
        sent = []
        for n in range(60):
            body = json.dumps([_item(f"a/{k}", n, 900 - n) for k in range(5)]).encode()
            sent.append(agency.client.publish(door.topic, body, qos=1).mid)
            if n == 30:
                product.kill()
        eventually(lambda: all(mid in agency.told for mid in sent))
        product.start()
        eventually(lambda: product.stored(door.feed) == 300)
    ledger = door.ledger()
    # What was committed and not yet acknowledged comes again, and is known again.
    assert ledger["received"] == ledger["stored"] + ledger["duplicate"]
    assert ledger["stored"] == 300
    assert ledger["quarantined"] == ledger["corrected"] == ledger["late"] == 0
