//! The arguments that limit a job, together: those with a key have the same one, and none contradicts another.

use super::keys::{Keys, Rules};
use super::rate::JobRate;
use super::{concurrency, options, rate, values};
use crate::errors::Errors;
use crate::model::{KeyLimit, OnConflict, Options, Piece};
use crate::parse::list::Arg;

/// The arguments that limit the jobs, and those that may contradict them.
pub(crate) struct Limited {
    pub(crate) concurrency: Option<Arg>,
    pub(crate) order: Option<Arg>,
    pub(crate) fair: Option<Arg>,
    pub(crate) rate: Option<Arg>,
    pub(crate) priority: Option<Arg>,
    pub(crate) expires: Option<Arg>,
    pub(crate) rules: Rules,
}

/// The key that the first of them has.
struct JobKey {
    /// Its argument.
    of: &'static str,
    text: Option<String>,
    pieces: Option<Vec<Piece>>,
}

impl Limited {
    pub(crate) fn check(self, keys: &Keys<'_>, errors: &mut Errors) -> (Options, Option<KeyLimit>) {
        let mut first: Option<JobKey> = None;
        let (mut most, mut order, mut rate_of_key, mut cost) = (None, None, None, None);
        let mut options = self.others(errors);
        if let Some(arg) = &self.concurrency {
            let (concurrency, key) = concurrency::with_key(arg, errors);
            options.concurrency = concurrency;
            if let Some(key) = key {
                most = options.concurrency.limit.take();
                first = JobKey::of("concurrency", &key, first, keys, errors);
            }
        }
        if let Some(arg) = &self.order {
            let (after_failure, key) = concurrency::order(arg, errors);
            if first.is_some() {
                let message = "a job has one key: its sequence runs one job of a key at a time in any case; \
                               leave the `key` of `concurrency` out, or `order`";
                errors.at(arg.key.span(), message);
                first = None;
            }
            self.out_of_order(arg, errors);
            order = key.as_ref().map(|_| after_failure);
            if let Some(key) = key {
                first = JobKey::of("order", &key, first, keys, errors);
            }
        }
        if let Some(arg) = &self.rate {
            let JobRate { rate, key, cost: given } = rate::rate(arg, errors);
            cost = given.as_ref().and_then(|given| rate::cost(given, rate, keys, errors));
            match (key, given, &first) {
                (None, None, _) => options.rate = rate,
                (Some(key), _, _) => {
                    rate_of_key = rate;
                    first = JobKey::of("rate", &key, first, keys, errors);
                }
                // Costs are counted where jobs wait by key.
                (None, Some(_), None) => {
                    rate_of_key = rate;
                    first = Some(JobKey::of_all());
                }
                (None, Some(given), Some(first)) => {
                    let text = first.text.as_deref().unwrap_or_default();
                    let message = format!(
                        "a rate with a `cost` is counted by key, and a job has one key, here that of \
                         `{}`; write `key = \"{text}\"` in `rate` too, or leave `cost` out",
                        first.of
                    );
                    errors.at(given.key.span(), message);
                    cost = None;
                }
            }
        }
        let mut is_fair = false;
        if let Some(arg) = &self.fair {
            let key = concurrency::fair(arg, errors);
            if let Some(first) = &first {
                let because = match first.of {
                    "order" => "a sequence runs one job of a key at a time",
                    _ => "keys with a limit are visited in rounds in any case",
                };
                let message = format!(
                    "a job has one key, and its `{}` has one: {because}; leave `fair` or that key out",
                    first.of
                );
                errors.at(arg.key.span(), message);
            } else if let Some(key) = key {
                first = JobKey::of("fair", &key, first, keys, errors);
                is_fair = true;
            }
        }
        let is_limited = is_fair || most.is_some() || order.is_some() || rate_of_key.is_some();
        let key = first.and_then(|first| first.pieces).filter(|_| is_limited);
        let limit = |key| KeyLimit { concurrency: most, order, rate: rate_of_key, cost, is_fair, key };
        (options, key.map(limit))
    }

    fn others(&self, errors: &mut Errors) -> Options {
        let Rules { on_conflict, time, states } = self.rules;
        Options {
            expires: self.expires.as_ref().and_then(|arg| options::expires(arg, errors)),
            priority: self.priority.as_ref().and_then(|arg| options::priority(arg, errors)),
            on_conflict,
            unique_for: time,
            unique_while: states,
            ..Options::default()
        }
    }

    /// Refuses what would move a job of a sequence out of its place.
    fn out_of_order(&self, order: &Arg, errors: &mut Errors) {
        let because = "the jobs of a key run in order";
        if let Some(priority) = &self.priority {
            let message = format!(
                "{because}, and a priority would let one overtake others; leave `priority` out"
            );
            errors.at(priority.key.span(), message);
        }
        if let Some(expires) = &self.expires {
            let message =
                format!("{because}, and one that expires would leave a gap; leave `expires` out");
            errors.at(expires.key.span(), message);
        }
        if let Some(OnConflict::Replace | OnConflict::Reschedule) = self.rules.on_conflict {
            let message = format!(
                "{because}, and `on_conflict` would move one that waits; \
                 use `on_conflict = \"ignore\"` or `\"error\"`"
            );
            errors.at(order.key.span(), message);
        }
    }
}

impl JobKey {
    /// The one key of all jobs of a kind.
    fn of_all() -> Self {
        Self { of: "rate", text: None, pieces: Some(vec![Piece::Text("all".to_owned())]) }
    }

    /// Reads the key of an argument, unless an earlier one has a key: then both are the same.
    fn of(
        of: &'static str,
        arg: &Arg,
        first: Option<Self>,
        keys: &Keys<'_>,
        errors: &mut Errors,
    ) -> Option<Self> {
        let Some(first) = first else {
            let text =
                values::string(arg, &mut Errors::already_reported()).map(|text| text.value());
            let pieces = match of {
                "order" => keys.order_key(arg, errors),
                _ => keys.limit_key(arg, errors),
            };
            return Some(Self { of, text, pieces });
        };
        let literal = values::string(arg, errors);
        if let (Some(known), Some(literal)) = (&first.text, literal)
            && *known != literal.value()
        {
            let message = format!(
                "a job has one key, and its `{}` has the key \"{known}\"; write the same here, \
                 or leave this `key` out, and `{of}` holds for all of them together",
                first.of
            );
            errors.at(literal.span(), message);
        }
        Some(first)
    }
}
