//! Watches the sessions of a case's databases as long as the case lasts.
//!
//! A call that is dropped or comes too late leaves no session behind: a queue has no more of them than it
//! declares, no statement goes on after its caller has stopped waiting, and at the end of a case no session is left.

use std::{
    cmp,
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt, mem,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use sqlx::{ConnectOptions as _, PgConnection, postgres::PgConnectOptions};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// The limits of the sessions of a database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Upper bound of the sessions of one queue.
    pub(crate) sessions: usize,
    /// How long a statement may go on, and a queue may have too many sessions.
    pub(crate) patience: Duration,
}

impl Limits {
    /// 17 sessions: eight of the pool of [`super::queue_at`], and the others of its own. 6 s: the statement timeout, the
    /// time that a client waits longer, and as much again for a busy machine.
    const USUAL: Self = Self { sessions: 17, patience: Duration::from_secs(6) };
}

/// 100 ms between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// The name of the sessions that a case opens for itself, which may stay and wait as it likes.
const BYSTANDER: &str = "bystander";

/// The name of a watch's own session.
const WATCH: &str = "watch";

/// A session that the watch does not count.
pub(crate) async fn bystander(url: &str) -> sqlx::Result<PgConnection> {
    connect(url, BYSTANDER).await
}

async fn connect(url: &str, name: &str) -> sqlx::Result<PgConnection> {
    url.parse::<PgConnectOptions>()?.application_name(name).connect().await
}

/// The watches of this process, which runs one case.
static WATCHES: Mutex<Vec<Watch>> = Mutex::new(Vec::new());

/// Watches this database from now on until the case is over.
pub(crate) fn watch(url: &str) {
    WATCHES.lock().unwrap().push(Watch::begin(url, Limits::USUAL));
}

/// Ends every case: fails where a session is left, or was wrong.
pub(crate) async fn nothing_is_left_behind() {
    let watches = mem::take(&mut *WATCHES.lock().unwrap());
    assert!(!watches.is_empty(), "the case watched no database");
    let mut wrongs = Vec::new();
    for watch in watches {
        wrongs.extend(watch.conclude().await);
    }
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// The watch of one database.
pub(crate) struct Watch {
    url: String,
    limits: Limits,
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    looking: JoinHandle<()>,
}

/// What a watch has seen.
#[derive(Default)]
struct Seen {
    looks: usize,
    /// The most sessions that one queue had at once.
    most: usize,
    too_many_since: HashMap<String, Instant>,
    /// What is said of each number of sessions above the limit.
    too_many: BTreeMap<(String, usize), String>,
    wrongs: BTreeSet<String>,
}

#[derive(Debug)]
struct Session {
    pid: i32,
    name: String,
    state: String,
    waits_for: String,
    seconds: f64,
    /// How long it has been open, in seconds.
    age: f64,
    statement: String,
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, state, waits_for, seconds, age, statement, .. } = self;
        write!(
            f,
            "  pid {pid}, open for {age:.1} s, {state} (waits for {waits_for}), {seconds:.1} s since: {statement}"
        )
    }
}

impl Watch {
    pub(crate) fn begin(url: &str, limits: Limits) -> Self {
        let (seen, stop) = (Arc::new(Mutex::default()), CancellationToken::new());
        let looking = look_on(url.to_owned(), limits, Arc::clone(&seen), stop.clone());
        Self { url: url.to_owned(), limits, seen, stop, looking: tokio::spawn(looking) }
    }

    /// What was wrong until now.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.wrongs.iter().chain(seen.too_many.values()).cloned().collect()
    }

    /// What was wrong, and which sessions are left now that all should be over.
    pub(crate) async fn conclude(self) -> Vec<String> {
        self.stop.cancel();
        let mut wrongs = self.wrongs();
        self.looking.await.unwrap();
        wrongs.extend(left_behind(&self.url, self.limits.patience).await);
        let seen = self.seen.lock().unwrap();
        println!("a queue had {} sessions at most, in {} looks", seen.most, seen.looks);
        if seen.looks == 0 {
            wrongs.push(format!("no look at {} succeeded", self.url));
        }
        wrongs
    }
}

async fn look_on(url: String, limits: Limits, seen: Arc<Mutex<Seen>>, stop: CancellationToken) {
    let mut connection = None;
    while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        // The server may be away, or have no session for this one.
        match timeout(limits.patience, look(&url, &mut connection)).await {
            Ok(Ok(found)) => seen.lock().unwrap().take_in(&found, limits),
            Ok(Err(_)) | Err(_) => connection = None,
        }
    }
}

async fn look(url: &str, connection: &mut Option<PgConnection>) -> sqlx::Result<Vec<Session>> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connect(url, WATCH).await?),
    };
    let rows: Vec<(i32, String, String, String, f64, f64, String)> = sqlx::query_as(
        "select pid, application_name, coalesce(state, 'unknown'), coalesce(wait_event, 'nothing'),
             coalesce(extract(epoch from clock_timestamp() - query_start), 0)::float8,
             extract(epoch from clock_timestamp() - backend_start)::float8,
             left(split_part(query, chr(10), 1), 100)
         from pg_stat_activity
         where datname = current_database() and backend_type = 'client backend'
             and application_name <> all($1)",
    )
    .bind([BYSTANDER, WATCH])
    .fetch_all(connection)
    .await?;
    let session = |(pid, name, state, waits_for, seconds, age, statement)| Session {
        pid,
        name,
        state,
        waits_for,
        seconds,
        age,
        statement,
    };
    Ok(rows.into_iter().map(session).collect())
}

impl Seen {
    fn take_in(&mut self, sessions: &[Session], limits: Limits) {
        self.looks += 1;
        let late = |session: &&Session| {
            session.state == "active" && session.seconds > limits.patience.as_secs_f64()
        };
        for Session { name, pid, waits_for, statement, .. } in sessions.iter().filter(late) {
            self.wrongs.insert(format!(
                "a statement of `{name}` (pid {pid}) outlives its timeout; it waits for {waits_for}: {statement}"
            ));
        }
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for session in sessions {
            *counts.entry(&session.name).or_default() += 1;
        }
        self.most = counts.values().copied().fold(self.most, cmp::max);
        counts.retain(|_, count| *count > limits.sessions);
        self.too_many_since.retain(|name, _| counts.contains_key(name.as_str()));
        for (name, count) in counts {
            let since = self.too_many_since.entry(name.to_owned()).or_insert_with(Instant::now);
            if since.elapsed() > limits.patience {
                // Once for each number: what is said of the sessions differs with each look.
                self.too_many.entry((name.to_owned(), count)).or_insert_with(|| {
                    let mut those: Vec<_> = sessions.iter().filter(|one| one.name == name).collect();
                    those.sort_by(|a, b| b.age.total_cmp(&a.age));
                    format!(
                        "`{name}` has {count} sessions; it may have {} (one that a case opens for itself is a \
                        `bystander`):\n{}",
                        limits.sessions,
                        those.into_iter().map(Session::to_string).collect::<Vec<_>>().join("\n")
                    )
                });
            }
        }
    }
}

/// Waits until no session is left, and names those that are.
async fn left_behind(url: &str, patience: Duration) -> Option<String> {
    let begun = Instant::now();
    let mut connection = None;
    loop {
        // A server that has ended has ended all its sessions.
        let left = look(url, &mut connection).await.ok()?;
        if left.is_empty() {
            return None;
        }
        if begun.elapsed() > patience {
            return Some(format!("sessions are left behind: {left:#?}"));
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
