//! Tables, the JSON file and the plot.

mod plot;
mod statistics;
mod table;
mod targets;

use std::{fs, path::PathBuf};

use serde::Serialize;

pub(crate) use self::{statistics::percentiles, table::number};
use self::{
    statistics::{Ratio, Summary},
    table::Styles,
    targets::Verdict,
};
use crate::{
    case::Case,
    contestant::{About, Result},
    measure::{Settings, Values},
};

/// One trial.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    workload: &'static str,
    case: &'static str,
    size: String,
    contestant: String,
    round: u32,
    #[serde(skip_serializing_if = "Values::is_empty")]
    values: Values,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Record {
    pub(crate) fn new(case: &Case, about: &About, round: u32, measured: Result<Values>) -> Self {
        let (values, error) = match measured {
            Ok(values) => (values, None),
            Err(error) => (Values::new(), Some(error.to_string())),
        };
        let Case { workload, name: case, size, .. } = case.clone();
        Self { workload, case, size, contestant: about.name.to_string(), round, values, error }
    }
}

/// The result of a trial in a few words, as progress.
pub(crate) fn headline(case: &Case, measured: &Result<Values>) -> String {
    match measured {
        Ok(values) => {
            let headline = case.ratios.first().and_then(|name| values.get_key_value(name));
            headline.map_or_else(String::new, |(name, value)| format!("{} {name}", number(*value)))
        }
        Err(error) => format!("failed: {error}"),
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    settings: Settings,
    contestants: Vec<About>,
    summaries: Vec<Summary>,
    ratios: Vec<Ratio>,
    targets: Vec<Verdict>,
    trials: Vec<Record>,
    #[serde(skip)]
    json: PathBuf,
    #[serde(skip)]
    styles: Styles,
}

impl Report {
    /// Fails now rather than at the end if it cannot be written.
    pub(crate) fn new(settings: Settings, contestants: Vec<About>, json: PathBuf) -> Result<Self> {
        if let Some(directory) = json.parent() {
            fs::create_dir_all(directory)
                .map_err(|error| format!("the directory {}: {error}", directory.display()))?;
        }
        let report = Self {
            settings,
            contestants,
            summaries: Vec::new(),
            ratios: Vec::new(),
            targets: Vec::new(),
            trials: Vec::new(),
            json,
            styles: Styles::for_stdout(),
        };
        report.write()?;
        Ok(report)
    }

    pub(crate) fn add(&mut self, record: Record) {
        self.trials.push(record);
    }

    pub(crate) fn print_head(&self) {
        let Settings { measured_at, machine, server, statements } = &self.settings;
        println!("{measured_at}\n{machine}");
        let server: Vec<_> = server.iter().map(|(name, value)| format!("{name}={value}")).collect();
        println!("PostgreSQL: {}", server.join(", "));
        if !statements {
            println!("Statements are not counted: pg_stat_statements is not loaded.");
        }
        println!();
        let rows = self.contestants.iter().map(|about| {
            vec![about.name.to_string(), about.version.to_string(), about.settings.to_string()]
        });
        table::print(self.styles, &["contestant", "version", "settings"], 3, rows);
    }

    /// Prints what was measured of a case and what that means for ours, and writes all that there is so far.
    pub(crate) fn print_case(&mut self, case: &Case) -> Result<()> {
        let trials: Vec<_> = self
            .trials
            .iter()
            .filter(|trial| trial.workload == case.workload && trial.case == case.name)
            .collect();
        let summaries = Summary::of(&trials);
        let about = |name: &str| self.contestants.iter().find(|about| about.name == name);
        let are_compared = |ours: &str, other: &str| {
            about(ours).zip(about(other)).is_some_and(|(ours, other)| ours.is_compared_with(other))
        };
        let ratios = Ratio::of(&trials, case.ratios, are_compared);
        println!("\n{}", self.styles.heading(&case.to_string()));
        table::print_summaries(self.styles, &summaries);
        table::print_ratios(self.styles, case.ratios, &ratios);
        for trial in &trials {
            if let Some(error) = &trial.error {
                println!("{} failed in round {}: {error}", trial.contestant, trial.round + 1);
            }
        }
        self.targets = targets::verdicts(&self.trials, &self.contestants);
        self.summaries.extend(summaries);
        self.ratios.extend(ratios);
        self.write()
    }

    /// Says which targets were met and where the files are; fails if a trial did.
    pub(crate) fn finish(&self) -> Result<()> {
        targets::print(self.styles, &self.targets);
        let svg = self.json.with_extension("svg");
        println!("\nAll figures: {}\nPlot: {}", self.json.display(), svg.display());
        let failed = self.trials.iter().filter(|trial| trial.error.is_some()).count();
        if failed > 0 {
            return Err(
                format!("{failed} of {} trials failed, as said above", self.trials.len()).into()
            );
        }
        Ok(())
    }

    fn write(&self) -> Result<()> {
        let put = |path: PathBuf, text: String| {
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        put(self.json.clone(), serde_json::to_string_pretty(self)?)?;
        put(self.json.with_extension("svg"), plot::plot(&self.settings, &self.summaries))?;
        Ok(())
    }
}
