"""Secrets: long, all different, and stored only as what cannot be turned back."""

import base64
import hashlib

import bcrypt
import pytest

from ioc.auth import passwords, tokens


def test_secrets_are_32_random_bytes_and_fit_a_header_and_an_address() -> None:
    made = {tokens.new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        assert len(base64.urlsafe_b64decode(secret + "=")) == 32


def test_a_secret_is_kept_as_its_sha256() -> None:
    assert tokens.hash_secret("đ") == hashlib.sha256("đ".encode()).digest()


def test_the_brokers_hash_is_checked_by_bcrypt() -> None:
    hashed = tokens.hash_mqtt_password("secret").encode()
    assert bcrypt.checkpw(b"secret", hashed)
    assert not bcrypt.checkpw(b"Secret", hashed)


def test_mosquittos_hash_is_salted_pbkdf2() -> None:
    first, second = (tokens.hash_mosquitto_password("secret") for _ in range(2))
    assert first != second
    _, kind, rounds, salt, digest = first.split("$")
    expected = hashlib.pbkdf2_hmac("sha512", b"secret", base64.b64decode(salt), int(rounds))
    assert (kind, base64.b64decode(digest)) == ("7", expected)


def test_a_password_of_a_person_is_argon2id_and_checked_whole() -> None:
    hashed = passwords.hash_password("mật khẩu rất dài")
    assert hashed.startswith("$argon2id$")
    assert passwords.verify_password("mật khẩu rất dài", hashed)
    assert not passwords.verify_password("mật khẩu rất dà", hashed)


@pytest.mark.parametrize(("password", "taken"), [("x" * 9, False), ("x" * 10, True), ("", False)])
def test_a_short_password_is_not_taken(password: str, taken: bool) -> None:
    assert (passwords.fault(password) is None) == taken
