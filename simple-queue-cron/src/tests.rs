use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, TimeZone, Timelike, Utc};

use super::*;

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap_or_else(|error| panic!("{time}: {error}"))
}

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong:?}"))
}

/// The zones of the tables below, some with changes at midnight and one with changes by half an hour.
const ZONES: [&str; 6] = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Auckland",
    "Africa/Cairo",
];

/// A zone, an expression, a time, and when it fires next.
type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);

fn check(cases: &[Case]) {
    for &(name, text, after, expected) in cases {
        let (cron, zone) = (cron(text), zone(name).unwrap());
        let mut time = at(after);
        for &next in expected {
            let before = time;
            time = cron.next_after(zone, time).unwrap();
            assert_eq!(
                time.with_timezone(&zone).fixed_offset().to_rfc3339(),
                next,
                "{text} in {name} after {before}"
            );
        }
    }
}

#[test]
fn a_named_time_that_the_clocks_skip_in_spring_is_met_once_at_the_end_of_the_gap() {
    check(&[
        (
            "America/New_York",
            "30 2 * * *",
            "2025-03-08T12:00:00Z",
            &["2025-03-09T03:00:00-04:00", "2025-03-10T02:30:00-04:00"],
        ),
        // Both times of the list are in the gap, and so is all of the hour.
        (
            "Europe/Berlin",
            "0,30 2 * * *",
            "2025-03-29T12:00:00Z",
            &[
                "2025-03-30T03:00:00+02:00",
                "2025-03-31T02:00:00+02:00",
                "2025-03-31T02:30:00+02:00",
            ],
        ),
        (
            "Europe/Berlin",
            "*/20 2,14 * * *",
            "2025-03-29T13:40:00Z",
            &["2025-03-30T03:00:00+02:00", "2025-03-30T14:00:00+02:00"],
        ),
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2025-10-04T12:00:00Z",
            &["2025-10-05T02:30:00+11:00", "2025-10-06T02:15:00+11:00"],
        ),
        // Only half an hour is skipped.
        (
            "Australia/Lord_Howe",
            "45 2 * * *",
            "2025-10-04T12:00:00Z",
            &["2025-10-05T02:45:00+11:00", "2025-10-06T02:45:00+11:00"],
        ),
        (
            "America/Santiago",
            "0 0 * * *",
            "2025-09-06T12:00:00Z",
            &["2025-09-07T01:00:00-03:00", "2025-09-08T00:00:00-03:00"],
        ),
        (
            "Pacific/Auckland",
            "30 2 * * *",
            "2025-09-27T00:00:00Z",
            &["2025-09-28T03:00:00+13:00", "2025-09-29T02:30:00+13:00"],
        ),
        (
            "Africa/Cairo",
            "15 0 * * fri",
            "2025-04-24T12:00:00Z",
            &["2025-04-25T01:00:00+03:00", "2025-05-02T00:15:00+03:00"],
        ),
    ]);
}

#[test]
fn a_named_time_that_the_clocks_show_twice_in_autumn_is_met_once_the_first_time() {
    check(&[
        (
            "America/New_York",
            "30 1 * * *",
            "2025-11-01T12:00:00Z",
            &["2025-11-02T01:30:00-04:00", "2025-11-03T01:30:00-05:00"],
        ),
        (
            "Europe/Berlin",
            "0,30 2,14 * * *",
            "2025-10-25T13:00:00Z",
            &[
                "2025-10-26T02:00:00+02:00",
                "2025-10-26T02:30:00+02:00",
                "2025-10-26T14:00:00+01:00",
            ],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2025-04-05T12:00:00Z",
            &["2025-04-06T01:45:00+11:00", "2025-04-07T01:45:00+10:30"],
        ),
        (
            "America/Santiago",
            "30 23 * * *",
            "2025-04-05T12:00:00Z",
            &["2025-04-05T23:30:00-03:00", "2025-04-06T23:30:00-04:00"],
        ),
        (
            "Pacific/Auckland",
            "30 2 * * *",
            "2025-04-05T00:00:00Z",
            &["2025-04-06T02:30:00+13:00", "2025-04-07T02:30:00+12:00"],
        ),
        (
            "Africa/Cairo",
            "0 23 * * *",
            "2025-10-30T12:00:00Z",
            &["2025-10-30T23:00:00+03:00", "2025-10-31T23:00:00+02:00"],
        ),
        // The second time, after which it is late.
        ("Europe/Berlin", "30 2 * * *", "2025-10-26T01:10:00Z", &["2025-10-27T02:30:00+01:00"]),
    ]);
}

