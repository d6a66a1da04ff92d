"""The production-like start: compose file, broker settings and the product's own settings agree."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ioc.config import Config

ACKNOWLEDGEMENT = "docs/decisions/0002-order-and-acknowledgement.md"
SUPERVISION = "docs/decisions/0007-supervise-and-exit.md"


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    return yaml.safe_load((root / "docker-compose.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def mosquitto(root: Path) -> dict[str, str]:
    lines = (root / "docker/mosquitto.conf").read_text("utf-8").splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


def target_of(port: str) -> int:
    return int(port.rsplit(":", 1)[1])


def test_the_three_services_are_there(compose: dict[str, Any]) -> None:
    assert compose["services"].keys() == {"timescaledb", "mosquitto", "ioc"}
    images = {name: service.get("image", "") for name, service in compose["services"].items()}
    assert images["timescaledb"].startswith("timescale/timescaledb:2.")
    assert images["mosquitto"].startswith("eclipse-mosquitto:2")
    assert compose["services"]["ioc"]["build"] == "."


def test_every_service_is_started_again_when_it_ends(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["restart"] == "unless-stopped", f"{name}, see {SUPERVISION}"


def test_no_secret_stands_in_the_file(root: Path, compose: dict[str, Any]) -> None:
    wanted = set(re.findall(r"\$\{(\w*PASSWORD)", (root / "docker-compose.yml").read_text("utf-8")))
    assert wanted == {"IOC_DATABASE_PASSWORD", "IOC_MQTT_PASSWORD"}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            secret = re.search(r"//[^:]+:([^@]+)@", value) if "://" in value else None
            given = value if name.endswith("PASSWORD") else secret and secret.group(1)
            if given:
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", given), f"{name} has a value or a default"


def test_the_product_reaches_the_services_by_their_names(compose: dict[str, Any]) -> None:
    environment = compose["services"]["ioc"]["environment"]
    assert environment["IOC_DATABASE_URL"].endswith("@timescaledb:5432/ioc")
    assert environment["IOC_MQTT_URL"].endswith("@mosquitto:1883")
    database = compose["services"]["timescaledb"]["environment"]
    assert (database["POSTGRES_USER"], database["POSTGRES_DB"]) == ("ioc", "ioc")
    assert "POSTGRES_PASSWORD" in database


def test_ports_agree(compose: dict[str, Any], mosquitto: dict[str, str]) -> None:
    ioc = compose["services"]["ioc"]
    assert [target_of(port) for port in ioc["ports"]] == [int(ioc["environment"]["IOC_HTTP_PORT"])]
    published = [target_of(port) for port in compose["services"]["mosquitto"]["ports"]]
    assert published == [int(mosquitto["listener"])]
    assert "ports" not in compose["services"]["timescaledb"]


def test_every_setting_is_one_that_the_product_knows(compose: dict[str, Any]) -> None:
    config = Config
    prefix = config.model_config.get("env_prefix", "")
    known = {f"{prefix}{name}".upper() for name in config.model_fields}
    known |= {
        str(field.validation_alias).upper()
        for field in config.model_fields.values()
        if field.validation_alias
    }
    used = {name for name in compose["services"]["ioc"]["environment"] if name.startswith("IOC_")}
    assert used - known == set()


def test_volumes_are_declared_and_mounted_files_exist(root: Path, compose: dict[str, Any]) -> None:
    used = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    ]
    assert {name for name in used if not name.startswith(".")} == compose["volumes"].keys()
    assert [name for name in used if name.startswith(".") and not (root / name).is_file()] == []


def test_the_broker_reads_the_files_that_the_product_writes(
    compose: dict[str, Any], mosquitto: dict[str, str]
) -> None:
    ioc = compose["services"]["ioc"]
    written = ioc["environment"]["IOC_MQTT_AUTH_DIR"]
    assert f"mqtt-auth:{written}" in ioc["volumes"]
    assert "mqtt-auth:/mosquitto/shared:ro" in compose["services"]["mosquitto"]["volumes"]
    assert mosquitto["allow_anonymous"] == "false"
    assert mosquitto["password_file"] == "auth/passwords"
    assert mosquitto["acl_file"] == "auth/acl"


def test_the_brokers_acknowledgement_is_durable(mosquitto: dict[str, str]) -> None:
    assert mosquitto["persistence"] == "true", ACKNOWLEDGEMENT
    assert mosquitto["autosave_on_changes"] == "true", ACKNOWLEDGEMENT
    assert mosquitto["autosave_interval"] == "1", ACKNOWLEDGEMENT


def test_the_brokers_window_is_wide(mosquitto: dict[str, str]) -> None:
    assert int(mosquitto["max_inflight_messages"]) >= 1000, ACKNOWLEDGEMENT
    assert int(mosquitto["max_queued_messages"]) >= 100_000, ACKNOWLEDGEMENT


def test_the_image_runs_as_a_plain_user(root: Path) -> None:
    last = (root / "Dockerfile").read_text("utf-8").split("\nFROM ")[-1]
    user = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert user
    assert user[-1] not in {"root", "0"}


def test_what_the_image_copies_exists(root: Path) -> None:
    for line in re.findall(
        r"^COPY (?!--from)(.+)$", (root / "Dockerfile").read_text("utf-8"), re.M
    ):
        for source in line.split()[:-1]:
            assert (root / source).exists(), source


def test_compose_itself_accepts_the_file(root: Path) -> None:
    docker = shutil.which("docker")
    plugin = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False
    )
    if not docker or not plugin or plugin.returncode:
        pytest.skip("no docker compose client here; the other tests of this file read the YAML")
    environment = {"PATH": "/usr/bin:/bin", "IOC_DATABASE_PASSWORD": "a", "IOC_MQTT_PASSWORD": "b"}
    command = [docker, "compose", "config", "--quiet"]
    accepted = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert accepted.returncode == 0, accepted.stderr
    refused = subprocess.run(
        command,
        cwd=root,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0
    assert "IOC_DATABASE_PASSWORD" in refused.stderr
