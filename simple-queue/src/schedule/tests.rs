use super::{due::Due, *};

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap_or_else(|error| panic!("{time}: {error}"))
}

fn minutely() -> Schedule {
    Schedule::cron("* * * * *").unwrap()
}

fn ticks(due: &Due) -> Vec<String> {
    due.ticks.iter().map(|tick| tick.at.format("%H:%M:%S").to_string()).collect()
}

const NOW: &str = "2026-11-29T12:10:30Z";

#[test]
fn a_tick_that_is_not_a_minute_late_runs_under_each_policy() {
    for misfire in [Misfire::Coalesce, Misfire::Skip, Misfire::Backfill] {
        let secondly = Schedule::every(Duration::from_secs(10)).unwrap().misfire(misfire);
        let due = due(&secondly, at("2026-11-29T12:09:50Z"), None, at(NOW)).unwrap();
        assert_eq!(ticks(&due), ["12:09:50", "12:10:00", "12:10:10", "12:10:20", "12:10:30"]);
        assert_eq!(due.following, at("2026-11-29T12:10:40Z"));
    }
}

#[test]
fn late_ticks_are_one_none_or_all() {
    let due = |misfire| {
        due(&minutely().misfire(misfire), at("2026-11-29T12:01:00Z"), None, at(NOW)).unwrap()
    };
    assert_eq!(ticks(&due(Misfire::Coalesce)), ["12:10:00"]);
    // One of the ten is half a minute late.
    assert_eq!(ticks(&due(Misfire::Skip)), ["12:10:00"]);
    let all = due(Misfire::Backfill);
    assert_eq!((all.ticks.len(), all.left_out), (10, false));
    assert_eq!(all.ticks[0].at, at("2026-11-29T12:01:00Z"));
    for due in [due(Misfire::Coalesce), due(Misfire::Skip), all] {
        assert_eq!(due.following, at("2026-11-29T12:11:00Z"));
    }
}

#[test]
fn with_skip_nothing_runs_if_all_are_late() {
    let hourly = Schedule::cron("0 * * * *").unwrap().misfire(Misfire::Skip);
    let due = due(&hourly, at("2026-11-29T09:00:00Z"), None, at(NOW)).unwrap();
    assert_eq!(ticks(&due), [""; 0]);
    assert_eq!(due.following, at("2026-11-29T13:00:00Z"));
}

#[test]
fn what_lies_between_the_jobs_of_ticks_has_no_gap() {
    let last = at("2026-11-29T11:55:00Z");
    let coalesced = due(&minutely(), at("2026-11-29T11:56:00Z"), Some(last), at(NOW)).unwrap();
    assert_eq!(coalesced.ticks[0].since, at("2026-11-29T11:55:00Z"));
    let backfill = minutely().misfire(Misfire::Backfill);
    let all = due(&backfill, at("2026-11-29T11:56:00Z"), Some(last), at(NOW)).unwrap().ticks;
    assert_eq!(all[0].since, last);
    assert!(all.windows(2).all(|pair| pair[1].since == pair[0].at));
    // The first ever begins where the rule fired before.
    let first = due(&minutely(), at("2026-11-29T12:10:00Z"), None, at(NOW)).unwrap();
    assert_eq!(
        first.ticks,
        [Tick { at: at("2026-11-29T12:10:00Z"), since: at("2026-11-29T12:09:00Z") }]
    );
}