#[test]
fn times_that_pass_go_on_when_clocks_change() {
    check(&[
        (
            "America/New_York",
            "*/30 * * * *",
            "2025-11-02T05:00:00Z",
            &[
                "2025-11-02T01:30:00-04:00",
                "2025-11-02T01:00:00-05:00",
                "2025-11-02T01:30:00-05:00",
                "2025-11-02T02:00:00-05:00",
            ],
        ),
        (
            "America/New_York",
            "*/30 * * * *",
            "2025-03-09T06:00:00Z",
            &["2025-03-09T01:30:00-05:00", "2025-03-09T03:00:00-04:00"],
        ),
        (
            "Australia/Lord_Howe",
            "45 * * * *",
            "2025-04-05T14:00:00Z",
            &[
                "2025-04-06T01:45:00+11:00",
                "2025-04-06T01:45:00+10:30",
                "2025-04-06T02:45:00+10:30",
            ],
        ),
    ]);
}

#[test]
fn every_day_of_a_year_has_each_named_time_once_in_six_zones() {
    for name in ZONES {
        let zone = zone(name).unwrap();
        for minutes in (0..24 * 60).step_by(45) {
            let cron = cron(&format!("{} {} * * *", minutes % 60, minutes / 60));
            let start = zone.with_ymd_and_hms(2024, 1, 1, 12, 0, 0).unwrap().to_utc();
            let (mut time, mut day) = (start, NaiveDate::from_ymd_opt(2024, 1, 1).unwrap());
            if minutes <= 12 * 60 {
                day = day.succ_opt().unwrap();
            }
            while day.year() < 2025 {
                let previous = time;
                time = cron.next_after(zone, time).unwrap();
                let shown = time.with_timezone(&zone);
                assert_eq!(shown.date_naive(), day, "{minutes} in {name}: {shown}");
                let late = (shown.hour() * 60 + shown.minute()).cast_signed() - minutes;
                assert!((0..=60).contains(&late), "{minutes} in {name}: {shown}");
                if previous != start {
                    assert_eq!(
                        cron.previous_before(zone, time),
                        Some(previous),
                        "{minutes} in {name}"
                    );
                }
                day = day.succ_opt().unwrap();
            }
        }
    }
}

/// The reference: every minute of a year, and what the clocks show then.
#[test]
fn without_named_hours_it_fires_whenever_the_clocks_show_its_minute() {
    for name in ZONES {
        let zone = zone(name).unwrap();
        for (text, shown) in [("*/30 * * * *", 30), ("*/20 */1 * * *", 20)] {
            let cron = cron(text);
            let mut time = at("2025-01-01T00:00:00Z");
            let mut fired = time;
            while time < at("2026-01-01T00:00:00Z") {
                time += TimeDelta::minutes(1);
                if time.with_timezone(&zone).minute().is_multiple_of(shown) {
                    let next = cron.next_after(zone, fired).unwrap();
                    assert_eq!(next, time, "{text} in {name}");
                    assert_eq!(
                        cron.previous_before(zone, next + TimeDelta::seconds(1)),
                        Some(next)
                    );
                    fired = next;
                }
            }
        }
    }
}

