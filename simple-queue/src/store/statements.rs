//! The texts of all statements, with the schema written in.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
};

use super::{Pooled, Schema};

/// One statement. Made once for a schema, so that its text, by which a connection finds its prepared
/// form again, is always the same.
#[derive(Debug)]
pub(super) struct Statement {
    text: Arc<str>,
    pooled: Pooled,
}

impl Statement {
    pub(super) fn query(&self) -> Query<'static, Postgres, PgArguments> {
        sqlx::query(self.text()).persistent(self.is_named())
    }

    pub(super) fn query_as<R>(&self) -> QueryAs<'static, Postgres, R, PgArguments>
    where
        R: for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_as(self.text()).persistent(self.is_named())
    }

    pub(super) fn query_scalar<T>(&self) -> QueryScalar<'static, Postgres, T, PgArguments>
    where
        (T,): for<'r> FromRow<'r, PgRow>,
    {
        sqlx::query_scalar(self.text()).persistent(self.is_named())
    }

    /// Whether its prepared form is kept in the session, under a name.
    fn is_named(&self) -> bool {
        !self.pooled.get()
    }

    /// The only dynamic part is the schema's name, which [`Schema::new`] lets no quote into.
    fn text(&self) -> SqlStr {
        AssertSqlSafe(Arc::clone(&self.text)).into_sql_str()
    }

    #[cfg(feature = "janitor")]
    /// The statement for one partition of the archive; partitions cannot be parameters.
    pub(super) fn for_partition(&self, partition: &str) -> SqlStr {
        let sql = self.text.replace(".archive_partition", &format!(".\"{partition}\""));
        AssertSqlSafe(sql).into_sql_str()
    }
}

/// A statement with the part that some have in common, for which it says `\ir`, as `psql` would read it.
fn whole(sql: &str) -> String {
    sql.replace("\\ir finish_jobs.sql\n", include_str!("sql/finish_jobs.sql"))
        .replace("\\ir overwrite_dead_letter.sql\n", include_str!("sql/overwrite_dead_letter.sql"))
}

macro_rules! statements {
    ($($(#[$condition:meta])? $name:ident),* $(,)?) => {
        /// Every statement in `sql/`, under its file's name.
        #[derive(Debug)]
        pub(super) struct Statements {
            $($(#[$condition])? pub(super) $name: Statement,)*
        }

        impl Statements {
            pub(super) fn new(schema: &Schema, pooled: &Pooled) -> Self {
                Self {
                    $($(#[$condition])? $name: Statement {
                        text: schema
                            .write_into(&whole(include_str!(concat!("sql/", stringify!($name), ".sql"))))
                            .into(),
                        pooled: pooled.clone(),
                    },)*
                }
            }
        }
    };
}

statements! {
    archive_jobs,
    bury_workers,
    cancel_jobs,
    dead_letter_jobs,
    #[cfg(feature = "janitor")]
    delete_expired,
    #[cfg(feature = "janitor")]
    delete_old_archive,
    #[cfg(feature = "janitor")]
    detach_archive_partition,
    #[cfg(feature = "janitor")]
    drop_archive_partition,
    ensure_archive_partitions,
    fetch_jobs,
    find_holder_of_dead_key,
    find_jobs_anywhere,
    find_jobs_by_fingerprint,
    find_jobs_by_unique_key,
    find_live_job,
    find_used_id,
    #[cfg(feature = "janitor")]
    finish_detaching_archive_partition,
    heartbeat,
    insert_alike_jobs,
    insert_jobs,
    limit_idle_transaction,
    limit_lock_wait,
    #[cfg(feature = "janitor")]
    list_archive_partitions,
    list_dead_letters,
    list_paused_queues,
    list_unserved_kinds,
    lock_dead_workers,
    name_suspect,
    notify,
    pause_queue,
    read_leases,
    read_end,
    redrive_dead_letters,
    register_worker,
    replace_jobs,
    reschedule_jobs,
    resume_queue,
    retire_worker,
    retry_jobs,
    return_jobs,
    set_idle,
}
