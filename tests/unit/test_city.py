"""The shipped city reads without findings; every kind of error is found, with its line."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.rule import Missing
from ioc.city.decode import slug
from ioc.city.finding import CityError, Finding
from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City, document

SHIPPED = Path(__file__).parents[2] / "city"
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(SHIPPED)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "city"))


def findings(root: Path) -> list[Finding]:
    with pytest.raises(CityError) as raised:
        read_city(root)
    return raised.value.findings


def test_the_shipped_city_has_148_communes_of_the_new_province(city: City) -> None:
    communes = [v for v in city.organisation.children("phu-tho", TODAY) if v.level == "commune"]
    assert len(communes) == 148
    assert len({v.unit for v in communes}) == 148
    assert all(v.point and v.area_km2 and len(v.codes["gso"]) == 5 for v in communes)
    assert sum(v.area_km2 or 0 for v in communes) == pytest.approx(9361.38, abs=1)


def test_the_former_provinces_and_their_districts_end_with_the_merge(city: City) -> None:
    eve, day = date(2025, 6, 30), date(2025, 7, 1)
    before, after = city.organisation.as_of(eve), city.organisation.as_of(day)
    former = {"hoa-binh-1991", "phu-tho-1997", "vinh-phuc-1997"}
    assert {u for u, v in before.items() if v.level == "province"} == former
    assert {u for u, v in after.items() if v.level == "province"} == {"phu-tho"}
    assert len([v for v in before.values() if v.level == "district"]) == 32
    assert not [v for v in after.values() if v.level == "district"]
    for unit in former:
        successors = city.organisation.successors(unit)
        assert [(s.unit, s.weight) for s in successors] == [("phu-tho", 1.0)]


def test_two_provinces_of_one_name_and_code_are_two_units(city: City) -> None:
    old = city.organisation.by_code("gso", "25", date(2020, 6, 4))
    new = city.organisation.by_code("gso", "25", TODAY)
    assert old is not None
    assert new is not None
    assert (old.unit, new.unit) == ("phu-tho-1997", "phu-tho")


def test_every_domain_has_a_simulated_feed(city: City) -> None:
    domains = {"traffic", "health", "electricity", "environment", "service", "it"}
    assert {str(feed.domain) for feed in city.feeds} == domains
    assert all(feed.simulated for feed in city.feeds)
    assert all(feed.late_limit is None for feed in city.feeds)


def test_every_feature_has_its_series(city: City) -> None:
    disease = next(feed for feed in city.feeds if feed.layer == "disease")
    assert len(disease.features) == 148
    assert len(disease.series) == 296
    for feed in city.feeds:
        keys = [series.key for series in feed.series]
        assert len(keys) == len(set(keys))
        assert {series.feature for series in feed.series} == {f.id for f in feed.features}
        assert all(len(key.encode()) <= 255 for key in keys)


def test_durations_arrive_in_seconds(city: City) -> None:
    traffic = next(feed for feed in city.feeds if feed.layer == "traffic")
    assert (traffic.interval, traffic.freshness) == (300.0, 1200.0)


def test_every_outline_says_that_it_is_illustrative(city: City) -> None:
    assert len(city.outlines) == 149
    assert {outline.source for outline in city.outlines} == {"ranh giới minh họa"}
    units = city.organisation.as_of(TODAY)
    assert all(outline.unit in units for outline in city.outlines)


def test_the_target_of_2026_is_marked_as_a_sample_and_that_of_2021_is_not(city: City) -> None:
    online = [t for t in city.targets if t.indicator == "online-share"]
    by_unit = {(t.unit, t.valid_from.year): t for t in online}
    assert by_unit["phu-tho", 2026].sample
    assert by_unit["phu-tho", 2026].value == 51
    assert by_unit["phuong-viet-tri", 2026].value == 51
    assert not by_unit["hoa-binh-1991", 2021].sample
    assert by_unit["hoa-binh-1991", 2021].valid_until == date(2022, 1, 1)


def test_documents_survive_json(city: City) -> None:
    for part in (*city.layers, *city.boards, *city.rules, *city.indicators):
        made = document(part)
        assert json.loads(json.dumps(made)) == made


def test_the_overview_covers_every_domain_and_the_quality_of_the_data(city: City) -> None:
    domains = {c.id: c.indicator.domain for c in city.indicators}
    overview = next(board for board in city.boards if board.id == "overview")
    assert {domains[figure] for figure in overview.figures} == {f.domain for f in city.feeds}
    quality = {"feeds-fresh-share", "stored-share", "quarantined-share"}
    assert quality <= set(overview.figures)


def test_every_domain_has_a_rule_for_missing_reports(city: City) -> None:
    feeds = {feed.id: feed.domain for feed in city.feeds}
    missing = [c.rule for c in city.rules if isinstance(c.rule, Missing)]
    assert {rule.domain or feeds[str(rule.feed)] for rule in missing} == set(feeds.values())


def test_without_another_folder_the_demo_province_is_read() -> None:
    assert (packaged_city() / "city.toml").is_file()


class Wrong(NamedTuple):
    """One change of one shipped file that makes it wrong."""

    file: str
    old: str
    new: str
    message: str
    hint: str = ""
    path: str = ""


WRONG = {
    "toml": Wrong("city.toml", 'unit = "phu-tho"', "unit = phu-tho", "is not TOML"),
    "unknown key": Wrong(
        "feeds.toml",
        'freshness = "PT20M"',
        'freshnes = "PT20M"',
        "the key 'freshnes' is not known here",
        "did you mean 'freshness'?",
        "feed[0].freshnes",
    ),
    "unknown table": Wrong(
        "layers.toml",
        '[[layer]]\nid = "it"',
        '[[layr]]\nid = "it"',
        "this file has no 'layr'",
        "did you mean 'layer'?",
        "layr",
    ),
    "unit": Wrong(
        "feeds.toml",
        'agency = "so-xay-dung"',
        'agency = "so-xay-dungg"',
        "no unit is called 'so-xay-dungg'",
        "did you mean 'so-xay-dung'?",
        "feed[0].agency",
    ),
    "slug": Wrong(
        "feeds.toml",
        'id = "giao-thong"',
        'id = "Giao thông"',
        "'Giao thông' is not an id",
        "write 'giao-thong'",
        "feed[0].id",
    ),
    "enum": Wrong(
        "feeds.toml",
        'domain = "electricity"',
        'domain = "electricty"',
        "'electricty' is not one of",
        "did you mean 'electricity'?",
    ),
    "duplicate id": Wrong(
        "feeds.toml",
        'id = "thuy-van"',
        'id = "khong-khi"',
        "'khong-khi' stands at feeds.toml:",
        "ids are unique",
    ),
    "duration": Wrong(
        "feeds.toml",
        'interval = "PT30M"',
        'interval = "30 min"',
        "'30 min' is not an ISO 8601 duration",
    ),
    "late limit": Wrong(
        "feeds.toml",
        'late_limit = "none"\nsimulated = true\nlayer = "river"',
        'late_limit = "never"\nsimulated = true\nlayer = "river"',
        "'never' is not a duration",
        '"none"',
    ),
    "freshness": Wrong(
        "feeds.toml", 'freshness = "PT20M"', 'freshness = "PT1M"', "shorter than the interval"
    ),
    "low above high": Wrong("feeds.toml", "high = 12000", "high = -1", "is not below high"),
    "features file": Wrong(
        "feeds.toml",
        '"features/rivers.geojson"',
        '"features/river.geojson"',
        "no file is called",
        "did you mean 'features/rivers.geojson'?",
    ),
    "layer of a feed": Wrong(
        "feeds.toml",
        'layer = "river"',
        'layer = "rivers"',
        "no layer is called 'rivers'",
        "did you mean 'river'?",
    ),
    "unit of a feature": Wrong(
        "features/rivers.geojson",
        '"unit": "xa-ha-hoa"',
        '"unit": "xa-ha-hoaa"',
        "no unit is called 'xa-ha-hoaa'",
        "did you mean 'xa-ha-hoa'?",
        "features[4].properties.unit",
    ),
    "swapped position": Wrong(
        "features/rivers.geojson",
        '"coordinates": [105.3538, 20.84652]',
        '"coordinates": [20.84652, 105.3538]',
        "is not longitude and latitude",
        path="features[2].geometry.coordinates",
    ),
    "feature outside": Wrong(
        "features/rivers.geojson",
        '"coordinates": [105.3538, 20.84652]',
        '"coordinates": [106.3538, 20.84652]',
        "outside the province's bounds",
    ),
    "layer's property": Wrong(
        "layers.toml",
        '["speed", "flow"]',
        '["sped", "flow"]',
        "no property of this layer's feeds is called 'sped'",
        "did you mean 'speed'?",
        "layer[2].properties[0]",
    ),
    "layer's indicator": Wrong(
        "layers.toml",
        'indicator = "online-share"',
        'indicator = "online"',
        "no indicator is called 'online'",
        path="layer[0].indicator",
    ),
    "levels": Wrong("layers.toml", "{ at = 25 }", "{ at = 5 }", "does not lie above 15"),
    "rule's property": Wrong(
        "rules.toml",
        'property = "dengue-cases"',
        'property = "dengue"',
        "no property of health is called 'dengue'",
        "did you mean 'dengue-cases'?",
    ),
    "rule's attribute": Wrong(
        "rules.toml",
        'above = "alarm_3"',
        'above = "alarm_4"',
        "no attribute of features with water-level is called 'alarm_4'",
    ),
    "rule's feed": Wrong(
        "rules.toml",
        'feed = "mot-cua"',
        'feed = "mot-cuaa"',
        "no feed is called 'mot-cuaa'",
        "did you mean 'mot-cua'?",
    ),
    "rule's hold": Wrong(
        "rules.toml", 'hold = "PT5M"', 'hold = "5m"', "hold cannot be read", "ISO 8601"
    ),
    "rule's key": Wrong(
        "rules.toml", "clear = 15", "cleer = 15", "cleer is not known here", "did you mean clear?"
    ),
    "indicator's property": Wrong(
        "indicators/health.toml",
        'property = "hfmd-cases"',
        'property = "hfmd"',
        "no property of health is called 'hfmd'",
        "known: beds-actual",
        "indicator[4].numerator.property",
    ),
    "indicator's count": Wrong(
        "indicators/service.toml",
        'numerator = "received_online"',
        'numerator = "online"',
        "names an unknown count online",
    ),
    "indicator's denominator": Wrong(
        "indicators/electricity.toml",
        'denominator = { property = "capacity", take = "sum" }\n',
        "",
        "denominator is missing",
    ),
    "target's indicator": Wrong(
        "history/hoa-binh-2021.toml",
        'indicator = "online-share"\nunit',
        'indicator = "online-shares"\nunit',
        "no indicator is called 'online-shares'",
        "did you mean 'online-share'?",
        "target[0].indicator",
    ),
    "target of a dead unit": Wrong(
        "targets.toml",
        'unit = "phu-tho"',
        'unit = "phu-tho-1997"',
        "unit phu-tho-1997 does not exist on 2026-01-01",
        "does not follow a merge",
    ),
    "target twice": Wrong(
        "targets.toml",
        'each = "department"',
        'unit = "phu-tho"',
        "phu-tho has a target for online-share then already",
    ),
    "target beyond a share": Wrong(
        "targets.toml",
        "value = 51",
        "value = 510",
        "online-share is a share, and 510 lies beyond it",
        "write percent, from 0 to 100",
    ),
    "target by an unknown unit": Wrong(
        "targets.toml",
        'decided_by = "phu-tho"',
        'decided_by = "phu-thọ"',
        "'phu-thọ' is not an id",
        "write 'phu-tho'",
    ),
    "target that is to be handed on after its end": Wrong(
        "targets.toml",
        "must_cascade_by = 2026-03-31",
        "must_cascade_by = 2027-03-31",
        "is 2027-03-31, when the target no longer holds",
    ),
    "target's direction": Wrong(
        "targets.toml", 'direction = "up"', 'direction = "down"', "online-share is good up"
    ),
    "action's indicator": Wrong(
        "actions.toml",
        '"post-share", ',
        '"post-shar", ',
        "no indicator is called 'post-shar'",
        "did you mean 'post-share'?",
        "action[0].indicators[0]",
    ),
    "action of a unit that is not there yet": Wrong(
        "actions.toml",
        'unit = "phu-tho-1997"',
        'unit = "phu-tho"',
        "unit phu-tho does not exist on 2020-04-01",
        "name the unit of that day",
    ),
    "action that ends before it begins": Wrong(
        "actions.toml",
        "until = 2020-07-01",
        "until = 2020-04-01",
        "the action ends on 2020-04-01, before it begins",
    ),
    "board's figure": Wrong(
        "boards.toml",
        '"stored-share"',
        '"stord-share"',
        "no indicator is called 'stord-share'",
        "did you mean 'stored-share'?",
        "board[0].figures[14]",
    ),
    "user's unit": Wrong(
        "users.toml",
        'units = ["so-y-te"]',
        'units = ["so-yte"]',
        "no unit is called 'so-yte'",
        "did you mean 'so-y-te'?",
        "user[3].units[0]",
    ),
    "user's role": Wrong(
        "users.toml",
        'role = "operator"',
        'role = "opperator"',
        "is not one of",
        "did you mean 'operator'?",
    ),
    "code that is no text": Wrong(
        "units.toml",
        'gso = "17"',
        "gso = 17",
        "Expected `str`",
        path="unit[1].version[0].codes.gso",
    ),
    "attribute that is a list": Wrong(
        "features/rivers.geojson",
        '"usual_level": 22.1',
        '"usual_level": [22.1]',
        "got `array`",
        path="features[4].properties.usual_level",
    ),
    "date": Wrong("units.toml", "effective = 2025-07-01", 'effective = "July"', "is not a date"),
    "backward version": Wrong(
        "units.toml",
        'until = 2025-07-01\nname = "Tỉnh Hoà Bình"',
        'until = 1990-07-01\nname = "Tỉnh Hoà Bình"',
        "the version ends on 1990-07-01",
        path="unit[1].version[0].until",
    ),
    "parent": Wrong(
        "units.toml",
        'parent = "trung-tam-pvhcc"',
        'parent = "trung-tam"',
        "no unit is called 'trung-tam'",
    ),
    "parent of another time": Wrong(
        "units.toml",
        'parent = "vp-ubnd"',
        'parent = "phu-tho-1997"',
        "the parent phu-tho-1997 does not exist on 2025-07-01",
    ),
    "circle": Wrong(
        "units.toml", 'parent = "vp-ubnd"', 'parent = "pvhcc-viet-tri"', "its own ancestor"
    ),
    "weights": Wrong(
        "units.toml",
        "weight = 1\n",
        "weight = 0.5\n",
        "the weights of hoa-binh-1991 add up to 0.5 instead of 1",
    ),
    "event's unit": Wrong(
        "units.toml",
        'from = "hoa-binh-1991"',
        'from = "hoa-binh-1992"',
        "no unit is called 'hoa-binh-1992'",
        "did you mean 'hoa-binh-1991'?",
        "event[0].map[0].from",
    ),
    "event's date": Wrong(
        "units.toml",
        "effective = 2025-07-01",
        "effective = 2025-08-01",
        "does not exist on the day before 2025-08-01",
    ),
    "overlap": Wrong(
        "districts.csv",
        "huyen-da-bac,",
        "huyen-luong-son,",
        "two versions of unit huyen-luong-son hold on 2020-01-01",
        "end the earlier one",
    ),
    "code twice": Wrong(
        "communes.csv", ",04795,", ",04792,", "the gso code 04792 belongs to phuong-tan-hoa"
    ),
    "number of a row": Wrong("communes.csv", ",56.98,", ',"56,98",', "'56,98' is not a number"),
    "short row": Wrong("communes.csv", ",39.32,", ",", "has 13 fields instead of 14"),
    "level of a row": Wrong(
        "communes.csv",
        "Hoà Bình,commune",
        "Hoà Bình,comune",
        "is not one of",
        "did you mean 'commune'?",
    ),
    "header": Wrong("communes.csv", "id,code", "id,ma", "the first row names other columns"),
    "outline's unit": Wrong(
        "outlines.geojson",
        '"unit":"phuong-au-co"',
        '"unit":"phuong-au-coo"',
        "no unit is called 'phuong-au-coo'",
        "did you mean 'phuong-au-co'?",
    ),
    "bounds": Wrong("city.toml", "[104.75, 20.25,", "[20.25, 104.75,", "beyond ±90 degrees"),
    "time zone": Wrong(
        "city.toml", "Asia/Ho_Chi_Minh", "Asia/Hanoi", "is not a time zone", "Asia/Ho_Chi_Minh"
    ),
    "limits": Wrong(
        "properties.toml",
        'id = "speed"\nuom = "km/h"\nlow = 0',
        'id = "speed"\nuom = "km/h"\nlow = 300',
        "low 300 is not below high 200",
        path="property[0].low",
    ),
    "uom of limits": Wrong(
        "properties.toml",
        'uom = "Cel"',
        'uom = "K"',
        "no measuring unit of temperature is called 'K'",
        "known: Cel",
    ),
    "flat-line": Wrong(
        "properties.toml",
        'flat = "PT6H"',
        'flat = "PT5M"',
        "is not longer than the interval of 300 s",
        "two values are no standstill",
    ),
    "rate": Wrong("properties.toml", "rate = 0.5", "rate = -0.5", "a rate must be above 0"),
    "no limit": Wrong(
        "properties.toml",
        'id = "load"\nuom = "MW"\nlow = 0\nhigh = 500',
        'id = "load"\nuom = "MW"',
        "sets no limit",
        "write some of low, high, rate, flat",
    ),
    "text": Wrong(
        "layers.toml", 'en = "Traffic"', 'eng = "Traffic"', "the key 'eng' is not known here"
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_error_is_reported_with_file_line_key_and_hint(name: str, copy: Path) -> None:
    wrong = WRONG[name]
    path = copy / wrong.file
    text = path.read_text(encoding="utf-8")
    assert wrong.old in text
    path.write_text(text.replace(wrong.old, wrong.new, 1), encoding="utf-8")
    found = [f for f in findings(copy) if f.file == wrong.file and wrong.message in f.message]
    assert found, [str(f) for f in findings(copy)]
    assert wrong.hint in found[0].hint
    if wrong.path:
        assert found[0].path == wrong.path
    first = text[: text.index(wrong.old)].count("\n") + 1
    near = range(first - 9, first + 9)
    assert found[0].line in near


@pytest.mark.parametrize("name", ["unit", "rule's property", "outline's unit", "swapped position"])
def test_the_line_is_exactly_that_of_the_value(name: str, copy: Path) -> None:
    wrong = WRONG[name]
    path = copy / wrong.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(wrong.old, wrong.new, 1), encoding="utf-8")
    line = text[: text.index(wrong.old)].count("\n") + 1
    assert line in [f.line for f in findings(copy) if wrong.message in f.message]


def test_all_errors_of_all_files_are_reported_at_once(copy: Path) -> None:
    apart = [WRONG[n] for n in ("unit", "duration", "rule's hold", "board's figure", "overlap")]
    for wrong in apart:
        path = copy / wrong.file
        text = path.read_text(encoding="utf-8").replace(wrong.old, wrong.new, 1)
        path.write_text(text, encoding="utf-8")
    reported = findings(copy)
    for wrong in apart:
        assert [f for f in reported if wrong.message in f.message], wrong


def test_several_errors_of_one_table_are_all_reported(copy: Path) -> None:
    path = copy / "feeds.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace('domain = "traffic"', 'domain = "trafic"\nfoo = 1', 1)
    path.write_text(text.replace('interval = "PT5M"', 'interval = "x"', 1), encoding="utf-8")
    paths = {f.path for f in findings(copy)}
    assert {"feed[0].domain", "feed[0].foo", "feed[0].interval"} <= paths


def test_what_names_a_thing_with_errors_is_no_second_error(copy: Path) -> None:
    path = copy / "indicators" / "service.toml"
    text = path.read_text(encoding="utf-8").replace("decimals = 1", "decimals = 99", 1)
    path.write_text(text, encoding="utf-8")
    assert [f.file for f in findings(copy)] == ["indicators/service.toml"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "units.toml").unlink(), "the file does not exist"),
        (lambda root: (root / "city.toml").unlink(), "the file does not exist"),
        (lambda root: (root / "city.toml").write_text(""), "the table [province] is missing"),
        (lambda root: (root / "rules.toml").write_bytes(b"\xff\xfe"), "is not UTF-8"),
        (lambda root: (root / "rules.toml").rename(root / "rule.toml"), "not one that a city has"),
        (lambda root: (root / "features/rivers.geojson").write_text("[1,\n2,,]"), "is not JSON"),
        (lambda root: (root / "features/rivers.geojson").write_text("[]"), "FeatureCollection"),
        (lambda root: (root / "outlines.geojson").write_text('{"a": NaN}'), "is not JSON"),
    ],
)
def test_files_that_cannot_be_used_are_reported(
    spoil: Callable[[Path], object], message: str, copy: Path
) -> None:
    spoil(copy)
    assert any(message in f.message for f in findings(copy))


TEXTS = {
    str(path.relative_to(SHIPPED)): path.read_text(encoding="utf-8")
    for path in sorted(SHIPPED.rglob("*"))
    if path.suffix in (".toml", ".csv", ".geojson")
}


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to write to again and again."""
    return Path(shutil.copytree(SHIPPED, tmp_path_factory.mktemp("spoiled") / "city"))


