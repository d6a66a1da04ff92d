"""Procedures of a city from `procedures.csv`, a row for each version, checked against its units."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from ioc.city.folder import Folder, Placed
from ioc.errors import Conflict, Invalid
from ioc.procedures.catalogue import SCHEMES, Catalogue, ProcedureVersion, Scheme, check

FILE: Final = "procedures.csv"

COLUMNS: Final = (
    "code", "name", "field", "unit", "tier", "days", "level", "fee", "paper_result", "for_people",
    "population_data", "from", "until", "legal_basis_from", "decided_on", "displayed_on",
    "integrated_on", "payment_integrated_on", "parts", "document", "end_document", "sample",
)  # fmt: skip
"""The columns of the file, and of a table that is imported."""

NEEDED: Final = ("code", "name", "field", "from")

ALIASES: Final[Mapping[str, str]] = {
    "Mã thủ tục": "code", "Mã TTHC": "code", "Tên thủ tục": "name", "Tên TTHC": "name",
    "Lĩnh vực": "field", "Đơn vị": "unit", "Cơ quan thực hiện": "unit", "Cấp thực hiện": "tier",
    "Thời hạn (ngày làm việc)": "days", "Thời hạn": "days", "Mức độ": "level",
    "Mức độ DVC": "level", "Có phí, lệ phí": "fee", "Phí": "fee",
    "Có kết quả giấy": "paper_result", "Của người dân": "for_people",
    "Dùng dữ liệu dân cư": "population_data", "Từ ngày": "from", "Đến ngày": "until",
    "Căn cứ có hiệu lực từ": "legal_basis_from", "Ngày công bố": "decided_on",
    "Ngày công khai": "displayed_on", "Ngày tích hợp": "integrated_on",
    "Ngày tích hợp thanh toán": "payment_integrated_on", "Nội dung đã công khai": "parts",
    "Quyết định công bố": "document", "Quyết định bãi bỏ": "end_document", "Số liệu mẫu": "sample",
}  # fmt: skip
"""Headings as offices write them."""

YES: Final = frozenset({"yes", "true", "1", "có", "x"})
NO: Final = frozenset({"", "no", "false", "0", "không"})
_FLAGS: Final = ("fee", "paper_result", "for_people", "population_data", "sample")
_RENAMED: Final = {"from": "valid_from", "until": "valid_until"}
_LEVELS: Final = {"toàn trình": "full", "một phần": "partial", "cung cấp thông tin": "info"}


def version_of(row: Mapping[str, str], schemes: Sequence[Scheme] = SCHEMES) -> ProcedureVersion:
    """The version that a row of texts describes; raises `Invalid` that names the cure."""
    given: dict[str, Any] = {
        _RENAMED.get(name, name): text for name, text in row.items() if text and name in COLUMNS
    }
    for flag in _FLAGS:
        if flag not in given:
            continue
        said = given[flag].strip().lower()
        if said not in YES | NO:
            raise Invalid(f"`{flag}` is {given[flag][:40]!r}; write yes, or leave it empty")
        given[flag] = said in YES
    if "level" in given:
        level = given["level"].strip().lower()
        given["level"] = _LEVELS.get(level, level)
    if "days" in given:
        try:
            given["days"] = float(given["days"].replace(",", "."))
        except ValueError:
            raise Invalid(
                f"`days` is {given['days'][:40]!r}; write working days as a number"
            ) from None
    try:
        version = msgspec.convert(given, ProcedureVersion)
    except msgspec.ValidationError as fault:
        raise Invalid(f"cannot be read: {fault}; days are written 2026-07-01") from fault
    check(version, schemes)
    return version


def read_procedures(folder: Folder, units: Collection[str]) -> list[ProcedureVersion]:
    """What `procedures.csv` says; a city without it has no catalogue."""
    if not (folder.root / FILE).exists():
        return []
    placed: list[Placed[ProcedureVersion]] = []
    for row, at in folder.rows(FILE, COLUMNS):
        try:
            version = version_of(row)
        except Invalid as fault:
            at.report(fault.message)
            continue
        if version.unit is not None and version.unit not in units:
            (at / "unit").unknown("unit", version.unit, units)
        placed.append(Placed(version, at))
    _check_overlaps(placed)
    return [p.spec for p in placed]


def _check_overlaps(placed: list[Placed[ProcedureVersion]]) -> None:
    own: dict[str, list[Placed[ProcedureVersion]]] = {}
    for p in placed:
        own.setdefault(p.spec.code, []).append(p)
    for versions in own.values():
        try:
            Catalogue([p.spec for p in versions])
        except Conflict as fault:
            versions[-1].at.report(fault.message)
