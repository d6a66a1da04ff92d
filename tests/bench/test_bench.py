"""A short run of each bench: its JSON has its shape, and what it counts adds up."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 150.0
TOP = {"bench", "name", "figure", "limit", "ratio", "uom", "parts"}
PART = {
    "name", "figure", "limit", "ratio", "uom", "cpu", "cpu_per_million", "peak_mib", "delay_ms",
    "counts",
}  # fmt: skip

pytestmark = [pytest.mark.long, pytest.mark.timeout(200)]


async def bench(*arguments: str) -> dict[str, Any]:
    """What `ioc bench … --json` prints, which must be one line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ioc", "bench", *arguments, "--json", cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("IOC_")},
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert process.returncode == 0, err.decode()[-2_000:]
    assert out.count(b"\n") == 1
    found = json.loads(out)
    assert set(found) == TOP
    for part in found["parts"]:
        assert set(part) == PART
        assert part["figure"] > 0
        assert (part["limit"] is None) == (part["ratio"] is None)
        assert part["ratio"] is None or (part["limit"] > 0 and part["ratio"] > 0)
    ratios = [part["ratio"] for part in found["parts"] if part["ratio"] is not None]
    assert found["ratio"] == min(ratios, default=None)
    assert {name: found[name] for name in ("name", "figure", "limit", "ratio", "uom")} in [
        {name: part[name] for name in ("name", "figure", "limit", "ratio", "uom")}
        for part in found["parts"]
    ]
    return found


async def test_ingest_stores_all_that_it_sends() -> None:
    found = await bench("ingest", "--seconds", "0.2", "--rounds", "1")
    assert [part["uom"] for part in found["parts"]] == ["obs/s", "obs/s", "msg/s", "msg/s"]
    for part in found["parts"]:
        assert part["counts"]["stored"] == part["counts"]["sent"] > 0
        programs = {"ioc", "postgres", "nats-server", "sender"}
        for spent in ("cpu", "cpu_per_million", "peak_mib"):
            assert part[spent].keys() >= programs
        assert 0 < part["delay_ms"]["p50"] <= part["delay_ms"]["p99"]
    assert [part["limit"] is None for part in found["parts"]] == [False, False, False, True]


async def test_growth_measures_each_number_of_series_against_its_own_limit() -> None:
    found = await bench("growth", "--series", "1000,9000", "--stored", "18000",
                        "--seconds", "0.2", "--rounds", "1")  # fmt: skip
    first, more, stored = found["parts"]
    for what in ("ratio", "figure", "limit"):
        assert first["counts"][f"of_first_{what}"] == 1
        assert more["counts"][f"of_first_{what}"] > 0
    assert "9,000 series" in more["name"]
    assert "18,000 rows stored before" in stored["name"]
    for part in found["parts"]:
        assert part["counts"]["stored"] == part["counts"]["sent"] > 0


async def test_fanout_reaches_every_client() -> None:
    found = await bench("fanout", "--clients", "50", "--topics", "4", "--seconds", "1.5",
                        "--rounds", "1")  # fmt: skip
    throughput, delay, memory = found["parts"]
    assert throughput["counts"]["clients"] == delay["counts"]["clients"] == 50
    assert memory["counts"]["clients"] == 50
    assert delay["counts"]["frames"] % 50 == 0
    assert 900 < throughput["counts"]["frame_bytes"] < 1_400
    assert (delay["uom"], memory["uom"]) == ("ms", "KiB")


async def test_latency_shows_what_is_stored() -> None:
    found = await bench("latency", "--rate", "50", "--seconds", "1.5")
    p50, p95, p99 = found["parts"]
    assert p50["figure"] <= p95["figure"] <= p99["figure"] == found["figure"]
    assert p99["ratio"] is None
    counts = p99["counts"]
    assert counts["sent"] == counts["stored"] == 75
    assert 0 < counts["shown"] <= counts["sent"]


async def test_kpi_stores_what_it_sends_and_shows_the_board_over_what_is_laid() -> None:
    found = await bench("kpi", "--sent", "15000", "--stored", "16000,20000", "--units", "160")
    load, first, _, more, fresh = found["parts"]
    assert load["counts"]["stored"] == load["counts"]["sent"] == 15_000
    assert [part["counts"]["dossiers"] for part in (first, more)] == [16_000, 20_000]
    assert first["counts"]["of_first_figure"] == 1
    assert (load["uom"], first["uom"], fresh["uom"]) == ("dossiers/s", "ms", "s")


async def test_alerts_all_reach_the_wall_and_lists_find_what_is_laid() -> None:
    found = await bench(
        "alerts", "--rules", "100", "--series", "8000", "--rate", "200", "--storm", "60",
        "--stored", "2000", "--watch", "2", "--minute", "2", "--rounds", "1",
    )  # fmt: skip
    cost, wall, listed, seen, grown, *lists = found["parts"]
    assert cost["uom"] == "obs/s"
    assert wall["counts"]["alerts"] == wall["counts"]["probes"] > 0
    assert seen["counts"]["alerts"] == 60
    assert (listed["uom"], grown["uom"]) == ("ms", "MiB")
    assert [part["counts"]["found"] for part in lists if part["name"].endswith(", all")] == [
        100
    ] * 2
    assert all(part["counts"]["found"] > 0 for part in lists if "by domain" in part["name"])
