"""`ioc replay` against a running product: counts that add up, at the first time and the second."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.fixtures.server import ROOT, Server, eventually


def replayed(server: Server, *arguments: str) -> dict[str, Any]:
    return json.loads(server.command("replay", *arguments))


def counts(receipt: dict[str, Any]) -> tuple[int, int, int, int]:
    names = ("received", "stored", "duplicate", "corrected")
    received, stored, duplicate, corrected = (receipt[name] for name in names)
    return received, stored, duplicate, corrected


def test_the_loop_detectors_are_stored_once_and_a_second_replay_changes_nothing(
    server: Server, data: Path
):
    files = [str(path) for path in sorted((data / "traffic" / "loop_detectors").glob("*.csv"))]
    door = server.feed("loops", "so-xay-dung", domain="traffic", late_limit=None)
    play = ("--feed", "loops", "--key", door.key, "--speed", "max", "--shift", "keep")
    first = replayed(server, *files, *play)
    rows = sum(len(Path(file).read_text().splitlines()) - 1 for file in files)
    assert counts(first) == (rows, rows - 2, 0, 2)
    assert server.stored("loops") == rows - 2
    assert counts(replayed(server, *files, *play)) == (rows, 0, rows - 2, 2)
    assert server.stored("loops") == rows - 2


def test_a_repeated_time_with_another_value_is_a_correction(server: Server, tmp_path: Path):
    server.feed("small", "so-xay-dung", domain="traffic", late_limit=None)
    for name in ("speed_1", "speed_2"):
        lines = [f"2015-09-01 {n // 12:02}:{n % 12 * 5:02}:00,{n}" for n in range(200)]
        lines.insert(101, lines[100].rsplit(",", 1)[0] + ",999")
        (tmp_path / f"{name}.csv").write_text("\n".join(["timestamp,value", *lines, ""]))
    play = (*map(str, sorted(tmp_path.glob("*.csv"))), "--feed", "small", "--speed", "max")
    assert counts(replayed(server, *play, "--shift", "keep")) == (402, 400, 0, 2)
    assert counts(replayed(server, *play, "--shift", "keep")) == (402, 0, 400, 2)
    with server.database() as conn:
        row = conn.execute(
            "SELECT value, phenomenon_time AT TIME ZONE 'Asia/Ho_Chi_Minh' FROM observation "
            "JOIN series USING (series_id) WHERE key = 'speed_1/value' AND value = 999"
        ).fetchone()
    assert row is not None
    assert str(row[1]) == "2015-09-01 08:20:00"  # the feed's own zone


def test_bad_lines_are_named_and_the_rest_is_stored(server: Server, tmp_path: Path):
    door = server.feed("patchy", "so-xay-dung", domain="traffic")
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"time":"2015-01-01T00:00:00Z","value":1}\noops\n{"time":"2015-01-01T00:01:00Z","value":2}\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "ioc", "replay", str(path), "--feed", "patchy", "--speed", "max"],
        cwd=ROOT,
        env={**server.environment, "IOC_FEED_KEY": door.key},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{path}:2: not a JSON observation" in done.stderr
    said = json.loads(done.stdout)
    assert (said["received"], said["stored"], said["unreadable"]) == (2, 2, 1)


def test_a_recording_is_played_over_mqtt_too(server: Server, tmp_path: Path):
    door = server.feed("played", "so-y-te")
    path = tmp_path / "bed.csv"
    path.write_text("time,value\n2015-01-01 00:00:00,1\n2015-01-01 00:00:30,2\n")
    address = f"mqtt://{door.agency}:{door.password}@127.0.0.1:{server.mqtt_port}"
    play = ("--feed", "played", "--speed", "60", "--mqtt", address, "--series", "x/beds")
    assert replayed(server, str(path), *play) == {"sent": 2, "unreadable": 0}
    eventually(lambda: server.stored("played") == 2)  # the broker's word comes before the commit


def test_a_key_of_no_feed_ends_the_replay_with_one_line(server: Server, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("time,value\n2015-01-01 00:00:00,1\n")
    done = subprocess.run(
        [sys.executable, "-m", "ioc", "replay", str(path), "--feed", "no-such-feed"],
        cwd=ROOT,
        env={k: v for k, v in {**os.environ, **server.environment}.items() if k != "IOC_FEED_KEY"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no feed `no-such-feed`" in done.stderr
    assert "Traceback" not in done.stderr
