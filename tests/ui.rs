//! What `#[job]`, `jobs!` and `#[derive(JobState)]` say to every mistake, and that they accept what
//! is right. One mistake a file, named for it, and one error for each mistake.
//!
//! The texts are those of the compiler that `rust-toolchain.toml` names. After a change of words:
//! `TRYBUILD=overwrite cargo test --test ui`, and read the difference.

use std::path::{Path, PathBuf};

#[test]
fn right_jobs_compile() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*/*.rs");
}

/// A mistake that is reported twice hides the words that would have helped.
#[test]
fn one_mistake_gives_one_error() {
    let answers = files_below(Path::new("tests/ui/fail"), "stderr");
    assert!(!answers.is_empty(), "run from the root of the workspace");
    for answer in answers {
        if answer
            .file_stem()
            .is_some_and(|name| name == "many_errors_at_once")
        {
            continue;
        }
        let text = std::fs::read_to_string(&answer).expect("the file was just listed");
        let is_message = |line: &&str| line.starts_with("error") || line.starts_with("warning");
        let messages = text.lines().filter(is_message).count();
        assert_eq!(
            messages,
            1,
            "{} has {messages} messages:\n{text}",
            answer.display()
        );
    }
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
    entries
        .map(|entry| entry.expect("the folder can be read").path())
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path, extension),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}
