"""Lock files pin by hash and bind nobody to an address; no file knows the machine it came from."""

import json
import re
import tomllib
from pathlib import Path

import pytest

DECISION = "docs/decisions/0009-packaging-and-locks.md"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
ADDRESS = re.compile(
    r"\w+://|@ file:|^-|--(extra-)?index|--find-links|--trusted-host", re.MULTILINE
)
PACKAGE_ADDRESS = re.compile(r"https?://[^\s\"')]+(/simple/|/-/|\.whl\b|\.tgz\b)")
HOME = re.compile(r"(?<![\w.])/(home|Users)/[a-z][\w.-]*/")


def pins(root: Path, lock: str) -> dict[str, str]:
    return dict(PIN.findall((root / lock).read_text("utf-8")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(root: Path, lock: str) -> None:
    blocks = re.split(r"^(?=[a-z0-9])", (root / lock).read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert blocks
    for block in blocks:
        assert PIN.match(block), (
            f"{lock} has a line that pins nothing, see {DECISION}: {block[:60]}"
        )
        assert "--hash=sha256:" in block, (
            f"{lock} pins without a hash, see {DECISION}: {block[:60]}"
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_file_holds_an_address(root: Path, lock: str) -> None:
    found = ADDRESS.findall((root / lock).read_text("utf-8"))
    assert not found, f"see {DECISION}: {found}"


def test_what_runs_is_what_is_tested(root: Path) -> None:
    tested = pins(root, "requirements-dev.lock").items()
    for lock in ("requirements.lock", "requirements-build.lock"):
        assert pins(root, lock).items() <= tested, f"run make locks, see {DECISION}"


def test_every_direct_dependency_is_locked(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": [
            *project["dependencies"],
            *project["optional-dependencies"]["dev"],
            *project["optional-dependencies"]["build"],
        ],
    }
    for lock, dependencies in wanted.items():
        names = {
            re.split(r"[\[<>=~! ]", item)[0].lower().replace("_", "-") for item in dependencies
        }
        missing = names - pins(root, lock).keys()
        assert not missing, f"run make locks, see {DECISION}: {missing}"


def test_the_front_ends_lock_has_hashes_and_no_addresses(root: Path) -> None:
    packages = json.loads((root / "frontend/package-lock.json").read_text("utf-8"))["packages"]
    for name, package in packages.items():
        if name:
            assert "resolved" not in package, f"{name}, see {DECISION}"
            assert package.get("integrity") or package.get("link"), f"{name}, see {DECISION}"


def test_no_file_names_a_machine_or_the_address_of_a_package(
    root: Path, project_files: list[Path]
) -> None:
    places = [str(root), str(root.parent / "shared")] if len(root.parts) > 2 else []
    found: list[str] = []
    for path in project_files:
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        held = [place for place in places if re.search(re.escape(place) + r"(?![\w-])", text)]
        held += [match.group() for match in HOME.finditer(text)]
        held += [match.group() for match in PACKAGE_ADDRESS.finditer(text)]
        found += [f"{path.relative_to(root)}: {what}" for what in held]
    assert not found, f"see {DECISION}:\n  " + "\n  ".join(found)
