"""`ioc bench`: figures on this machine, against limits measured in the same run."""

from typing import Annotated

import msgspec
import typer

from ioc.bench import alerts as alerts_bench
from ioc.bench import fanout as fanout_bench
from ioc.bench import growth as growth_bench
from ioc.bench import ingest as ingest_bench
from ioc.bench import kpi as kpi_bench
from ioc.bench import latency as latency_bench
from ioc.bench.figures import Part, Report
from ioc.commands.run import run

app = typer.Typer(
    no_args_is_help=True,
    help="Measure this machine. Each bench starts a server of its own on free ports with a data "
    "directory of its own (or, with IOC_DATABASE_URL, in a database of its own there), measures "
    "product and limit in turns and throws all of it away.",
)

Json = Annotated[bool, typer.Option("--json", help="print one line of JSON")]
Rounds = Annotated[int, typer.Option(min=1, help="how often product and limit take turns")]


@app.command()
def ingest(
    seconds: Annotated[float, typer.Option(min=0.1, help="of each measurement")] = 2.0,
    rounds: Rounds = 3,
    sync_always: Annotated[
        bool, typer.Option(help="also measure with IOC_MQTT_SYNC=always")
    ] = True,
    json: Json = False,
) -> None:
    """Observations stored a second by REST and MQTT, against prebuilt rows and a bare client."""
    _show(run(ingest_bench.run(ingest_bench.Plan(seconds, rounds, sync_always))), json)


@app.command()
def growth(
    series: Annotated[
        str, typer.Option(help="numbers of series, multiples of 1,000, with commas between")
    ] = "1000,50000,500000",
    stored: Annotated[
        int, typer.Option(min=0, help="rows that lie stored before the last measurement")
    ] = 10_000_000,
    seconds: Annotated[float, typer.Option(min=0.1, help="of each measurement")] = 2.0,
    rounds: Rounds = 3,
    json: Json = False,
) -> None:
    """REST bodies with more and more series, and with many rows stored: the ratio should stay."""
    try:
        numbers = tuple(int(part) for part in series.split(","))
    except ValueError:
        numbers = ()
    if not numbers or any(
        n not in (1_000, 2_000, 4_000) and n % 1_000 + (n < 8_000) for n in numbers
    ):
        raise typer.BadParameter(f"--series {series!r}: 1000, 2000, 4000, or more in thousands")
    plan = growth_bench.Plan(numbers, stored, seconds, rounds)
    _show(run(growth_bench.run(plan)), json)


@app.command()
def fanout(
    clients: Annotated[int, typer.Option(min=2)] = 1_000,
    topics: Annotated[
        int, typer.Option(min=1, max=64, help="subscriptions of each client when it is about rate")
    ] = 32,
    seconds: Annotated[float, typer.Option(min=0.5, help="of each measurement")] = 3.0,
    rounds: Rounds = 3,
    json: Json = False,
) -> None:
    """Frames of 1 KB to many websocket clients, against `websockets.broadcast` alone."""
    _show(run(fanout_bench.run(fanout_bench.Plan(clients, topics, seconds, rounds))), json)


@app.command()
def latency(
    rate: Annotated[int, typer.Option(min=1, help="observations offered a second")] = 1_000,
    rows: Annotated[int, typer.Option(min=1, help="observations in one message")] = 1,
    seconds: Annotated[float, typer.Option(min=0.5)] = 15.0,
    clients: Annotated[int, typer.Option(min=1, help="walls that watch")] = 1,
    json: Json = False,
) -> None:
    """From the publish of an observation to its frame at a wall: p50, p95, p99."""
    _show(run(latency_bench.run(latency_bench.Plan(rate, rows, seconds, clients))), json)


@app.command()
def kpi(
    sent: Annotated[int, typer.Option(min=0, help="dossiers that are sent by REST")] = 100_000,
    stored: Annotated[
        str, typer.Option(help="dossiers that the board is shown over, with commas between")
    ] = "400000,4000000",
    units: Annotated[int, typer.Option(min=1)] = 300,
    json: Json = False,
) -> None:
    """Dossiers stored a second by REST; the procedures board over many, and how soon it is new."""
    try:
        numbers = tuple(sorted(int(part) for part in stored.split(",")))
    except ValueError:
        raise typer.BadParameter(f"--stored {stored!r}: write 400000,4000000") from None
    _show(run(kpi_bench.run(kpi_bench.Plan(sent, numbers, units))), json)


@app.command()
def alerts(
    rules: Annotated[int, typer.Option(min=1)] = 1_000,
    series: Annotated[int, typer.Option(min=8_000, help="that the rules watch")] = 50_000,
    rate: Annotated[int, typer.Option(min=100, help="observations offered a second")] = 5_000,
    storm: Annotated[int, typer.Option(min=1, help="alerts that begin within a minute")] = 10_000,
    stored: Annotated[int, typer.Option(min=1, help="open and past alerts in lists")] = 100_000,
    watch: Annotated[float, typer.Option(min=1, help="seconds of watching alerts")] = 30.0,
    minute: Annotated[float, typer.Option(min=1, help="seconds of the storm")] = 60.0,
    rounds: Rounds = 5,
    json: Json = False,
) -> None:
    """What rules cost, how soon an alert is seen, a storm of alerts, and lists of many."""
    plan = alerts_bench.Plan(
        rules, series, rate, storm, stored, rounds=rounds, watch=watch, minute=minute
    )
    _show(run(alerts_bench.run(plan)), json)


def _show(found: Report, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(found))
        return
    for part in found.parts:
        typer.echo(_line(part))
        for name, values in (
            ("cores", part.cpu),
            ("CPU seconds per million rows", part.cpu_per_million),
            ("peak MiB", part.peak_mib),
            ("acknowledged after ms", part.delay_ms),
            ("counts", part.counts),
        ):
            if values:
                typer.echo(f"    {name}: " + ", ".join(f"{k} {v:g}" for k, v in values.items()))


def _line(part: Part) -> str:
    compared = "" if part.ratio is None else f"   limit {part.limit:,.6g}   ratio {part.ratio:.2f}"
    return f"{part.name:55} {part.figure:>10,.6g} {part.uom:9}{compared}"