#[test]
fn a_time_within_a_second_is_before_the_next_one() {
    let cron = cron("0 9 * * *");
    let utc = Tz::UTC;
    assert_eq!(
        cron.next_after(utc, at("2025-01-01T08:59:59.9Z")),
        Some(at("2025-01-01T09:00:00Z"))
    );
    assert_eq!(cron.next_after(utc, at("2025-01-01T09:00:00Z")), Some(at("2025-01-02T09:00:00Z")));
    assert_eq!(
        cron.next_after(utc, at("2025-01-01T09:00:00.1Z")),
        Some(at("2025-01-02T09:00:00Z"))
    );
    assert_eq!(
        cron.previous_before(utc, at("2025-01-01T09:00:00Z")),
        Some(at("2024-12-31T09:00:00Z"))
    );
    assert_eq!(
        cron.previous_before(utc, at("2025-01-01T09:00:00.1Z")),
        Some(at("2025-01-01T09:00:00Z"))
    );
    assert_eq!(cron.next_after(utc, at("5001-01-01T09:00:00Z")), None);
}

#[test]
fn a_mistake_is_explained_where_it_is() {
    for (text, place, message) in [
        ("60 9 * * *", "60", "`60` is no minute: it takes 0 to 59, like `0`, `*/15` or `0,30`"),
        ("0 25 * * *", "25", "`25` is no hour: it takes 0 to 23, like `9`, `*/2` or `9-17`"),
        (
            "0 9  * foo *",
            "foo",
            "`foo` is no month: it takes 1 to 12 or jan to dec, like `1`, `*/3` or `jan-mar`",
        ),
        (
            "0 9 * * mun",
            "mun",
            "`mun` is no day of week: it takes 0 to 7 or sun to sat, like `mon`, `mon-fri`, `mon#1` (the first) or `fri#L` (the last)",
        ),
        ("5-1 * * * *", "5-1", "`5-1` is no minute"),
        ("0/5 * * * *", "0/5", "did you mean `*/5`?"),
        ("10/5 * * * *", "10/5", "did you mean `10-59/5`?"),
        ("/2 0 9 * * *", "/2", "`/2` is no second"),
        ("0 9 31 2 *", "31 2", "`31 2` is no day of any year, so this never fires"),
        ("0 0 9 31 2,4,6 *", "31 2,4,6", "so this never fires"),
        ("* * * * * *", "*", "this fires every second; leave it out"),
        ("0 9 * *", "0 9 * *", "this has 4 fields"),
        ("0 0 9 * * * 2030", "0 0 9 * * * 2030", "this has 7 fields"),
        ("soon", "soon", "this has 1 field"),
        ("@reboot", "@reboot", "unknown schedule `@reboot`; the names are `@hourly`"),
        (" ", " ", "expected a cron expression, like \"0 9 * * mon-fri\""),
    ] {
        let wrong = Cron::parse(text).unwrap_err();
        assert!(wrong.message.contains(message), "{text}: {}", wrong.message);
        assert_eq!(&text[wrong.place], place, "{text}");
    }
}

#[test]
fn what_is_right_is_taken_and_said_in_words() {
    for (text, said) in [
        ("0 9 * * mon-fri", "At 09:00, on Monday, Tuesday, Wednesday, Thursday, and Friday"),
        ("*/15 * * * *", "At every 15 minutes"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 * * fri#L", "At 00:00, on the last Friday of the month"),
        ("*/5 * * * * *", "At every 5 seconds"),
        ("0 0 29 2 *", "At 00:00, on day 29, in February"),
        ("@Daily", "At 00:00"),
    ] {
        assert_eq!(cron(text).describe(), said, "{text}");
    }
}

#[test]
fn a_zone_that_is_unknown_is_answered_with_the_one_that_was_meant() {
    for (name, meant) in [
        ("Europe/Berln", "did you mean \"Europe/Berlin\"?"),
        ("europe/berlin", "did you mean \"Europe/Berlin\"?"),
        ("Berlin", "did you mean \"Europe/Berlin\"?"),
        ("America/New York", "did you mean \"America/New_York\"?"),
        ("Mars/Olympus", "zones are named like \"Europe/Berlin\" or \"UTC\""),
        ("", "zones are named like"),
    ] {
        let message = zone(name).unwrap_err();
        assert!(message.contains(meant), "{message}");
    }
    assert_eq!(zone("Asia/Tokyo"), Ok(Tz::Asia__Tokyo));
}
