"""Encrypting what is pushed so that only one browser can read it (RFC 8291, by RFC 8188)."""

import base64
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE: Final = ec.SECP256R1()
POINT_BYTES: Final = 65
SECRET_BYTES: Final = 16
SALT_BYTES: Final = 16
RECORD_BYTES: Final = 4096
"""One record, which is also the most that push services take."""

MOST_BYTES: Final = RECORD_BYTES - SALT_BYTES - 4 - 1 - POINT_BYTES - 1 - 16
"""What fits into the record beside its head, the delimiter and the tag."""


def as_text(raw: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def as_bytes(text: str) -> bytes:
    """The bytes of such a text; `ValueError` where it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise ValueError(f"{text[:20]!r} is no base64 for URLs") from error


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as browsers write it."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a browser; `ValueError` where the bytes are no point of the curve."""
    if len(point) != POINT_BYTES:
        raise ValueError(f"a public key has {POINT_BYTES} bytes, not {len(point)}")
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)


def encrypt(
    text: bytes, receiver: bytes, secret: bytes, own: ec.EllipticCurvePrivateKey, salt: bytes
) -> bytes:
    """The body for a browser's key and secret; `own` and `salt` serve one message only."""
    if len(text) > MOST_BYTES:
        raise ValueError(f"only {MOST_BYTES} bytes can be pushed, not {len(text)}")
    sender = point_of(own.public_key())
    shared = own.exchange(ec.ECDH(), public_key(receiver))
    mixed = _derived(32, secret, shared, b"WebPush: info\0" + receiver + sender)
    key = _derived(16, salt, mixed, b"Content-Encoding: aes128gcm\0")
    nonce = _derived(12, salt, mixed, b"Content-Encoding: nonce\0")
    head = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([POINT_BYTES]) + sender
    return head + AESGCM(key).encrypt(nonce, text + b"\x02", None)


def _derived(length: int, salt: bytes, secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
