//! The program as a process.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The program with nothing of the environment that says where a database is, and no terminal.
pub(crate) fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_simple-queue"));
    for name in [
        "DATABASE_URL",
        "SIMPLE_QUEUE_DATABASE_URL",
        "SIMPLE_QUEUE_CONTEXT",
        "PGHOST",
        "PGUSER",
        "PGDATABASE",
    ] {
        program.env_remove(name);
    }
    program.env("USER", "ann").env("NO_COLOR", "1").stdin(Stdio::null());
    program.env("SIMPLE_QUEUE_CONFIG", "/nowhere");
    program
}

pub(crate) fn run(url: &str, args: &[&str]) -> Ran {
    program().args(args).env("DATABASE_URL", url).output().unwrap().into()
}

pub(crate) fn run_without_database(args: &[&str]) -> Ran {
    program().args(args).output().unwrap().into()
}

/// Sends statements as `psql -1` does, which ends at the first error.
pub(crate) fn psql(url: &str, statements: &str) {
    let mut psql = Command::new("psql")
        .args(["-1", "-q", "-v", "ON_ERROR_STOP=1", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(statements.as_bytes()).unwrap();
    let output = psql.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
