"""User files for an external mosquitto: passwords, and rights by agency."""

from collections.abc import Iterable, Mapping
from pathlib import Path


def access_list(own: str, agencies: Iterable[str]) -> str:
    """Mosquitto's access list: each agency writes below its own prefix and reads its refusals."""
    lines = [f"user {own}", "topic readwrite #", ""]
    for agency in sorted(agencies):
        lines += [
            f"user {agency}",
            f"topic write ioc/v1/{agency}/#",
            f"topic read ioc/errors/{agency}/#",
            "",
        ]
    return "\n".join(lines)


def write_user_files(directory: Path, own: str, hashes: Mapping[str, str]) -> None:
    """Write `passwords` and `acl` into the directory, for the broker to read them again.

    `hashes` are the hashed passwords by user, the product's `own` user among them.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"{user}:{hashed}" for user, hashed in sorted(hashes.items())]
    _replace(directory / "passwords", "\n".join(lines) + "\n")
    _replace(directory / "acl", access_list(own, hashes.keys() - {own}))


def _replace(path: Path, text: str) -> None:
    made = path.with_suffix(".new")
    made.touch(mode=0o600)
    made.write_text(text, encoding="utf-8")
    made.replace(path)
