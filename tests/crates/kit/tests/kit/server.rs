//! Runs the tests that need `DATABASE_URL`, on a server of their own.

use std::{env, process::Stdio, time::Duration};

use simple_queue::embedded::EmbeddedPostgres;
use sqlx::{Connection, PgConnection};
use tokio::{process::Command, time::timeout};

/// 5 min, upper bound of a run of this program: it takes half a minute.
const LONGEST: Duration = Duration::from_mins(5);

/// Starts this program again with these arguments and the URL of a server.
async fn run_again(postgres: &EmbeddedPostgres, arguments: &[&str]) {
    let mut program = Command::new(env::current_exe().unwrap());
    program.arg("--ignored").args(arguments).env("DATABASE_URL", postgres.url());
    program.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(LONGEST, program.output()).await.expect("the tests end in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains(" 0 passed"), "{said}");
}

/// The databases that `#[sqlx::test]` has left behind.
async fn left_behind(postgres: &EmbeddedPostgres) -> Vec<String> {
    let mut connection = PgConnection::connect(postgres.url()).await.unwrap();
    let left = sqlx::query_scalar(
        "select datname::text from pg_database where datname like '\\_sqlx\\_test%'",
    );
    left.fetch_all(&mut connection).await.unwrap()
}

async fn server() -> EmbeddedPostgres {
    EmbeddedPostgres::builder().setting("max_connections", "400").start().await.unwrap()
}

#[tokio::test]
async fn the_tests_with_a_database_pass() {
    let postgres = server().await;
    // What takes its time beside others is measured alone.
    run_again(&postgres, &["within_a_second", "--test-threads", "1"]).await;
    run_again(&postgres, &["--skip", "thirty::", "--skip", "within_a_second"]).await;
    assert_eq!(left_behind(&postgres).await, Vec::<String>::new());
}

#[tokio::test]
async fn thirty_tests_at_once_leave_no_database_behind() {
    let postgres = server().await;
    run_again(&postgres, &["thirty::", "--test-threads", "30"]).await;
    assert_eq!(left_behind(&postgres).await, Vec::<String>::new());
}
