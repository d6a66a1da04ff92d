"""The embedded MQTT broker keeps what it acknowledged and lets each agency into its own place."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import bcrypt
import pytest

from ioc.embedded import process, run_file
from ioc.embedded.broker import EmbeddedBroker
from ioc.embedded.process import EmbeddedError
from ioc.embedded.refusals import topic_of
from ioc.embedded.run_file import AlreadyRunningError
from tests.fixtures.embedded import Client, eventually, killed_program

PASSWORD = "a password of this test"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
OTHER_HASH = bcrypt.hashpw(b"another one", bcrypt.gensalt(4)).decode()
REFUSED = "Not authorized"
ACK_WAIT = timedelta(seconds=2)

STARTED = """
    import asyncio, sys
    from pathlib import Path
    from ioc.embedded.broker import EmbeddedBroker

    async def main():
        broker = EmbeddedBroker(Path(sys.argv[1]), port=int(sys.argv[2]))
        await broker.start()
        print(broker.pid, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""


class Place:
    """A broker, what it refused, and clients that are closed afterwards."""

    def __init__(self, broker: EmbeddedBroker, forbidden: list[tuple[str, str]]) -> None:
        self.broker = broker
        self.forbidden = forbidden
        self.clients: list[Client] = []

    async def ours(
        self, name: str = "ours", *, persistent: bool = True, topic: str = "ioc/v1/#"
    ) -> Client:
        client = Client(name, self.broker.user, self.broker.password, persistent=persistent)
        self.clients.append(client)
        assert await client.connect(self.broker.host, self.broker.port) == "Success"
        assert await client.subscribe(topic) == ["Granted QoS 1"]
        return client

    async def agency(self, name: str, *, will: str | None = None) -> Client:
        client = Client(f"{name}-sender", name, PASSWORD, will=will)
        self.clients.append(client)
        await client.connect(self.broker.host, self.broker.port)
        return client


@pytest.fixture
async def place(tmp_path: Path, unused_tcp_port: int) -> AsyncGenerator[Place]:
    forbidden: list[tuple[str, str]] = []
    broker = EmbeddedBroker(
        tmp_path,
        port=unused_tcp_port,
        ack_wait=ACK_WAIT,
        on_forbidden=lambda agency, topic: forbidden.append((agency, topic)),
    )
    await broker.start()
    place = Place(broker, forbidden)
    yield place
    for client in place.clients:
        await client.close()
    await broker.stop()


async def test_agencies_enter_only_once_they_are_let_in(place: Place) -> None:
    assert (await place.agency("traffic")).answer == REFUSED
    await place.broker.set_agencies({"traffic": HASH})
    assert (await place.agency("traffic")).answer == "Success"
    assert (await place.agency("health")).answer == REFUSED


async def test_a_wrong_password_is_refused(place: Place) -> None:
    await place.broker.set_agencies({"traffic": OTHER_HASH})
    assert (await place.agency("traffic")).answer == REFUSED


async def test_a_publish_outside_the_own_prefix_goes_nowhere_and_is_told_by_agency(
    place: Place,
) -> None:
    ours = await place.ours(topic="#")
    await place.broker.set_agencies({"traffic": HASH, "health": HASH})
    traffic = await place.agency("traffic")
    outside = ["ioc/v1/health/beds", "ioc/v1", "ioc/v1/traffic-2/a.b", "ioc/errors/traffic/loops"]
    for topic in outside:
        await traffic.publish(topic, b"bad")
        await traffic.publish(topic, b"bad", retain=True)
    await traffic.publish("ioc/v1/traffic", b"good 1")
    await traffic.publish("ioc/v1/traffic/loops.1/a/b", b"good 2")
    await eventually(lambda: len(ours.received) >= 2 and len(place.forbidden) >= 8)
    assert ours.bodies() == [b"good 1", b"good 2"]
    assert ours.received[1].topic == "ioc/v1/traffic/loops.1/a/b"
    assert place.forbidden == [("traffic", topic) for topic in outside for _ in range(2)]
    late = await place.ours("late", persistent=False, topic="#")
    await traffic.publish("ioc/v1/traffic", b"marker")
    await eventually(lambda: late.received)
    assert late.bodies() == [b"marker"]  # nothing that was refused had been retained


async def test_a_last_will_outside_the_own_prefix_goes_nowhere_and_is_told(place: Place) -> None:
    ours = await place.ours()
    await place.broker.set_agencies({"traffic": HASH})
    doomed = await place.agency("traffic", will="ioc/v1/health/beds")
    await doomed.drop()
    await eventually(lambda: place.forbidden)
    assert place.forbidden == [("traffic", "ioc/v1/health/beds")]
    assert ours.received == []


@pytest.mark.parametrize(
    "topic",
    [
        *("ioc/v1/traffic/#", "ioc/errors/health/#", "ioc/errors/+/f", "#", "+/sub/#"),
        *("$MQTT/sub/#", "$MQTT/msgs/#", "$JS/#", "$SYS/#", "_INBOX/#"),
    ],
)
async def test_an_agency_may_not_listen_to(place: Place, topic: str) -> None:
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    assert await traffic.subscribe(topic) == ["Unspecified error"]


async def test_an_agency_hears_its_own_errors_and_no_others(place: Place) -> None:
    ours = await place.ours()
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    assert await traffic.subscribe("ioc/errors/traffic/#") == ["Granted QoS 1"]
    await ours.publish("ioc/errors/health/beds", b"theirs")
    await ours.publish("ioc/errors/traffic/loops", b"its own")
    await eventually(lambda: traffic.received)
    assert traffic.bodies() == [b"its own"]


async def test_what_was_not_acknowledged_comes_again_in_order_on_the_next_connection(
    place: Place,
) -> None:
    ours = await place.ours()
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    sent = [b"%d" % number for number in range(30)]
    for body in sent:
        await traffic.publish("ioc/v1/traffic/loops", body)
    await eventually(lambda: len(ours.received) == 30)
    del ours.received[10:]
    ours.acknowledge()
    await traffic.publish("ioc/v1/traffic/loops", b"behind the acknowledgements")
    await eventually(lambda: len(ours.received) > 10)
    await ours.drop()
    again = await place.ours()
    await eventually(lambda: len(again.received) >= 21)
    repeated = [message for message in again.received if message.payload in sent]
    assert [message.payload for message in repeated] == sent[10:]
    assert all(message.dup for message in repeated)


async def test_a_killed_broker_comes_back_with_all_that_it_acknowledged(place: Place) -> None:
    ours = await place.ours()
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    mids = [traffic.send("ioc/v1/traffic/loops", b"%d" % number) for number in range(1000)]
    await eventually(lambda: traffic.acknowledged.issuperset(mids))
    ours.received.clear()
    os.kill(place.broker.pid, signal.SIGKILL)
    await eventually(lambda: place.broker.restarts == 1 and place.broker.ready.is_set())
    await eventually(lambda: len(set(ours.bodies())) == 1000)
    assert traffic.answer == "Success"


@pytest.mark.parametrize("killed", [True, False])
async def test_after_a_restart_nothing_waits_for_ack_wait_and_old_comes_before_new(
    tmp_path: Path, unused_tcp_port: int, *, killed: bool
) -> None:
    # Waits that this test cannot live to see, and changed between the two starts.
    waits = (timedelta(hours=1), timedelta(hours=2))
    broker = EmbeddedBroker(tmp_path, port=unused_tcp_port, ack_wait=waits[0])
    await broker.start()
    await broker.set_agencies({"traffic": HASH})
    place = Place(broker, [])
    ours = await place.ours()
    traffic = await place.agency("traffic")
    sent = [b"%d" % number for number in range(200)]
    for body in sent[:100]:
        await traffic.publish("ioc/v1/traffic/loops", body)
    await eventually(lambda: len(ours.received) == 100)
    await ours.drop()
    for body in sent[100:]:
        await traffic.publish("ioc/v1/traffic/loops", body)
    await traffic.close()
    if killed:
        os.kill(broker.pid, signal.SIGKILL)
        await eventually(lambda: broker.restarts == 1 and broker.ready.is_set())
    else:
        await broker.stop()
        broker = EmbeddedBroker(tmp_path, port=unused_tcp_port, ack_wait=waits[1])
        await broker.start()
    again = Place(broker, [])
    ours = await again.ours()
    await eventually(lambda: len(ours.received) >= 200)
    assert ours.bodies() == sent
    await ours.close()
    await broker.stop()


async def test_after_a_mere_reconnect_the_owner_may_ask_for_what_is_unacknowledged(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    broker = EmbeddedBroker(tmp_path, port=unused_tcp_port, ack_wait=timedelta(hours=1))
    await broker.start()
    await broker.set_agencies({"traffic": HASH})
    place = Place(broker, [])
    ours = await place.ours()
    await (await place.agency("traffic")).publish("ioc/v1/traffic/loops", b"kept")
    await eventually(lambda: ours.received)
    await ours.drop()
    again = await place.ours()
    await broker.redeliver()
    await eventually(lambda: again.received)
    assert again.bodies() == [b"kept"]
    for client in place.clients:
        await client.close()
    await broker.stop()


async def test_agencies_stay_known_to_a_broker_that_was_killed(place: Place) -> None:
    await place.broker.set_agencies({"traffic": HASH})
    os.kill(place.broker.pid, signal.SIGKILL)
    await eventually(lambda: place.broker.restarts == 1 and place.broker.ready.is_set())
    assert (await place.agency("traffic")).answer == "Success"
    await place.broker.set_agencies({"health": HASH})
    assert (await place.agency("health")).answer == "Success"


async def test_new_agencies_disturb_nobody_and_removed_ones_are_cut_off(place: Place) -> None:
    ours = await place.ours()
    await place.broker.set_agencies({"traffic": HASH, "health": HASH})
    traffic = await place.agency("traffic")
    health = await place.agency("health")
    await place.broker.set_agencies({"traffic": HASH, "energy": HASH})
    await eventually(lambda: health.disconnects)
    assert (await place.agency("energy")).answer == "Success"
    await traffic.publish("ioc/v1/traffic/loops", b"still here")
    await eventually(lambda: ours.received)
    assert (ours.disconnects, traffic.disconnects) == (0, 0)


async def test_a_new_password_cuts_off_the_old_one(place: Place) -> None:
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    await place.broker.set_agencies({"traffic": OTHER_HASH})
    await eventually(lambda: traffic.disconnects)
    assert (await place.agency("traffic")).answer == REFUSED


@pytest.mark.parametrize(
    ("agency", "hashed"),
    [("a b", HASH), ('x", password: "', HASH), ("", HASH), ("_ioc", HASH), ("traffic", "plain")],
    ids=["a space", "a quote", "nothing", "our own name", "no hash"],
)
async def test_nothing_but_slugs_and_hashes_reaches_the_users_file(
    tmp_path: Path, agency: str, hashed: str
) -> None:
    with pytest.raises(ValueError, match="not a"):
        await EmbeddedBroker(tmp_path).set_agencies({agency: hashed})


async def test_a_retained_observation_reaches_a_later_subscriber(place: Place) -> None:
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    await traffic.publish("ioc/v1/traffic/loops", b"kept", retain=True)
    ours = await place.ours()
    await eventually(lambda: ours.received)
    assert (ours.bodies(), ours.received[0].retain) == ([b"kept"], True)


async def test_seven_megabytes_pass_and_nine_cut_off_their_sender_alone(place: Place) -> None:
    ours = await place.ours()
    await place.broker.set_agencies({"traffic": HASH})
    traffic = await place.agency("traffic")
    await traffic.publish("ioc/v1/traffic/loops", b"x" * 7 * 2**20)
    await eventually(lambda: ours.received)
    assert len(ours.received[0].payload) == 7 * 2**20
    traffic.send("ioc/v1/traffic/loops", b"x" * 9 * 2**20, qos=0)
    await eventually(lambda: traffic.disconnects)
    assert ours.disconnects == 0


@pytest.mark.parametrize("host", ["::", "::1", "0.0.0.0", "127.0.0.1"])
async def test_it_listens_where_it_is_told(tmp_path: Path, unused_tcp_port: int, host: str) -> None:
    broker = EmbeddedBroker(tmp_path, host=host, port=unused_tcp_port)
    await broker.start()
    for address in {"::": ("::1", "127.0.0.1")}.get(host, (broker.host,)):
        client = Client("one", broker.user, broker.password)
        assert await client.connect(address, unused_tcp_port) == "Success"
        await client.close()
    await broker.stop()


async def test_a_taken_port_is_refused_with_the_setting_that_changes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"port {port} .* set IOC_MQTT_PORT"):
            await EmbeddedBroker(tmp_path, port=port).start()


async def test_a_second_owner_of_the_directory_is_refused_by_name(
    place: Place, tmp_path: Path
) -> None:
    with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}.*IOC_DATA_DIR"):
        await EmbeddedBroker(tmp_path, port=place.broker.port).start()
    running = run_file.read(tmp_path).broker
    assert running is not None
    assert running.url == place.broker.url


