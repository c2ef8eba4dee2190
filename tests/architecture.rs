//! The rules of ARCHITECTURE.md that a compiler does not keep: which room may use which, where SQL may
//! stand, what the macros may know.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What each room of the library may import from. A room that is not named here is for all to use, and
/// uses none.
const ROOMS: &[(&str, &[&str])] = &[
    ("job", &["error"]),
    ("row", &["error", "job"]),
    ("outcome", &["error", "job"]),
    ("store", &["error", "job", "outcome", "row"]),
    ("enqueue", &["error", "job", "row", "store"]),
    ("finalize", &["error", "job", "outcome", "retries", "row", "store"]),
    ("upkeep", &["error", "job", "retries", "store"]),
    (
        "worker",
        &["enqueue", "error", "finalize", "job", "outcome", "retries", "row", "store", "upkeep"],
    ),
    ("error", &["job"]),
    ("guide", &[]),
    ("lock", &["job", "worker"]),
    ("retries", &[]),
];

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

/// The rooms that a text names after `crate::`, also in a braced list.
fn imports(code: &str) -> BTreeSet<String> {
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rooms = BTreeSet::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        match rest.strip_prefix('{') {
            Some(list) => rooms.extend(heads_of_list(list)),
            None => rooms.extend([head(rest)]),
        }
    }
    rooms.retain(|room| ROOMS.iter().any(|(name, _)| name == room));
    rooms
}

fn head(path: &str) -> String {
    path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first names of the entries of `a::b, c::{d, e}, f}`.
fn heads_of_list(list: &str) -> Vec<String> {
    let (mut depth, mut heads, mut entry) = (0, Vec::new(), String::new());
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(head(entry.trim()));
                entry.clear();
                continue;
            }
            _ => {}
        }
        entry.push(c);
    }
    heads.push(head(entry.trim()));
    heads
}

#[test]
fn every_room_imports_only_from_the_rooms_it_may_know() {
    for (path, code) in sources("simple-queue/src") {
        let room = room_of(&path);
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            let public = ["lib", "prelude", "private"];
            assert!(
                public.contains(&room.as_str()),
                "{} is in no room of ARCHITECTURE.md",
                path.display()
            );
            continue;
        };
        for import in imports(&code) {
            assert!(
                import == room || allowed.contains(&import.as_str()),
                "{} imports from `{import}`; the room `{room}` may use only {allowed:?}",
                path.display()
            );
        }
    }
}

#[test]
fn declaring_and_weighing_know_neither_the_database_nor_the_runtime() {
    for (path, code) in sources("simple-queue/src") {
        if ["job", "outcome"].contains(&room_of(&path).as_str()) {
            for foreign in ["sqlx", "tokio"] {
                let used = code.lines().any(|line| {
                    !line.trim_start().starts_with("//") && line.contains(&format!("{foreign}::"))
                });
                assert!(!used, "{path:?} uses {foreign}");
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
                "{} holds SQL, which belongs into store/sql: {line}",
                path.display()
            );
        }
    }
}

#[test]
fn what_users_store_is_written_in_one_place_which_refuses_what_would_not_come_back() {
    for (path, code) in sources("simple-queue/src") {
        // The lock file holds nothing of a user's.
        let allowed = ["simple-queue/src/job/write", "simple-queue/src/lock.rs"];
        if allowed.iter().any(|allowed| path.to_str().unwrap().starts_with(allowed)) {
            continue;
        }
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            assert!(
                !line.contains("serde_json::to_"),
                "{} writes JSON past `job::to_json`: {line}",
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
    let files = files("simple-queue/src/store/sql");
    // A call may be broken into lines.
    let store: String = sources("simple-queue/src/store")
        .iter()
        .flat_map(|(_, code)| code.split_whitespace())
        .collect();
    for file in &files {
        let called =
            [".", ","].iter().any(|end| store.contains(&format!("statements.{file}{end}")));
        assert!(called || store.contains(&format!("sql/{file}.sql")), "{file}.sql is not used");
    }
    for part in &parts {
        assert!(store.contains(&format!("sql/parts/{part}.sql")), "parts/{part}.sql is not used");
    }
    assert!(files.len() > 20, "{files:?}");
}

/// Rows are locked, and keys taken, in an order; two statements that take it from two collations deadlock.
#[test]
fn no_order_of_a_statement_depends_on_a_collation() {
    const TEXTS: [&str; 7] =
        ["unique_key", "fingerprint", "queue", "kind", "name", "status", "reason"];
    let mut orders = 0;
    for directory in
        ["simple-queue/src/store/sql", "simple-queue/src/store/sql/parts", "migrations"]
    {
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
                        "{} orders by `{by}`, which needs collate \"C\"",
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
    for directory in
        ["simple-queue/src/store/sql", "simple-queue/src/store/sql/parts", "migrations"]
    {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let sql = fs::read_to_string(&path).unwrap();
                assert!(!sql.contains("advisory"), "{} takes an advisory lock", path.display());
            }
        }
    }
}

#[test]
fn the_macros_know_nothing_of_the_library_but_its_public_names() {
    let manifest = fs::read_to_string(root().join("simple-queue-macros/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    assert!(!dependencies.contains("simple-queue"), "the macros must not depend on the library");
}

#[test]
fn the_embedded_server_knows_nothing_of_the_library() {
    let manifest = fs::read_to_string(root().join("simple-queue-embedded/Cargo.toml")).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
    assert!(!dependencies.contains("simple-queue"), "it must not depend on the library");
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
            assert!(!code.contains(call), "{} calls `{call}…`", path.display());
        }
    }
}

#[test]
fn files_and_functions_stay_small_enough_to_read() {
    const LINES_OF_A_FILE: usize = 350;
    for directory in
        ["simple-queue/src", "simple-queue-embedded/src", "simple-queue-macros/src", "examples"]
    {
        for (path, code) in sources(directory) {
            let lines = code.lines().count();
            assert!(
                lines <= LINES_OF_A_FILE,
                "{} has {lines} lines; give a part of it a file",
                path.display()
            );
        }
    }
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
    assert_eq!(suites, ["faults"]);
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
