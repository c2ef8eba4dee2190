use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const CHARACTERS: &[char] = &[
    'a', 'Z', '7', ' ', '"', '\\', ',', ':', '.', '=', '-', '/', '~', '\n', '\t', 'é', '€',
    '\u{a0}', '🦀',
];

fn text(random: &mut fastrand::Rng) -> String {
    (0..random.usize(0..6)).map(|_| *random.choice(CHARACTERS).unwrap_or(&'a')).collect()
}

fn some<T>(random: &mut fastrand::Rng, value: impl Fn(&mut fastrand::Rng) -> T) -> Option<T> {
    random.bool().then(|| value(random))
}

fn several<T>(random: &mut fastrand::Rng, value: impl Fn(&mut fastrand::Rng) -> T) -> Vec<T> {
    (0..random.usize(0..3)).map(|_| value(random)).collect()
}

fn moment(random: &mut fastrand::Rng) -> Moment {
    if random.bool() {
        Moment::ago(Duration::from_micros(random.u64(..) >> random.u32(0..64)))
    } else {
        let time = DateTime::<Utc>::from_timestamp_micros(random.i64(..) >> random.u32(0..32));
        Moment::at(time.unwrap_or(DateTime::<Utc>::MAX_UTC))
    }
}

fn value(random: &mut fastrand::Rng) -> Value {
    match random.u8(0..7) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.i64(..)),
        3 => json!(random.u64(..)),
        4 => json!(random.f64() * 1e300),
        5 => json!({ text(random): [text(random), random.i32(..)] }),
        _ => json!(text(random)),
    }
}

fn matched(random: &mut fastrand::Rng) -> Match {
    let path = if random.bool() { text(random) } else { format!("/{}", text(random)) };
    if random.bool() {
        Match::exact(&path, value(random))
    } else {
        Match::word(&path, text(random))
    }
}

fn bounds<T>(random: &mut fastrand::Rng, end: impl Fn(&mut fastrand::Rng) -> T) -> Bounds<T> {
    Bounds { from: some(random, &end), to: some(random, &end) }
}

fn filter(random: &mut fastrand::Rng) -> JobFilter {
    const STATUSES: [JobStatus; 3] = [JobStatus::Pending, JobStatus::BadJob, JobStatus::Failed];
    let uuid = |random: &mut fastrand::Rng| Uuid::from_u128(random.u128(..));
    JobFilter {
        state: random.choice(State::ALL).map_or(State::Any, |(_, state)| state),
        queues: several(random, text),
        kinds: several(random, text),
        statuses: several(random, |random| *random.choice(&STATUSES).unwrap_or(&STATUSES[0])),
        ids: some(random, |random| several(random, uuid)),
        worker: some(random, uuid),
        priority: bounds(random, |random| random.i16(..)),
        attempts: bounds(random, |random| random.i32(..)),
        created: bounds(random, moment),
        finished: bounds(random, moment),
        tags: several(random, text),
        fingerprint: some(random, text),
        unique_key: some(random, text),
        args: several(random, matched),
        metadata: several(random, matched),
        error: some(random, text),
        error_key: some(random, text),
    }
}

#[test]
fn every_filter_is_read_as_it_was_written() {
    let mut random = fastrand::Rng::with_seed(0x5157);
    for _ in 0..20_000 {
        let filter = filter(&mut random);
        let written = filter.to_string();
        let read = written.parse::<JobFilter>();
        assert_eq!(read.as_ref(), Ok(&filter), "{written}");
    }
}

#[test]
fn no_text_whatever_makes_the_parser_panic_and_an_error_is_within_the_text() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..20_000 {
        // A few characters of a good filter are replaced, so that most of it is read.
        let mut written: Vec<char> = filter(&mut random).to_string().chars().collect();
        for _ in 0..random.usize(0..4) {
            let at = random.usize(..=written.len());
            if random.bool() {
                written.insert(at, *random.choice(CHARACTERS).unwrap_or(&'"'));
            } else {
                written.truncate(at);
            }
        }
        let written: String = written.into_iter().collect();
        if let Err(error) = written.parse::<JobFilter>() {
            assert!(written.is_char_boundary(error.at), "{written}");
            assert!(!error.to_string().is_empty());
        }
    }
}

