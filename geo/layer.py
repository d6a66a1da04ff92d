"""Outlines from files of a survey office: GeoJSON, GeoPackage or shapefile, in any projection."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import shapely as typed_shapely
from shapely.geometry import mapping

from geo.geojson import rounded
from ioc.errors import Invalid
from ioc.org import UnitVersion

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

shapely: Any = typed_shapely
"""The published types are older than the library."""

DEGREES = "EPSG:4326"

SNAP = 0.001
"""Neighbours' edges nearer than this become one, in degrees (about 100 m).

Files that were simplified shape by shape miss each other by about their own tolerance.
"""

DIGITS = 6
"""Decimals of a degree that are kept: 0.1 m."""

KINDS = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".fgb")

CODE_DIGITS = 5
"""Commune codes have five digits; a column of numbers has lost the zeros in front."""

METRES_PER_DEGREE = 111_195.0
"""Along a meridian; areas are only reported, so that a sphere is good enough."""


class Repair(msgspec.Struct, frozen=True):
    """A shape that was not valid as it came, and why."""

    unit: str
    reason: str


class OutlineReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the shapes of a file; areas in m² over the shapes that were taken."""

    shapes: int
    crs: str
    matched_by: str
    repaired: list[Repair]
    unmatched: list[str]
    missing: list[str]
    tolerance: float
    overlap_before: float
    overlap_after: float
    gap_before: float
    gap_after: float


class Outlines(msgspec.Struct, frozen=True):
    """Outlines as GeoJSON (EPSG:4326) by unit, and the report."""

    by_unit: dict[str, dict[str, Any]]
    report: OutlineReport


def read_outlines(
    path: Path,
    units: Sequence[UnitVersion],
    *,
    crs: str | None = None,
    snap: float = SNAP,
) -> Outlines:
    """The outlines of units (versions of one day, of one level) from a file.

    `crs` names the file's projection where the file does not. Shapes belong to units by official
    code or by name, whichever column of the file knows most of them. `snap` 0 leaves edges alone.
    """
    frame, projection = _read(path, crs)
    rows = _match(frame, units)
    taken, unmatched = _gather(frame, rows.units)
    if not taken:
        raise Invalid(
            f"{path.name}: no shape belongs to a unit; its columns are "
            f"{', '.join(_columns(frame))}: one of them must hold official codes or names"
        )
    shapes, repaired = _repaired(taken)
    overlap, gap = _flaws(list(shapes.values()))
    if snap > 0 and len(shapes) > 1:
        shapes = _snapped(shapes, snap)
    overlap_after, gap_after = _flaws(list(shapes.values()))
    report = OutlineReport(
        shapes=len(frame),
        crs=projection,
        matched_by=rows.column,
        repaired=repaired,
        unmatched=unmatched,
        missing=sorted(v.unit for v in units if v.unit not in shapes),
        tolerance=snap,
        overlap_before=overlap,
        overlap_after=overlap_after,
        gap_before=gap,
        gap_after=gap_after,
    )
    by_unit = {unit: rounded(mapping(made), DIGITS) for unit, made in sorted(shapes.items())}
    return Outlines(by_unit, report)


def _read(path: Path, crs: str | None) -> "tuple[GeoDataFrame, str]":
    """The file's rows in degrees, and the name of the projection that they came in."""
    if not path.exists():
        raise Invalid(f"{path} does not exist")
    if path.suffix.lower() not in KINDS:
        raise Invalid(f"{path.name} is none of {', '.join(KINDS)}")
    import geopandas
    from pyproj.exceptions import CRSError

    reader: Any = geopandas
    try:
        frame: Any = reader.read_file(path, engine="pyogrio")
    except Exception as fault:
        raise Invalid(f"{path.name} cannot be read: {fault}") from fault
    if not isinstance(frame, geopandas.GeoDataFrame) or frame.empty:
        raise Invalid(f"{path.name} holds no shapes")
    try:
        if crs is not None:
            frame = frame.set_crs(crs, allow_override=True)
        if frame.crs is None:
            raise Invalid(
                f"{path.name} does not say in which projection it is (a shapefile needs its .prj); "
                "name it: --crs EPSG:4326 for degrees, or the VN-2000 zone of the province"
            )
        name = str(frame.crs.to_string())
        frame = frame.to_crs(DEGREES)
    except CRSError as fault:
        raise Invalid(f"--crs {crs}: no such projection; write such as EPSG:4326") from fault
    bounds = [float(value) for value in frame.total_bounds]
    beyond = not all(math.isfinite(v) for v in bounds) or max(map(abs, bounds[0::2])) > 180
    if beyond or max(map(abs, bounds[1::2])) > 90:
        raise Invalid(
            f"{path.name} says {name}, but its coordinates are no degrees; "
            "name the real projection: --crs EPSG:…"
        )
    return frame, name


class _Rows(msgspec.Struct, frozen=True):
    """The unit of each row (None: none of ours), and the column that told."""

    column: str
    units: list[str | None]


