//! A process that holds one contestant, and does what the bench says on its standard input.
//!
//! Producers and workers are processes of their own, as in real life; what their handlers saw is counted here,
//! what it cost is counted by the bench.

mod produce;
mod protocol;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

pub(crate) use self::protocol::{Answer, Command, Manner, Produced, Production};
pub use crate::contestant::Probe;
pub(crate) use crate::contestant::{HandlerKind, Times};
use crate::{
    clock::cpu_ns,
    contestant::{About, Contestant, Result, Setup},
};

/// A contestant that this program can be.
pub struct Agent {
    about: About,
    serve: fn(Setup) -> Result<()>,
}

impl Agent {
    /// The agent of a contestant.
    pub fn of<C: Contestant>() -> Self {
        Self { about: C::ABOUT, serve: |setup| runtime()?.block_on(serve::<C>(setup)) }
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("about", &self.about).finish_non_exhaustive()
    }
}

/// The first argument of a program that is to be an agent.
pub(crate) const AGENT: &str = "agent";
/// The first argument of a program that is to say which contestants it has.
pub(crate) const CONTESTANTS: &str = "contestants";

/// Does what the arguments say, if they are those with which the bench starts an agent:
/// `agent NAME URL CONNECTIONS` or `contestants`.
pub fn main(agents: &[Agent], arguments: &[String]) -> Option<Result<()>> {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [CONTESTANTS] => Some(print_contestants(agents)),
        [AGENT, name, url, connections] => Some(be(agents, name, url, connections)),
        _ => None,
    }
}

fn print_contestants(agents: &[Agent]) -> Result<()> {
    let abouts: Vec<_> = agents.iter().map(|agent| &agent.about).collect();
    println!("{}", serde_json::to_string(&abouts)?);
    Ok(())
}

fn be(agents: &[Agent], name: &str, url: &str, connections: &str) -> Result<()> {
    let agent = agents
        .iter()
        .find(|agent| agent.about.name == name)
        .ok_or_else(|| format!("this program has no contestant `{name}`"))?;
    (agent.serve)(Setup { url: url.to_owned(), connections: connections.parse()? })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Carries out one command after the other until the input ends, as it does when the bench dies.
async fn serve<C: Contestant>(setup: Setup) -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut output = tokio::io::stdout();
    let mut held = Held::<C> {
        contestant: C::connect(setup).await?.into(),
        worker: None,
        probe: Probe::default(),
    };
    while let Some(line) = lines.next_line().await? {
        let answer = match held.carry_out(serde_json::from_str(&line)?).await {
            Ok(answer) => answer,
            Err(error) => Answer::Failed { error: error.to_string() },
        };
        output.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await?;
        output.flush().await?;
    }
    Ok(())
}

struct Held<C: Contestant> {
    contestant: std::sync::Arc<C>,
    worker: Option<C::Worker>,
    probe: Probe,
}

impl<C: Contestant> Held<C> {
    async fn carry_out(&mut self, command: Command) -> Result<Answer> {
        match command {
            Command::Migrate => self.contestant.migrate().await?,
            Command::Work { duty, handler } => {
                self.probe = Probe::new(&handler)?;
                self.worker = Some(self.contestant.start(duty, self.probe.clone()).await?);
            }
            Command::StopWork => match self.worker.take() {
                Some(worker) => C::stop(worker).await?,
                None => return Err("there is no worker to stop".into()),
            },
            Command::Produce(production) => {
                let produced = produce::produce(&self.contestant, &production).await?;
                return Ok(Answer::Produced { produced, cpu_ns: cpu_ns() });
            }
            Command::Look => {}
            Command::Times => return Ok(Answer::Times(self.probe.take_times())),
        }
        Ok(Answer::Done { finished: self.probe.finished(), cpu_ns: cpu_ns() })
    }
}
