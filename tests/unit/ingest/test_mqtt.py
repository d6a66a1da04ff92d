"""Topics and addresses of the broker, as the subscriber reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mqtt import broker_address, split_topic
from ioc.errors import ConfigError


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("ioc/v1/so-y-te/giuong", ("so-y-te", "giuong", None)),
        ("ioc/v1/so-y-te/giuong/", ("so-y-te", "giuong", None)),
        ("ioc/v1/so-y-te/giuong/bv-1/beds", ("so-y-te", "giuong", "bv-1/beds")),
        ("ioc/v1/so-y-te", None),
        ("ioc/v1//giuong", None),
        ("ioc/v2/so-y-te/giuong", None),
        ("ioc/errors/so-y-te/giuong", None),
    ],
)
def test_a_topic_names_agency_feed_and_series(topic: str, parts: object) -> None:
    assert split_topic(topic) == parts


@given(st.text())
def test_any_other_topic_is_of_no_feed(topic: str) -> None:
    found = split_topic(topic)
    assert found is None or topic.startswith("ioc/v1/")


def test_an_address_is_taken_apart_with_its_password_decoded() -> None:
    assert broker_address("mqtt://ioc:p%40ss@host:1884") == ("host", 1884, "ioc", "p@ss")
    assert broker_address("mqtt5://[::1]") == ("::1", 1883, "", "")


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "host:1883"])
def test_an_address_of_no_broker_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        broker_address(url)
