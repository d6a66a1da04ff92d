"""A backup of a running product, restored into an empty directory, starts and serves the same."""

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.fixtures.server import ROOT, Server, now, product_at


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[Server]:
    """A further product, on an empty directory or database; not started."""
    with product_at(tmp_path / "other") as made:
        yield made


def _failing(server: Server, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ioc", *arguments],
        cwd=ROOT, env=server.environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    return done.stderr


@pytest.mark.timeout(300)  # five starts of the program
def test_a_backup_of_a_running_server_is_restored_and_served(
    own_server: Server, other_server: Server, tmp_path: Path
) -> None:
    own_server.start()
    door = own_server.feed("beds", interval=60.0)
    start = now().replace(second=0, microsecond=0) - timedelta(hours=2)
    body = [
        {"series": "h1/beds", "time": (start + timedelta(minutes=n)).isoformat(), "value": n}
        for n in range(90)
    ]
    assert door.post(body).json()["stored"] == 90
    file = tmp_path / "saved.tar"
    assert str(file) in own_server.command("backup", str(file))
    assert door.post([{**body[0], "value": 7}]).json()["corrected"] == 1  # it goes on

    assert "release" in other_server.command("restore", str(file))
    assert "not empty" in _failing(other_server, "restore", str(file))
    other_server.start()
    assert other_server.stored("beds") == 90
    again = type(door)(other_server, "beds", door.agency, door.key, door.password)
    assert again.post(body).json() == {
        "received": 90, "stored": 0, "duplicate": 90, "corrected": 0, "late": 0,
        "quarantined": 0, "problems": [],
    }  # fmt: skip
    ioc = other_server.sign_in("operator")
    [series] = ioc.get("/series", params={"feed": "beds"}).json()["items"]
    assert series["latest"]["value"] == 89

    since, until = start.isoformat(), (start + timedelta(hours=3)).isoformat()
    columns = ioc.get(
        f"/series/{series['id']}/observations",
        params={"since": since, "until": until, "width": "P1M"},
    ).json()
    assert sum(columns["observed"]) == 90
    assert sum(columns["expected"]) >= 120  # two hours are over, the third is not
    assert sum(columns["expected"]) < 180
    assert columns["coverage"] == {"observed": 90, "expected": sum(columns["expected"])}

    where = {"feed": "beds", "since": since, "until": until}
    key = {"Authorization": f"Bearer {door.key}"}
    text = ioc.get("/observations.csv", params=where, headers=key).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    table = pq.read_table(io.BytesIO(ioc.get("/observations.parquet", params=where).content))
    assert [float(row["value"]) for row in rows] == list(range(90)) == table["value"].to_pylist()
    assert (
        ioc.get("/observations.csv", params={"feed": "giao-thong"}, headers=key).status_code == 403
    )
    assert ioc.get("/observations.csv", params={"feed": "none"}).status_code == 404
    assert ioc.get("/observations.csv", params={"unit": "none"}).status_code == 404
    assert ioc.get("/observations.xlsx").status_code in (400, 404)

    # The feed's agency is below the province, and no other agency has anything.
    for unit, many in ((door.agency, 90), ("phu-tho", 90), ("so-noi-vu", 0)):
        taken = ioc.get("/observations.csv", params={**where, "unit": unit}).text
        assert taken.count("\r\n") == 1 + many, unit

    exported = tmp_path / "beds.parquet"
    other_server.command("export", str(exported), "--series", "beds/h1/beds", "--since", since)
    assert pq.read_table(exported).num_rows == 90
    assert ".csv or .parquet" in _failing(other_server, "export", str(tmp_path / "beds.xlsx"))
    for option in ("--unit", "--feed"):
        assert "bedz" in _failing(other_server, "export", str(exported), option, "bedz")
    assert not list(tmp_path.glob("*.part"))
