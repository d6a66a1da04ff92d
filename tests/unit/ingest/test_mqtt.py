"""Topics of the broker, as the subscriber reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mqtt import split_topic


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
