//! `#[simple_queue::test]`: a test with a database of its own on a private server.

use std::pin::Pin;

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;

use simple_queue_embedded::EmbeddedPostgres;

use super::TestQueue;
use crate::{SimpleQueue, store::TestDatabases};

/// What a test may take as an argument.
#[diagnostic::on_unimplemented(
    message = "a test cannot take a `{Self}`",
    label = "expected `TestQueue` or `PgPool`"
)]
pub trait TestArgument: Sized {
    #[doc(hidden)]
    fn of_test(pool: &PgPool) -> Pin<Box<dyn Future<Output = Self> + Send + '_>>;
}

impl TestArgument for TestQueue {
    fn of_test(pool: &PgPool) -> Pin<Box<dyn Future<Output = Self> + Send + '_>> {
        Box::pin(async { Self::of(&SimpleQueue::new(pool.clone())).await })
    }
}

impl TestArgument for PgPool {
    fn of_test(pool: &PgPool) -> Pin<Box<dyn Future<Output = Self> + Send + '_>> {
        Box::pin(std::future::ready(pool.clone()))
    }
}

/// 5 connections, upper bound of a test's pool, as that of `#[sqlx::test]`.
const CONNECTIONS: u32 = 5;

/// Runs a test with a database of its own. `#[simple_queue::test]` calls it.
///
/// # Panics
/// With the panic of the test, and when there is no server.
pub fn run_test<F: Future>(test: impl FnOnce(PgPool) -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the system gives a runtime").block_on(async {
        let databases = databases().await;
        let made = databases.make().await;
        let made = made.unwrap_or_else(|error| panic!("no database for a test: {error}"));
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
        let pool = pool.connect_with(made.clone()).await;
        let pool = pool.unwrap_or_else(|error| panic!("no connection for a test: {error}"));
        // The database of a test that fails stays, to be looked at, as long as its server.
        let output = test(pool.clone()).await;
        pool.close().await;
        if let Err(error) = databases.drop(&made).await {
            panic!("the database of a test cannot be dropped: {error}");
        }
        output
    })
}

/// The server of this process: that of `DATABASE_URL`, or a private one that ends with the process.
async fn databases() -> &'static TestDatabases {
    static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
    static DATABASES: OnceCell<TestDatabases> = OnceCell::const_new();
    let start = async || {
        let started = EmbeddedPostgres::builder().in_memory(true).start().await;
        started.unwrap_or_else(|error| panic!("no Postgres for the tests: {error}"))
    };
    let make = async || {
        let server = SERVER.get_or_init(start).await;
        let options: PgConnectOptions = server.url().parse().expect("the server's own URL");
        if std::env::var_os("DATABASE_URL").is_some() {
            return TestDatabases::new(options, None);
        }
        let template = TestDatabases::new(options.clone(), None).make().await;
        let template = template.unwrap_or_else(|error| panic!("no database for tests: {error}"));
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(template.clone());
        drop(TestQueue::of(&SimpleQueue::new(pool.clone())).await);
        // A database with sessions cannot be copied.
        pool.close().await;
        TestDatabases::new(options, template.get_database().map(ToOwned::to_owned))
    };
    DATABASES.get_or_init(make).await
}
