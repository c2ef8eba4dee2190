//! The texts of all statements, with the schema written in.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, FromRow, Postgres, SqlSafeStr, SqlStr,
    postgres::{PgArguments, PgRow},
    query::{Query, QueryAs, QueryScalar},
};

use crate::database::{Pooled, Schema};

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
}

/// A statement with the parts that several have in common, for which it says `\ir`, as `psql` would read it.
fn whole(sql: &str) -> String {
    const PARTS: [(&str, &str); 3] = [
        ("\\ir finish_jobs.sql\n", include_str!("sql/finish_jobs.sql")),
        ("\\ir overwrite_dead_letter.sql\n", include_str!("sql/overwrite_dead_letter.sql")),
        ("\\ir parts/claimed.sql\n", include_str!("sql/parts/claimed.sql")),
    ];
    PARTS.iter().fold(sql.to_owned(), |sql, (mark, part)| sql.replace(mark, part))
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
    claim_overtaken_jobs,
    claim_suspect,
    claim_upkeep,
    dead_letter_jobs,
    #[cfg(feature = "janitor")]
    delete_expired,
    #[cfg(feature = "janitor")]
    delete_old_archive,
    #[cfg(feature = "janitor")]
    drop_archive_day,
    enqueue_many,
    ensure_archive_partitions,
    fetch_jobs,
    find_holder_of_dead_key,
    find_jobs_anywhere,
    find_jobs_by_fingerprint,
    find_jobs_by_unique_key,
    find_lane,
    find_live_job,
    find_overtaken_jobs,
    find_used_id,
    heartbeat,
    heartbeat_alone,
    insert_alike_jobs,
    insert_jobs,
    insert_jobs_with_extras,
    limit_idle_transaction,
    limit_lock_wait,
    list_dead_letters,
    #[cfg(feature = "janitor")]
    list_old_days,
    list_paused_queues,
    list_jobs_of_worker,
    list_unserved_kinds,
    list_unserved_queues,
    lock_dead_workers,
    mark_idle,
    name_suspect,
    notify,
    pause_queue,
    read_leases,
    read_metadata,
    read_payload,
    read_end,
    read_readiness,
    read_right_to_insert,
    redrive_dead_letters,
    register_worker,
    replace_jobs,
    reschedule_jobs,
    resume_queue,
    retire_worker,
    retry_jobs,
    return_jobs,
    set_aside_job,
    tell_long_running,
    unmark_idle,
}
