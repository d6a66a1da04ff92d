"""Personal fields are told by name, however they are written; what stations say is none."""

import json

import pytest

from ingest.personal import fields_in


@pytest.mark.parametrize(
    "name", ["hoTen", "ho_ten", "Họ và tên", "HỌ TÊN", "CCCD", "so-cccd", "ngaySinh", "fullName"]
)
def test_a_personal_field_is_found_in_json_xml_and_tables(name: str) -> None:
    assert fields_in(json.dumps([{"a": {name: "x"}}], ensure_ascii=False).encode()) == [name]
    assert fields_in(f'ma;"{name}";trang_thai\n1;2;3'.encode()) == [name]
    if " " not in name:
        assert fields_in(f"<hoso><{name}>x</{name}></hoso>".encode()) == [name]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"series":"a/x","time":"2026-11-22T09:00:00Z","value":1}',
        b'{"name":"Station","address":{"street":"x"},"contact":"cccd"}',
        b"series,time,value\ncccd,2026-11-22T09:00:00Z,1\n",
        b"\x0a\x0bcccd\x12",
        b"",
    ],
)
def test_words_in_values_and_names_of_stations_are_no_personal_fields(raw: bytes) -> None:
    assert fields_in(raw) == []
