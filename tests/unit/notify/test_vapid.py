"""The signed header that names this centre to push services: the example of RFC 8292, and ours."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ioc.notify.encryption import as_bytes, as_text, public_key
from ioc.notify.vapid import VALID_FOR, Vapid, new_key

# RFC 8292, section 2.4
CONTACT = "mailto:push@example.com"
EXPIRES = datetime.fromtimestamp(1453523768, UTC)
EXAMPLE = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJl"
    "eHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HL"
    "GkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, "
    "k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def _parts(header: str) -> tuple[str, bytes, bytes]:
    """What is signed, the signature and the key."""
    token, key = header.removeprefix("vapid t=").split(", k=")
    said, signature = token.rsplit(".", 1)
    return said, as_bytes(signature), as_bytes(key)


def _verify(header: str) -> dict[str, Any]:
    said, signature, key = _parts(header)
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public_key(key).verify(encode_dss_signature(r, s), said.encode(), ec.ECDSA(SHA256()))
    return msgspec.json.decode(as_bytes(said.split(".")[1]))


def test_the_check_of_this_test_takes_the_example_of_the_standard_and_no_other() -> None:
    assert _verify(EXAMPLE)["sub"] == CONTACT
    with pytest.raises(InvalidSignature):
        _verify(EXAMPLE.replace("i3CY", "i3CZ"))


def test_what_is_said_is_what_the_example_of_the_standard_says() -> None:
    made = Vapid(new_key()).header("https://push.example.net/p/x", CONTACT, EXPIRES - VALID_FOR)
    assert _parts(made)[0] == _parts(EXAMPLE)[0]
    assert _verify(made)["aud"] == "https://push.example.net"


def test_what_is_signed_is_valid_for_less_than_a_day() -> None:
    assert timedelta(0) < VALID_FOR < timedelta(days=1)


def test_a_key_is_the_same_whenever_it_is_read() -> None:
    key = new_key()
    assert Vapid(key).public == Vapid(key).public != Vapid(new_key()).public


@pytest.mark.parametrize("text", ["", "khoa", as_text(b"\0" * 32), as_text(b"\xff" * 32), "é" * 43])
def test_a_text_that_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library has words of its own
        Vapid(text)
