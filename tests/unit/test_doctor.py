"""What `ioc doctor` says of a broker that is not ours."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.commands import doctor
from ioc.config import Config

ROOT = Path(__file__).parents[2]


@pytest.fixture
def broker() -> Iterator[str]:
    """The address of something that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"mqtt://ioc:x@127.0.0.1:{listening.getsockname()[1]}"


def _said(**settings: object) -> dict[str, str]:
    """What is found, with its cure."""
    return {what: cure for _, what, cure in doctor._broker(Config(**settings))}  # pyright: ignore


def test_durability_is_unknown_until_it_is_declared(broker: str) -> None:
    unknown, declared = _said(mqtt_url=broker), _said(mqtt_url=broker, mqtt_durable=True)
    cure = unknown["durability of the broker's PUBACK is unknown"]
    assert "autosave_on_changes true" in cure
    assert "IOC_MQTT_DURABLE=1" in cure
    assert "the broker's PUBACK is declared durable (IOC_MQTT_DURABLE=1)" in declared
    assert not any("unknown" in what for what in declared)


def test_what_a_killed_mosquitto_may_lose_is_said_whatever_is_declared(broker: str) -> None:
    for settings in ({}, {"mqtt_durable": True}):
        said = _said(mqtt_url=broker, **settings)
        [cure] = [cure for what, cure in said.items() if "may lose the last acknowledged" in what]
        assert "once more after each new connection" in cure
    assert not any("may lose" in what for what in _said())


def test_the_embedded_broker_is_durable_and_says_how_it_syncs() -> None:
    [plain], [always] = _said(), _said(mqtt_sync="always")
    assert "PUBACK is durable; synced to disk in the background" in plain
    assert "PUBACK is durable; synced to disk before each PUBACK" in always


def test_what_mosquitto_needs_is_what_is_shipped() -> None:
    shipped = (ROOT / "docker" / "mosquitto.conf").read_text()
    named = doctor.MOSQUITTO.partition(" (")[0].split(", ")
    assert len(named) > 3
    assert set(named) <= set(shipped.splitlines())
