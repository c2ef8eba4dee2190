//! Databases by their names, and what is asked before an act on one in production.

use std::{fs, path::PathBuf};

use crate::support::{Ran, program};
use simple_queue::{SimpleQueue, embedded::EmbeddedPostgres};

/// A server with the tables, and a file with contexts that lead to it.
struct Place {
    server: EmbeddedPostgres,
    file: PathBuf,
    queue: SimpleQueue,
}

impl Place {
    async fn new(name: &str) -> Self {
        let server = EmbeddedPostgres::start().await.unwrap();
        let queue = SimpleQueue::connect(server.url()).await.unwrap();
        queue.migrate().await.unwrap();
        let file =
            std::env::temp_dir().join(format!("simple-queue-{name}-{}.toml", std::process::id()));
        let text = "[context.prod]\nurl_env = \"PROD_URL\"\nproduction = true\ncolour = \"red\"\n\n\
            [context.staging]\nurl_env = \"PROD_URL\"\n\n\
            [context.secret]\nurl = \"postgres://app:hunter2@127.0.0.1:1/app\"\n";
        fs::write(&file, text).unwrap();
        Self { server, file, queue }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut program = program();
        program.env("SIMPLE_QUEUE_CONFIG", &self.file).env("PROD_URL", self.server.url());
        program.args(args).output().unwrap().into()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.file) {
            eprintln!("{}: {error}", self.file.display());
        }
    }
}

const ID: &str = "00000000-0000-0000-0000-000000000007";

/// Every act.
const ACTS: &[&[&str]] = &[
    &["jobs", "retry", "kind:a"],
    &["jobs", "cancel", "kind:a"],
    &["jobs", "delete", "kind:a"],
    &["jobs", "run-now", "kind:a"],
    &["jobs", "move", "--to", "b", "kind:a"],
    &["jobs", "priority", "--to", "1", "kind:a"],
    &["jobs", "run-again", ID],
    &["jobs", "new", "a", "--queue", "q"],
    &["dlq", "retry", "kind:a"],
    &["dlq", "delete", "--all"],
    &["queues", "pause", "q"],
    &["queues", "resume", "q"],
    &["schedules", "pause", "a"],
    &["schedules", "resume", "a"],
    &["schedules", "run-now", "a"],
    &["schedules", "remove", "a"],
    &["limits", "set", "a", "1"],
    &["limits", "reset", "a"],
    &["limits", "pause", "a"],
    &["limits", "resume", "a"],
    &["limits", "skip", "a", "k"],
    &["audit", "stop", ID],
    &["audit", "resume", ID],
    &["migrate"],
];

/// Commands that only look, write files for the shell, or serve pages that ask before they act.
const LOOKS: &[&str] = &[
    "audit list",
    "audit show",
    "completions",
    "dlq groups",
    "dlq list",
    "doctor",
    "health",
    "jobs count",
    "jobs list",
    "jobs show",
    "jobs tail",
    "kinds",
    "limits keys",
    "limits list",
    "man",
    "queues list",
    "running",
    "schedules list",
    "schema diff",
    "serve",
    "stats",
    "status",
    "top",
    "why",
    "workers",
];

/// The commands below this one that have none below them.
fn commands(above: &str) -> Vec<String> {
    let words: Vec<&str> = above.split_whitespace().collect();
    let help: Ran = program().args(&words).arg("--help").output().unwrap().into();
    let Some((_, listed)) = help.out.split_once("\nCommands:\n") else {
        return vec![above.to_owned()];
    };
    let names = listed.lines().take_while(|line| !line.is_empty());
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let below = names.filter(|name| *name != "help");
    below.flat_map(|name| commands(format!("{above} {name}").trim())).collect()
}