#[test]
fn a_long_time_away_is_not_counted_tick_by_tick() {
    let begun = std::time::Instant::now();
    for misfire in [Misfire::Coalesce, Misfire::Skip, Misfire::Backfill] {
        let secondly = Schedule::cron("*/2 * * * * *").unwrap().misfire(misfire);
        let due = due(&secondly, at("2016-11-29T12:00:00Z"), None, at(NOW)).unwrap();
        let (most, left_out) = match misfire {
            Misfire::Coalesce => (1, false),
            Misfire::Skip => (31, false),
            Misfire::Backfill => (1000, true),
        };
        assert_eq!((due.ticks.len(), due.left_out), (most, left_out));
        assert_eq!(due.ticks.last().unwrap().at, at(NOW));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_next_tick_that_is_none_of_the_rule_counts_as_the_tick_after_it() {
    let hourly = Schedule::cron("0 * * * *").unwrap();
    let none = due(&hourly, at("2026-11-29T12:00:00.000001Z"), None, at(NOW)).unwrap();
    assert_eq!((ticks(&none).len(), none.following), (0, at("2026-11-29T13:00:00Z")));
    let one = due(&hourly, at("2026-11-29T11:59:59.999999Z"), None, at(NOW)).unwrap();
    assert_eq!(ticks(&one), ["12:00:00"]);
}

#[test]
fn every_duration_has_its_multiples_since_1970() {
    let every = |millis| Schedule::every(Duration::from_millis(millis)).unwrap();
    let quarter = every(15 * 60_000);
    assert_eq!(quarter.next_after(at("2026-11-29T12:14:59.9Z")), Some(at("2026-11-29T12:15:00Z")));
    assert_eq!(quarter.next_after(at("2026-11-29T12:15:00Z")), Some(at("2026-11-29T12:30:00Z")));
    assert_eq!(
        quarter.previous_before(at("2026-11-29T12:15:00Z")),
        Some(at("2026-11-29T12:00:00Z"))
    );
    assert_eq!(
        quarter.previous_before(at("2026-11-29T12:15:00.000001Z")),
        Some(at("2026-11-29T12:15:00Z"))
    );
    assert_eq!(
        every(1500).next_after(at("1970-01-01T00:00:00Z")),
        Some(at("1970-01-01T00:00:01.5Z"))
    );
    assert_eq!(every(90_061_001).to_string(), "every 1d1h1m1s1ms");
}

#[test]
fn a_schedule_that_cannot_be_is_refused_with_the_fix() {
    let said = |refused: Result<Schedule, Error>| refused.unwrap_err().to_string();
    for (message, expected) in [
        (
            said(Schedule::cron("60 * * * *")),
            "the schedule `60 * * * *` cannot be used: `60` is no minute",
        ),
        (said(minutely().tz("Europe/Berln")), "did you mean \"Europe/Berlin\"?"),
        (said(Schedule::every(Duration::from_millis(999))), "it fires at most once a second"),
        (said(Schedule::every(Duration::from_hours(3651 * 24))), "the limit is 3650 days"),
        (said(Schedule::every(Duration::from_micros(1_000_001))), "milliseconds are its smallest"),
        (said(Schedule::every(Duration::from_secs(1)).unwrap().tz("UTC")), "leave `tz` out"),
        (
            said(Schedule::declared(
                DeclaredSchedule::cron("* * * * *")
                    .misfire(Misfire::Backfill)
                    .overlap(Overlap::Skip),
            )),
            "only the first of the late ticks would run",
        ),
    ] {
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_id_of_a_tick_is_its_own_and_the_same_each_time() {
    let id = |schema, name, tick| id_of_tick(schema, name, at(tick));
    let first = id("simple_queue", "a", NOW);
    assert_eq!(first, id("simple_queue", "a", NOW));
    assert_eq!(first.to_string(), "01a22736-c2f0-8079-9d8f-5f2e09fde687");
    for other in [
        id("other", "a", NOW),
        id("simple_queue", "b", NOW),
        id("simple_queue", "a", "2026-11-29T12:10:31Z"),
        id("simple_queue", "a", "2026-11-29T12:10:30.000001Z"),
    ] {
        assert_ne!(first, other);
    }
    assert_eq!((first.get_version_num(), first.get_variant()), (8, uuid::Variant::RFC4122));
    assert!(first < id("simple_queue", "b", "2026-11-29T12:10:31Z"), "ordered by their ticks");
}

#[test]
fn a_tick_to_come_is_told_in_words() {
    let schedule = Schedule::cron("0 9 * * mon").unwrap().tz("Europe/Berlin").unwrap();
    let monday = schedule.next_after(at(NOW)).unwrap();
    let said = |now| NextTick::new(monday, &schedule, at(now)).to_string();
    assert_eq!(said(NOW), "Monday, 30 November 2026, 09:00 CET, in 19 hours 49 minutes");
    assert_eq!(said("2026-11-30T07:59:59Z"), "Monday, 30 November 2026, 09:00 CET, in 1 second");
    assert_eq!(said("2026-11-30T08:00:00Z"), "Monday, 30 November 2026, 09:00 CET, due");
    let summer = at("2026-07-01T07:00:05Z");
    let said = NextTick::new(summer, &schedule, at("2026-06-30T07:00:00Z")).to_string();
    assert_eq!(said, "Wednesday, 1 July 2026, 09:00:05 CEST, in 1 day");
}
