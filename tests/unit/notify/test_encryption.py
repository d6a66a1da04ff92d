"""What is pushed can be read by one browser only: the example of RFC 8291, and any text at all."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ioc.notify.encryption import CURVE, MOST_BYTES, RECORD_BYTES, as_bytes, as_text, encrypt
from tests.fixtures.push import PushedBrowser

# RFC 8291, Appendix A
TEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
    "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
    "lcy4a-fN"
)


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(as_bytes(text), "big"), CURVE)


def _encrypted(text: bytes, browser: PushedBrowser) -> bytes:
    own = ec.generate_private_key(CURVE)
    return encrypt(text, browser.point, browser.secret, own, os.urandom(16))


def test_the_example_of_the_standard_comes_out_byte_by_byte() -> None:
    made = encrypt(TEXT, as_bytes(POINT), as_bytes(SECRET), _private(SENDER), as_bytes(SALT))
    assert as_text(made) == BODY


def test_the_receiver_of_the_test_reads_the_example_of_the_standard() -> None:
    browser = PushedBrowser(_private(RECEIVER), as_bytes(SECRET))
    assert browser.read(as_bytes(BODY)) == TEXT


@given(text=st.binary(max_size=MOST_BYTES))
def test_whatever_fits_is_read_as_it_was_and_fits_into_one_record(text: bytes) -> None:
    browser = PushedBrowser()
    body = _encrypted(text, browser)
    assert len(body) <= RECORD_BYTES
    assert browser.read(body) == text


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=str(MOST_BYTES)):
        _encrypted(b"x" * (MOST_BYTES + 1), PushedBrowser())


@pytest.mark.parametrize("point", [b"", b"\x04" + b"\x01" * 64, b"\x02" + b"\x01" * 32])
def test_a_key_that_is_no_point_of_the_curve_is_refused(point: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library has words of its own
        encrypt(b"x", point, b"s" * 16, ec.generate_private_key(CURVE), b"t" * 16)


@given(raw=st.binary(max_size=80))
def test_bytes_come_back_from_their_text(raw: bytes) -> None:
    assert as_bytes(as_text(raw)) == raw


@pytest.mark.parametrize("text", ["a b", "é", "abcde"])
def test_what_is_no_base64_for_urls_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        as_bytes(text)