#[test]
fn every_command_is_known_to_look_or_to_act() {
    let commands = commands("");
    for command in &commands {
        let is_act = ACTS.iter().any(|act| act.join(" ").starts_with(command.as_str()));
        let is_edit = command == "jobs edit";
        assert_eq!(
            is_act || is_edit,
            !LOOKS.contains(&command.as_str()),
            "`{command}` is to be in one of the lists; an act asks the guard first"
        );
    }
    assert_eq!(commands.len(), LOOKS.len() + ACTS.len() + 1, "{commands:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_act_on_production_is_done_unasked() {
    let place = Place::new("acts").await;
    // A job and a dead letter, so that every act on jobs has one to act on.
    let job = "--args={}";
    place.run(&["--context", "staging", "jobs", "new", "a", "--queue", "q", job]);
    let dead = place.run(&["--context", "staging", "jobs", "new", "a", "--queue", "q", job]);
    place.run(&["--context", "staging", "jobs", "cancel", dead.out.trim()]);
    let acts = || async { place.queue.admin().acts(None, 100).await.unwrap().len() };
    let before = acts().await;
    for act in ACTS {
        let refused = place.run(&[&["--context", "prod"], *act].concat());
        assert_eq!(refused.code, 2, "{act:?}: {}", refused.err);
        assert!(refused.err.contains("hint: pass `--yes`"), "{act:?}: {}", refused.err);
        assert!(refused.err.contains(", in prod (postgres://"), "{act:?}: {}", refused.err);
    }
    let edit = ["--context", "prod", "jobs", "edit"];
    let waiting = place.run(&["--context", "prod", "jobs", "list", "state:waiting", "--json"]);
    let waiting: serde_json::Value = serde_json::from_str(waiting.out.trim()).unwrap();
    let id = waiting["id"].as_str().unwrap();
    let edited = place.run(&[&edit[..], &[id, "--priority", "3"]].concat());
    assert_eq!(edited.code, 2, "{}", edited.err);
    assert_eq!(acts().await, before);
    assert!(place.queue.pauses().await.unwrap().is_empty());

    let agreed = place.run(&["--context", "prod", "jobs", "cancel", id, "--yes"]);
    assert_eq!(agreed.code, 0, "{}", agreed.err);
    assert_eq!(place.run(&["--context", "prod", "queues", "pause", "q", "-y"]).code, 0);
    assert_eq!(place.queue.pauses().await.unwrap()[0].queue, "q");
    assert_eq!(place.run(&["--context", "staging", "queues", "resume", "q"]).code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_is_found_by_its_name_and_its_password_is_not_shown() {
    let place = Place::new("names").await;
    assert_eq!(place.run(&["--context", "prod", "health"]).code, 0);
    let unknown = place.run(&["--context", "dev", "health"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.err.contains("hint: its contexts are: prod, secret, staging"),
        "{}",
        unknown.err
    );
    // A URL that was typed goes before the context.
    let typed = place.run(&["--database-url", place.server.url(), "--context", "dev", "health"]);
    assert_eq!(typed.code, 0, "{}", typed.err);
    let away = place.run(&["--context", "secret", "queues", "pause", "q"]);
    assert_eq!(away.code, 1);
    assert!(
        away.err.contains("pause `q`, in secret (postgres://app@127.0.0.1:1/app)"),
        "{}",
        away.err
    );
    assert!(!away.err.contains("hunter2"), "{}", away.err);
    let mode = |mode| {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&place.file, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(0o644);
    let warned = place.run(&["--context", "prod", "health"]);
    assert!(
        warned.err.contains("other users of this machine may read it: `chmod 600"),
        "{}",
        warned.err
    );
    mode(0o600);
    assert!(!place.run(&["--context", "prod", "health"]).err.contains("chmod"));
    fs::write(&place.file, "[context.prod]\nurl = 7 # hunter2\n").unwrap();
    let broken = place.run(&["--context", "prod", "health"]);
    assert_eq!(broken.code, 2);
    assert!(broken.err.contains("line 2") && !broken.err.contains("hunter2"), "{}", broken.err);
}
