//! Defaults of a module: each argument is checked once, where it is written.

use super::{backoff, concurrency, names, options, rate, values};
use crate::errors::Errors;
use crate::parse::args::{
    Args, DeclarationArgs, HandlerArgs, LibraryArgs, OutputArgs, StructureArgs,
};
use crate::parse::list::Arg;

/// Returns the valid arguments. The others are reported here, and not again for each job.
pub(crate) fn defaults(args: Args, errors: &mut Errors) -> Vec<Arg> {
    // Destructured in full, as the tables in it are. `parse` refuses arguments that do not belong
    // here.
    let Args {
        declaration,
        schedule: _,
        handler: HandlerArgs { strategy, on_exhausted },
        structure: StructureArgs { payload: _, derive: _ },
        output: OutputArgs { output: _ },
        library: LibraryArgs { krate },
    } = args;
    let DeclarationArgs {
        name: _,
        aliases: _,
        template,
        queue,
        retries,
        max_attempts,
        backoff,
        timeout,
        delay,
        expires,
        priority,
        concurrency,
        order: _,
        fair: _,
        rate,
        limits,
        unique: _,
        fingerprint: _,
        tags,
        retain,
        spool,
        version: _,
        upgrade: _,
    } = declaration;

    let mut checked = Checked { args: Vec::new(), errors };
    checked.keep(template, |arg, errors| values::item(arg, "a constant `JobTemplate`", errors));
    checked.keep(queue, names::queue);
    let attempts = options::attempts(retries.as_ref(), max_attempts.as_ref(), checked.errors);
    checked.args.extend(attempts.and(retries.or(max_attempts)));
    checked.keep(backoff, |arg, errors| backoff::backoff(arg, attempts, errors));
    checked.keep(timeout, options::timeout);
    checked.keep(delay, options::delay);
    checked.keep(expires, options::expires);
    checked.keep(priority, options::priority);
    checked.keep(concurrency, |arg, errors| Some(concurrency::concurrency(arg, errors)));
    checked.keep(rate, rate::without_key);
    checked.keep(limits, |arg, errors| Some(concurrency::limits(arg, errors)));
    checked.keep(tags, options::tags);
    checked.keep(retain, options::retain);
    checked.keep(spool, options::spool);
    checked.keep(strategy, |arg, errors| values::item(arg, "a static", errors));
    checked.keep(on_exhausted, |arg, errors| values::item(arg, "a function", errors));
    checked.keep(krate, names::krate);
    checked.args
}

struct Checked<'e> {
    args: Vec<Arg>,
    errors: &'e mut Errors,
}

impl Checked<'_> {
    /// Keeps an argument for which the check reports nothing.
    fn keep<T>(&mut self, arg: Option<Arg>, check: impl FnOnce(&Arg, &mut Errors) -> Option<T>) {
        let before = self.errors.count();
        let kept = arg.filter(|arg| check(arg, self.errors).is_some());
        self.args.extend(kept.filter(|_| self.errors.count() == before));
    }
}
