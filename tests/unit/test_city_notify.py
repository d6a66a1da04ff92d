"""What a city says of whom alerts tell: the shipped files read, and faults are found in place."""

from pathlib import Path

import pytest

from alerts.channel import Push
from alerts.roster import Roster
from alerts.route import Plan
from ioc.city.folder import Folder
from ioc.city.notify import read_notify, read_roster
from ioc.city.read import packaged_city, read_city

PERSON = '[[person]]\nid = "an"\nname = "An"\nunit = "so-a"\nemail = "an@x.example"\n'
SHIFT = """
[[shift]]
id = "ngay"
unit = "so-a"
persons = ["an"]
begins = 07:00:00
ends = 19:00:00
weekdays = ["mon", "sun"]
days = "working"
"""
MAIL = """
[[channel]]
id = "email"
kind = "mail"
host = "smtp.example"
port = 587
sender = "ioc@x.example"
"""
SMS = """
[[channel]]
id = "sms"
kind = "template"
url = "https://sms.example/send"
address = "phone"
body = { to = "{phone}", content = "{text}" }
"""
ROUTE = """
[[route]]
id = "r"
severities = ["high"]
steps = [{ channels = ["email"], on_call = "answering" }]
"""


def _roster(tmp_path: Path, text: str) -> tuple[Roster, list[str]]:
    (tmp_path / "roster.toml").write_text(text, encoding="utf-8")
    folder = Folder(tmp_path)
    return read_roster(folder, {"so-a"}), [str(finding) for finding in folder.findings]


def _notify(tmp_path: Path, text: str) -> tuple[Plan, list[str]]:
    (tmp_path / "notify.toml").write_text(text, encoding="utf-8")
    folder = Folder(tmp_path)
    return read_notify(folder, {"so-a"}, {"an"}), [str(finding) for finding in folder.findings]


def test_the_shipped_city_sends_nothing_out_of_the_house_until_it_is_told_to() -> None:
    city = read_city(packaged_city())
    assert city.notify.routes
    assert city.roster.shifts
    assert not any(channel.enabled for channel in city.notify.channels)


def test_weekdays_are_read_as_the_calendar_counts_them(tmp_path: Path) -> None:
    roster, findings = _roster(tmp_path, PERSON + SHIFT)
    assert findings == []
    assert [(shift.weekdays, shift.days) for shift in roster.shifts] == [((0, 6), "working")]


def test_a_city_without_the_files_tells_nobody(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert read_roster(folder, ()) == Roster()
    assert read_notify(folder, (), ()) == Plan()
    assert folder.findings == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PERSON.replace("so-a", "so-b"), "so-b"),
        (PERSON.replace("an@x.example", "an"), "is no address"),
        (PERSON + 'phone = "12"\n', "is no number"),
        (PERSON + "valid_from = 2026-02-01\nvalid_until = 2026-01-01\n", "valid_from"),
        (PERSON + SHIFT.replace('["an"]', '["binh"]'), "binh"),
        (PERSON + SHIFT.replace('"mon"', '"thứ hai"'), "weekdays"),
    ],
)
def test_what_is_wrong_in_the_roster_is_found(tmp_path: Path, text: str, said: str) -> None:
    findings = _roster(tmp_path, text)[1]
    assert len(findings) == 1
    assert said in findings[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROUTE, "email"),
        (MAIL + ROUTE.replace("answering", "so-b"), "so-b"),
        (MAIL + ROUTE.replace(', on_call = "answering"', ""), "tells nobody"),
        (MAIL + ROUTE.replace('on_call = "answering"', 'persons = ["binh"]'), "binh"),
        (MAIL + ROUTE + 'repeat = "PT1S"\n', "less than a minute"),
        (MAIL.replace('host = "smtp.example"\n', ""), "'host'"),
        (MAIL + 'url = "https://x"\n', "'url'"),
        (MAIL + 'user = "u"\n', "both user and password"),
        (MAIL + 'user = "u"\npassword = "p"\nsecurity = "none"\n', "in the open"),
        (SMS.replace("{text}", "{texts}"), "'texts'"),
        (SMS.replace("{text}", "{text"), "'{text'"),
        (SMS.replace("{text}", "{text.__class__}"), "text.__class__"),
        (SMS.replace("{text}", "{text!r}"), "'text'"),
        (SMS.replace("https://sms.example/send", "ftp://x"), "is no address"),
        (SMS + 'secret = "token"\n', "{secret}"),
        ("[notify]\nwithin = 'PT0S'\n", "not positive"),
    ],
)
def test_what_is_wrong_in_routes_and_channels_is_found(
    tmp_path: Path, text: str, said: str
) -> None:
    findings = _notify(tmp_path, text)[1]
    assert len(findings) == 1
    assert said in findings[0]


PUSH = """
[[channel]]
id = "push"
kind = "push"
enabled = true
contact = "mailto:ioc@x.example"
secret = "push-key"
"""


def test_a_push_channel_knows_the_services_of_browsers_and_no_host_that_only_ends_like_one(
    tmp_path: Path,
) -> None:
    plan, faults = _notify(tmp_path, PUSH)
    assert faults == []
    (channel,) = plan.channels
    assert isinstance(channel, Push)
    assert channel.serves("fcm.googleapis.com")
    assert channel.serves("wns2-sg2p.notify.windows.com")
    assert not channel.serves("evilnotify.windows.com.x.example")
    assert not channel.serves("xfcm.googleapis.com")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (PUSH.replace("mailto:", ""), "contact"),
        (PUSH + 'services = ["https://push.example"]', "services"),
        (PUSH + 'url = "https://push.example"', "no 'url'"),
        (PUSH + PUSH.replace('id = "push"', 'id = "push-2"'), "second channel"),
    ],
)
def test_faults_of_a_push_channel_are_found(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = _notify(tmp_path, text)[1]
    assert fault in found


def test_an_account_stands_for_one_person_only(tmp_path: Path) -> None:
    one = PERSON + 'account = "an"\n'
    assert _roster(tmp_path, one)[1] == []
    (found,) = _roster(tmp_path, one + one.replace('id = "an"', 'id = "binh"'))[1]
    assert "'an'" in found
