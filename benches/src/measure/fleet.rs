//! The processes that hold contestants.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command as Process},
    time::timeout,
};

use crate::{
    agent::{AGENT, Answer, CONTESTANTS, Command, HandlerKind, Produced, Production, Times},
    contestant::{About, Duty, Result},
};

/// How long an agent may take to do what it is told, the end of a worker included.
const ANSWER: Duration = Duration::from_mins(1);

/// How long it may take to enqueue: a million jobs, where each is a statement.
const PRODUCE: Duration = Duration::from_mins(15);

/// A program that can be an agent of some contestants.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: PathBuf,
}

impl Program {
    /// This one.
    pub(crate) fn this() -> Result<Self> {
        Ok(Self { path: std::env::current_exe()? })
    }

    /// The peers', which cargo compiles first.
    pub(crate) async fn peers() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/Cargo.toml");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Process::new(cargo)
            .args(["build", "--locked", "--release", "--message-format", "json-render-diagnostics"])
            .arg("--manifest-path")
            .arg(&manifest)
            // Or the statements of one of them would be checked against the user's own database.
            .env("SQLX_OFFLINE", "true")
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?
            .wait_with_output()
            .await?;
        if !built.status.success() {
            return Err(format!("the peers do not compile: {}", manifest.display()).into());
        }
        let output = String::from_utf8(built.stdout)?;
        let path = output
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .ok_or("cargo did not say where the peers' program is")?;
        Ok(Self { path })
    }

    /// The contestants it has.
    pub(crate) async fn contestants(&self) -> Result<Vec<About>> {
        let said = Process::new(&self.path).arg(CONTESTANTS).output().await?;
        Ok(serde_json::from_slice(&said.stdout).map_err(|error| {
            format!("{} does not say whom it has: {error}", self.path.display())
        })?)
    }

    pub(crate) fn start(&self, about: &About, url: &str, connections: u32) -> Result<AgentProcess> {
        let mut child = Process::new(&self.path)
            .args([AGENT, &about.name, url, &connections.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.path.display()))?;
        let input = child.stdin.take().ok_or("the agent has no input")?;
        let output = child.stdout.take().ok_or("the agent has no output")?;
        let answers = BufReader::new(output).lines();
        Ok(AgentProcess {
            name: about.name.to_string(),
            child,
            input,
            answers,
            first: None,
            last: Look::default(),
        })
    }
}

/// A contestant in a process of its own.
#[derive(Debug)]
pub(crate) struct AgentProcess {
    name: String,
    child: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// What it had used when it was first measured.
    first: Option<u64>,
    pub(crate) last: Look,
}

/// How far a worker is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    pub(crate) finished: u64,
    cpu_ns: u64,
}

impl AgentProcess {
    /// Fails when no answer comes within the deadline, so that a process that hangs does not hang the bench.
    async fn ask(&mut self, command: &Command) -> Result<Answer> {
        let patience = if matches!(command, Command::Produce(_)) { PRODUCE } else { ANSWER };
        self.tell(command).await?;
        timeout(patience, self.hear()).await.map_err(|_| {
            format!("{} did not answer {command:?} for {} s", self.name, patience.as_secs())
        })?
    }

    async fn tell(&mut self, command: &Command) -> Result<()> {
        let line = format!("{}\n", serde_json::to_string(command)?);
        Ok(self.input.write_all(line.as_bytes()).await?)
    }

    async fn hear(&mut self) -> Result<Answer> {
        let Some(line) = self.answers.next_line().await? else {
            return Err(format!("{} ended: {}", self.name, self.child.wait().await?).into());
        };
        match serde_json::from_str(&line)? {
            Answer::Failed { error } => Err(format!("{} failed: {error}", self.name).into()),
            answer => Ok(answer),
        }
    }

    async fn done(&mut self, command: &Command) -> Result<Look> {
        match self.ask(command).await? {
            Answer::Done { finished, cpu_ns } => {
                self.last = Look { finished, cpu_ns };
                Ok(self.last)
            }
            other => Err(format!("{} answered {other:?} to {command:?}", self.name).into()),
        }
    }

    pub(crate) async fn migrate(&mut self) -> Result<()> {
        self.done(&Command::Migrate).await.map(drop)
    }

    pub(crate) async fn work(&mut self, duty: Duty, handler: HandlerKind) -> Result<()> {
        self.done(&Command::Work { duty, handler }).await.map(drop)
    }

    pub(crate) async fn look(&mut self) -> Result<Look> {
        self.done(&Command::Look).await
    }

    pub(crate) async fn times(&mut self) -> Result<Times> {
        match self.ask(&Command::Times).await? {
            Answer::Times(times) => Ok(times),
            other => Err(format!("{} answered {other:?}", self.name).into()),
        }
    }

    pub(crate) async fn produce(&mut self, production: Production) -> Result<Produced> {
        match self.ask(&Command::Produce(production)).await? {
            Answer::Produced { produced, cpu_ns } => {
                self.last.cpu_ns = cpu_ns;
                Ok(produced)
            }
            other => Err(format!("{} answered {other:?}", self.name).into()),
        }
    }

    /// From here on its processor time counts.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.first = Some(self.look().await?.cpu_ns);
        Ok(())
    }

    /// The processor time since it was begun.
    pub(crate) async fn used(&mut self) -> Result<Duration> {
        let first = self.first.ok_or("the agent was not measured from a beginning")?;
        Ok(Duration::from_nanos(self.look().await?.cpu_ns - first))
    }

    /// Stops its worker and ends the process, so that the server has all of its statistics.
    pub(crate) async fn stop_work(mut self) -> Result<()> {
        self.done(&Command::StopWork).await?;
        self.end().await
    }

    pub(crate) async fn end(mut self) -> Result<()> {
        drop(self.input);
        let status = timeout(ANSWER, self.child.wait())
            .await
            .map_err(|_| format!("{} did not end for {} s", self.name, ANSWER.as_secs()))??;
        if status.success() { Ok(()) } else { Err(format!("{} ended: {status}", self.name).into()) }
    }

    /// As a crash of the machine would.
    pub(crate) async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
