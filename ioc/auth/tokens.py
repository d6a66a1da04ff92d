"""Secrets that are shown once and kept as hashes: keys, tokens and MQTT passwords."""

import base64
import hashlib
import os
import secrets

import bcrypt

BCRYPT_ROUNDS = 5
"""Few rounds are enough for 32 random bytes, and the broker checks them at every connect."""

PBKDF2_ROUNDS = 101
"""What mosquitto_passwd itself uses."""


def new_secret() -> str:
    """32 random bytes as text for a header, a URL or a password field."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret: SHA-256 is enough, since nobody can guess 32 random bytes."""
    return hashlib.sha256(secret.encode()).digest()


def hash_mqtt_password(password: str) -> str:
    """What the broker stores of a password."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(BCRYPT_ROUNDS)).decode()


def hash_mosquitto_password(password: str) -> str:
    """What mosquitto stores of a password (`$7$`: PBKDF2 with SHA-512)."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PBKDF2_ROUNDS)
    encoded = "$".join(base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${PBKDF2_ROUNDS}${encoded}"
