"""Alerts about reports that are owed: one per rule, obligation and unit, until the report comes."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Fingerprint, OpenAlert, State, TransitionReason, followed
from alerts.owed import Overdue, judge_owed
from alerts.rule import MissingReport
from alerts.rule_reading import decode_rule

NAME = {"vi": "Chưa nộp báo cáo", "en": "Report missing"}


def rule(name: str = "report-missing", obligation: str | None = None) -> MissingReport:
    made = decode_rule(
        name,
        {
            "kind": "missing_report", "name": NAME, "severity": "medium", "domain": "service",
            **({"obligation": obligation} if obligation else {}),
        },
    )  # fmt: skip
    assert isinstance(made, MissingReport)
    return made


class Office:
    """The open alerts about reports, as a store would keep them."""

    def __init__(self, *rules: MissingReport) -> None:
        self.rules = rules or (rule(),)
        self.open: dict[Fingerprint, OpenAlert] = {}

    def judge(self, *overdue: Overdue) -> list[tuple[str, str, TransitionReason]]:
        moves = judge_owed(self.rules, overdue, self.open, now_us=10)
        for move in moves:
            alert = followed(self.open.get(move.fingerprint), move)
            if alert is None:
                del self.open[move.fingerprint]
            else:
                assert move.fingerprint not in self.open
                self.open[move.fingerprint] = alert
        return [(move.fingerprint, move.to_state.value, move.reason) for move in moves]


LATE = Overdue("monthly", "so-a", 5)
MARK = "report-missing/report:monthly:so-a"


def test_an_overdue_report_raises_one_alert_that_names_the_unit() -> None:
    office = Office()
    assert office.judge(LATE) == [(MARK, "active", TransitionReason.REPORT_OVERDUE)]
    assert office.judge(LATE) == []
    (move,) = judge_owed(office.rules, [LATE], {}, now_us=10)
    assert (move.unit, move.value_time, move.at) == ("so-a", 5, 5)


def test_the_alert_stays_while_a_later_report_is_owed_too() -> None:
    office = Office()
    office.judge(LATE)
    assert office.judge(Overdue("monthly", "so-a", 9)) == []


def test_the_alert_ends_when_the_report_comes() -> None:
    office = Office()
    office.judge(LATE, Overdue("monthly", "so-b", 5))
    assert office.judge(Overdue("monthly", "so-b", 5)) == [
        (MARK, "cleared", TransitionReason.REPORT_CAME)
    ]


def test_a_rule_about_one_obligation_is_silent_about_others() -> None:
    office = Office(rule(obligation="daily"))
    assert office.judge(LATE) == []
    assert len(office.judge(Overdue("daily", "so-a", 5))) == 1


def test_a_rule_that_is_gone_ends_its_alerts() -> None:
    office = Office(rule())
    office.judge(LATE)
    office.rules = (rule("other", "daily"),)
    assert office.judge(LATE) == [(MARK, "cleared", TransitionReason.RULE_REMOVED)]


@given(st.lists(st.sets(st.sampled_from(["so-a", "so-b", "so-c"])), max_size=8))
def test_the_open_alerts_are_those_of_the_units_that_owe(steps: list[set[str]]) -> None:
    office = Office()
    for units in steps:
        office.judge(*(Overdue("monthly", unit, 5) for unit in units))
        assert {mark.rsplit(":", 1)[1] for mark in office.open} == units
        assert all(alert.state is State.ACTIVE for alert in office.open.values())
