//! The changes that the schema file detects, and the file itself.

use super::*;

fn argument(name: &str, ty: &str) -> ArgumentSchema {
    ArgumentSchema { name: name.into(), ty: ty.into(), default: false, aliases: Vec::new() }
}

fn mail(arguments: &[ArgumentSchema]) -> JobSchema {
    JobSchema {
        kind: "mail".into(),
        aliases: vec!["post".into()],
        queue: "emails".into(),
        version: 1,
        arguments: arguments.to_vec(),
    }
}

fn only_problem(old: &JobSchema, new: &JobSchema) -> String {
    let problems = problems(std::slice::from_ref(old), std::slice::from_ref(new));
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].clone()
}

#[test]
fn every_change_that_orphans_stored_jobs_is_named_with_what_to_add() {
    let old = mail(&[argument("user", "i64"), argument("text", "String")]);
    let with = |change: fn(&mut JobSchema)| {
        let mut new = old.clone();
        change(&mut new);
        new
    };
    let cases: [(JobSchema, &str); 7] = [
        (with(|new| new.kind = "letter".into()), "no job is called `mail` any more"),
        (with(|new| new.aliases.clear()), "`aliases(\"post\")`"),
        (with(|new| new.queue = "mail".into()), "moved from queue `emails` to `mail`"),
        (with(|new| new.version = 0), "went back from version 1 to 0"),
        (
            with(|new| new.arguments.push(argument("locale", "String"))),
            "`locale` of `mail` was added without `#[job(default)]`",
        ),
        (with(|new| new.arguments[0].name = "user_id".into()), "`#[job(alias = \"user\")]`"),
        (
            with(|new| new.arguments[0].ty = "String".into()),
            "was a `i64` and is a `String`; write `version = 2, upgrade = …`",
        ),
    ];
    for (new, expected) in cases {
        let problem = only_problem(&old, &new);
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn what_older_builds_stored_is_not_forgotten() {
    let mut old = mail(&[argument("user", "i64")]);
    old.arguments[0].default = true;
    old.arguments[0].aliases = vec!["uid".into()];
    let mut new = old.clone();
    new.arguments[0].default = false;
    assert!(only_problem(&old, &new).contains("has lost its `#[job(default)]`"));
    let mut new = old.clone();
    new.arguments[0].aliases.clear();
    assert!(only_problem(&old, &new).contains("has lost its `#[job(alias = \"uid\")]`"));
}

#[test]
fn changes_that_stored_jobs_survive_are_no_problem() {
    let old = mail(&[argument("user", "i64"), argument("text", "String")]);
    let mut new = mail(&[argument("user_id", "i64"), argument("locale", "String")]);
    new.arguments[0].aliases = vec!["user".into()];
    new.arguments[1].default = true;
    assert_eq!(problems(std::slice::from_ref(&old), &[new]), [""; 0]);

    let upgraded = JobSchema { version: 2, ..mail(&[argument("everything", "New")]) };
    assert_eq!(problems(&[old], &[upgraded]), [""; 0]);
}

#[test]
fn the_file_is_written_when_asked_for_and_kept_from_growing_stale() {
    let directory = env::temp_dir().join(format!("simple-queue-lock-{}", uuid::Uuid::now_v7()));
    fs::create_dir(&directory).unwrap();
    let path = directory.join("jobs.schema");
    let (old, new) = (mail(&[]), mail(&[argument("user", "i64")]));

    let missing = compare(&path, vec![old.clone()], Mode::Compare).unwrap_err();
    assert!(
        missing.contains("does not exist; write it with `SIMPLE_QUEUE_SCHEMA=update"),
        "{missing}"
    );
    compare(&path, vec![old.clone()], Mode::Update).unwrap();
    compare(&path, vec![old.clone()], Mode::Compare).unwrap();

    for mode in [Mode::Compare, Mode::Update] {
        let refused = compare(&path, vec![new.clone()], mode).unwrap_err();
        assert!(refused.contains("stored jobs could not run any more"), "{refused}");
    }
    compare(&path, vec![new.clone()], Mode::Accept).unwrap();
    let stale = compare(&path, vec![old], Mode::Compare).unwrap_err();
    assert!(stale.contains("does not match the jobs"), "{stale}");
    fs::remove_dir_all(&directory).unwrap();
}
