"""What is compressed by its own word, and what of it is told when it cannot be undone."""

import gzip
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.compression import inflated, inflated_or_kept, named
from ingest.decode import decode
from ingest.payload import Channel, Decoded
from ioc.errors import Invalid, TooLarge
from ioc.model import Reason
from tests.fixtures.decoding import a_feed, a_payload

FEEDS = Path(__file__).parents[2] / "data" / "feeds"
PACK = {"gzip": gzip.compress, "zstd": zstandard.compress}
BODY = b'[{"series":"a/x","time":"2026-11-22T09:00:00+07:00","value":1}]'


def _decoded(channel: Channel, body: bytes) -> Decoded:
    return decode(a_payload(body, channel=channel), a_feed())


@given(st.sampled_from(sorted(PACK)), st.binary(max_size=500), st.binary(max_size=500))
def test_what_was_compressed_comes_back_part_after_part(
    encoding: str, one: bytes, two: bytes
) -> None:
    packed = PACK[encoding](one) + PACK[encoding](two)
    assert named(packed) == encoding
    assert inflated(packed) == one + two


@pytest.mark.parametrize("path", sorted(FEEDS.iterdir()), ids=lambda p: p.name)
def test_no_format_that_is_taken_looks_compressed(path: Path) -> None:
    assert named(path.read_bytes()) is None


@pytest.mark.parametrize("encoding", PACK)
def test_a_bomb_is_refused_at_the_bound_and_kept_as_it_came(encoding: str) -> None:
    bomb = PACK[encoding](bytes(100_000_000))
    with pytest.raises(TooLarge, match="more than 16777216 bytes"):
        inflated(bomb)
    assert inflated_or_kept(bomb) is bomb
    refused = _decoded(Channel.MQTT, bomb).refused
    assert [(each.problem.reason, each.raw) for each in refused] == [
        (Reason.COMPRESSION_INVALID, bomb)
    ]


@pytest.mark.parametrize("encoding", PACK)
def test_what_is_cut_or_broken_says_so(encoding: str) -> None:
    packed = PACK[encoding](BODY)
    with pytest.raises(Invalid, match="cut off; send it again whole"):
        inflated(packed[:-5])
    with pytest.raises(Invalid, match=f"not {encoding}"):
        inflated(packed[:4] + b"\xff" * 40)


@pytest.mark.parametrize("encoding", PACK)
def test_only_over_rest_must_the_compression_be_declared(encoding: str) -> None:
    packed = PACK[encoding](BODY)
    assert _decoded(Channel.REPLAY, packed).keys == ["a/x"]
    undeclared = _decoded(Channel.REST, packed).refused[0].problem
    assert undeclared.reason is Reason.COMPRESSION_INVALID
    assert "Content-Encoding" in undeclared.detail
