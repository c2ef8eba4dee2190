//! Medians, and ratios within rounds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Record;
use crate::contestant::Result;

/// The median of each metric of a contestant.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    pub(super) workload: &'static str,
    pub(super) case: String,
    pub(super) contestant: String,
    rounds: usize,
    pub(super) medians: BTreeMap<&'static str, f64>,
}

/// Ours divided by another, in the same round: what disturbs the machine disturbs both.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Ratio {
    workload: &'static str,
    case: String,
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
                let medians =
                    all.into_iter().filter_map(|(metric, values)| Some((metric, median(values)?)));
                Self {
                    workload: trials[0].workload,
                    case: trials[0].case.clone(),
                    contestant: contestant.to_owned(),
                    rounds,
                    medians: medians.collect(),
                }
            })
            .collect()
    }
}

impl Ratio {
    /// Each of ours to each other one.
    pub(super) fn of(
        trials: &[&Record],
        metrics: &[&'static str],
        is_ours: impl Fn(&str) -> bool,
    ) -> Vec<Self> {
        let names = contestants(trials);
        let mut ratios = Vec::new();
        for ours in names.iter().filter(|name| is_ours(name)) {
            for other in names.iter().filter(|name| *name != ours) {
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
        let ratios: Vec<f64> = rounds
            .filter_map(|round| Some(value(ours, round)? / value(other, round)?))
            .filter(|ratio| ratio.is_finite())
            .collect();
        Some(Self {
            workload: trials[0].workload,
            case: trials[0].case.clone(),
            ours: ours.to_owned(),
            other: other.to_owned(),
            metric,
            least: ratios.iter().copied().fold(f64::INFINITY, f64::min),
            most: ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            median: median(ratios)?,
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

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
}

/// The 50th, 95th and 99th, under these names.
pub(crate) fn percentiles(
    mut values: Vec<f64>,
    names: [&'static str; 3],
) -> Result<[(&'static str, f64); 3]> {
    if values.is_empty() {
        return Err("nothing was measured".into());
    }
    values.sort_unstable_by(f64::total_cmp);
    // The smallest value that so many in a hundred do not exceed.
    let nth = |hundredths: usize| values[(values.len() * hundredths).div_ceil(100) - 1];
    Ok([(names[0], nth(50)), (names[1], nth(95)), (names[2], nth(99))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Values;

    fn trial(contestant: &str, round: u32, rate: f64) -> Record {
        let values = Values::from([("jobs/s", rate)]);
        let (contestant, case) = (contestant.to_owned(), String::new());
        Record { workload: "drain", case, contestant, round, values, error: None }
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
        let [p50, p95, p99] = percentiles(values, ["a", "b", "c"]).unwrap();
        assert_eq!((p50.1, p95.1, p99.1), (100.0, 190.0, 198.0));
        assert!(percentiles(vec![], ["a", "b", "c"]).is_err());
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
        let ratios = Ratio::of(&trials, &["jobs/s"], |name| name == "ours");
        assert_eq!(ratios.len(), 1);
        assert_eq!((ratios[0].median, ratios[0].least, ratios[0].most), (6.0, 2.0, 10.0));
    }
}
