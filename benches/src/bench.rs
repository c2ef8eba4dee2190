//! The whole run: contestants, rounds, reports.

use std::process::ExitCode;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    agent,
    arguments::Arguments,
    contestant::{About, Result},
    contestants,
    measure::{Program, Server, Trial, Values},
    report::{self, Record, Report},
    workloads,
};

/// The program, as the bench or as one of its agents.
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = agent::main(&contestants::all(), &arguments).unwrap_or_else(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(Bench::run(Arguments::parse()))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) struct Bench {
    pub(crate) arguments: Arguments,
    server: Server,
    contestants: Vec<(About, Program)>,
    report: Report,
}

/// What is measured the same way of several contestants.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) workload: &'static str,
    /// The same however much is measured, so that reports can be compared and targets be found.
    pub(crate) name: &'static str,
    /// How much is measured.
    pub(crate) size: String,
    /// By what the contestants are compared.
    pub(crate) ratios: &'static [&'static str],
}

impl Bench {
    async fn run(arguments: Arguments) -> Result<()> {
        let contestants = contestants_of(&arguments).await?;
        let server = Server::start(arguments.url.as_deref(), &arguments.settings).await?;
        let abouts = contestants.iter().map(|(about, _)| about.clone()).collect();
        let report = Report::new(server.settings.clone(), abouts, arguments.json.clone())?;
        let mut bench = Self { arguments, server, contestants, report };
        bench.report.print_head();
        println!(
            "\nThe handler itself: {:.3} µs a job, {:.3} µs where its start is timed",
            agent::Probe::cost_us(false).await?,
            agent::Probe::cost_us(true).await?,
        );
        for workload in bench.arguments.workloads() {
            workloads::run(workload, &mut bench).await?;
        }
        bench.server.stop().await?;
        bench.report.finish()
    }

    /// Measures cases of each contestant for which they are meant, in turn, as many rounds as were asked for:
    /// a round is all cases, because they are compared with each other too. What fails is reported, and the
    /// others go on.
    pub(crate) async fn measure<T>(
        &mut self,
        cases: &[(Case, T)],
        is_meant: impl Fn(&About, &T) -> bool,
        measure: impl AsyncFn(&mut Trial<'_>, &T) -> Result<Values>,
    ) -> Result<()> {
        let meant: Vec<Vec<_>> = cases
            .iter()
            .map(|(_, what)| {
                self.contestants.iter().filter(|(about, _)| is_meant(about, what)).collect()
            })
            .collect();
        let rounds = self.arguments.rounds();
        let bar = progress_bar(rounds as usize * meant.iter().map(Vec::len).sum::<usize>());
        for round in 0..rounds {
            for ((case, what), meant) in cases.iter().zip(&meant) {
                for turn in 0..meant.len() {
                    // Each begins a round once, so that none is always measured after the same other one.
                    let (about, program) = meant[(turn + round as usize) % meant.len()];
                    let trial = format!("{case}, round {} of {rounds}: {}", round + 1, about.name);
                    bar.set_message(trial.clone());
                    let connections = self.arguments.connections;
                    let measured =
                        try_once(about, program, &mut self.server, connections, async |trial| {
                            measure(trial, what).await
                        })
                        .await;
                    bar.inc(1);
                    let line = format!("{trial}: {}", report::headline(case, &measured));
                    if bar.is_hidden() {
                        eprintln!("{line}");
                    } else if measured.is_err() {
                        bar.println(line);
                    }
                    self.report.add(Record::new(case, about, round, measured));
                }
            }
        }
        bar.finish_and_clear();
        cases.iter().try_for_each(|(case, _)| self.report.print_case(case))
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {} ({})", self.workload, self.name, self.size)
    }
}

async fn try_once(
    about: &About,
    program: &Program,
    server: &mut Server,
    connections: u32,
    measure: impl AsyncFn(&mut Trial<'_>) -> Result<Values>,
) -> Result<Values> {
    let mut trial = Trial::begin(about, program, server, connections).await?;
    let measured = measure(&mut trial).await;
    let ended = trial.end().await;
    // Why the measurement failed says more than that the end failed too.
    let measured = measured?;
    ended?;
    Ok(measured)
}

fn progress_bar(trials: usize) -> ProgressBar {
    let bar = ProgressBar::new(trials as u64);
    let style =
        ProgressStyle::with_template("{bar:20} {pos}/{len} {elapsed} (about {eta} left) {msg}")
            .expect("the template is well formed");
    bar.set_style(style);
    bar.enable_steady_tick(std::time::Duration::from_millis(250));
    bar
}

async fn contestants_of(arguments: &Arguments) -> Result<Vec<(About, Program)>> {
    let mut all = Vec::new();
    let is_known =
        |all: &[(About, Program)], name: &str| all.iter().any(|(about, _)| about.name == name);
    add(&mut all, Program::this()?).await?;
    let needs_peers =
        arguments.only.is_empty() || arguments.only.iter().any(|name| !is_known(&all, name));
    if cfg!(feature = "peers") && needs_peers {
        add(&mut all, Program::peers().await?).await?;
    }
    if let Some(unknown) = arguments.only.iter().find(|name| !is_known(&all, name)) {
        let names: Vec<_> = all.iter().map(|(about, _)| &*about.name).collect();
        let peers =
            if cfg!(feature = "peers") { "" } else { "; with `--features peers` there are more" };
        return Err(
            format!("there is no contestant `{unknown}`, but {}{peers}", names.join(", ")).into()
        );
    }
    all.retain(|(about, _)| {
        arguments.only.is_empty() || arguments.only.iter().any(|name| about.name == *name)
    });
    Ok(all)
}

async fn add(all: &mut Vec<(About, Program)>, program: Program) -> Result<()> {
    for about in program.contestants().await? {
        all.push((about, program.clone()));
    }
    Ok(())
}
