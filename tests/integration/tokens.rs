//! The statement that takes tokens of a rate.

use sqlx::Connection;

use crate::{statements::carry_out, support::TestDatabase};

/// The rate of these tests: a burst of 10, and a token each 10 ms, which is 0.91 s by 91.
const STORED: &str = r#"{"limit": 100, "per": 0.89, "burst": 10, "strict": true, "start_within": 0.02, "pace": 0.01}"#;

#[tokio::test]
async fn the_statement_takes_as_many_tokens_as_the_rule_allows() {
    let database = TestDatabase::migrated().await;
    let insert = format!("insert into simple_queue.limits (name, rate) values ('l', '{STORED}')");
    database.execute(&insert).await;
    let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let mut rounds = Vec::new();
    // The rest of the bucket in milliseconds before now, what is wanted, what is given back, and what is taken.
    for (tat, wanted, unused, taken) in [
        (-5000, 50, 0, 10),
        (-5000, 4, 0, 4),
        (0, 10, 0, 10),
        (1, 10, 0, 9),
        (45, 10, 0, 5),
        (90, 10, 0, 1),
        (91, 10, 0, 0),
        (1000, 10, 0, 0),
        (100, 0, 4, -4),
        (100, 10, 4, 0),
        (45, 10, 2, 5),
    ] {
        rounds.push((tat, wanted, unused, taken));
    }
    for (tat, wanted, unused, taken) in rounds {
        // Within a transaction now() stands.
        let mut tx = connection.begin().await.unwrap();
        let set = format!(
            "update simple_queue.limits set tat = now() + {tat} * interval '1 ms' where name = 'l'"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(set)).execute(&mut *tx).await.unwrap();
        let (wanted_sql, unused_sql) = (format!("array[{wanted}]"), format!("array[{unused}]"));
        let mark = format!("array[now() + {tat} * interval '1 ms']");
        let arguments = vec![
            ("names", "array['l']"),
            ("wanted", wanted_sql.as_str()),
            ("unused", unused_sql.as_str()),
            ("marks", mark.as_str()),
            ("needs", "array[0::float8]"),
        ];
        assert_eq!(carry_out(&mut tx, "take_tokens", &arguments).await, 1);
        let moved: f64 = sqlx::query_scalar(
            "select extract(epoch from tat - now())::float8 * 1000 from simple_queue.limits",
        )
        .fetch_one(&mut *tx)
        .await
        .unwrap();
        let expected = f64::from(std::cmp::max(tat, 0) + 10 * taken);
        let expected = if taken == 0 && wanted == 0 { f64::from(tat) } else { expected };
        assert!(
            (moved - expected).abs() < 0.01,
            "{tat} {wanted} {unused}: {moved}, not {expected}"
        );
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn tokens_are_given_back_only_while_nobody_has_taken_any_since() {
    let database = TestDatabase::migrated().await;
    let insert = format!(
        "insert into simple_queue.limits (name, rate, tat) values ('l', '{STORED}', now() + interval '1 min')"
    );
    database.execute(&insert).await;
    let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let tat = "select tat::text from simple_queue.limits";
    let before: String = database.value(tat).await;
    let mut give_back = async |mark: &str| {
        let mark = format!("array['{mark}'::timestamptz]");
        let arguments = vec![
            ("names", "array['l']"),
            ("wanted", "array[0]"),
            ("unused", "array[5]"),
            ("marks", mark.as_str()),
            ("needs", "array[0::float8]"),
        ];
        carry_out(&mut connection, "take_tokens", &arguments).await;
        database.value::<String>(tat).await
    };
    assert_eq!(give_back("2020-01-01").await, before);
    let after = give_back(&before).await;
    assert_ne!(after, before);
    assert_eq!(give_back(&before).await, after, "not twice");
}

#[tokio::test]
async fn a_process_that_is_slow_to_start_jobs_gets_more_time_and_no_token_while_it_changes() {
    let database = TestDatabase::migrated().await;
    let insert = format!("insert into simple_queue.limits (name, rate) values ('l', '{STORED}')");
    database.execute(&insert).await;
    let mut connection = sqlx::PgConnection::connect(&database.url).await.unwrap();
    let mut ask = async |needs: &str| {
        let needs = format!("array[{needs}::float8]");
        let arguments = vec![
            ("names", "array['l']"),
            ("wanted", "array[0]"),
            ("unused", "array[0]"),
            ("marks", "array[null::timestamptz]"),
            ("needs", needs.as_str()),
        ];
        carry_out(&mut connection, "take_tokens", &arguments).await;
        database
            .value::<(Option<f64>, Option<f64>)>(
                "select row(start_within, round(extract(epoch from tat - late_at), 3)::float8) from simple_queue.limits",
            )
            .await
    };
    assert_eq!(
        ask("0.04").await,
        (Some(0.04), Some(0.02)),
        "the difference passes without a token"
    );
    assert_eq!(ask("0.01").await.0, Some(0.04), "one that needs less changes nothing");
    database.execute("update simple_queue.limits set late_at = now() - interval '2 min'").await;
    assert_eq!(ask("0").await.0, None, "after a minute it is as it was");
}
