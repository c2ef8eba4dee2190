//! How the program ends: the exit code, and the words of an error.

use std::{fmt, process::ExitCode};

use simple_queue::Error;

use crate::{
    guard::Declined,
    output::{ERROR, HINT},
};

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    /// It found that something is wrong.
    Wrong,
    /// Nothing matched.
    Nothing,
}

impl Exit {
    /// 130, as shells have it for a program that Ctrl-C ended.
    pub(crate) const STOPPED: u8 = 130;
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Wrong => 3,
            Exit::Nothing => 4,
        })
    }
}

/// A mistake in what was typed, and what to type instead.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) problem: String,
    pub(crate) hint: String,
}

impl Mistake {
    pub(crate) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Mistake {}

/// Says what failed, why, and what to do, each in a line. 1: it failed; 2: it was typed wrong.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(declined) = error.downcast_ref::<Declined>() {
        anstream::eprintln!("{declined}");
        return Exit::Nothing.into();
    }
    anstream::eprintln!("{ERROR}error:{ERROR:#} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        anstream::eprintln!("  because {cause}");
        source = cause.source();
    }
    let (code, hint) = match (error.downcast_ref::<Mistake>(), error.downcast_ref::<Error>()) {
        (Some(mistake), _) => (2, Some(mistake.hint.as_str())),
        (None, Some(error)) => (1, hint_for(error)),
        (None, None) => (1, None),
    };
    if let Some(hint) = hint {
        anstream::eprintln!("{HINT}hint:{HINT:#} {hint}");
    }
    ExitCode::from(code)
}

fn hint_for(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NotMigrated { .. } => "`simple-queue migrate` creates the tables",
        Error::Unreachable { .. } => {
            "`--database-url`, or the variable DATABASE_URL, says where the database is"
        }
        Error::NotAllowed { .. } => {
            "the database role may only look; connect as one that has the rights of an operator"
        }
        _ => return None,
    })
}
