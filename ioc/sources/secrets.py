"""Secrets of other systems: read when they are needed, kept neither in the database nor in logs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ioc.sources.failure import Failure

HIDDEN = "***"

SHORTEST = 4
"""A shorter text is not blotted out: it would blot out half of every sentence."""


class Secrets:
    """Finds secrets by name in the environment or in a folder, anew each time."""

    def __init__(self, environment: Mapping[str, str], folder: Path | None) -> None:
        """Look at `IOC_SECRET_NAME` in the environment, then at the file `name` in the folder."""
        self._environment = environment
        self._folder = folder

    def read(self, name: str) -> str:
        """The secret of that name; `Failure` says where to put a missing one."""
        variable = f"IOC_SECRET_{name.upper().replace('-', '_')}"
        found = self._environment.get(variable)
        if found is None and self._folder is not None:
            try:
                found = (self._folder / name).read_text(encoding="utf-8").rstrip("\r\n")
            except FileNotFoundError:
                found = None
            except (OSError, UnicodeDecodeError) as error:
                reason = type(error).__name__
                raise Failure(f"the secret `{name}` cannot be read: {reason}", ours=True) from None
        if not found:
            raise Failure(
                f"the secret `{name}` is missing: set {variable}, or put it into the file `{name}` "
                "of the folder that IOC_SECRETS_DIR names",
                ours=True,
            )
        return found


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret in it blotted out."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    return text
