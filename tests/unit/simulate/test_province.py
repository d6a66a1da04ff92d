"""The simulated province: the same at every start, within its ranges, and with a rhythm."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.province import SimulatedProvince
from ioc.simulate.rhythm import Rhythm

NOW = int(datetime(2026, 11, 18, 3, 0, tzinfo=UTC).timestamp())  # a Wednesday, 10:00 local


@pytest.fixture(scope="module")
def city() -> City:
    return read_city(packaged_city())


@pytest.fixture(scope="module")
def province(city: City) -> SimulatedProvince:
    return SimulatedProvince(city, seed=7)


def test_every_simulated_feed_of_the_city_is_driven(province: SimulatedProvince, city: City):
    others = province.dossier_feeds + province.ticket_feeds
    driven = set(province.feeds) | {feed.id for feed in others}
    assert driven == {feed.id for feed in city.feeds if feed.simulated}
    for feed in province.feeds.values():
        moment = np.array([NOW], np.int64)
        keys = {f"{f}/{name}" for f in feed.features for name in feed.values(f, moment)}
        assert keys == {series.key for series in feed.spec.series}


def test_values_stay_within_what_the_city_calls_plausible(province: SimulatedProvince):
    for feed in province.feeds.values():
        bounds = {series.key: (series.low, series.high) for series in feed.spec.series}
        for feature in feed.features[:12]:
            for name, values in feed.values(
                feature, np.arange(NOW - 400 * DAY, NOW, 6 * HOUR + 60)
            ).items():
                low, high = bounds[f"{feature}/{name}"]
                assert low is None or values.min() >= low, (feature, name)
                assert high is None or values.max() <= high, (feature, name)


def test_a_moment_has_the_same_value_whatever_else_is_asked_for(city: City):
    one, other = SimulatedProvince(city, seed=7), SimulatedProvince(city, seed=7)
    wet_season = NOW - 90 * DAY
    for feed_id, feed in one.feeds.items():
        feature = feed.features[3]
        times = feed.reports(feature, wet_season - 40 * DAY, wet_season)
        whole = feed.values(feature, times)
        for place in range(0, len(times), max(len(times) // 60, 1)):
            alone = other.feeds[feed_id].values(feature, times[place : place + 1])
            assert {k: v[0] for k, v in alone.items()} == {k: v[place] for k, v in whole.items()}


def test_another_seed_is_another_province(city: City, province: SimulatedProvince):
    other = SimulatedProvince(city, seed=8)
    times = np.arange(NOW - DAY, NOW, 900)
    feed = "luoi-dien"
    feature = province.feeds[feed].features[0]
    mine = province.feeds[feed].values(feature, times)["load"]
    assert not np.array_equal(mine, other.feeds[feed].values(feature, times)["load"])


def test_reports_are_spread_over_the_interval_and_keep_their_grid(province: SimulatedProvince):
    feed = province.feeds["giao-thong"]
    offsets = {int(feed.reports(f, NOW, NOW + 600)[0]) % 300 for f in feed.features}
    assert len(offsets) == len(feed.features)
    feature = feed.features[5]
    every = feed.reports(feature, NOW - DAY, NOW)
    assert set(feed.reports(feature, NOW - DAY, NOW, step=3)) <= set(every)
    assert feed.next_report(feature, int(every[-2])) == every[-1]
    split = [*feed.reports(feature, NOW - DAY, NOW - 777), *feed.reports(feature, NOW - 777, NOW)]
    assert split == every.tolist()


def test_weekly_reports_come_on_monday_morning(province: SimulatedProvince):
    feed = province.feeds["benh-truyen-nhiem"]
    times = np.concatenate([feed.reports(f, NOW - 35 * DAY, NOW) for f in feed.features])
    assert len(times) == 5 * len(feed.features)
    assert set(province.calendar.weekday(times)) == {0}
    assert province.calendar.hour(times).min() >= 7
    assert province.calendar.hour(times).max() < 10


def test_traffic_is_heavy_at_rush_hour_and_thin_at_night(province: SimulatedProvince):
    feed, day = province.feeds["giao-thong"], NOW - 10 * HOUR
    rush, night = (np.arange(day + h * HOUR, day + (h + 1) * HOUR, 300) for h in (17, 2))
    flows = [
        (feed.values(f, rush)["flow"].mean(), feed.values(f, night)["flow"].mean())
        for f in feed.features
    ]
    assert all(busy > 3 * quiet for busy, quiet in flows)


def test_an_incident_shows_at_its_sensor_and_beside_it(province: SimulatedProvince):
    feed = province.feeds["giao-thong"]
    found = [
        e
        for e in feed.episodes(NOW - 30 * DAY, NOW)
        if e.kind == "incident" and e.touched and e.until - e.since > 3_000
    ]
    assert found
    quiet = [e for e in found if 8 < province.calendar.hour(np.array([e.since]))[0] < 15]
    incident = quiet[0]
    midst = np.array([(incident.since + incident.until) // 2])
    before = np.array([incident.since - 300])
    own_then, own_before = (feed.values(incident.feature, t) for t in (midst, before))
    assert own_then["speed"][0] < 0.5 * own_before["speed"][0]
    assert own_then["flow"][0] < 0.6 * own_before["flow"][0]
    beside = incident.touched[0][0]
    near_then, near_before = (feed.values(beside, t) for t in (midst, before))
    assert near_then["speed"][0] < near_before["speed"][0]


def test_an_outage_shows_in_load_customers_and_flag(province: SimulatedProvince):
    feed = province.feeds["luoi-dien"]
    outage = max(
        (e for e in feed.episodes(NOW - 60 * DAY, NOW) if e.kind == "fault-outage"),
        key=lambda e: e.strength,
    )
    during, before = (
        feed.values(outage.feature, np.array([t])) for t in (outage.since + 60, outage.since - 60)
    )
    assert during["outage"][0] == 1.0
    assert during["customers-out"][0] > 0
    assert during["load"][0] < before["load"][0]


def test_rain_falls_at_gauges_only_while_it_rains_and_then_reservoirs_spill(
    province: SimulatedProvince,
):
    gauges, lakes = province.feeds["luong-mua"], province.feeds["ho-chua"]
    rain = max(gauges.episodes(NOW - 400 * DAY, NOW), key=lambda e: e.strength)
    midst = np.arange(rain.since + HOUR, rain.until - 2 * HOUR, 900)
    dry = next(t for t in range(NOW, NOW - 99 * DAY, -HOUR) if not gauges.episodes(t, t + 1))
    for gauge in gauges.features:
        assert gauges.values(gauge, midst)["rainfall"].sum() > 20
        assert gauges.values(gauge, np.array([dry]))["rainfall"][0] == 0
    after = np.arange(rain.since, rain.until + DAY, HOUR)
    for lake in lakes.features:
        known = next(f for f in lakes.spec.features if f.id == lake).attributes
        assert lakes.values(lake, after)["discharge"].max() > known["spill_from"]


def test_incidents_come_every_few_hours(province: SimulatedProvince):
    feed = province.feeds["giao-thong"]
    a_day = len(feed.episodes(NOW - 100 * DAY, NOW)) / 100
    assert 4 < a_day < 8


def test_a_faster_life_keeps_the_clock_and_moves_the_province():
    rhythm = Rhythm(NOW, 60.0)
    assert rhythm.lived_at(NOW - 5) == NOW - 5
    assert rhythm.lived_at(NOW + 60) == NOW + HOUR
    assert rhythm.shown(NOW + HOUR) == NOW + 60


def test_swapped_working_days_are_known():
    calendar = Calendar("Asia/Ho_Chi_Minh")
    assert not calendar.works(date(2026, 8, 31).toordinal())
    assert calendar.works(date(2026, 8, 22).toordinal())
    assert not calendar.works(date(2026, 1, 2).toordinal())
    assert calendar.working_days_after(date(2026, 2, 12), 10) == date(2026, 3, 5)
    assert calendar.working_days_after(date(2026, 11, 20), 1) == date(2026, 11, 23)
