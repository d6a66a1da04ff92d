"""Where the city's files are that come with the product."""

from pathlib import Path

from ioc.errors import ConfigError


def packaged_city() -> Path:
    """The folder of the demo province: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    for folder in (package / "_city", package.parent / "city"):
        if (folder / "city.toml").is_file():
            return folder
    raise ConfigError("the city's files are missing; name a folder with IOC_CITY_DIR")
