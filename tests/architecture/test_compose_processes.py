"""The compose file for separate processes: commands that exist, sessions of their own."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from ioc.__main__ import COMMANDS
from ioc.config import Config


@pytest.fixture
def services(root: Path) -> dict[str, Any]:
    text = (root / "docker-compose.processes.yml").read_text("utf-8")
    return yaml.safe_load(text)["services"]


def test_every_process_is_a_command_of_the_product(services: dict[str, Any]) -> None:
    started = [service["command"] for service in services.values()]
    assert all(program == "ioc" and name in COMMANDS for program, name in started)
    names = [name for _, name in started]
    assert (names.count("serve"), names.count("engine")) == (1, 1)
    assert names.count("ingest") >= 2


def test_those_who_ingest_share_the_work_in_sessions_of_their_own(services: dict[str, Any]) -> None:
    settings = [s["environment"] for s in services.values() if s["command"][1] == "ingest"]
    ids = [one["IOC_MQTT_CLIENT_ID"] for one in settings]
    assert len(set(ids)) == len(ids)
    assert len({one["IOC_MQTT_SHARE"] for one in settings}) == 1
    # What waits in the session of `ioc up` is taken over by one of them.
    assert Config.model_fields["mqtt_client_id"].default in ids


def test_every_setting_is_one_that_the_product_knows(services: dict[str, Any]) -> None:
    known = {f"IOC_{name}".upper() for name in Config.model_fields}
    used = {name for service in services.values() for name in service.get("environment", {})}
    assert used - known == set()


def test_the_engine_writes_the_brokers_users(services: dict[str, Any]) -> None:
    engine = services["engine"]
    assert f"mqtt-auth:{engine['environment']['IOC_MQTT_AUTH_DIR']}" in engine["volumes"]
