//! The errors of `#[job]`, `jobs!` and `#[derive(JobState)]` for every mistake, and the code that they
//! accept. One mistake a file, named for it, and one error for each mistake.
//!
//! The texts are those of rustc 1.95; other releases word some of them differently. After a change run
//! `TRYBUILD=overwrite cargo test -p ui`, and read the difference.

mod pass;

use std::path::{Path, PathBuf};

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/fail/*/*.rs");
}

/// Mistakes with more than one error, each with the number of its errors.
const EXCEPTIONS: &[(&str, usize)] = &[
    ("many_errors_at_once", 6),
    // The compiler has words of its own for it, which do not say what to do.
    ("module_in_another_file", 2),
    // The compiler's own words come first; then it goes on with the struct that had the name before.
    ("payload_name_taken", 4),
    ("key_of_a_limit", 5),
    ("order_with_what_moves_jobs", 6),
];

/// A mistake that is reported twice hides the error that helps.
#[test]
fn one_mistake_gives_one_error() {
    let answers = files_below(Path::new("tests/ui/fail"), "stderr");
    assert!(!answers.is_empty(), "run from the root of the package");
    for answer in answers {
        let name = answer.file_stem().and_then(|name| name.to_str());
        let exception = EXCEPTIONS.iter().find(|(exception, _)| name == Some(exception));
        let expected = exception.map_or(1, |(_, count)| *count);
        let text = std::fs::read_to_string(&answer).expect("the file was just listed");
        let is_message = |line: &&str| line.starts_with("error") || line.starts_with("warning");
        let found = text.lines().filter(is_message).count();
        assert_eq!(found, expected, "{} has {found} messages:\n{text}", answer.display());
    }
}

fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
    entries
        .map(|entry| entry.expect("the folder can be read").path())
        .flat_map(|path| if path.is_dir() { files_below(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}
