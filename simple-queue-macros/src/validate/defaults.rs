//! What the jobs of a module have in common: each argument is judged once, where it stands.

use super::{backoff, names, options, values};
use crate::errors::Errors;
use crate::parse::args::{
    Args, DeclarationArgs, HandlerArgs, LibraryArgs, OutputArgs, StructureArgs,
};
use crate::parse::list::Arg;

/// The arguments in which no mistake is seen. The others are said here, and to no job.
pub(crate) fn defaults(args: Args, errors: &mut Errors) -> Vec<Arg> {
    // Taken apart in full, as the tables in it are. What does not belong here is refused by `parse`.
    let Args {
        declaration,
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
        unique: _,
        fingerprint: _,
        tags,
        retain,
        version: _,
        upgrade: _,
    } = declaration;

    let mut sound = Sound { args: Vec::new(), errors };
    sound.keep(template, |arg, errors| values::item(arg, "a constant `JobTemplate`", errors));
    sound.keep(queue, names::queue);
    let attempts = options::attempts(retries.as_ref(), max_attempts.as_ref(), sound.errors);
    sound.args.extend(attempts.and(retries.or(max_attempts)));
    sound.keep(backoff, |arg, errors| backoff::backoff(arg, attempts, errors));
    sound.keep(timeout, options::timeout);
    sound.keep(delay, options::delay);
    sound.keep(expires, options::expires);
    sound.keep(priority, options::priority);
    sound.keep(concurrency, options::concurrency);
    sound.keep(tags, options::tags);
    sound.keep(retain, options::retain);
    sound.keep(strategy, |arg, errors| values::item(arg, "a static", errors));
    sound.keep(on_exhausted, |arg, errors| values::item(arg, "a function", errors));
    sound.keep(krate, names::krate);
    sound.args
}

struct Sound<'e> {
    args: Vec<Arg>,
    errors: &'e mut Errors,
}

impl Sound<'_> {
    /// Keeps an argument of which the judge reports nothing.
    fn keep<T>(&mut self, arg: Option<Arg>, judge: impl FnOnce(&Arg, &mut Errors) -> Option<T>) {
        let before = self.errors.count();
        let kept = arg.filter(|arg| judge(arg, self.errors).is_some());
        self.args.extend(kept.filter(|_| self.errors.count() == before));
    }
}
