"""`ioc simulate` against a running product: life through the front door, once and never twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ioc.city.read import packaged_city, read_city
from ioc.simulate.calendar import DAY, HOUR
from ioc.simulate.province import SimulatedProvince
from tests.fixtures.server import ROOT, Server, eventually, now

LITTLE = ("--days", "1", "--months", "1", "--dossiers", "400")


@contextmanager
def simulator(server: Server, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The simulator as the child of this test; it ends when its standard input is closed."""
    child = subprocess.Popen(
        [sys.executable, "-m", "ioc", "simulate", "--child", *arguments],
        cwd=ROOT,
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            pipe.close()


def until(child: "subprocess.Popen[str]", part: float) -> None:
    """Wait until the simulator says that so much of the past is sent."""
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line)["backfill"] >= part:
            return
    raise AssertionError("the simulator ended early")


def end(child: "subprocess.Popen[str]") -> int:
    assert child.stdin is not None
    child.stdin.close()
    return child.wait(30)


def ledgers(server: Server) -> dict[str, dict[str, int]]:
    """What came in by feed, as the database has it."""
    names = ("received", "stored", "duplicate", "corrected", "quarantined")
    with server.database() as conn:
        rows = conn.execute(
            "SELECT f.id, sum(received), sum(stored), sum(duplicate), sum(corrected), "
            "sum(quarantined) FROM ledger JOIN feed f USING (feed_key) GROUP BY f.id"
        ).fetchall()
    return {row[0]: dict(zip(names, map(int, row[1:]), strict=True)) for row in rows}


def valid_keys(server: Server) -> int:
    with server.database() as conn:
        row = conn.execute(
            "SELECT count(*) FROM feed_credential WHERE revoked_at IS NULL"
        ).fetchone()
    assert row is not None
    return row[0]


def driven(province: SimulatedProvince) -> set[str]:
    others = province.dossier_feeds + province.ticket_feeds
    return {*province.feeds, *(feed.id for feed in others)}


def test_the_past_and_the_present_come_in_and_a_restart_sends_only_the_gap(own_server: Server):
    own_server.start()
    province = SimulatedProvince(read_city(packaged_city()), seed=1)
    with simulator(own_server, *LITTLE) as child:
        until(child, 1.0)
        assert valid_keys(own_server) == len(driven(province))
        assert end(child) == 0
    first = ledgers(own_server)
    weekly = {"benh-truyen-nhiem"}  # may have no Monday within the one day
    assert driven(province) - weekly <= set(first) <= driven(province)
    for feed, counted in first.items():
        assert counted["stored"] > 0, feed
        # A post that a busy machine answers too late is sent again, and counted.
        assert counted["stored"] + counted["duplicate"] == counted["received"], feed
    assert valid_keys(own_server) == 0

    with simulator(own_server, *LITTLE) as child:
        until(child, 1.0)
        assert end(child) == 0
    second = ledgers(own_server)
    for feed in province.feeds:
        if feed in second:
            assert second[feed]["corrected"] == 0, feed
            more = second[feed]["duplicate"] - first.get(feed, {}).get("duplicate", 0)
            assert more < second[feed]["stored"] // 10, f"{feed}: the past was sent twice"
    assert all(counted["quarantined"] == 0 for counted in second.values())
    truth = (own_server.data_dir / "simulate-truth.jsonl").read_text().splitlines()
    names = [json.loads(line)["id"] for line in truth]
    assert len(names) == len(set(names)) > 0


def test_a_killed_simulator_leaves_no_hole_and_its_keys_die(own_server: Server):
    own_server.start()
    province = SimulatedProvince(read_city(packaged_city()), seed=1)
    started = int(now().timestamp())
    with simulator(own_server, "--days", "12", *LITTLE[2:]) as child:
        until(child, 0.05)
        child.kill()
        child.wait()
    with simulator(own_server, "--days", "12", *LITTLE[2:]) as child:
        until(child, 1.0)
        assert valid_keys(own_server) == len(driven(province))
        assert end(child) == 0
    feed = province.feeds["thuy-van"]
    feature = feed.features[2]
    wanted = feed.reports(feature, started - 7 * DAY + HOUR, started)
    wanted = wanted[province.speaks(feed, feature, wanted)]
    with own_server.database() as conn:
        rows = conn.execute(
            "SELECT extract(epoch FROM phenomenon_time)::bigint, value FROM observation "
            "JOIN series USING (series_id) WHERE key = %s",
            [f"{feature}/water-level"],
        ).fetchall()
    stored = dict(rows)
    assert set(wanted.tolist()) <= set(stored)
    values = feed.values(feature, wanted)["water-level"]
    assert np.array_equal(values, [stored[at] for at in wanted.tolist()])
    # A dossier or a ticket that changed between the runs is rightly corrected by the second.
    corrected = {name: counted["corrected"] for name, counted in ledgers(own_server).items()}
    assert not any(corrected.get(name) for name in province.feeds), corrected


def test_a_stopped_simulator_ends_well_in_the_midst_of_the_past(own_server: Server):
    own_server.start()
    with simulator(own_server, "--days", "35") as child:
        until(child, 0.02)
        child.terminate()
        assert child.wait(30) == 0
    assert valid_keys(own_server) == 0


def test_live_traffic_comes_over_mqtt_and_moves_from_second_to_second(own_server: Server):
    own_server.start()
    with simulator(own_server, "--no-backfill", "--rate", "60") as child:
        eventually(lambda: own_server.stored("giao-thong") >= 2 * 20)
        eventually(lambda: own_server.stored("luoi-dien") >= 4 * 5)
        eventually(lambda: own_server.stored("he-thong") >= 5)
        with own_server.database() as conn:
            held = conn.execute("SELECT count(*) FROM quarantine").fetchone()
        assert held == (0,)
        assert end(child) == 0


def test_an_agency_that_has_a_password_keeps_it_and_is_sent_for_over_rest(own_server: Server):
    own_server.start()
    door = own_server.feed("theirs", "so-xay-dung", domain="traffic")
    with simulator(own_server, "--no-backfill", "--rate", "60") as child:
        eventually(lambda: own_server.stored("giao-thong") >= 10)
        door.publish(json.dumps({"series": "a/b", "time": now().isoformat(), "value": 1}).encode())
        assert end(child) == 0
    door.publish(json.dumps({"series": "a/c", "time": now().isoformat(), "value": 1}).encode())
    eventually(
        lambda: own_server.stored("theirs") == 2
    )  # the broker's word comes before the commit


def test_a_real_province_is_never_simulated(tmp_path: Path):
    server = Server(tmp_path / "data", {})
    done = subprocess.run(
        [sys.executable, "-m", "ioc", "simulate"],
        cwd=ROOT,
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "never join real ones" in done.stderr
    assert done.stdout == ""
