//! Who can reach a server, and how.

use std::{fs, net::TcpListener, path::Path};

use simple_queue_embedded::EmbeddedPostgres;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};

use crate::process::{Process, Scratch, mode, query, socket};

/// Returns a port that is free at this moment.
pub(crate) fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

pub(crate) fn password_of(url: &str) -> &str {
    let (user, _) = url.split_once('@').unwrap();
    user.strip_prefix("postgres://postgres:").expect("there is a password in the URL")
}

/// Returns the code of the error that refuses this connection.
async fn refusal(options: PgConnectOptions) -> String {
    let refused = PgConnection::connect_with(&options).await.expect_err("it must be refused");
    let sqlx::Error::Database(refused) = refused else { panic!("{refused}") };
    refused.code().unwrap().into_owned()
}

#[tokio::test]
async fn a_server_has_no_port_and_its_socket_is_in_a_directory_that_only_its_user_can_enter() {
    let scratch = Scratch::new();
    let permanent = EmbeddedPostgres::start_in(scratch.0.join("named")).await.unwrap();
    let mut temporary = Process::start(&scratch, "stay", |_| ());
    for url in [permanent.url().to_owned(), temporary.ready().await] {
        let socket = socket(&url).expect("the path is short enough");
        assert_eq!(mode(&socket) & 0o077, 0);
        assert_eq!(mode(socket.parent().unwrap()), 0o700);
        assert_eq!(query(&url, "show listen_addresses").await, "");
        let rules = "select string_agg(distinct type, ',') from pg_hba_file_rules";
        assert_eq!(query(&url, rules).await, "local");
    }
    permanent.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_is_open_only_to_who_knows_the_password() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let start = async || {
        let builder = EmbeddedPostgres::builder().setting("port", free_port());
        builder.start_in(&directory).await.unwrap()
    };
    let postgres = start().await;
    assert_eq!(query(postgres.url(), "select 1").await, "1");
    assert_eq!(query(&postgres.create_database().await.unwrap(), "select 1").await, "1");
    let password = password_of(postgres.url()).to_owned();
    for wrong in ["", "postgres", &password[1..]] {
        let options: PgConnectOptions = postgres.url().parse().unwrap();
        assert_eq!(refusal(options.password(wrong)).await, "28P01", "{wrong}");
    }
    let ways = "select string_agg(distinct auth_method, ',') from pg_hba_file_rules";
    assert_eq!(query(postgres.url(), ways).await, "scram-sha-256");

    // The directory keeps the password.
    postgres.stop().await.unwrap();
    let again = start().await;
    assert_eq!(password_of(again.url()), password);
    assert_eq!(query(again.url(), "select 1").await, "1");
    again.stop().await.unwrap();
    // Without a port there is no password.
    let by_socket = EmbeddedPostgres::start_in(&directory).await.unwrap();
    assert_eq!(query(by_socket.url(), "select 1").await, "1");
    by_socket.stop().await.unwrap();
}

#[tokio::test]
async fn a_password_is_in_no_message_no_log_and_no_argument_of_a_process() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    // Everything that a server can be told to log.
    let postgres = EmbeddedPostgres::builder()
        .setting("port", free_port())
        .setting("log_statement", "all")
        .setting("log_connections", "on")
        .setting("log_min_messages", "debug5")
        .start_in(&directory)
        .await
        .unwrap();
    let password = password_of(postgres.url()).to_owned();
    assert_eq!(query(postgres.url(), "select 1").await, "1");
    assert!(!format!("{postgres:?}").contains(&password));
    assert!(format!("{postgres:?}").contains("127.0.0.1"), "{postgres:?}");
    let log = fs::read(directory.join("log")).unwrap();
    assert!(String::from_utf8_lossy(&log).contains("select 1"), "it logs all statements");
    assert!(!contains(&log, &password));
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        // A process that has just ended has none.
        if let Ok(arguments) = fs::read(process.path().join("cmdline")) {
            assert!(!contains(&arguments, &password), "{}", process.path().display());
        }
    }
    assert_eq!(mode(&directory.join("password")), 0o600);
    assert_eq!(fs::read_to_string(directory.join("password")).unwrap().trim(), password);
    postgres.stop().await.unwrap();
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

#[tokio::test]
async fn where_a_path_is_too_long_for_a_socket_there_is_a_port_with_a_password() {
    let scratch = Scratch::new();
    let long = scratch.0.join("d".repeat(80));
    fs::create_dir(&long).unwrap();
    let mut process = Process::start(&scratch, "stay", |command| {
        command.env("TMPDIR", &long);
    });
    let url = process.ready().await;
    assert_eq!(socket(&url), None);
    assert_eq!(password_of(&url).len(), 64);
    let options: PgConnectOptions = url.parse().unwrap();
    assert_eq!(refusal(options.password("")).await, "28P01");
}

#[tokio::test]
async fn the_log_of_a_permanent_server_and_all_beside_it_is_closed_to_others() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let postgres = EmbeddedPostgres::start_in(&directory).await.unwrap();
    assert_eq!(mode(&directory) & 0o707, 0o700);
    for name in ["log", "owner.lock", "server.lock"] {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    for name in ["data", "socket"] {
        assert_eq!(mode(&directory.join(name)), 0o700, "{name}");
    }
    postgres.stop().await.unwrap();
}

#[tokio::test]
#[cfg_attr(not(psql), ignore = "needs `psql`")]
async fn psql_understands_the_url_of_a_socket_and_of_a_port() {
    let scratch = Scratch::new();
    let odd = scratch.0.join("a b'%");
    let by_socket = EmbeddedPostgres::start_in(&odd).await.unwrap();
    let builder = EmbeddedPostgres::builder().setting("port", free_port());
    let by_port = builder.start_in(scratch.0.join("port")).await.unwrap();
    for postgres in [by_socket, by_port] {
        for url in [postgres.url(), &postgres.create_database().await.unwrap()] {
            assert_eq!(psql(url, "select 'understood'"), "understood");
        }
        postgres.stop().await.unwrap();
    }
}

fn psql(url: &str, sql: &str) -> String {
    let mut command = std::process::Command::new("psql");
    let output = command.args(["-XAtc", sql, url]).current_dir(Path::new("/")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