#[test]
fn what_people_type_is_understood() {
    let typed = |text: &str| text.parse::<JobFilter>().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(typed(""), JobFilter::any());
    assert_eq!(
        typed(r#"state:dead queue:emails args.user_id:42 error:"refused" after:-1h"#),
        JobFilter::dead()
            .queue("emails")
            .args_like("user_id", "42")
            .error_like("refused")
            .since(Duration::from_hours(1))
    );
    // The state may come last.
    assert_eq!(
        typed("before:-90m state:dead"),
        JobFilter::dead().older_than(Duration::from_mins(90))
    );
    assert_eq!(typed("after:-60s"), JobFilter::any().since(Duration::from_mins(1)));
    assert_eq!(typed("priority:-3 attempts:2.."), JobFilter::any().priority(-3..=-3).attempts(2..));
    assert_eq!(typed("  queue:a,\"b c\"\n"), JobFilter::any().queue("a").queue("b c"));
    assert_eq!(
        typed(r#"args.address."zip.code":="9""#),
        JobFilter::any().args("/address/zip.code", 9)
    );
    let at = "2026-11-29T10:00:00Z".parse::<DateTime<Utc>>().unwrap();
    assert_eq!(typed("finished:..2026-11-29T11:00:00+01:00"), JobFilter::any().finished(..at));
}

#[test]
fn a_mistake_is_answered_with_its_place_and_what_would_be_right() {
    for (text, at, says) in [
        ("qeue:a", 0, "`qeue` is not a word of a filter; these are: state, queue"),
        ("state:dead emails", 11, "`emails` has no value"),
        ("state:deda", 6, "a state is one of waiting, later"),
        ("state:dead state:done", 11, "`state` is given twice"),
        ("queue:a queue:b", 8, "write several values with commas"),
        ("queue:", 6, "a value is missing"),
        ("queue", 5, "needs a colon"),
        ("error:\"refused", 6, "this quote has no end"),
        (r#"error:"a\n""#, 8, "`\\` escapes"),
        ("id:7", 3, "it has to be a UUID"),
        ("priority:high", 9, "no number in range"),
        ("priority:1..99999", 12, "no number in range"),
        ("created:yesterday..", 8, "`yesterday` is no time"),
        ("created:-1h", 11, "a range has two dots"),
        ("args:7", 4, "it needs a path"),
        ("args.a:={", 8, "after `:=` comes JSON"),
        ("tag:a,b", 5, "repeat the term"),
        ("tag:\"a\"b", 7, "a space is missing"),
        ("tag:a\0", 5, "NUL"),
    ] {
        let error = text.parse::<JobFilter>().unwrap_err();
        assert!(error.problem.contains(says), "{text}: {error}");
        assert_eq!(error.at, at, "{text}: {error}");
    }
}

#[test]
fn a_typed_value_matches_the_text_and_the_number_and_an_exact_one_only_itself() {
    let values = |wanted: Match| wanted.values();
    assert_eq!(values(Match::word("id", "42".to_owned())), [json!("42"), json!(42)]);
    assert_eq!(values(Match::word("id", "true".to_owned())), [json!("true"), json!(true)]);
    assert_eq!(values(Match::word("id", "[1]".to_owned())), [json!("[1]")]);
    assert_eq!(values(Match::word("id", "\"a\"".to_owned())), [json!("\"a\"")]);
    assert_eq!(values(Match::exact("id", json!("42"))), [json!("42")]);
}

#[test]
fn the_ends_of_a_range_of_numbers_are_counted_in_or_left_out() {
    let filter = JobFilter::any().priority(1..3).attempts(..=2);
    assert_eq!((filter.priority.from, filter.priority.to), (Some(1), Some(2)));
    assert_eq!((filter.attempts.from, filter.attempts.to), (None, Some(2)));
}

#[test]
fn a_resolved_filter_has_no_time_before_now() {
    let now = "2026-11-29T10:00:00Z".parse().unwrap();
    let filter = JobFilter::dead().since(Duration::from_hours(1)).resolved(now);
    assert_eq!(filter.to_string(), "state:dead finished:2026-11-29T09:00:00Z..");
    let ancient = JobFilter::dead().since(Duration::MAX).resolved(now).to_string();
    assert!(ancient.parse::<JobFilter>().is_ok(), "{ancient}");
}
