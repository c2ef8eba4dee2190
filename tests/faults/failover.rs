//! A primary and its standby, of which the primary dies or becomes read-only.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::Command,
    time::{Duration, Instant},
};

use simple_queue::SimpleQueue;
use sqlx::{Connection as _, PgConnection};
use test_support::{Case, case};

use crate::support::{
    CountRun, Field, Ledger, Load, Server, Worker, eventually, new_directory, queue_at_any, rounds,
    watch,
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case!(when_the_primary_is_killed_all_follow_its_standby_and_nothing_acknowledged_is_lost),
        case!(a_primary_that_has_become_read_only_is_left_at_once),
    ]
}

/// Two servers that keep the same data, and a database on them.
struct Pair {
    primary: Server,
    standby: Server,
    /// The path and the parameters of a URL of the database.
    database: String,
}

impl Pair {
    /// Starts a primary, and a standby that every commit waits for.
    async fn start() -> Self {
        let mut first = Server::start(&[]).await;
        first.stop().await;
        let copy = new_directory();
        // A copy of the files of a server that was stopped in order is a new standby.
        let (data, password) = (first.data(), first.password_file());
        let copied = Command::new("cp").arg("-a").args([&data, &password, &copy]).status();
        assert!(copied.unwrap().success());
        first.set("synchronous_standby_names", "*");
        first.begin().await;
        let (_, password) = first.credentials().split_once(':').unwrap();
        let passwords = copy.join("data/passwords");
        for (path, content) in [
            (copy.join("data/standby.signal"), ""),
            (passwords.clone(), &format!("*:*:*:postgres:{password}\n")),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            // It belongs to the owner of the data.
            let owner = Command::new("chown").arg("--reference").args([&data, &path]).status();
            assert!(owner.unwrap().success());
        }
        let follows = format!(
            "host=127.0.0.1 port={} user=postgres passfile={} sslmode=disable",
            first.port,
            passwords.display()
        );
        let standby = Server::start_in(copy, &[("primary_conninfo", &follows)]).await;
        let mut admin = PgConnection::connect(first.url()).await.unwrap();
        eventually("the standby follows", async || {
            let follows = "select count(*) from pg_stat_replication where sync_state = 'sync'";
            sqlx::query_scalar::<_, i64>(follows).fetch_one(&mut admin).await.unwrap() == 1
        })
        .await;
        let url = first.create_database().await;
        let (_, database) = url.rsplit_once('/').unwrap();
        Self { primary: first, standby, database: database.to_owned() }
    }

    /// The URL that names both.
    fn url(&self) -> String {
        let (primary, standby) = (self.primary.port, self.standby.port);
        self.with_credentials(&format!("127.0.0.1:{primary},127.0.0.1:{standby}"))
    }

    /// The URL of the database on these servers, which have the same password.
    fn with_credentials(&self, servers: &str) -> String {
        format!("postgres://{}@{servers}/{}", self.standby.credentials(), self.database)
    }

    fn url_of(&self, server: &Server) -> String {
        self.with_credentials(&format!("127.0.0.1:{}", server.port))
    }

    async fn promote(&self) {
        let mut admin = PgConnection::connect(self.standby.url()).await.unwrap();
        let promoted = sqlx::query_scalar::<_, bool>("select pg_promote()");
        assert!(promoted.fetch_one(&mut admin).await.unwrap());
    }
}

async fn when_the_primary_is_killed_all_follow_its_standby_and_nothing_acknowledged_is_lost() {
    for _ in 0..rounds(1, 20) {
        let mut pair = Pair::start().await;
        let url = pair.url();
        let field = Field::at(pair.url_of(&pair.primary)).await;
        let mut workers = [Worker::start(&url).await, Worker::start(&url).await];
        let load = Load::start(&queue_at_any(&url), 4);
        field.ledger.progress(100).await;

        let begun = Instant::now();
        pair.primary.crash("KILL").await;
        pair.promote().await;
        println!("the standby was promoted after {:?}", begun.elapsed());
        watch(&pair.url_of(&pair.standby));
        let ledger = Ledger::open(&pair.url_of(&pair.standby));
        ledger.progress(1).await;
        println!("a job ended {:?} after the kill", begun.elapsed());
        ledger.progress(100).await;
        let enqueued = load.stop().await;
        ledger.settle(&enqueued.acknowledged).await;
        assert_eq!(ledger.count("simple_queue.dead_letters").await, 0);
        assert!(workers.iter_mut().all(|worker| worker.ended().is_none()), "the processes live on");
    }
}

async fn a_primary_that_has_become_read_only_is_left_at_once() {
    let pair = Pair::start().await;
    let url = pair.url();
    let field = Field::at(pair.url_of(&pair.primary)).await;
    let _worker = Worker::start(&url).await;
    let (primary, standby) = (pair.primary.port, pair.standby.port);
    // The order of the servers in the URL does not matter.
    let queue = pair.with_credentials(&format!("127.0.0.1:{standby},127.0.0.1:{primary}"));
    let queue = SimpleQueue::connect(&queue).await.unwrap();
    CountRun::new(0, 0_u64).enqueue(&queue).await.unwrap();
    eventually("it is done", async || field.ledger.ended().await == 1).await;

    // The old primary goes on answering, so no connection breaks.
    field.ledger.execute("alter system set default_transaction_read_only = on").await;
    field.ledger.execute("select pg_reload_conf()").await;
    pair.promote().await;
    watch(&pair.url_of(&pair.standby));
    let ledger = Ledger::open(&pair.url_of(&pair.standby));
    let begun = Instant::now();
    let enqueued = CountRun::new(1, 0_u64).enqueue(&queue).await.unwrap();
    eventually("it is done", async || ledger.ended().await == 2).await;
    println!("it took {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    ledger.settle(&[(enqueued.id(), 1)]).await;
}
