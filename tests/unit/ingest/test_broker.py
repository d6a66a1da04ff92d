"""Addresses of a broker, as they stand in the environment."""

import pytest

from ingest.broker import BrokerAddress, broker_address
from ioc.errors import ConfigError


def test_an_address_is_taken_apart_with_its_password_decoded() -> None:
    assert broker_address("mqtt://ioc:p%40ss@host:1884") == BrokerAddress(
        "host", 1884, "ioc", "p@ss"
    )
    assert broker_address("mqtt5://[::1]") == BrokerAddress("::1", 1883, "", "", five=True)


def test_an_address_over_tls_has_its_own_port() -> None:
    assert broker_address("mqtts://host") == BrokerAddress("host", 8883, "", "", tls=True)
    assert broker_address("mqtts5://host:1") == BrokerAddress(
        "host", 1, "", "", five=True, tls=True
    )


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "host:1883"])
def test_an_address_of_no_broker_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="mqtt://user:password@host:1883"):
        broker_address(url)


def test_an_address_that_is_refused_does_not_show_its_password() -> None:
    with pytest.raises(ConfigError) as refused:
        broker_address("https://ioc:rat-bi-mat@host")
    assert "rat-bi-mat" not in str(refused.value)
