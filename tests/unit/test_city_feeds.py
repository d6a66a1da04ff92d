"""What `feeds.toml` may say of the payloads of a feed."""

import shutil
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import read_city

CITY = Path(__file__).parents[2] / "city"


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    """The feeds of a copy of the shipped city."""
    shutil.copytree(CITY, tmp_path / "city")
    return tmp_path / "city" / "feeds.toml"


def _say(feeds: Path, *lines: str) -> None:
    given = feeds.read_text()
    own = [line for line in given.split("[[feed]]", 2)[1].splitlines() if "format" not in line]
    first, rest = "\n".join([*lines, *own]), given.split("[[feed]]", 2)[2]
    feeds.write_text(f"[[feed]]\n{first}\n[[feed]]{rest}")


def test_a_feed_says_how_its_payloads_are_written(feeds: Path) -> None:
    _say(
        feeds, 'format = "mapped"', 'charset = "Windows-1258"', 'number_format = "vietnamese"',
        "most_series = 12",
    )  # fmt: skip
    feed = read_city(feeds.parent).feeds[0]
    assert (feed.format, feed.charset) == ("mapped", "windows-1258")
    assert (feed.number_format, feed.most_series) == ("vietnamese", 12)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('format = "ngsi"', "format"),
        ('charset = "utf-16"', "charset"),
        ('charset = "klingon"', "charset"),
        ('number_format = "french"', "number_format"),
        ("most_series = -1", "most_series"),
    ],
)
def test_what_cannot_be_read_is_reported_at_its_key(feeds: Path, line: str, key: str) -> None:
    _say(feeds, line)
    with pytest.raises(CityError) as caught:
        read_city(feeds.parent)
    assert len([finding for finding in caught.value.findings if key in str(finding)]) == 1
