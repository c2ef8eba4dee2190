//! The texts of all statements, with the schema written in.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::Schema;

/// One statement. Made once for a schema, so that its text, by which a connection finds its prepared
/// form again, is always the same.
#[derive(Debug)]
pub(super) struct Statement(Arc<str>);

impl Statement {
    /// The only dynamic part is the schema's name, which [`Schema::new`] lets no quote into.
    pub(super) fn text(&self) -> SqlStr {
        AssertSqlSafe(Arc::clone(&self.0)).into_sql_str()
    }

    /// The statement for one partition of the archive; partitions cannot be parameters.
    pub(super) fn for_partition(&self, partition: &str) -> SqlStr {
        let sql = self.0.replace(".archive_partition", &format!(".\"{partition}\""));
        AssertSqlSafe(sql).into_sql_str()
    }
}

macro_rules! statements {
    ($($name:ident),* $(,)?) => {
        /// Every file of `sql/`, under its own name.
        #[derive(Debug)]
        pub(super) struct Statements {
            $(pub(super) $name: Statement,)*
        }

        impl Statements {
            pub(super) fn new(schema: &Schema) -> Self {
                Self {
                    $($name: Statement(
                        schema.write_into(include_str!(concat!("sql/", stringify!($name), ".sql"))).into(),
                    ),)*
                }
            }
        }
    };
}

statements! {
    archive_jobs,
    cancel_jobs,
    dead_letter_jobs,
    delete_dead_letters,
    detach_archive_partition,
    drop_archive_partition,
    ensure_archive_partitions,
    fetch_jobs,
    find_jobs_anywhere,
    find_jobs_by_fingerprint,
    find_jobs_by_unique_key,
    finish_detaching_archive_partition,
    give_back_unheld,
    heartbeat,
    insert_jobs,
    list_archive_partitions,
    name_suspect,
    notify,
    read_leases,
    read_status,
    reap_workers,
    register_worker,
    retire_worker,
    retry_jobs,
    set_idle,
}
