//! The roles of the other processes.

use std::{collections::HashSet, env, sync::OnceLock, time::Duration};

use simple_queue_embedded::{EmbeddedError, EmbeddedPostgres};
use tokio::signal::unix::{SignalKind, signal};

use super::process::query;

/// Runs the role that the test wants of this process.
pub(crate) async fn play(role: &str) {
    match role {
        "several" => return several().await,
        "give-up" => return give_up().await,
        "connect" => {
            let url = env::var("ROLE_URL").expect("the test sets it");
            println!("{}", query(&url, "select 'connected'").await);
            return;
        }
        _ => (),
    }
    // Listens before any process can learn that this one is ready.
    let mut interrupts = signal(SignalKind::interrupt()).unwrap();
    if let Some(port) = env::var_os("ROLE_PORT") {
        let builder = EmbeddedPostgres::builder().setting("port", port.into_string().unwrap());
        let postgres = builder.start().await.unwrap_or_else(|error| panic!("{error}"));
        println!("\nready: {}", postgres.url());
        return std::future::pending().await;
    }
    let started = match env::var_os("ROLE_DIRECTORY") {
        Some(directory) => EmbeddedPostgres::start_in(directory).await,
        None => EmbeddedPostgres::start().await,
    };
    let postgres = started.unwrap_or_else(|error| panic!("{error}"));
    if role == "databases" {
        databases(&postgres).await;
    }
    println!("\nready: {}", postgres.url());
    match role {
        "panic" => panic!("as the test wants it"),
        "exit" => {
            static KEPT: OnceLock<EmbeddedPostgres> = OnceLock::new();
            KEPT.set(postgres).expect("this happens once");
            std::process::exit(0);
        }
        "interrupt" => {
            interrupts.recv().await.unwrap();
            assert_eq!(query(postgres.url(), "select 1").await, "1");
        }
        _ => std::future::pending().await,
    }
}

async fn several() {
    let starts: Vec<_> = (0..4).map(|_| tokio::spawn(EmbeddedPostgres::start())).collect();
    let mut servers = Vec::new();
    for start in starts {
        let postgres = start.await.unwrap().unwrap();
        assert_eq!(query(postgres.url(), "select 1").await, "1");
        servers.push(postgres);
    }
    let urls: HashSet<_> = servers.iter().map(EmbeddedPostgres::url).collect();
    let expected = if env::var_os("DATABASE_URL").is_some() { 1 } else { 4 };
    assert_eq!(urls.len(), expected);
    for postgres in servers {
        postgres.stop().await.unwrap();
    }
}

async fn give_up() {
    for delay in (0..400).step_by(40).map(Duration::from_millis) {
        // The server is dropped in any case, whether or not the start was faster.
        let started = tokio::time::timeout(delay, EmbeddedPostgres::start()).await;
        drop(started);
    }
}

async fn databases(postgres: &EmbeddedPostgres) {
    let urls = futures_join((0..20).map(|_| postgres.create_database())).await;
    let distinct: HashSet<_> = urls.iter().collect();
    assert_eq!(distinct.len(), 20);
    for url in &urls {
        let tables = "select count(*)::text from pg_tables where schemaname = 'public'";
        assert_eq!(query(url, tables).await, "0");
    }
}

/// Polls all at the same time, so that they interfere.
async fn futures_join<T>(
    futures: impl Iterator<Item = impl Future<Output = Result<T, EmbeddedError>>>,
) -> Vec<T> {
    let mut waiting: Vec<_> = futures.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(result) => {
                done.push(result.unwrap());
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
