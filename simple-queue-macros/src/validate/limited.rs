//! The arguments that limit a job, together: those with a key have the same one, and none contradicts another.

use super::keys::{Keys, Rules};
use super::rate::JobRate;
use super::{concurrency, options, rate, values};
use crate::errors::Errors;
use crate::model::{AfterFailure, Cost, KeyLimit, OnConflict, Options, Piece, Rate};
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

/// What holds for each key, as far as it is read.
#[derive(Default)]
struct OfKeys {
    key: Option<JobKey>,
    concurrency: Option<u32>,
    order: Option<AfterFailure>,
    rate: Option<Rate>,
    cost: Option<Cost>,
    is_fair: bool,
}

impl Limited {
    pub(crate) fn check(self, keys: &Keys<'_>, errors: &mut Errors) -> (Options, Option<KeyLimit>) {
        let (mut options, mut of_keys) = (self.others(errors), OfKeys::default());
        if let Some(arg) = &self.concurrency {
            of_keys.concurrency(arg, &mut options, keys, errors);
        }
        if let Some(arg) = &self.order {
            of_keys.order(arg, keys, errors);
            self.out_of_order(arg, errors);
        }
        if let Some(arg) = &self.rate {
            of_keys.rate(arg, &mut options, keys, errors);
        }
        if let Some(arg) = &self.fair {
            of_keys.fair(arg, keys, errors);
        }
        (options, of_keys.limit())
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

impl OfKeys {
    fn concurrency(
        &mut self,
        arg: &Arg,
        options: &mut Options,
        keys: &Keys<'_>,
        errors: &mut Errors,
    ) {
        let (concurrency, key) = concurrency::with_key(arg, errors);
        options.concurrency = concurrency;
        if let Some(key) = key {
            self.concurrency = options.concurrency.limit.take();
            self.read_key("concurrency", &key, keys, errors);
        }
    }

    fn order(&mut self, arg: &Arg, keys: &Keys<'_>, errors: &mut Errors) {
        let (after_failure, key) = concurrency::order(arg, errors);
        if self.key.take().is_some() {
            let message = "a job has one key: its sequence runs one job of a key at a time in any case; \
                           leave the `key` of `concurrency` out, or `order`";
            errors.at(arg.key.span(), message);
        }
        if let Some(key) = key {
            self.order = Some(after_failure);
            self.read_key("order", &key, keys, errors);
        }
    }

    fn rate(&mut self, arg: &Arg, options: &mut Options, keys: &Keys<'_>, errors: &mut Errors) {
        let JobRate { rate, key, cost } = rate::rate(arg, errors);
        let read = cost.as_ref().and_then(|cost| rate::cost(cost, rate.as_ref(), keys, errors));
        match (key, cost, &self.key) {
            (None, None, _) => options.rate = rate,
            (Some(key), _, _) => {
                (self.rate, self.cost) = (rate, read);
                self.read_key("rate", &key, keys, errors);
            }
            // Costs are counted where jobs wait by key.
            (None, Some(_), None) => {
                (self.rate, self.cost) = (rate, read);
                self.key = Some(JobKey::of_all());
            }
            (None, Some(cost), Some(first)) => {
                let text = first.text.as_deref().unwrap_or_default();
                let message = format!(
                    "a rate with a `cost` is counted by key, and a job has one key, here that of \
                     `{}`; write `key = \"{text}\"` in `rate` too, or leave `cost` out",
                    first.of
                );
                errors.at(cost.key.span(), message);
            }
        }
    }

    fn fair(&mut self, arg: &Arg, keys: &Keys<'_>, errors: &mut Errors) {
        let key = concurrency::fair(arg, errors);
        if let Some(first) = &self.key {
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
            self.is_fair = true;
            self.read_key("fair", &key, keys, errors);
        }
    }

    /// Reads the key of an argument, unless an earlier one has a key: then both are the same.
    fn read_key(&mut self, of: &'static str, arg: &Arg, keys: &Keys<'_>, errors: &mut Errors) {
        let Some(first) = &self.key else {
            let text = values::string(arg, &mut Errors::already_reported());
            let pieces = match of {
                "order" => keys.order_key(arg, errors),
                _ => keys.limit_key(arg, errors),
            };
            self.key = Some(JobKey { of, text: text.map(|text| text.value()), pieces });
            return;
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
    }

    fn limit(self) -> Option<KeyLimit> {
        let Self { key, concurrency, order, rate, cost, is_fair } = self;
        let is_limited = is_fair || concurrency.is_some() || order.is_some() || rate.is_some();
        let key = key.and_then(|key| key.pieces).filter(|_| is_limited)?;
        Some(KeyLimit { concurrency, order, rate, cost, is_fair, key })
    }
}

impl JobKey {
    /// The one key of all jobs of a kind.
    fn of_all() -> Self {
        Self { of: "rate", text: None, pieces: Some(vec![Piece::Text("all".to_owned())]) }
    }
}
