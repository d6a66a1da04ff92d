"""What published tables and outlines of a whole country say of its units, row by row."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ioc.city.finding import CityError, Finding, Source, Spot, near
from ioc.org import Level

COMMUNES = ("code", "full_name", "province_code", "province_full_name")
FLAT = ("ward_code", "ward", "district_code", "district", "province_code", "province")
"""The columns that tell the two shapes of CSV apart; there may be more."""

DIGITS = {Level.PROVINCE: 2, Level.DISTRICT: 3, Level.COMMUNE: 5}
"""How long a statistics code is."""

WORDS = (
    "Thành phố", "Thị xã", "Thị trấn", "Đặc khu", "Tỉnh", "Quận", "Huyện", "Phường", "Xã",
)  # fmt: skip
"""What a full name begins with, and a short one does not."""

Key = tuple[Level, str]
"""Level and statistics code: what names a unit within one file."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of a file, its parent, and the row that told of it first."""

    key: Key
    at: Spot
    name: str
    parent: Key | None
    area_km2: float | None = None
    point: tuple[float, float] | None = None

    @property
    def short_name(self) -> str:
        """The name without the word that says what the unit is; "Quận 1" keeps it."""
        for word in WORDS:
            rest = self.name.removeprefix(f"{word} ")
            if rest != self.name and not rest.isdigit():
                return rest
        return self.name


def read_told(path: Path) -> tuple[list[Told], list[Finding]]:
    """The units of a file, parents before their parts, and where to add what else is wrong.

    `CityError` names by line what is wrong with the file itself.
    """
    suffix = path.suffix.lower()
    found = _Found(Source(path.with_suffix(suffix).name, _text(path)))
    if suffix == ".csv":
        _read_csv(found)
    elif suffix in (".geojson", ".json"):
        _read_geojson(found)
    else:
        found.at.report("is neither CSV nor GeoJSON")
    if found.findings:
        raise CityError(found.findings)
    order = list(DIGITS)
    return sorted(found.told.values(), key=lambda told: order.index(told.key[0])), found.findings


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as fault:
        message, hint = f"is not UTF-8 at byte {fault.start}", "save it as UTF-8"
    except OSError as fault:
        message, hint = f"cannot be read: {fault.strerror}", ""
    finding = Finding(file=path.name, line=None, path="", message=message, hint=hint)
    raise CityError([finding])


class _Feature(msgspec.Struct):
    properties: dict[str, Any]


class _Collection(msgspec.Struct):
    features: list[_Feature]


class _Found:
    """The units told so far, and what is wrong."""

    def __init__(self, source: Source) -> None:
        self.text = source.text
        self.findings: list[Finding] = []
        self.at = Spot(self.findings, source)
        self.told: dict[Key, Told] = {}

    def add(self, told: Told, *, once: bool) -> None:
        """Take a unit; one that comes `once` may not come again, others not under other names."""
        level, code = told.key
        if not re.fullmatch(rf"[0-9]{{{DIGITS[level]}}}", code):
            lost = code.isdigit() and len(code) < DIGITS[level]
            hint = f"zeros in front were lost: {code.zfill(DIGITS[level])}" if lost else ""
            told.at.report(f"{code!r} is no code of a {level}: {DIGITS[level]} digits", hint)
        elif not told.name:
            told.at.report(f"{level} {code} has no name")
        elif told.key not in self.told:
            self.told[told.key] = told
        elif once:
            told.at.report(f"{level} {code} stands here twice: at {self.told[told.key].at} too")
        elif (before := self.told[told.key]).name != told.name:
            told.at.report(
                f"{level} {code} is called {told.name} here, but {before.name} at {before.at}"
            )


