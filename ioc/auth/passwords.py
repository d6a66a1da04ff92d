"""Passwords of people: Argon2id, made and checked."""

from typing import Final

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_hasher: Final = PasswordHash((Argon2Hasher(),))

SHORTEST: Final = 10
"""Characters a password must have at least."""


def hash_password(password: str) -> str:
    """The Argon2id hash of a password; takes some 130 ms and 64 MiB, so call it in a thread."""
    return _hasher.hash(password)


def verify_password(password: str, hashed: str) -> bool:
    """Whether the password belongs to the hash; as slow as `hash_password`."""
    return _hasher.verify(password, hashed)


def fault(password: str) -> str | None:
    """Why a password is not taken, or None."""
    if len(password) < SHORTEST:
        return f"the password must have at least {SHORTEST} characters"
    return None
