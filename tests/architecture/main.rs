//! The rules of ARCHITECTURE.md that a compiler does not keep: which room may use which, where SQL may
//! stand, what the macros may know. What fails here says how it is mended.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

mod imports;
mod rooms;
mod source;
mod telemetry;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a directory, with its text, without the tests at its end.
fn sources(directory: &str) -> Vec<(PathBuf, String)> {
    let (mut found, mut open) = (Vec::new(), vec![root().join(directory)]);
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)
            .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let path = path.strip_prefix(root()).unwrap().to_owned();
                found.push((path, code.to_owned()));
            }
        }
    }
    assert!(!found.is_empty(), "{directory} holds no Rust");
    found
}

/// The room a file belongs to: the first part of its path below `src`.
fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix("simple-queue/src").unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn declaring_and_weighing_know_neither_the_database_nor_the_runtime() {
    for (path, code) in sources("simple-queue/src") {
        if ["job", "outcome"].contains(&room_of(&path).as_str()) {
            for foreign in ["sqlx", "tokio"] {
                let used = code.lines().any(|line| {
                    !line.trim_start().starts_with("//") && line.contains(&format!("{foreign}::"))
                });
                assert!(
                    !used,
                    "{} uses {foreign}; what is declared and weighed is pure: take a value that the caller \
                    got from {foreign}, or move this to the room that uses it",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn statements_stand_in_the_store_and_in_migrations_only() {
    // Begins of statements, as they would stand in a string.
    let statements = [
        "\"select ",
        "\"insert into",
        "\"update ",
        "\"delete from",
        "\"with ",
        "\"create ",
        "\"alter ",
        "\"drop ",
    ];
    for (path, code) in sources("simple-queue/src") {
        if room_of(&path) == "store" {
            continue;
        }
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let lower = line.to_lowercase();
            let found = statements.iter().find(|statement| lower.contains(*statement));
            assert!(
                found.is_none(),
                "{} holds SQL: give it a file in store/sql and a method in store: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn what_a_sqlstate_means_is_said_in_one_place() {
    let is_sqlstate = |word: &str| {
        word.len() == 5
            && word.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
            && word.chars().any(|c| c.is_ascii_digit())
    };
    let mut found = 0;
    for (path, code) in sources("simple-queue/src") {
        let is_the_place = path.starts_with("simple-queue/src/database/failure");
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let Some(code) = line.split('"').skip(1).step_by(2).find(|word| is_sqlstate(word))
            else {
                continue;
            };
            found += 1;
            assert!(
                is_the_place,
                "{} knows the SQLSTATE {code}; ask a function of database/failure, and write one where there is none",
                path.display()
            );
        }
    }
    assert!(found > 10, "{found}");
}

#[test]
fn what_users_store_is_written_in_one_place_which_refuses_what_would_not_come_back() {
    for (path, code) in sources("simple-queue/src") {
        // The file of stored forms holds nothing of a user's.
        let allowed = ["simple-queue/src/job/write", "simple-queue/src/job_schema"];
        if allowed.iter().any(|allowed| path.to_str().unwrap().starts_with(allowed)) {
            continue;
        }
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert!(
                !line.contains("serde_json::to_"),
                "{} writes JSON past `job::to_json`, which refuses what would not come back; call that: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn every_statement_of_the_store_has_a_file_and_every_file_is_used() {
    let files = |directory: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root().join(directory)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
        paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let parts = files("simple-queue/src/store/sql/parts");
    // What is asked of a session, whatever its tables.
    let questions = files("simple-queue/src/database/sql");
    let files = files("simple-queue/src/store/sql");
    // A call may be broken into lines.
    let store: String = sources("simple-queue/src/store")
        .iter()
        .flat_map(|(_, code)| code.split_whitespace())
        .collect();
    for file in &files {
        let called =
            [".", ","].iter().any(|end| store.contains(&format!("statements.{file}{end}")));
        assert!(
            called || store.contains(&format!("sql/{file}.sql")),
            "no method runs store/sql/{file}.sql; write one, with its name in statements.rs, or delete the file"
        );
    }
    for part in &parts {
        assert!(
            store.contains(&format!("sql/parts/{part}.sql")),
            "store/sql/parts/{part}.sql is in no list of parts in statements.rs; add it, or delete the file"
        );
    }
    let database: String =
        sources("simple-queue/src/database").into_iter().map(|(_, code)| code).collect();
    for file in questions {
        assert!(
            database.contains(&format!("sql/{file}.sql")),
            "nothing sends database/sql/{file}.sql; delete the file"
        );
    }
    assert!(files.len() > 20, "{files:?}");
}

/// Rows are locked, and keys taken, in an order; two statements that take it from two collations deadlock.
#[test]
fn no_order_of_a_statement_depends_on_a_collation() {
    const TEXTS: [&str; 7] =
        ["unique_key", "fingerprint", "queue", "kind", "name", "status", "reason"];
    let mut orders = 0;
    for directory in [
        "simple-queue/src/store/sql",
        "simple-queue/src/store/sql/parts",
        "simple-queue/src/database/sql",
        "migrations",
    ] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            let sql = fs::read_to_string(&path).unwrap();
            let code: String = sql
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"))
                .flat_map(|line| [line, "\n"])
                .collect();
            // What only reads takes no locks.
            let writes = ["insert ", "update ", "delete ", "for update"];
            if !writes.iter().any(|write| code.contains(write)) {
                continue;
            }
            for order in code.split("order by ").skip(1) {
                let order = order.split(['\n', ')', ';']).next().unwrap_or_default();
                for by in order.split(',') {
                    let column = by.split_whitespace().next().unwrap_or_default();
                    let is_text = TEXTS.contains(&column.rsplit('.').next().unwrap_or_default());
                    orders += 1;
                    assert!(
                        !is_text || by.contains("collate \"C\""),
                        "{} orders by `{by}`: write `{by} collate \"C\"`, or it takes its locks in another order than others",
                        path.display()
                    );
                }
            }
        }
    }
    assert!(orders > 10, "{orders}");
}

#[test]
fn nothing_waits_for_a_lock_that_any_role_of_the_database_may_take() {
    for directory in [
        "simple-queue/src/store/sql",
        "simple-queue/src/store/sql/parts",
        "simple-queue/src/database/sql",
        "migrations",
    ] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let sql = fs::read_to_string(&path).unwrap();
                assert!(
                    !sql.contains("advisory"),
                    "{} takes an advisory lock, which any role may hold for ever; lock a row of the queue's own",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_file_that_a_page_links_to_is_there() {
    let mut links = 0;
    for page in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#']).next().unwrap_or_default();
            if link.is_empty() || link.contains("://") {
                continue;
            }
            links += 1;
            assert!(
                root().join(link).exists(),
                "{page} links to {link}, which is not there; say where it is now"
            );
        }
    }
    assert!(links > 10, "{links}");
}

#[test]
fn the_macros_know_nothing_of_the_library_but_its_public_names() {
    let manifest = fs::read_to_string(root().join("simple-queue-macros/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    // What both need of cron expressions knows neither of them.
    let dependencies = dependencies.replace("simple-queue-cron", "");
    let cron = fs::read_to_string(root().join("simple-queue-cron/Cargo.toml")).unwrap();
    let (_, of_cron) = cron.split_once("[dependencies]").unwrap();
    assert!(!of_cron.contains("simple-queue"), "cron expressions must not depend on the library");
    assert!(
        !dependencies.contains("simple-queue"),
        "the macros must not depend on the library, which depends on them; name what they need in `private`"
    );
}

#[test]
fn the_embedded_server_knows_nothing_of_the_library() {
    let manifest = fs::read_to_string(root().join("simple-queue-embedded/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    assert!(
        !dependencies.contains("simple-queue"),
        "the embedded server must not depend on the library; hand it what it needs to know"
    );
}

#[test]
fn the_embedded_server_opens_nothing_for_writing_by_its_path() {
    // Each of these follows a link that another user has put there; `held.rs` and `files.rs` do not.
    let by_path = [
        "File::create(",
        "OpenOptions",
        "File::options",
        "fs::write(",
        "fs::copy(",
        "fs::hard_link(",
        "chown(path",
        "os::unix::fs::chown",
    ];
    for (path, code) in sources("simple-queue-embedded/src") {
        for call in by_path {
            assert!(
                !code.contains(call),
                "{} calls `{call}…`, which follows links; open it in a directory of `held.rs`",
                path.display()
            );
        }
    }
}

#[test]
fn files_and_functions_stay_small_enough_to_read() {
    const LINES_OF_A_FILE: usize = 350;
    /// Without blank lines and comments, as clippy counts them.
    const LINES_OF_A_FUNCTION: usize = 70;
    let mut functions = 0;
    for directory in [
        "simple-queue/src",
        "simple-queue-dashboard/src",
        "simple-queue-embedded/src",
        "simple-queue-macros/src",
        "benches/src",
        "examples",
    ] {
        for (path, code) in sources(directory) {
            let lines = code.lines().count();
            assert!(
                lines <= LINES_OF_A_FILE,
                "{} has {lines} lines, and at most {LINES_OF_A_FILE} are easy to read; give a part of it a file",
                path.display()
            );
            for (name, line, lines) in source::functions(&code) {
                functions += 1;
                assert!(
                    lines <= LINES_OF_A_FUNCTION,
                    "{}:{line}: `{name}` has {lines} lines of code, and at most {LINES_OF_A_FUNCTION} are easy to \
                    read; give its steps names, each in a function of its own",
                    path.display()
                );
            }
        }
    }
    assert!(functions > 1000, "{functions}");
}

/// A harness of one's own knows only the cases that are listed, and the compiler leaves out without a word
/// what has the attribute of a test.
#[test]
fn no_case_of_a_suite_with_a_harness_of_its_own_is_left_out() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let suites: Vec<&str> = manifest
        .split("[[test]]")
        .filter(|target| target.contains("harness = false"))
        .map(|target| target.split('"').nth(1).unwrap())
        .collect();
    assert_eq!(suites, ["faults", "browser"]);
    for (path, code) in suites.iter().flat_map(|suite| sources(&format!("tests/{suite}"))) {
        for attribute in ["#[test]", "#[tokio::test"] {
            assert!(
                !code.contains(attribute),
                "{} has a `{attribute}`; list the case in `cases()` instead",
                path.display()
            );
        }
    }
}