async def test_the_broker_ends_with_its_killed_parent_and_a_new_one_takes_its_port(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    await killed_program(STARTED, str(tmp_path), str(unused_tcp_port))
    broker = EmbeddedBroker(tmp_path, port=unused_tcp_port)
    await broker.start()
    assert process.processes_in(tmp_path / "nats", "nats-server") == [broker.pid]
    await broker.stop()
    assert process.processes_in(tmp_path / "nats", "nats-server") == []


async def test_the_port_for_our_own_questions_lets_no_mqtt_user_in(place: Place) -> None:
    await place.broker.set_agencies({"traffic": HASH})
    log = await asyncio.to_thread(place.broker.log_path.read_text)
    port = int(log.split("Listening for client connections on 127.0.0.1:")[1].split()[0])
    for user, password in (("traffic", PASSWORD), (place.broker.user, place.broker.password)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        login = f'CONNECT {{"user":"{user}","pass":"{password}","verbose":true}}\r\n'
        writer.write(login.encode())
        assert b"Authorization Violation" in await reader.readline()
        writer.close()


async def test_an_old_nats_server_on_the_path_is_passed_over(
    tmp_path: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "bin" / "nats-server"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'nats-server: v2.9.10'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    broker = EmbeddedBroker(tmp_path / "data", port=unused_tcp_port, sync_always=True)
    await broker.start()
    client = Client("one", broker.user, broker.password)
    assert await client.connect(broker.host, broker.port) == "Success"
    await client.close()
    await broker.stop()


@pytest.mark.parametrize(
    ("subject", "topic"),
    [
        ("ioc.v1.traffic.loops", "ioc/v1/traffic/loops"),
        ("ioc.v1.traffic.loops//1", "ioc/v1/traffic/loops.1"),
        ("a./.b", "a//b"),
        ("/.a", "/a"),
        ("a./", "a/"),
    ],
)
def test_a_subject_is_told_as_the_topic_it_was(subject: str, topic: str) -> None:
    assert topic_of(subject) == topic
