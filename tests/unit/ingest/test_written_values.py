"""Numbers, units and character sets as people and older programs write them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.charset import charset_of, readable, to_utf8
from ingest.numbers import read_number
from ingest.rows import from_seconds, time_fault
from ingest.uom import same_uom, ucum
from ioc.model import EPOCH, Mapping
from tests.fixtures.decoding import decoded, refusals, rows


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.803,5", 1803.5),
        ("1.803", 1803.0),
        ("12,4", 12.4),
        ("-1.234.567", -1234567.0),
        (" 0 ", 0.0),
        ("1.80", None),
        ("1,803.5", None),
        ("1803.5", None),
        ("1.8035", None),
        ("", None),
        (",5", None),
        ("1e3", None),
        ("nan", None),
        ("٣", None),
        ("1" * 50, None),
    ],
)
def test_vietnamese_numbers_are_read_and_what_is_unclear_is_not(
    text: str, number: float | None
) -> None:
    assert read_number(text, "vietnamese") == number


@given(st.floats(-1e12, 1e12).map(lambda n: round(n, 3)))
def test_a_number_written_in_vietnamese_comes_back(number: float) -> None:
    written = f"{number:,.3f}".translate(str.maketrans(",.", ".,"))
    assert read_number(written, "vietnamese") == pytest.approx(number)
    assert read_number(repr(number), "plain") == number


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CEL", "Cel"), ("°C", "Cel"), ("KMH", "km/h"), ("GQ", "ug/m3"), ("µg/m³", "ug/m3"),
        ("μg/m3", "ug/m3"), ("{veh}/h", "/h"), ("1/h", "/h"), ("{beds}", "1"), ("%RH", "%"),
        ("P1", "%"), ("/", "1"), ("C62", "{calls}"), ("KWH", "kW.h"), ("MTS", "m/s"), ("m", "m"),
        ("l/s", "L/s"), ("G51", "l/s"), ("ml", "mL"), ("Wh", "W.h"), ("WHR", "Wh"), ("h.W", "Wh"),
        ("HPA", "hPa"), ("A97", "hPa"), ("var", "D44"), ("kvarh", "K3"), ("kVA", "KVA"),
        ("m^3/h", "m3.h-1"), ("W/m2/K", "W/(m2.K)"), ("(m/s)", "m/s"), ("10^3.m", "10*3.m"),
        ("°C/h", "Cel/h"), ("l/min", "L2"), ("mg/l", "M1"), ("Ω.m", "Ohm.m"), ("1.m", "m"),
    ],
)  # fmt: skip
def test_codes_of_the_same_unit_are_equal(one: str, other: str) -> None:
    assert same_uom(one, other)
    assert same_uom(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("FAH", "Cel"), ("m/s", "km/h"), ("GP", "ug/m3"), ("m", "M"), ("K", "Cel"), ("mW", "MW"),
        ("mWh", "MWh"), ("ml", "Ml"), ("var", "V.A"), ("varh", "var"), ("W.h", "W/h"), ("h", "H"),
        ("m/s2", "m/s"), ("W/(m2.K)", "W/m2.K"), ("[ppm]", "ppb"), ("mol", "moL"), ("10*3", "10"),
        ("Pa", "PA"), ("m[H2O]", "m"), ("%", "1"),
    ],
)  # fmt: skip
def test_other_units_are_not(one: str, other: str) -> None:
    assert not same_uom(one, other)
    assert not same_uom(other, one)


_units = st.sampled_from(
    ["m", "M", "s", "S", "W", "kW", "h", "L", "mL", "V", "var", "[ppm]", "Cel"]
)
_factors = st.lists(st.tuples(_units, st.integers(1, 3)), min_size=1, max_size=4)


@given(_factors, st.randoms(use_true_random=False))
def test_the_order_of_factors_and_the_way_to_divide_do_not_matter(
    factors: list[tuple[str, int]], random: Random
) -> None:
    shuffled = random.sample(factors, len(factors))
    assert same_uom(
        "".join(f"/{unit}{power}" for unit, power in factors),
        ".".join(f"{unit}-{power}" for unit, power in shuffled),
    )


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_compared_and_is_the_same_unit_as_itself(one: str, other: str) -> None:
    assert same_uom(one, one)
    assert same_uom(one, other) == same_uom(other, one)


def test_a_code_is_kept_as_ucum_with_its_annotation() -> None:
    assert (ucum("CEL"), ucum("{veh}/h"), ucum(" µg/m³ ")) == ("Cel", "{veh}/h", "ug/m3")


@given(st.integers(946_684_800, 7_289_568_000))
def test_a_time_that_is_finer_than_seconds_is_named_as_what_it_is(seconds: int) -> None:
    assert time_fault(from_seconds(seconds)) is None
    for factor, unit in ((1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")):
        fault = time_fault(from_seconds(seconds * factor))
        assert fault is not None
        assert unit in fault
        assert "send seconds" in fault


@pytest.mark.parametrize("seconds", [-1, -1e300, float("nan"), float("inf"), 1e300, 7.3e9])
def test_a_time_that_no_clock_shows_is_refused_by_another_cure(seconds: float) -> None:
    fault = time_fault(from_seconds(seconds))
    assert fault is not None
    assert "check the clock" in fault


def test_milliseconds_in_a_mapping_that_reads_seconds_are_refused_with_the_cure() -> None:
    document = {"series": "n", "time": "t", "value": "v", "time_format": "epoch_s"}
    mapping = Mapping(version=1, effective_from=EPOCH, document=document)
    body = b'[{"n":"a/x","t":1795312800000,"v":1}]'
    found = decoded(body, format="mapped", mappings=(mapping,))
    assert refusals(found) == {0: "time_invalid"}
    assert "epoch_ms" in found.refused[0].problem.detail


def test_the_charset_of_a_content_type_is_found() -> None:
    assert charset_of('text/csv; header=present; Charset="ISO-8859-1"') == "iso-8859-1"
    assert charset_of("text/csv") == ""


@pytest.mark.parametrize(
    ("charset", "can"),
    [("utf-8", True), ("latin-1", True), ("windows-1258", True), ("utf-16", False),
     ("cp037", False), ("base64", False), ("nothing", False), ("", False), ("\x00", False)],
)  # fmt: skip
def test_charsets_that_lines_can_be_cut_in_are_read(charset: str, can: bool) -> None:
    assert readable(charset) is can


def test_marks_that_windows_1258_writes_apart_are_joined() -> None:
    # «Việt Trì»: the vowel and its tone are two bytes there.
    assert to_utf8("Viê\u0323t Tri\u0300".encode("windows-1258"), "windows-1258") == (
        "Việt Trì".encode()
    )


LATIN = "series,time,value\nC\xf4te/flow,2026-11-22T09:00:00,1\n".encode("latin-1")
TAKEN = [("Côte/flow", "2026-11-22T02:00:00Z", 1.0)]


def test_another_charset_is_read_where_the_feed_or_the_payload_names_it() -> None:
    assert rows(decoded(LATIN, "text/csv", charset="latin-1")) == TAKEN
    assert rows(decoded(LATIN, "text/csv; charset=iso-8859-1")) == TAKEN
    utf8 = LATIN.decode("latin-1").encode()
    assert rows(decoded(utf8, "text/csv; charset=utf-8", charset="latin-1")) == TAKEN


def test_another_charset_that_nobody_names_costs_its_line_and_names_the_cure() -> None:
    found = decoded(LATIN + b"a/x,2026-11-22T09:00:00,2\n", "text/csv")
    assert refusals(found) == {0: "encoding_invalid"}
    assert "ioc feed set FEED --charset" in found.refused[0].problem.detail
    assert [row[0] for row in rows(found)] == ["a/x"]


def test_a_charset_that_cannot_be_read_and_a_text_that_is_not_in_it_are_refused() -> None:
    for charset, body in (("utf-16", b"[]"), ("klingon", b"[]"), ("cp1252", b'["\x81"]')):
        found = decoded(body, f"application/json; charset={charset}")
        assert refusals(found) == {-1: "encoding_invalid"}
        assert found.refused[0].raw == body


def test_a_byte_order_mark_is_passed_over_and_utf_16_is_refused_with_the_cure() -> None:
    body = '[{"series":"a/x","time":"2026-11-22T02:00:00Z","value":1}]'
    assert rows(decoded(b"\xef\xbb\xbf" + body.encode(), "application/json"))[0][0] == "a/x"
    found = decoded(body.encode("utf-16"), "application/json")
    assert refusals(found) == {-1: "encoding_invalid"}
    assert "send UTF-8" in found.refused[0].problem.detail


def test_a_nul_and_deep_nesting_are_refused_by_what_to_do() -> None:
    item = '[{"series":"a/x","time":"2026-11-22T02:00:00Z","value":"\\u0000"}]'
    [refused] = decoded(item.encode()).refused
    assert (refused.problem.reason.value, "leave it out" in refused.problem.detail) == (
        "value_invalid", True,
    )  # fmt: skip
    for format in ("auto", "ioc", "senml", "ngsi-ld", "sensorthings"):
        deep = decoded(b'[{"a":' * 50_000, "", format=format)
        assert refusals(deep) == {-1: "json_invalid"}


def test_semicolons_of_vietnamese_spreadsheets_separate_columns() -> None:
    body = b"series;time;value\na/x;2026-11-22T09:00:00;1.5\n"
    for kind in ("text/csv", ""):
        assert rows(decoded(body, kind)) == [("a/x", "2026-11-22T02:00:00Z", 1.5)]


def test_cells_stay_texts_where_the_feed_writes_numbers_in_another_way() -> None:
    body = b"series;time;value\na/x;2026-11-22T09:00:00;1.803\nb/x;2026-11-22T09:00:00;true\n"
    found = decoded(body, "text/csv", number_format="vietnamese")
    assert [row[2] for row in rows(found)] == ["1.803", True]
