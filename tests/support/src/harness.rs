//! A harness that runs each case in a process of its own.
//!
//! So the output of a case and of the processes that it started is shown together, and only where it
//! failed; and a case finds nothing that another one left behind.

use std::{
    env, fmt,
    fs::{self, File},
    io::{self, IsTerminal as _, Read as _, Seek as _},
    pin::Pin,
    process::{self, Command, ExitCode, Stdio},
};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::Program;

/// The argument before the name of a case or of a helper process.
const PROCESS: &str = "--process";

/// The environment variable under whose value `complete` a missing program is a failure.
const TESTS: &str = "SIMPLE_QUEUE_TESTS";

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// The work of one process: a case, or a helper process that a case starts.
pub struct Case {
    name: String,
    needs: &'static [&'static Program],
    on_one_thread: bool,
    run: Box<dyn FnOnce() -> Running>,
}

/// A [`Case`] that is written as an `async fn` of this name.
#[macro_export]
macro_rules! case {
    ($name:ident) => {
        $crate::Case::new(module_path!(), stringify!($name), || Box::pin($name()))
    };
}

impl Case {
    /// Made by [`case!`](crate::case).
    pub fn new(module: &str, name: &str, run: impl FnOnce() -> Running + 'static) -> Self {
        let name = match module.split_once("::") {
            Some((_, module)) => format!("{module}::{name}"),
            None => name.to_owned(),
        };
        Self { name, needs: &[], on_one_thread: false, run: Box::new(run) }
    }

    /// Declares the programs that it cannot be run without.
    #[must_use]
    pub fn needs(mut self, programs: &'static [&'static Program]) -> Self {
        self.needs = programs;
        self
    }

    /// Runs all its tasks on one thread.
    #[must_use]
    pub fn on_one_thread(mut self) -> Self {
        self.on_one_thread = true;
        self
    }

    /// Adds a check after its end.
    #[must_use]
    pub fn followed_by<F: Future<Output = ()>>(self, after: impl FnOnce() -> F + 'static) -> Self {
        let run = self.run;
        let both = || -> Running {
            Box::pin(async {
                run().await;
                after().await;
            })
        };
        Self { run: Box::new(both), ..self }
    }

    /// Runs it in this process.
    fn run(self) {
        let filter = EnvFilter::builder()
            .with_default_directive(tracing_subscriber::filter::LevelFilter::WARN.into());
        tracing_subscriber::fmt()
            .with_env_filter(filter.from_env_lossy())
            .with_ansi(io::stderr().is_terminal())
            .with_writer(io::stderr)
            .init();
        let mut builder = if self.on_one_thread {
            Builder::new_current_thread()
        } else {
            Builder::new_multi_thread()
        };
        let runtime = builder.worker_threads(2).enable_all().build();
        runtime.expect("the system gives two threads").block_on((self.run)());
    }

    fn into_trial(self, is_captured: bool, is_complete: bool) -> Trial {
        let (name, needs) = (self.name.clone(), self.needs);
        Trial::ignorable_test(self.name, move || {
            let missing: Vec<String> =
                needs.iter().filter(|program| !program.is_there()).map(|p| p.missing()).collect();
            match missing.as_slice() {
                [] => run_in_a_process(&name, is_captured).map(|()| Completion::Completed),
                _ if is_complete => Err(missing.join("; ").into()),
                _ => Ok(Completion::ignored_with(missing.join("; "))),
            }
        })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Runs the cases that the arguments of this process ask for, or the one case or helper process that it
/// was started for.
///
/// # Panics
///
/// With the panic of that one.
#[must_use]
pub fn main(cases: Vec<Case>, others: Vec<Case>) -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().is_some_and(|argument| argument == PROCESS) {
        let name = arguments.next().expect("its name follows");
        let mut all = cases.into_iter().chain(others);
        let found = all.find(|case| case.name == name);
        found.unwrap_or_else(|| panic!("there is no `{name}`")).run();
        return ExitCode::SUCCESS;
    }
    let (arguments, is_complete) = (Arguments::from_args(), is_complete());
    let is_captured = !arguments.nocapture;
    let trials = cases.into_iter().map(|case| case.into_trial(is_captured, is_complete)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The command that starts this program again for the case or helper process of this name.
///
/// # Panics
///
/// When the program has vanished.
#[must_use]
pub fn other_process(name: &str) -> Command {
    let program = env::current_exe().expect("this program is somewhere");
    let mut command = Command::new(program);
    command.args([PROCESS, name]).stdin(Stdio::null());
    command
}

/// The output goes into a file, not a pipe: a server that the case leaves behind may hold a pipe for longer.
fn run_in_a_process(name: &str, is_captured: bool) -> Result<(), Failed> {
    let mut command = other_process(name);
    if !is_captured {
        let status = command.status()?;
        return if status.success() { Ok(()) } else { Err(status.into()) };
    }
    let file = format!("simple-queue-{}-{}", process::id(), name.replace("::", "-"));
    let path = env::temp_dir().join(file);
    let mut output = File::options().create_new(true).read(true).append(true).open(&path)?;
    fs::remove_file(path)?;
    command.stdout(output.try_clone()?).stderr(output.try_clone()?);
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    let mut said = Vec::new();
    output.rewind()?;
    output.read_to_end(&mut said)?;
    Err(format!("{}\n{status}", String::from_utf8_lossy(&said)).into())
}

/// Whether every case has to run.
fn is_complete() -> bool {
    env::var(TESTS).is_ok_and(|value| match value.as_str() {
        "complete" => true,
        other => panic!("{TESTS} is `{other}`; the only value it knows is `complete`"),
    })
}