def _read_csv(found: _Found) -> None:
    header, rows = _rows(found)
    if set(header) >= set(COMMUNES):
        for row, at in rows:
            province = (Level.PROVINCE, row["province_code"])
            found.add(
                Told(key=province, at=at, name=row["province_full_name"], parent=None), once=False
            )
            found.add(_commune(row, at, province), once=True)
    elif set(header) >= set(FLAT):
        for row, at in rows:
            _add_flat(found, row, at)
    else:
        hint = near("ward_code" if "ward" in ",".join(header) else "full_name", header, shown=0)
        (found.at / 1).report(
            f"the first row has neither {', '.join(COMMUNES)} nor {', '.join(FLAT)}", hint
        )


def _rows(found: _Found) -> tuple[list[str], Iterator[tuple[dict[str, str], Spot]]]:
    """The first row, and the others by its names."""
    first = found.text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(found.text, newline=""), delimiter=delimiter)

    def rows() -> Iterator[tuple[dict[str, str], Spot]]:
        for row in reader:
            at = found.at / reader.line_num
            if len(row) == len(header):
                yield {key: cell.strip() for key, cell in zip(header, row, strict=True)}, at
            elif row:
                at.report(f"has {len(row)} fields instead of {len(header)}")

    header = [cell.strip() for cell in next(reader, list[str]())]
    return header, rows()


def _add_flat(found: _Found, row: Mapping[str, str], at: Spot) -> None:
    province = (Level.PROVINCE, row["province_code"])
    district = (Level.DISTRICT, row["district_code"])
    commune = (Level.COMMUNE, row["ward_code"])
    found.add(Told(key=province, at=at, name=row["province"], parent=None), once=False)
    found.add(Told(key=district, at=at, name=row["district"], parent=province), once=False)
    # Island districts have no communes: their row ends with the district.
    if row["ward_code"] or row["ward"]:
        found.add(Told(key=commune, at=at, name=row["ward"], parent=district), once=True)


def _commune(row: Mapping[str, str], at: Spot, province: Key) -> Told:
    longitude = _number(row.get("rep_lon", ""), at / "rep_lon", -180, 180)
    latitude = _number(row.get("rep_lat", ""), at / "rep_lat", -90, 90)
    return Told(
        key=(Level.COMMUNE, row["code"]),
        at=at,
        name=row["full_name"],
        parent=province,
        area_km2=_number(row.get("area_km2", ""), at / "area_km2", 0, 1e6),
        point=None if longitude is None or latitude is None else (longitude, latitude),
    )


def _number(text: str, at: Spot, low: float, high: float) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        at.report(f"{text!r} is not a number", "write 12.5, without separators")
        return None
    if not low <= value <= high or value == 0:
        at.report(f"{text} is not between {low:g} and {high:g}")
        return None
    return value


def _read_geojson(found: _Found) -> None:
    try:
        content = msgspec.json.decode(found.text, type=_Collection)
    except (msgspec.ValidationError, msgspec.DecodeError) as fault:
        found.at.report(
            f"is not a FeatureCollection with properties: {fault}", "see RFC 7946, section 3.3"
        )
        return
    for index, feature in enumerate(content.features):
        _add_feature(found, feature.properties, found.at / "features" / index / "properties")
    if len({level for level, _ in found.told}) > 1:
        found.at.report("holds outlines of provinces and of communes", "write a file of each")


def _add_feature(found: _Found, said: dict[str, Any], at: Spot) -> None:
    code, name, within = (said.get(key, "") for key in ("code", "fullName", "provinceCode"))
    if not (isinstance(code, str) and isinstance(name, str) and isinstance(within, str)):
        at.report("a unit has a code and a fullName, a commune its provinceCode too, all as text")
        return
    level = Level.COMMUNE if within else Level.PROVINCE
    area: Any = said.get("areaKm2")
    found.add(
        Told(
            key=(level, code),
            at=at,
            name=name.strip(),
            parent=(Level.PROVINCE, within) if within else None,
            area_km2=None if area is None else _number(str(area), at / "areaKm2", 0, 1e6),
        ),
        once=True,
    )
