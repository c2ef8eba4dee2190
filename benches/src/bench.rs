//! What a workload measures with: the contestants, the rounds and the report.

use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    arguments::Arguments,
    case::Case,
    contestant::{About, Result},
    measure::{Program, Server, Trial, Values},
    report::{self, Record, Report},
};

pub(crate) struct Bench {
    pub(crate) arguments: Arguments,
    server: Server,
    contestants: Vec<(About, Program)>,
    report: Report,
}

impl Bench {
    pub(crate) async fn start(arguments: Arguments) -> Result<Self> {
        let contestants = contestants_of(&arguments).await?;
        let server = Server::start(arguments.url.as_deref(), &arguments.settings).await?;
        let abouts = contestants.iter().map(|(about, _)| about.clone()).collect();
        let report = Report::new(server.settings.clone(), abouts, arguments.json.clone())?;
        report.print_head();
        Ok(Self { arguments, server, contestants, report })
    }

    pub(crate) async fn finish(self) -> Result<()> {
        self.server.stop().await?;
        self.report.finish()
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
