"""The key by which push services know this centre again, and what it signs (RFC 8292)."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ioc.notify.encryption import CURVE, as_bytes, as_text, point_of

KEY_BYTES: Final = 32
VALID_FOR: Final = timedelta(hours=12)
"""A signed header is taken for so long; services refuse more than a day."""


class Vapid:
    """A key pair; browsers subscribe to its public half, its private half signs."""

    def __init__(self, secret: str) -> None:
        """Take the text that `new_key` made; `ValueError` where it is none."""
        raw = as_bytes(secret)
        if len(raw) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(raw)}")
        self._key = ec.derive_private_key(int.from_bytes(raw, "big"), CURVE)
        self.public = as_text(point_of(self._key.public_key()))

    def header(self, endpoint: str, contact: str, now: datetime) -> str:
        """What `Authorization` says to the service of an endpoint."""
        address = urlsplit(endpoint)
        claims = {
            "aud": f"{address.scheme}://{address.netloc}",
            "exp": int((now + VALID_FOR).timestamp()),
            "sub": contact,
        }
        said = ".".join(
            as_text(msgspec.json.encode(part)) for part in ({"typ": "JWT", "alg": "ES256"}, claims)
        )
        r, s = decode_dss_signature(self._key.sign(said.encode("ascii"), ec.ECDSA(SHA256())))
        signed = as_text(r.to_bytes(KEY_BYTES, "big") + s.to_bytes(KEY_BYTES, "big"))
        return f"vapid t={said}.{signed}, k={self.public}"


def new_key() -> str:
    """A private key as text, to be kept as a secret."""
    made = ec.generate_private_key(CURVE).private_numbers().private_value
    return as_text(made.to_bytes(KEY_BYTES, "big"))
