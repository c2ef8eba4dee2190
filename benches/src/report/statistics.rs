//! Medians, and ratios within rounds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Record;
use crate::contestant::Result;

/// Each metric of a contestant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub(super) workload: &'static str,
    pub(super) case: &'static str,
    pub(super) size: String,
    pub(super) contestant: String,
    pub(super) rounds: usize,
    pub(super) figures: BTreeMap<&'static str, Spread>,
}

/// Ours divided by another, in the same round: what disturbs the machine disturbs both.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ratio {
    workload: &'static str,
    case: &'static str,
    pub(super) ours: String,
    pub(super) other: String,
    pub(super) metric: &'static str,
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Summary {
    /// Of one case, in the order in which the contestants first appear.
    pub(super) fn of(trials: &[&Record]) -> Vec<Self> {
        contestants(trials)
            .into_iter()
            .map(|contestant| {
                let (mut all, mut rounds) = (BTreeMap::<_, Vec<f64>>::new(), 0);
                for trial in trials.iter().filter(|trial| trial.contestant == contestant) {
                    rounds += usize::from(trial.error.is_none());
                    for (&metric, &value) in &trial.values {
                        all.entry(metric).or_default().push(value);
                    }
                }
                let figures = all
                    .into_iter()
                    .filter_map(|(metric, values)| Some((metric, Spread::of(values.into_iter())?)));
                Self {
                    workload: trials[0].workload,
                    case: trials[0].case,
                    size: trials[0].size.clone(),
                    contestant: contestant.to_owned(),
                    rounds,
                    figures: figures.collect(),
                }
            })
            .collect()
    }
}

impl Ratio {
    /// Of each pair that is to be compared.
    pub(super) fn of(
        trials: &[&Record],
        metrics: &[&'static str],
        are_compared: impl Fn(&str, &str) -> bool,
    ) -> Vec<Self> {
        let names = contestants(trials);
        let mut ratios = Vec::new();
        for ours in &names {
            for other in names.iter().filter(|other| are_compared(ours, other)) {
                for &metric in metrics {
                    ratios.extend(Self::between(trials, ours, other, metric));
                }
            }
        }
        ratios
    }

    fn between(trials: &[&Record], ours: &str, other: &str, metric: &'static str) -> Option<Self> {
        let value = |name: &str, round: u32| {
            let of =
                trials.iter().find(|trial| trial.contestant == name && trial.round == round)?;
            of.values.get(metric).copied()
        };
        let rounds =
            trials.iter().filter(|trial| trial.contestant == ours).map(|trial| trial.round);
        let Spread { median, least, most } = Spread::of(
            rounds.filter_map(|round| Some(value(ours, round)? / value(other, round)?)),
        )?;
        let (ours, other) = (ours.to_owned(), other.to_owned());
        let (workload, case) = (trials[0].workload, trials[0].case);
        Some(Self { workload, case, ours, other, metric, median, least, most })
    }
}

/// A figure of several rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// Of those that are numbers; `None` if there are none.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        Some(Self {
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            median: median(values)?,
        })
    }
}

fn contestants<'t>(trials: &[&'t Record]) -> Vec<&'t str> {
    let mut names = Vec::new();
    for trial in trials {
        if !names.contains(&&*trial.contestant) {
            names.push(&*trial.contestant);
        }
    }
    names
}

pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
}

/// These percentiles under their names, but for those that are not below at least two of the values: the
/// greatest of a few says nothing of a percentile.
pub(crate) fn percentiles(
    mut values: Vec<f64>,
    wanted: [(usize, &'static str); 3],
) -> Result<Vec<(&'static str, f64)>> {
    if values.is_empty() {
        return Err("nothing was measured".into());
    }
    values.sort_unstable_by(f64::total_cmp);
    // The smallest value that this percentage of the values does not exceed.
    let nth = |hundredths: usize| (values.len() * hundredths).div_ceil(100);
    let known = wanted.into_iter().filter(|&(hundredths, _)| nth(hundredths) + 2 <= values.len());
    Ok(known.map(|(hundredths, name)| (name, values[nth(hundredths) - 1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Values;

    const WANTED: [(usize, &str); 3] = [(50, "p50"), (95, "p95"), (99, "p99")];

    fn trial(contestant: &str, round: u32, rate: f64) -> Record {
        let values = Values::from([("jobs/s", rate)]);
        let (contestant, size) = (contestant.to_owned(), String::new());
        Record { workload: "drain", case: "", size, contestant, round, values, error: None }
    }

    #[test]
    fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values = (1..=200).map(f64::from).collect();
        let known = percentiles(values, WANTED).unwrap();
        assert_eq!(known, [("p50", 100.0), ("p95", 190.0), ("p99", 198.0)]);
        assert!(percentiles(vec![], WANTED).is_err());
    }

    #[test]
    fn a_percentile_of_too_few_values_is_left_out() {
        let values = (1..=199).map(f64::from).collect();
        assert_eq!(percentiles(values, WANTED).unwrap(), [("p50", 100.0), ("p95", 190.0)]);
        assert_eq!(percentiles(vec![1.0, 2.0], WANTED).unwrap(), []);
    }

    #[test]
    fn ratios_are_taken_within_rounds_and_only_where_both_were_measured() {
        let trials = [
            trial("ours", 0, 10.0),
            trial("other", 0, 5.0),
            trial("ours", 1, 100.0),
            trial("other", 1, 10.0),
            trial("ours", 2, 1.0),
        ];
        let trials: Vec<_> = trials.iter().collect();
        let ratios =
            Ratio::of(&trials, &["jobs/s"], |ours, other| ours == "ours" && other == "other");
        assert_eq!(ratios.len(), 1);
        assert_eq!((ratios[0].median, ratios[0].least, ratios[0].most), (6.0, 2.0, 10.0));
    }
}
