"""Outlines from files: any format and projection, matched by code or name, made into a coverage."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import shape

from geo.layer import read_outlines
from ioc.city.read import read_city
from ioc.errors import Invalid
from ioc.org import Level, UnitVersion

CITY = Path(__file__).parents[3] / "city"
TODAY = date(2026, 11, 22)


def commune(unit: str, code: str, name: str) -> UnitVersion:
    return UnitVersion(
        unit=unit,
        valid_from=date(2025, 7, 1),
        name=f"Xã {name}",
        short_name=name,
        level=Level.COMMUNE,
        codes={"gso": code},
    )


UNITS = [commune("xa-hoa-an", "04792", "Hoà An"), commune("xa-dong", "04795", "Đông")]


def square(west: float, south: float, size: float = 0.1) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


WEST, EAST = square(105.0, 21.0), square(105.1, 21.0)
BOW = {
    "type": "Polygon",
    "coordinates": [[[105, 21], [105.1, 21.1], [105.1, 21], [105, 21.1], [105, 21]]],
}


def collection(*rows: tuple[dict[str, Any] | None, dict[str, Any]]) -> str:
    features = [{"type": "Feature", "properties": p, "geometry": g} for g, p in rows]
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.fixture
def geojson(tmp_path: Path) -> Path:
    path = tmp_path / "outlines.geojson"
    path.write_text(
        collection((WEST, {"ma": "04792", "ten": "Hòa An"}), (EAST, {"ma": "04795", "ten": "?"})),
        encoding="utf-8",
    )
    return path


def saved(geojson: Path, name: str, crs: str | None) -> Path:
    """The same shapes in another format and projection."""
    import geopandas

    frame = geopandas.read_file(geojson)
    path = geojson.with_name(name)
    (frame if crs is None else frame.to_crs(crs)).to_file(path)
    return path


def test_shapes_belong_to_units_by_code(geojson: Path) -> None:
    outlines = read_outlines(geojson, UNITS)
    assert outlines.report.matched_by == "ma"
    assert shape(outlines.by_unit["xa-hoa-an"]).equals(shape(WEST))
    assert outlines.report.missing == outlines.report.unmatched == []


def test_codes_that_lost_their_zero_are_known(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(collection((WEST, {"ma": 4792}), (EAST, {"ma": 4795})), encoding="utf-8")
    assert set(read_outlines(path, UNITS).by_unit) == {"xa-hoa-an", "xa-dong"}


@pytest.mark.parametrize("names", [("Hòa An", "Đông"), ("XÃ HOÀ AN", "xã đông")])
def test_shapes_belong_to_units_by_name_however_it_is_written(
    names: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(
        collection((WEST, {"ten": names[0]}), (EAST, {"ten": names[1]})), encoding="utf-8"
    )
    outlines = read_outlines(path, UNITS)
    assert outlines.report.matched_by == "ten"
    assert set(outlines.by_unit) == {"xa-hoa-an", "xa-dong"}


@pytest.mark.parametrize(
    ("name", "crs"),
    [("x.gpkg", "EPSG:3405"), ("x.shp", "EPSG:9210"), ("x.gpkg", "EPSG:32648")],
)
def test_any_projection_comes_out_in_degrees(geojson: Path, name: str, crs: str) -> None:
    outlines = read_outlines(saved(geojson, name, crs), UNITS)
    assert outlines.report.crs == crs
    difference = shape(outlines.by_unit["xa-dong"]).symmetric_difference(shape(EAST))
    assert difference.area < 1e-6


def test_a_shapefile_without_projection_names_the_cure(geojson: Path) -> None:
    path = saved(geojson, "x.shp", "EPSG:32648")
    path.with_suffix(".prj").unlink()
    with pytest.raises(Invalid, match=r"needs its \.prj.*--crs EPSG:4326"):
        read_outlines(path, UNITS)
    assert set(read_outlines(path, UNITS, crs="EPSG:32648").by_unit) == {"xa-hoa-an", "xa-dong"}


def test_metres_that_claim_to_be_degrees_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    far = {"type": "Polygon", "coordinates": [[[5e5, 2e6], [6e5, 2e6], [6e5, 3e6], [5e5, 2e6]]]}
    path.write_text(collection((far, {"ma": "04792"})), encoding="utf-8")
    with pytest.raises(Invalid, match="coordinates are no degrees"):
        read_outlines(path, UNITS)


def test_an_unknown_projection_is_refused(geojson: Path) -> None:
    with pytest.raises(Invalid, match="--crs EPSG:0: no such projection"):
        read_outlines(geojson, UNITS, crs="EPSG:0")


def test_a_shape_that_crosses_itself_is_repaired_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(collection((BOW, {"ma": "04792"})), encoding="utf-8")
    outlines = read_outlines(path, UNITS)
    assert outlines.report.repaired[0].unit == "xa-hoa-an"
    assert "Self-intersection" in outlines.report.repaired[0].reason
    assert shape(outlines.by_unit["xa-hoa-an"]).is_valid
    assert outlines.report.missing == ["xa-dong"]


def test_rows_without_unit_or_shape_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_text(
        collection((WEST, {"ma": "04792"}), (None, {"ma": "04795"}), (EAST, {"ma": "99999"})),
        encoding="utf-8",
    )
    report = read_outlines(path, UNITS).report
    assert report.unmatched == ["row 2: 04795", "row 3: 99999"]


def test_parts_of_a_unit_in_several_rows_become_one_outline(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    far = square(105.5, 21.0)
    path.write_text(collection((WEST, {"ma": "04792"}), (far, {"ma": "04792"})), encoding="utf-8")
    made = shape(read_outlines(path, UNITS).by_unit["xa-hoa-an"])
    assert made.geom_type == "MultiPolygon"
    assert made.area == pytest.approx(0.02)


def test_edges_within_the_tolerance_become_one_and_the_flaws_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    near = square(105.0995, 21.0)  # overlaps its neighbour by 0.0005° along 0.1°
    path.write_text(collection((WEST, {"ma": "04792"}), (near, {"ma": "04795"})), encoding="utf-8")
    outlines = read_outlines(path, UNITS)
    report = outlines.report
    assert report.overlap_before == pytest.approx(0.0005 * 0.1 * 111_195**2 * 0.9335, rel=0.01)
    assert report.overlap_after == 0
    assert shapely.coverage_is_valid([shape(o) for o in outlines.by_unit.values()])
    left_alone = read_outlines(path, UNITS, snap=0).report
    assert left_alone.overlap_after == left_alone.overlap_before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.geojson", None, "does not exist"),
        ("x.dwg", "", "is none of .geojson"),
        ("x.geojson", "{", "cannot be read"),
        ("x.geojson", '{"type":"FeatureCollection","features":[]}', "holds no shapes"),
        ("x.geojson", collection((WEST, {"colour": "red"})), "its columns are colour"),
    ],
)
def test_files_that_cannot_be_used_say_why(
    name: str, content: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(Invalid, match=said):
        read_outlines(path, UNITS)


def test_the_real_outlines_of_all_148_communes_become_a_coverage(test_data: Path) -> None:
    units = read_city(CITY).organisation.children("phu-tho", TODAY)
    communes = [unit for unit in units if unit.level == Level.COMMUNE]
    file = test_data / "units_2025" / "communes_of_4_provinces_simplified.geojson"
    outlines = read_outlines(file, communes)
    report = outlines.report
    assert len(outlines.by_unit) == 148
    assert report.missing == []
    assert len(report.unmatched) == 525 - 148
    assert report.overlap_before > 1e6
    assert report.overlap_after == 0
    assert report.gap_after < report.gap_before / 100
    for unit in communes:
        assert unit.point is not None
        assert shape(outlines.by_unit[unit.unit]).contains(shapely.Point(unit.point)), unit.name


def test_demo_features_lie_in_the_real_outline_of_their_unit_or_near_it(test_data: Path) -> None:
    city = read_city(CITY)
    file = test_data / "units_2025" / "communes_of_4_provinces_simplified.geojson"
    communes = [u for u in city.organisation.as_of(TODAY).values() if u.level == Level.COMMUNE]
    shapes = {u: shape(o) for u, o in read_outlines(file, communes).by_unit.items()}
    for feed in city.feeds:
        for feature in feed.features:
            assert feature.unit is not None
            assert feature.geometry is not None
            distance = shapely.distance(shapes[feature.unit], shape(feature.geometry))
            assert distance < 0.01, feature.id
