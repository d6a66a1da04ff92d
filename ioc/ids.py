"""Identifiers of alerts, incidents, dossiers and tickets."""

import os
from datetime import datetime
from uuid import UUID


def uuid7(now: datetime) -> UUID:
    """A UUID of version 7 (RFC 9562): ordered by time, so that new rows lie together."""
    millis = int(now.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = (millis & (2**48 - 1)) << 80 | 7 << 76 | (random >> 68 & 0xFFF) << 64
    return UUID(int=value | 2 << 62 | random & (2**62 - 1))
