//! What a stretch of a trial cost the server.

use std::{fs, time::Duration};

use sqlx::{PgConnection, Row};

use crate::contestant::Result;

/// Counters of the server, read at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    wal_bytes: f64,
    statements: Option<f64>,
    server_cpu: Option<Duration>,
}

/// What was counted between two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) wal_bytes: f64,
    pub(crate) statements: Option<f64>,
    pub(crate) server_cpu: Option<Duration>,
}

impl Counters {
    /// Reads those of the server and, of statements, those in one database.
    pub(crate) async fn read(
        observer: &mut PgConnection,
        database: &str,
        statements: bool,
    ) -> Result<Self> {
        let row = sqlx::query(
            "select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::double precision as wal, pg_backend_pid() as pid",
        )
        .fetch_one(&mut *observer)
        .await?;
        let statements = if statements {
            let calls = "select coalesce(sum(calls), 0)::double precision from pg_stat_statements s
                join pg_database d on d.oid = s.dbid where d.datname = $1";
            Some(sqlx::query_scalar(calls).bind(database).fetch_one(&mut *observer).await?)
        } else {
            None
        };
        Ok(Self {
            wal_bytes: row.try_get("wal")?,
            statements,
            server_cpu: server_cpu(row.try_get("pid")?),
        })
    }

    pub(crate) fn since(&self, earlier: &Self) -> Counted {
        Counted {
            wal_bytes: self.wal_bytes - earlier.wal_bytes,
            statements: self.statements.zip(earlier.statements).map(|(now, then)| now - then),
            server_cpu: self
                .server_cpu
                .zip(earlier.server_cpu)
                .map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// The processor time of the server and all its processes, also of those that have ended; `None` if it runs
/// on another machine, or where there is no `/proc`.
fn server_cpu(backend: i32) -> Option<Duration> {
    let postmaster = Stat::of(backend)?.parent;
    let mut total = on_cpu(postmaster)? + Stat::of(postmaster)?.ended_children;
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let Some(pid) = pid else { continue };
        // A process that ends meanwhile is counted with the ended ones next time.
        if Stat::of(pid).is_some_and(|stat| stat.parent == postmaster) {
            total += on_cpu(pid).unwrap_or_default();
        }
    }
    Some(total)
}

struct Stat {
    parent: i32,
    ended_children: Duration,
}

impl Stat {
    /// Of a process of the server.
    fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything.
        let (name, rest) = stat.rsplit_once(')')?;
        if !name.ends_with("(postgres") {
            return None;
        }
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let ticks: u64 =
            fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
        // Linux counts these in hundredths of a second on every machine.
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            ended_children: Duration::from_millis(ticks * 10),
        })
    }
}

/// How long a process has been on a processor, to the nanosecond: `stat` rounds to ticks, and the server has
/// many processes. Those of the server have one thread each.
fn on_cpu(pid: i32) -> Option<Duration> {
    let schedstat = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    schedstat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