def _match(frame: "GeoDataFrame", units: Sequence[UnitVersion]) -> _Rows:
    codes = _only_once((code, v.unit) for v in units for code in v.codes.values())
    names = _only_once((_plain(v.name), v.unit) for v in units)
    short = _only_once((_plain(v.short_name), v.unit) for v in units)
    ids = {v.unit: v.unit for v in units}
    best = _Rows("", [None] * len(frame))
    for column, values in _texts(frame).items():
        padded = [value.zfill(CODE_DIGITS) if value.isdigit() else value for value in values]
        plain = [_plain(value) for value in values]
        for known, keys in (
            (codes, values),
            (codes, padded),
            (ids, values),
            (names, plain),
            (short, plain),
        ):
            found = _found_once([known.get(key) for key in keys])
            if _count(found) > _count(best.units):
                best = _Rows(column, found)
    return best


def _columns(frame: "GeoDataFrame") -> list[str]:
    geometry = str(frame.geometry.name)
    return [str(column) for column in frame.columns if str(column) != geometry]


def _texts(frame: "GeoDataFrame") -> dict[str, list[str]]:
    """What the file says of each row, by column."""
    table: Any = frame
    return {name: [_text(cell) for cell in table[name].tolist()] for name in _columns(frame)}


def _only_once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs whose key stands for one unit alone."""
    units: dict[str, set[str]] = {}
    for key, unit in pairs:
        units.setdefault(key, set()).add(unit)
    return {key: next(iter(found)) for key, found in units.items() if len(found) == 1}


def _found_once(units: list[str | None]) -> list[str | None]:
    """Leave out what many rows claim: a column with the district's code is not the commune's."""
    counts = Counter(units)
    return [unit if counts[unit] <= MOST_PARTS else None for unit in units]


MOST_PARTS = 20
"""A unit may come in so many rows (islands, exclaves), which are put together."""


def _count(units: list[str | None]) -> int:
    return len({unit for unit in units if unit is not None})


def _text(value: object) -> str:
    """A cell as text: codes that came as numbers lose their ".0"."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else ""
    return "" if value is None else str(value).strip()


def _plain(name: str) -> str:
    """A name for comparison, without marks and case, so that Hòa and Hoà are alike."""
    bare = unicodedata.normalize("NFD", name.replace("Đ", "D").replace("đ", "d"))
    letters = "".join(c for c in bare if not unicodedata.combining(c)).casefold()
    return " ".join(letters.split())


def _gather(
    frame: "GeoDataFrame", units: list[str | None]
) -> tuple[dict[str, list[Any]], list[str]]:
    """The shapes of each unit, and a name for each row that belongs to none."""
    taken: dict[str, list[Any]] = {}
    unmatched: list[str] = []
    texts = list(_texts(frame).values())[:4]
    shapes: list[Any] = list(frame.geometry)
    for row, (unit, made) in enumerate(zip(units, shapes, strict=True)):
        if unit is not None and made is not None and not made.is_empty:
            taken.setdefault(unit, []).append(made)
        else:
            said = " ".join(column[row] for column in texts if column[row])
            unmatched.append(f"row {row + 1}: {said}")
    return taken, unmatched


def _repaired(taken: Mapping[str, list[Any]]) -> tuple[dict[str, Any], list[Repair]]:
    shapes: dict[str, Any] = {}
    repaired: list[Repair] = []
    for unit, parts in taken.items():
        areas: list[Any] = []
        for part in parts:
            flat: Any = shapely.force_2d(part)
            if not flat.is_valid:
                repaired.append(Repair(unit, shapely.is_valid_reason(flat)))
                flat = shapely.make_valid(flat, method="structure", keep_collapsed=False)
            areas += [p for p in shapely.get_parts(flat) if p.geom_type == "Polygon"]
        if areas:
            shapes[unit] = areas[0] if len(areas) == 1 else shapely.union_all(areas)
        else:
            repaired.append(Repair(unit, "holds no area and was left out"))
    return shapes, repaired


def _snapped(shapes: Mapping[str, Any], snap: float) -> dict[str, Any]:
    """The shapes as a coverage: near edges are one, slivers between go to a neighbour."""
    cleaned = shapely.coverage_clean(
        list(shapes.values()), gap_width=snap, snapping_distance=snap / 100
    )
    return {
        unit: before if after.is_empty else after
        for (unit, before), after in zip(shapes.items(), cleaned, strict=True)
    }


def _flaws(shapes: list[Any]) -> tuple[float, float]:
    """The area that lies in more than one shape, and that of holes between them, in m²."""
    if not shapes:
        return 0.0, 0.0
    merged = shapely.union_all(shapes)
    overlap = sum(shape.area for shape in shapes) - merged.area
    own_holes = shapely.union_all([_filled_holes(shape) for shape in shapes])
    holes: Any = shapely.difference(_filled_holes(merged), own_holes)
    latitude = math.radians(merged.centroid.y)
    square = METRES_PER_DEGREE**2 * math.cos(latitude)
    return round(max(overlap, 0.0) * square, 1), round(holes.area * square, 1)


def _filled_holes(shape: Any) -> Any:
    """The holes of a shape as areas."""
    rings = [ring for part in shapely.get_parts(shape) for ring in part.interiors]
    return shapely.union_all([shapely.Polygon(ring) for ring in rings])
