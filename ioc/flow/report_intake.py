"""Reports as they are checked and stored, and those that come among the observations of a feed."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ingest.payload import Payload
from ingest.payload import Report as Given
from ingest.report import DecodedReports, decode_each
from ingest.report_item import Figure, MeasureFacts, ReportRules
from ioc.ids import uuid7
from ioc.kpi.cycle import Cycle
from ioc.kpi.reported import PRINTED_DISAGREES, agrees
from ioc.model import Feed, Receipt
from ioc.org import Organisation
from ioc.store import measures, reports
from ioc.store.flush import MOST_PROBLEMS
from ioc.store.measures import Declared
from ioc.store.pool import ReadPool, WritePool
from ioc.store.report_rows import Merged, Offered, ReportRow


class ReportIntake:
    """Stores the reports of a payload, with their part of the ledger, in one transaction."""

    def __init__(
        self, reads: ReadPool, writes: WritePool, organisation: Callable[[], Organisation]
    ) -> None:
        """Find units by what `organisation` gives."""
        self._reads = reads
        self._writes = writes
        self._organisation = organisation

    async def take(
        self, payload: Payload, feed: Feed, given: Sequence[Given], now: datetime
    ) -> Receipt:
        """What became of the reports; sent again they are duplicates."""
        declared = await measures.read(self._reads)
        rules = rules_of(feed, declared, self._organisation(), now)
        first = payload.first_index
        decoded = decode_each([(first + report.index, report.raw) for report in given], rules)
        channel, source = payload.channel.value, payload.source
        refused = [
            reports.item_of(
                feed.key, item.raw, item.problem, now, item.digest, channel=channel, source=source
            )
            for item in decoded.refused
        ]
        merged = await reports.put(
            self._writes, feed.key, offers(decoded.figures, feed, now), refused,
            actor=f"feed:{feed.id}", now=now, channel=channel, source=source,
        )  # fmt: skip
        return receipt_of(decoded, merged)


def rules_of(
    feed: Feed, declared: Declared, organisation: Organisation, now: datetime
) -> ReportRules:
    """What the reports of a feed are checked against; units as they were when a period ended."""
    return ReportRules(
        measures={
            measure.id: MeasureFacts(
                uom=measure.uom,
                kind=measure.kind,
                is_share=measure.is_share,
                decimals=measure.decimals,
                maximum=measure.maximum,
                period=_reader(declared.cycle_of(measure)),
            )
            for measure in declared.measures.values()
        },
        find_unit=organisation.resolve,
        zone=ZoneInfo(feed.time_zone),
        now=now,
        number_format=feed.number_format,
    )


def _reader(cycle: Cycle) -> Callable[[str], tuple[str, date, date]]:
    """Reads the periods of a cycle."""

    def read_period(text: str) -> tuple[str, date, date]:
        period = cycle.period(text)
        return period.text, period.start, period.end

    return read_period


def offers(
    figures: Iterable[tuple[int, Figure, bytes]], feed: Feed, now: datetime
) -> list[Offered]:
    """The reports as they are stored, with what is odd about each."""
    return [
        Offered(index, _row(figure, feed, now), raw, figure.reason)
        for index, figure, raw in figures
    ]


def receipt_of(decoded: DecodedReports, merged: Merged) -> Receipt:
    """What became of the reports of a body."""
    problems = [refused.problem for refused in decoded.refused]
    problems += [problem for _, problem in merged.refused]
    return Receipt(
        received=decoded.received,
        stored=merged.stored,
        corrected=merged.corrected,
        duplicate=merged.duplicate,
        quarantined=len(problems),
        problems=sorted(problems, key=lambda problem: problem.index)[:MOST_PROBLEMS],
    )


def _row(figure: Figure, feed: Feed, now: datetime) -> ReportRow:
    return ReportRow(
        report_id=uuid7(now),
        feed=feed.id,
        measure=figure.measure,
        unit=figure.unit,
        period_text=figure.period,
        starts=figure.start,
        ends=figure.end,
        version=1,
        state=figure.state,
        value=figure.value,
        bound=figure.bound,
        printed_value=figure.printed_value,
        printed_decimals=figure.printed_decimals,
        numerator=figure.numerator,
        denominator=figure.denominator,
        rank=figure.rank,
        of=figure.of,
        movement=figure.movement,
        nothing_occurred=figure.nothing_occurred,
        document=figure.document,
        flags=_flags(figure),
        changed_at=figure.changed_at,
        submitted_at=None,
        stored_at=now,
    )


def _flags(figure: Figure) -> list[str]:
    printed, decimals = figure.printed_value, figure.printed_decimals
    if printed is None or decimals is None:
        return []
    same = agrees(printed, figure.numerator, figure.denominator, decimals, figure.bound)
    return [] if same else [PRINTED_DISAGREES]
