//! What each command does.

use std::io::{BufRead, BufReader};

use crate::support::{Ran, program, run, run_without_database};
use serde_json::Value;
use simple_queue::{SimpleQueue, embedded::EmbeddedPostgres, prelude::*};

/// Greets a person. A name that begins with `!` has no mailbox.
#[job(queue = "greetings", retries = 0)]
async fn greet(name: String) -> Result<(), BoxDynError> {
    if name.starts_with('!') { Err(format!("`{name}` has no mailbox 7").into()) } else { Ok(()) }
}

/// A database with the tables, and the program on it.
struct Place {
    _server: EmbeddedPostgres,
    url: String,
    queue: SimpleQueue,
}

impl Place {
    async fn new() -> Self {
        let server = EmbeddedPostgres::start().await.unwrap();
        let url = server.url().to_owned();
        let queue = SimpleQueue::connect(&url).await.unwrap();
        queue.migrate().await.unwrap();
        Self { _server: server, url, queue }
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(&self.url, args)
    }
}

/// Runs these jobs to their ends.
async fn work(queue: &SimpleQueue, names: &[&str]) {
    queue.register(jobs![Greet], ()).unwrap();
    let jobs = names.iter().map(|name| Greet::new((*name).to_owned()));
    Greet::enqueue_all(jobs, queue).await.unwrap();
    let worker = queue.start().await;
    while queue.admin().count(&simple_queue::JobFilter::live()).await.unwrap().counted() > 0 {
        tokio::task::yield_now().await;
    }
    worker.shutdown(std::time::Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_failed_are_found_retried_and_written_down() {
    let place = Place::new().await;
    work(&place.queue, &["ann", "!ben", "!cleo"]).await;
    let count = place.run(&["jobs", "count", "state:dead"]);
    assert_eq!((count.code, count.out.as_str()), (0, "2\n"), "{}", count.err);

    let list = place.run(&["jobs", "list", "state:dead", "error:mailbox", "--contents", "--json"]);
    let lines: Vec<Value> =
        list.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{}", list.err);
    let error = lines[0]["error"].as_str().unwrap();
    assert!(error.ends_with("` has no mailbox 7"), "{error}");
    let id = lines[0]["id"].as_str().unwrap();

    let shown = place.run(&["jobs", "show", id]);
    assert!(
        shown.out.contains("status  failed") && shown.out.contains("no mailbox 7"),
        "{}",
        shown.out
    );

    let dry = place.run(&["jobs", "retry", "kind:greet", "--dry-run"]);
    assert_eq!(dry.code, 0);
    assert!(dry.err.contains("run again: 2 jobs with `state:dead kind:greet`"), "{}", dry.err);
    let unasked = place.run(&["jobs", "retry", "kind:greet"]);
    assert_eq!(unasked.code, 2);
    assert!(unasked.err.contains("hint: pass `--yes`"), "{}", unasked.err);

    let retried = place.run(&["jobs", "retry", "kind:greet", "--yes", "--as", "ben"]);
    assert_eq!(retried.code, 0, "{}", retried.err);
    assert!(retried.err.contains("done: 2, left as they are: 0"), "{}", retried.err);
    assert_eq!(place.run(&["jobs", "count", "state:waiting"]).out, "2\n");
    let one = place.run(&["jobs", "cancel", id]);
    assert!(one.err.contains("done: 1"), "one job is cancelled without a question: {}", one.err);

    let audit = place.run(&["audit", "list"]);
    let actions: Vec<Vec<&str>> =
        audit.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        (actions[0][3], actions[1][3], actions[1][2]),
        ("cancel", "retry", "ben"),
        "{}",
        audit.out
    );
    assert!(actions[0][2].starts_with("ann"));
    assert_eq!(place.run(&["jobs", "list", "kind:none"]).code, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_queue_is_seen_and_goes_on() {
    let place = Place::new().await;
    assert_eq!(place.run(&["queues", "pause", "greetings"]).code, 0);
    let new =
        place.run(&["jobs", "new", "greet", "--queue", "greetings", "--args", r#"{"name":"ann"}"#]);
    assert_eq!(new.code, 0, "{}", new.err);
    let status = place.run(&["status"]);
    assert_eq!(status.code, 3, "{}", status.err);
    assert!(status.err.contains("no worker runs"), "{}", status.err);
    let queues = place.run(&["queues", "list", "--json"]);
    let queue: Value = serde_json::from_str(queues.out.trim()).unwrap();
    assert_eq!(queue["queue"], "greetings");
    assert!(queue["paused"].is_string());
    assert_eq!(place.run(&["queues", "resume", "greetings"]).code, 0);
    assert_eq!(place.run(&["queues", "resume", "greetings"]).code, 4);
    work(&place.queue, &[]).await;
    let by_kind = place.run(&["stats", "--by", "kind"]);
    assert!(
        by_kind.out.starts_with("greetings\tgreet\t1\t1\t0\t0\t0\t0\t"),
        "{} {}",
        by_kind.out,
        by_kind.err
    );
    assert_eq!(place.run(&["jobs", "count", "state:done"]).out, "1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_told_with_what_to_type() {
    let place = Place::new().await;
    let term = place.run(&["jobs", "list", "state:gone"]);
    assert_eq!(term.code, 2);
    assert!(term.err.contains("error: ") && term.err.contains("state:gone\n"), "{}", term.err);
    let none = place.run(&["jobs", "delete"]);
    assert!(none.err.contains("no job is meant") && none.code == 2, "{}", none.err);
    let nowhere = run("postgres://127.0.0.1:1/none", &["status"]);
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.err.contains("hint: `--database-url`"), "{}", nowhere.err);
    let other = place.run(&["--schema", "elsewhere", "queues", "list"]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("hint: `simple-queue migrate` creates the tables"), "{}", other.err);
    assert_eq!(place.run(&["--schema", "elsewhere", "health"]).code, 3);
    assert_eq!(place.run(&["--schema", "elsewhere", "migrate"]).code, 0);
    assert_eq!(place.run(&["--schema", "elsewhere", "health"]).code, 0);
}

#[test]
fn every_command_has_help_and_the_shell_completions() {
    for command in [
        "status",
        "jobs",
        "queues",
        "schedules",
        "limits",
        "stats",
        "audit",
        "health",
        "doctor",
        "dlq",
        "schema",
        "top",
        "migrate",
    ] {
        let help = run("unused", &[command, "--help"]);
        assert!(help.code == 0 && help.out.contains("Usage: simple-queue"), "{command}");
    }
    let zsh = run("unused", &["completions", "zsh"]);
    assert!(zsh.out.starts_with("#compdef simple-queue"));
    // Without a database the program does not start one, and says what to pass.
    let said = run_without_database(&["status"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("set DATABASE_URL"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_edited_and_followed() {
    let place = Place::new().await;
    place.run(&["queues", "pause", "greetings"]);
    let id = new(&place, r#"{"name":"ann"}"#);
    let edited = place.run(&[
        "jobs",
        "edit",
        &id,
        "--args",
        r#"{"name":"ben"}"#,
        "--priority",
        "-5",
        "--at",
        "2099-01-01T00:00:00Z",
    ]);
    assert_eq!(edited.code, 0, "{}", edited.err);
    let shown: Value =
        serde_json::from_str(&place.run(&["jobs", "show", &id, "--json"]).out).unwrap();
    assert_eq!((&shown["payload"]["name"], &shown["priority"]), (&"ben".into(), &(-5).into()));
    assert!(shown["run_at"].as_str().unwrap().starts_with("2099-01-01"));
    assert_eq!(place.run(&["jobs", "edit", &id]).code, 2, "it is not said what is to be changed");
    let wrong = place.run(&["jobs", "edit", &id, "--args", "{"]);
    assert!(wrong.code == 2 && wrong.err.contains("`{` is no JSON"), "{}", wrong.err);
    let gone = "00000000-0000-0000-0000-000000000007";
    assert_eq!(place.run(&["jobs", "edit", gone, "--priority", "1"]).code, 4);

    // The last job is told at once, and one that comes after it too.
    let mut tail = program()
        .args(["jobs", "tail", "queue:greetings", "--json", "--every", "1s"])
        .env("DATABASE_URL", &place.url)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["id"], id);
    let other = new(&place, r#"{"name":"cleo"}"#);
    assert_eq!(next()["id"], other);
    place.run(&["jobs", "cancel", &id]);
    let ended = next();
    assert_eq!((&ended["id"], &ended["status"]), (&id.into(), &"cancelled".into()));
    tail.kill().unwrap();
    tail.wait().unwrap();
}

fn new(place: &Place, args: &str) -> String {
    place
        .run(&["jobs", "new", "greet", "--queue", "greetings", "--args", args])
        .out
        .trim()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_have_commands_of_their_own() {
    let place = Place::new().await;
    work(&place.queue, &["ann", "!ben", "!cleo"]).await;
    let list = place.run(&["dlq", "list", "--json"]);
    assert_eq!(list.out.lines().count(), 2, "{}", list.err);
    assert!(list.out.contains("has no mailbox 7"));
    let groups = place.run(&["dlq", "groups", "--json"]);
    let group: Value = serde_json::from_str(groups.out.trim()).unwrap();
    assert_eq!((&group["jobs"], &group["error"]), (&2.into(), &"# has no mailbox #".into()));
    let retry =
        r##"simple-queue jobs retry 'state:dead kind:greet error_key:"# has no mailbox #"'"##;
    assert!(groups.err.contains(retry), "{}", groups.err);
    let all = place.run(&["dlq", "delete", "--yes"]);
    assert!(all.code == 2 && all.err.contains("no job is meant"), "{}", all.err);
    assert_eq!(place.run(&["dlq", "retry", "error:ben", "--yes"]).code, 0);
    assert_eq!(place.run(&["jobs", "count", "state:waiting"]).out, "1\n");
    assert_eq!(place.run(&["dlq", "delete", "--all", "--yes"]).code, 0);
    assert_eq!(place.run(&["dlq", "list"]).code, 4);
    assert_eq!(place.run(&["jobs", "count", "state:done"]).out, "1\n", "no other job was deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_picture_of_top_is_text() {
    let place = Place::new().await;
    work(&place.queue, &["ann", "!ben"]).await;
    let top = place.run(&["top", "--once"]);
    assert_eq!(top.code, 0, "{}", top.err);
    assert!(top.out.contains("LAST DEAD") && top.out.contains("has no mailbox 7"), "{}", top.out);
    assert!(!top.out.contains('\u{1b}'));
    let blind = place.run(&["top"]);
    assert!(blind.code == 2 && blind.err.contains("pass `--once`"), "{}", blind.err);
}

/// Mails one customer at a time.
#[job(queue = "greetings", concurrency(limit = 1, key = "{customer}"))]
async fn mail(customer: String) {
    let _ = customer;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_limit_is_paused_listed_and_resumed() {
    let place = Place::new().await;
    place.queue.register(jobs![Mail], ()).unwrap();
    let worker = place.queue.start().await;
    let rule = "key:greetings/mail";
    Mail::new("ann".to_owned()).enqueue(&place.queue).await.unwrap();
    while place.queue.admin().count(&simple_queue::JobFilter::live()).await.unwrap().counted() > 0 {
        tokio::task::yield_now().await;
    }
    let paused = place.run(&["limits", "pause", rule, "--key", "ben"]);
    assert_eq!((paused.code, paused.out.as_str()), (0, ""), "{}", paused.err);
    assert!(paused.err.contains("under the key `ben` of the limit `key:greetings/mail`"));
    let job = Mail::new("ben".to_owned()).enqueue(&place.queue).await.unwrap();

    let keys = place.run(&["limits", "keys", rule, "--json"]);
    let key: Value = serde_json::from_str(&keys.out).unwrap();
    assert_eq!((&key["key"], &key["waiting"]), (&"ben".into(), &1.into()), "{}", keys.out);
    assert!(key["paused"].is_string());
    let id = job.id().to_string();
    let why = place.run(&["why", &id]);
    let resume = "simple-queue limits resume key:greetings/mail --key ben";
    assert!(why.out.contains(resume), "{}", why.out);

    assert_eq!(place.run(&resume.split(' ').skip(1).collect::<Vec<_>>()).code, 0);
    job.wait(&place.queue, std::time::Duration::from_secs(20)).await.unwrap();
    let none = place.run(&["limits", "skip", "order:greetings/mail", "ben"]);
    assert_eq!(none.code, 4, "{}", none.err);
    worker.shutdown(std::time::Duration::from_secs(5)).await;
}
