"""Where the broker is, who we are there, and whether it is believed."""

import ssl
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from ioc.errors import ConfigError


class BrokerAddress(msgspec.Struct, frozen=True):
    """Where a broker is, who we are there, and how it is spoken to."""

    host: str
    port: int
    user: str
    password: str
    five: bool = False
    tls: bool = False


_SCHEMES: Final = {"mqtt": (False, False), "mqtt5": (True, False),
                   "mqtts": (False, True), "mqtts5": (True, True)}  # fmt: skip
"""Whether it is MQTT 5 and whether it is over TLS."""


def broker_address(url: str) -> BrokerAddress:
    """The parts of mqtt://user:password@host:port; mqtt5:// for MQTT 5, mqtts:// with TLS, or both.

    Without a port it is 1883, over TLS 8883. Raises `ConfigError` for anything else.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise ConfigError(
            "a broker's address looks like mqtt://user:password@host:1883, with mqtt5, mqtts or "
            f"mqtts5 for MQTT 5 and TLS, not {parts.scheme}://{parts.hostname or ''}"
        )
    five, tls = _SCHEMES[parts.scheme]
    return BrokerAddress(
        parts.hostname,
        parts.port or (8883 if tls else 1883),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        five,
        tls,
    )


def trusting(ca: Path | None) -> ssl.SSLContext:
    """What checks the broker's certificate. Raises `ConfigError` where `ca` cannot be read."""
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"IOC_MQTT_CA {ca}: {error}; name a PEM file of authorities") from error
