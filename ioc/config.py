"""Settings of the process, from the environment; passed, never imported."""

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ioc.errors import ConfigError


class Config(BaseSettings):
    """Every setting is an environment variable `IOC_` + its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="IOC_", frozen=True, extra="ignore")

    http_host: str = Field(
        "127.0.0.1", description="address to listen on; `localhost` takes IPv4 and IPv6"
    )
    http_port: int = Field(8080, ge=1, le=65535)
    mqtt_host: str = Field("127.0.0.1", description="address of the embedded broker")
    mqtt_port: int = Field(1883, ge=1, le=65535, description="port of the embedded broker")
    mqtt_url: str | None = Field(
        None, description="an external broker, mqtt:// or mqtt5://, over TLS mqtts:// or mqtts5://"
    )
    mqtt_ca: Path | None = Field(None, description="PEM file of authorities that vouch for it")
    mqtt_auth_dir: Path | None = Field(None, description="where to write mosquitto's user files")
    mqtt_client_id: str = Field(
        "ioc-ingest",
        pattern="^[A-Za-z0-9_-]{1,64}$",
        description="names our session at the broker; each `ioc ingest` has its own",
    )
    mqtt_share: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]{1,64}$",
        description="divide the work by a shared subscription of that name (not on NATS)",
    )
    mqtt_ack_wait: float = Field(60.0, gt=0, description="seconds until the broker sends again")
    mqtt_sync: str = Field("default", pattern="^(default|always)$")
    mqtt_durable: bool = Field(False, description="the external broker's PUBACK is durable")
    nats_server: Path | None = None
    database_url: str | None = Field(None, description="an external PostgreSQL or TimescaleDB")
    data_dir: Path = Path("var")
    city_dir: Path | None = Field(None, description="the city's files; else the packaged ones")
    demo: bool = Field(
        False, description="a simulated province; its database never holds real rows"
    )
    demo_rate: float = Field(1.0, gt=0, description="how much faster than real the demo runs")
    demo_backfill: bool = True
    demo_simulate: bool = Field(True, description="let `ioc up` start the simulator of the demo")
    intake_bytes: int = Field(64_000_000, ge=1_000_000)
    secure_cookies: bool = Field(False, description="set behind TLS")
    sources_allow: str = Field(
        "", description="hosts and networks of the inside that sources may ask, by commas"
    )
    sources_ca: Path | None = Field(None, description="PEM file of authorities that sources trust")
    secrets_dir: Path | None = Field(None, description="folder of secrets, a file each")
    cap_sender: str | None = Field(
        None,
        pattern=r"^[^\s,<&]{1,200}$",
        description="how CAP messages name this centre, such as ioc@example.gov.vn; keep it",
    )


def read_config() -> Config:
    """The settings, or a `ConfigError` that names the variable at fault."""
    try:
        return Config()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        faults = "; ".join(
            f"IOC_{str(fault['loc'][0]).upper()}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(f"wrong settings in the environment: {faults}") from error
