"""What a file of an incident is, told by its first bytes and not by its name; pure."""

from typing import Final

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
WEBP: Final = "image/webp"
PDF: Final = "application/pdf"
MP4: Final = "video/mp4"

KINDS: Final = (JPEG, PNG, WEBP, PDF, MP4)
"""All that is taken: pictures, a film, a paper; nothing that a browser would run."""


def kind_of(body: bytes) -> str | None:
    """The media type of a file; None of one that is not taken."""
    if body.startswith(b"\xff\xd8\xff"):
        return JPEG
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return WEBP
    if body.startswith(b"%PDF-"):
        return PDF
    return MP4 if body[4:8] == b"ftyp" else None
