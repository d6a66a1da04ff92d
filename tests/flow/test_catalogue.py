"""The catalogue of procedures and the calendar at the front door."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
from openpyxl import Workbook

from tests.fixtures.server import ROOT, Server, eventually

CSV = {"Content-Type": "text/csv"}
TABLE = """Mã thủ tục,Tên thủ tục,Lĩnh vực,Cấp thực hiện,Thời hạn,Mức độ,Từ ngày,Đến ngày
9.001,Đăng ký mẫu,Hộ tịch mẫu,commune,3,4,2020-01-01,2022-08-15
9.001,Đăng ký mẫu,Hộ tịch mẫu,commune,3,toàn trình,2022-08-15,
9.002,Cấp phép mẫu,Xây dựng mẫu,commune,10,một phần,2023-01-01,
9.003,Sai mức độ,Xây dựng mẫu,commune,10,5,2023-01-01,
"""


def _sent(client: httpx2.Client, table: str = TABLE, **params: Any) -> dict[str, Any]:
    answer = client.post("/procedures/import", content=table.encode(), headers=CSV, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _of_field(client: httpx2.Client, field: str, on: str) -> list[dict[str, Any]]:
    found = client.get("/procedures", params={"field": field, "on": on}).json()["items"]
    return [item["version"] for item in found]


def test_a_table_is_tried_first_and_then_taken_but_for_what_is_wrong(server: Server) -> None:
    admin = server.sign_in("administrator")
    tried = _sent(admin, dry_run=True)
    assert (tried["added"], [r["row"] for r in tried["refused"]]) == (["9.001", "9.002"], [5])
    assert _of_field(admin, "Hộ tịch mẫu", "2026-01-01") == []
    assert _sent(admin)["added"] == ["9.001", "9.002"]
    eventually(lambda: _of_field(admin, "Hộ tịch mẫu", "2026-01-01"))
    assert [v["level"] for v in _of_field(admin, "Hộ tịch mẫu", "2022-08-14")] == ["4"]
    assert [v["level"] for v in _of_field(admin, "Hộ tịch mẫu", "2022-08-15")] == ["full"]
    assert len(admin.get("/procedures/9.001").json()["items"]) == 2
    assert _sent(admin)["unchanged"] == ["9.001", "9.002"]


def test_a_dossier_takes_the_level_that_its_procedure_had_when_it_was_filed(
    server: Server,
) -> None:
    admin = server.sign_in("administrator")
    _sent(admin)
    eventually(lambda: _of_field(admin, "Hộ tịch mẫu", "2026-01-01"))
    door = server.feed("mot-cua.muc-do", "vp-ubnd", domain="service", late_limit=None)
    at = datetime.fromisoformat("2021-05-04T09:00:00+07:00").isoformat()
    dossier = {
        "code": "HS-1", "procedure": "9.001", "received_unit": "phu-tho-1997",
        "handling_unit": "phu-tho-1997", "channel": "online", "received_at": at, "changed_at": at,
    }  # fmt: skip
    assert door.post([dossier], part="dossiers").json()["stored"] == 1
    params = {"unit": "phu-tho-1997", "period": "2021-05"}

    def online_at_levels() -> Any:
        return admin.get("/indicators/hoa-binh-online-level-3-4-share/values", params=params).json()

    eventually(lambda: online_at_levels().get("numerator") == 1)


def test_procedures_of_a_day_are_counted(server: Server) -> None:
    admin = server.sign_in("administrator")
    _sent(admin)
    eventually(lambda: _of_field(admin, "Hộ tịch mẫu", "2026-01-01"))
    found = admin.get("/procedures/counts", params={"on": "2021-01-01"}).json()
    assert found["by_field"]["Hộ tịch mẫu"] == 1
    assert found["counts"]["procedures_level_4"] == found["by_level"]["4"] >= 1
    assert admin.get("/procedures/counts", params={"on": "1999-01-01"}).json()["by_level"] == {}


def test_an_unknown_procedure_names_the_nearest_one(server: Server) -> None:
    admin = server.sign_in("administrator")
    _sent(admin)
    eventually(lambda: _of_field(admin, "Hộ tịch mẫu", "2026-01-01"))
    answer = admin.get("/procedures/9.0011")
    assert answer.status_code == 404
    assert "9.00" in answer.json()["detail"]


def test_a_day_is_set_with_its_source_and_let_go_again(server: Server) -> None:
    admin = server.sign_in("administrator")

    def working() -> int:
        return admin.get("/calendar", params={"year": 2027}).json()["working_days"]

    before = working()
    nameless = admin.put("/calendar/2027-03-03", json={"working": False, "name": "", "source": ""})
    assert nameless.status_code == 400
    assert "decision" in nameless.json()["detail"]
    setting = {"working": False, "name": "Nghỉ thêm", "source": "Công văn mẫu 1/2027"}
    assert admin.put("/calendar/2027-03-03", json=setting).status_code == 200
    eventually(lambda: working() == before - 1)
    days = admin.get("/calendar", params={"year": 2027}).json()["items"]
    assert {"day": "2027-03-03", **setting} in days
    assert admin.delete("/calendar/2027-03-03").status_code == 204
    eventually(lambda: working() == before)
    assert admin.delete("/calendar/2027-03-03").status_code == 404


def test_the_command_line_says_of_each_row_of_a_table_what_became_of_it(
    server: Server, tmp_path: Path
) -> None:
    def told(file: Path, *options: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "ioc", "procedures", "import", str(file), *options],
            cwd=ROOT, env=server.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    table = tmp_path / "thu-tuc.csv"
    table.write_text(
        "Mã TTHC;Tên TTHC;Lĩnh vực;Đơn vị;Từ ngày\n"
        "9.900001;Thủ tục một;Nội vụ;so-noi-vu;2026-01-01\n"
        "9.900002;Thủ tục hai;Nội vụ;so-khong-co;2026-01-01\n"
    )
    code, out, err = told(table, "--dry-run")
    assert (code, "would be 1 added, 0 changed, 0 unchanged, 1 rows refused" in out) == (1, True)
    assert "row 2: 9.900001: added" in out
    assert "row 3: 9.900002: refused: " in err
    assert "so-khong-co" in err

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Mã TTHC", "Tên TTHC", "Lĩnh vực", "Đơn vị", "Từ ngày"])
    sheet.append(["9.900001", "Thủ tục một", "Nội vụ", "so-noi-vu", "2026-01-01"])
    book.save(tmp_path / "thu-tuc.xlsx")
    code, out, _ = told(tmp_path / "thu-tuc.xlsx")
    assert (code, "row 2: 9.900001: added" in out) == (0, True)
    code, out, _ = told(tmp_path / "thu-tuc.xlsx")
    assert (code, "row 2: 9.900001: unchanged" in out) == (0, True)
