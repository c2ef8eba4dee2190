//! A database of a test's own.

use std::time::Duration;

use simple_queue::{Role, SimpleQueue, embedded::EmbeddedPostgres, sync::BackoffStrategy};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;

/// An empty database on the one server of this test binary.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    /// For looking at the tables, apart from the queue's pool, as their owner.
    pub(crate) pool: PgPool,
    /// A role that owns nothing, for the queues.
    app: Option<PgConnectOptions>,
}

/// Where it is set, queues of a database that is migrated are of a role that has the grants of a worker and of an
/// operator, and nothing else.
const ROLES: &str = "SIMPLE_QUEUE_TEST_ROLES";

impl TestDatabase {
    /// A database without the tables of the queue.
    pub(crate) async fn empty() -> Self {
        static SERVER: OnceCell<EmbeddedPostgres> = OnceCell::const_new();
        super::logging::init();
        let server = SERVER
            .get_or_init(|| async { EmbeddedPostgres::start().await.expect("a Postgres server") })
            .await;
        let url = server.create_database().await.expect("a database of its own");
        let pool = pool(url.parse().expect("a URL")).await;
        Self { url, pool, app: None }
    }

    /// A database with the tables of the queue.
    pub(crate) async fn migrated() -> Self {
        let mut database = Self::empty().await;
        database.owner().await.migrate().await.expect("the tables are made");
        if std::env::var_os(ROLES).is_some() {
            let app = database.granted("app", &[Role::Worker, Role::Operator]).await;
            // Tables that a test makes for its handlers.
            for all_of in ["tables", "sequences"] {
                let role = app.get_username();
                let to_come = format!("alter default privileges grant all on {all_of} to {role}");
                database.execute(&to_come).await;
            }
            database.app = Some(app);
        }
        database
    }

    /// A queue as another process would have it: a pool of its own, and short times, so that tests
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

    /// As [`TestDatabase::queue`], where the database itself is out of reach.
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

    /// Makes a role that may log in and do nothing else; returns its name, which no other test's has.
    pub(crate) async fn role(&self, name: &str) -> String {
        let database: String = self.value("select current_database()::text").await;
        let role = format!("{database}_{name}");
        self.execute(&format!("create role {role} login password 'secret'")).await;
        role
    }

    /// Makes a role that is all of these to the queue; returns how to connect as it.
    pub(crate) async fn granted(&self, name: &str, roles: &[Role]) -> PgConnectOptions {
        let role = self.role(name).await;
        let owner = SimpleQueue::new(self.pool.clone());
        for &to_the_queue in roles {
            let grants = owner.grants(to_the_queue, &role);
            sqlx::raw_sql(AssertSqlSafe(grants)).execute(&self.pool).await.expect("it is granted");
        }
        self.pool.connect_options().as_ref().clone().username(&role).password("secret")
    }

    /// The one value that a query answers with.
    pub(crate) async fn value<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Carries out a statement; returns how many rows it changed.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        sqlx::query(AssertSqlSafe(sql))
            .execute(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    /// How many rows of a table, or of a table and a condition.
    pub(crate) async fn count(&self, from: &str) -> i64 {
        self.value(&format!("select count(*) from simple_queue.{from}")).await
    }
}

async fn pool(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new().max_connections(5).connect_with(options).await.expect("a pool")
}
