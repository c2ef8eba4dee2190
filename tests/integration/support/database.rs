//! A test's own database.

use std::time::Duration;

use simple_queue::{Role, SimpleQueue, embedded::EmbeddedPostgres, sync::BackoffStrategy};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// An empty database on the one server of this test binary.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    /// The test's own pool, as the owner of the tables.
    pub(crate) pool: PgPool,
    /// The role of the queues, where it is not the owner.
    app: Option<PgConnectOptions>,
}

/// The environment variable under which queues of a migrated database have a role that owns nothing and has the grants
/// of a worker and of an operator.
const ROLES: &str = "SIMPLE_QUEUE_TEST_ROLES";

impl TestDatabase {
    /// A database without the tables of the queue.
    pub(crate) async fn empty() -> Self {
        Self::at(server().await.create_database().await.expect("a database of its own")).await
    }

    /// A database with the tables of the queue, copied from one that is migrated once for the binary.
    pub(crate) async fn migrated() -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let make = async || {
            let database = Self::empty().await;
            let queue = database.owner().await;
            queue.migrate().await.expect("the tables are made");
            let name = database.name().await;
            // A database that has sessions cannot be copied.
            queue.pool().close().await;
            database.pool.close().await;
            name
        };
        let template = TEMPLATE.get_or_init(make).await;
        let mut database = Self::copy_of(template).await;
        if std::env::var_os(ROLES).is_some() {
            let app = database.granted("app", &[Role::Worker, Role::Operator]).await;
            // The role may use the tables that a test makes for its handlers.
            for all_of in ["tables", "sequences"] {
                let role = app.get_username();
                let to_come = format!("alter default privileges grant all on {all_of} to {role}");
                database.execute(&to_come).await;
            }
            database.app = Some(app);
        }
        database
    }

    async fn copy_of(template: &str) -> Self {
        let server = server().await.url();
        let name = format!("copy_{}", Uuid::now_v7().simple());
        let copy = format!("create database {name} template {template} strategy file_copy");
        let mut admin = PgConnection::connect(server).await.expect("a session of the server");
        admin.execute(AssertSqlSafe(copy)).await.expect("a copy of the template");
        admin.close().await.expect("the session ends");
        let (place, query) = server.split_once('?').unwrap_or((server, ""));
        let (place, _) = place.rsplit_once('/').expect("the URL names a database");
        Self::at(format!("{place}/{name}?{query}")).await
    }

    async fn at(url: String) -> Self {
        let pool = pool(url.parse().expect("a URL")).await;
        Self { url, pool, app: None }
    }

    async fn name(&self) -> String {
        self.value("select current_database()::text").await
    }

    /// A queue as in a process of its own: with its own pool and short times, so that tests
    /// need not wait long. A retry is due at once.
    pub(crate) async fn queue(&self) -> SimpleQueue {
        match &self.app {
            Some(app) => Self::queue_as(app.clone()).await,
            None => self.owner().await,
        }
    }

    /// As [`TestDatabase::queue`], of the role that the tables belong to.
    pub(crate) async fn owner(&self) -> SimpleQueue {
        Self::queue_at(&self.url).await
    }

    /// As [`TestDatabase::queue`], for a task that does not have the database.
    pub(crate) async fn queue_at(url: &str) -> SimpleQueue {
        Self::queue_as(url.parse().expect("a URL")).await
    }

    /// As [`TestDatabase::queue`], as another role.
    pub(crate) async fn queue_as(options: PgConnectOptions) -> SimpleQueue {
        SimpleQueue::new(pool(options).await)
            .with_heartbeat_interval(Duration::from_millis(200))
            .with_cancel_grace(Duration::from_millis(100))
            .with_default_backoff_strategy(BackoffStrategy::Linear {
                delay: chrono::TimeDelta::zero(),
            })
    }

    /// Makes a role that may only log in; returns its name, which is unique among all tests.
    pub(crate) async fn role(&self, name: &str) -> String {
        let role = format!("{}_{name}", self.name().await);
        self.execute(&format!("create role {role} login password 'secret'")).await;
        role
    }

    /// Makes a database role with the grants of these roles; returns how to connect as it.
    pub(crate) async fn granted(&self, name: &str, roles: &[Role]) -> PgConnectOptions {
        let role = self.role(name).await;
        let owner = SimpleQueue::new(self.pool.clone());
        for &to_the_queue in roles {
            let grants = owner.grants(to_the_queue, &role);
            sqlx::raw_sql(AssertSqlSafe(grants)).execute(&self.pool).await.expect("it is granted");
        }
        self.pool.connect_options().as_ref().clone().username(&role).password("secret")
    }

    /// The one value that a query returns.
    pub(crate) async fn value<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Executes a statement; returns the number of rows that it changed.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    /// The number of rows of a table, or of a table with a condition.
    pub(crate) async fn count(&self, from: &str) -> i64 {
        self.value(&format!("select count(*) from simple_queue.{from}")).await
    }
}

/// The one server of this test binary.
async fn server() -> &'static EmbeddedPostgres {
    static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
    super::logging::init();
    let start = async || {
        let server = EmbeddedPostgres::builder().in_memory(true).start().await;
        server.expect("a Postgres server")
    };
    SERVER.get_or_init(start).await
}

async fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(5).connect_with(options).await.expect("a pool")
}