@settings(max_examples=25, deadline=None)
@given(
    file=st.sampled_from(sorted(TEXTS)),
    place=st.floats(0, 1, exclude_max=True),
    length=st.integers(0, 60),
    instead=st.sampled_from(
        ["", '"', "5", "nan", "[]", "{}", "[1]", "null", "x = 1", "\n", ",", "= ", "2025-01-01"]
    ),
)
def test_whatever_stands_in_a_file_the_answer_is_a_city_or_findings(
    spoiled: Path, file: str, place: float, length: int, instead: str
) -> None:
    text = TEXTS[file]
    at = int(place * len(text))
    (spoiled / file).write_text(text[:at] + instead + text[at + length :], encoding="utf-8")
    found: list[Finding] = []
    try:
        read_city(spoiled)
    except CityError as error:
        found = error.findings
    finally:
        (spoiled / file).write_text(text, encoding="utf-8")
    assert all(finding.message and finding.line != 0 for finding in found)


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert "no such folder" in findings(tmp_path / "nowhere")[0].message


def test_a_small_city_needs_only_a_province(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(
        '[province]\nunit = "x"\nname_vi = "X"\nname_en = "X"\n'
        'time_zone = "Asia/Ho_Chi_Minh"\nbounds = [104, 20, 106, 22]\n',
        encoding="utf-8",
    )
    (tmp_path / "units.toml").write_text(
        '[[unit]]\nid = "x"\n[[unit.version]]\nfrom = 2025-07-01\nname = "X"\n'
        'short_name = "X"\nlevel = "province"\n',
        encoding="utf-8",
    )
    city = read_city(tmp_path)
    assert (city.feeds, city.rules, city.outlines) == ([], [], [])


def test_a_finding_reads_like_a_compiler_message() -> None:
    finding = Finding(
        file="feeds.toml", line=3, path="feed[0].agency", message="no unit", hint="did you mean x?"
    )
    assert str(finding) == "feeds.toml:3: feed[0].agency: no unit (did you mean x?)"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Phường Việt Trì", "phuong-viet-tri"), ("Đoan Hùng", "doan-hung"), ("  ", "")],
)
def test_a_slug_is_made_from_a_name(name: str, expected: str) -> None:
    assert slug(name) == expected
