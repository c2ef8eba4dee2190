//! The arguments of `#[job(…)]`, and the parts that some of them have.

use proc_macro2::{TokenStream, TokenTree};

use super::list::{Arg, Table, argument, arguments, in_a_row, split_at_commas};
use crate::errors::Errors;
use crate::suggest::{did_you_mean, nearest};

arguments! {
    /// The declaration of a job, on a function or on a struct. `validate` destructures this and the
    /// other tables in full, so that a new field cannot be forgotten there.
    DeclarationArgs else "queue = \"emails\"",
    /// Name of the job in the database; the function's name by default.
    name: "name" like "name = \"send_welcome\"",
    /// Earlier names of the job.
    aliases: "aliases" like "aliases(\"old_name\")",
    /// The constant to start from.
    template: "template" like "template = MAILS",
    queue: "queue" like "queue = \"emails\"",
    retries: "retries" like "retries = 5",
    /// `retries` plus the first run.
    max_attempts: "max_attempts" like "max_attempts = 6",
    backoff: "backoff" like "backoff = \"exponential\"",
    timeout: "timeout" like "timeout = \"30s\"",
    delay: "delay" like "delay = \"5m\"",
    expires: "expires" like "expires = \"1h\"",
    priority: "priority" like "priority = 10",
    /// How many of them run at once, in a process or in all of them.
    concurrency: "concurrency" like "concurrency = 4",
    /// The jobs of a key run one after another.
    order: "order" like "order(key = \"{account_id}\")",
    /// Keys share the queue.
    fair: "fair" like "fair(key = \"{tenant_id}\")",
    /// How many of them start in a time, in all processes.
    rate: "rate" like "rate(limit = 100, per = \"1s\")",
    /// Limits that they share with other jobs.
    limits: "limits" like "limits = [PAYMENTS]",
    unique: "unique" like "unique = \"welcome:{user_id}\"",
    fingerprint: "fingerprint" like "fingerprint = \"order:{order_id}\"",
    tags: "tags" like "tags(\"mail\", \"nightly\")",
    /// How long a finished job is kept.
    retain: "retain" like "retain = \"7d\"",
    /// Whether it is kept in a file while the database is away.
    spool: "spool" like "spool = false",
    /// Version of the payload's shape.
    version: "version" like "version = 2",
    /// Function that converts a payload of an earlier version.
    upgrade: "upgrade" like "upgrade = my::upgrade",
}

arguments! {
    /// When a job is enqueued by itself.
    ScheduleArgs else "cron = \"0 9 * * mon-fri\"",
    /// The cron expression by which the job is enqueued.
    cron: "cron" like "cron = \"0 9 * * mon-fri\"",
    /// Its time zone.
    tz: "tz" like "tz = \"Europe/Berlin\"",
    /// The time after which the job is enqueued again and again.
    every: "every" like "every = \"15m\"",
    /// The stored arguments of the jobs that are enqueued so.
    args: "args" like "args(region = \"eu\")",
    /// What happens to late ticks.
    misfire: "misfire" like "misfire = \"skip\"",
    /// What happens to a tick while an earlier job is live.
    overlap: "overlap" like "overlap = \"skip\"",
}

arguments! {
    /// The run of a job.
    HandlerArgs else "strategy = RULES",
    /// Its own rules for when it may start.
    strategy: "strategy" like "strategy = RULES",
    /// Function that is called before the job becomes a dead letter.
    on_exhausted: "on_exhausted" like "on_exhausted = my::function",
}

arguments! {
    /// The struct that the macro writes for a function.
    StructureArgs else "derive(Debug, Clone)",
    /// Its name; the function's name in `UpperCamelCase` by default.
    payload: "payload" like "payload = WelcomeMail",
    derive: "derive" like "derive(Debug, Clone)",
}

arguments! {
    /// What a struct alone does not show.
    OutputArgs else "output = Receipt",
    /// Type of the result of a completed job.
    output: "output" like "output = Receipt",
}

arguments! {
    /// Arguments of every attribute.
    LibraryArgs else "crate = my_crate::simple_queue",
    /// The path of the library, for crates that re-export it.
    krate: "crate" like "crate = my_crate::simple_queue",
}

/// All arguments of an attribute; each [`Form`](super::form::Form) takes some of them.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) declaration: DeclarationArgs,
    pub(crate) schedule: ScheduleArgs,
    pub(crate) handler: HandlerArgs,
    pub(crate) structure: StructureArgs,
    pub(crate) output: OutputArgs,
    pub(crate) library: LibraryArgs,
}

arguments! {
    /// The parts of a back-off: those of `exponential(…)`, and those of the others after their
    /// first.
    BackoffParts else "base = \"2s\"",
    base: "base" like "base = \"2s\"",
    factor: "factor" like "factor = 2",
    max: "max" like "max = \"1h\"",
    jitter: "jitter" like "jitter = 0.2",
}

arguments! {
    /// The parts of `unique(…)`.
    UniqueParts else "by = [user_id]",
    by: "by" like "by = [user_id]",
    key: "key" like "key = \"welcome:{user_id}\"",
    on_conflict: "on_conflict" like "on_conflict = \"replace\"",
    /// How long the key stays taken.
    time: "for" like "for = \"24h\"",
    /// The states in which a job holds its key.
    states: "while" like "while = \"pending\"",
}

arguments! {
    /// The parts of `concurrency(…)`.
    ConcurrencyParts else "limit = 20",
    /// In all processes together.
    limit: "limit" like "limit = 20",
    /// For each key, instead of for all jobs of the kind.
    key: "key" like "key = \"{tenant_id}\"",
    /// In each process.
    per_process: "per_process" like "per_process = 4",
}

arguments! {
    /// The parts of `order(…)`.
    OrderParts else "key = \"{account_id}\"",
    key: "key" like "key = \"{account_id}\"",
    /// What happens to the others of its key when a job fails for good.
    after_failure: "after_failure" like "after_failure = \"continue\"",
}

arguments! {
    /// The parts of `fair(…)`.
    FairParts else "key = \"{tenant_id}\"",
    key: "key" like "key = \"{tenant_id}\"",
}

arguments! {
    /// The parts of `rate(…)`.
    RateParts else "limit = 100",
    limit: "limit" like "limit = 100",
    /// The time in which as many may start.
    per: "per" like "per = \"1s\"",
    /// The window of the calendar, instead of a time.
    window: "window" like "window = \"day\"",
    /// The time zone of its clock.
    tz: "tz" like "tz = \"Europe/Berlin\"",
    /// How many may start at once.
    burst: "burst" like "burst = 10",
    /// Whether no period of that length has more.
    strict: "strict" like "strict = false",
    /// For each key, instead of for all jobs of the kind.
    key: "key" like "key = \"{tenant_id}\"",
    /// How many tokens a job takes.
    cost: "cost" like "cost = \"{tokens}\"",
}

arguments! {
    /// The arguments of `#[job(…)]` on a parameter; `alias` can be given more than once.
    ParamArgs else "default",
    default: "default" like "default",
    rename: "rename" like "rename = \"userId\"",
    with: "with" like "with = \"my_module\"",
    redact: "redact" like "redact",
}

/// The argument that `#[job_defaults]` adds to the attributes of its module: `__inherited(…)` has
/// the defaults.
pub(crate) const INHERITED: &str = "__inherited";

impl Table for Args {
    fn keys() -> Vec<&'static str> {
        [
            DeclarationArgs::keys(),
            ScheduleArgs::keys(),
            HandlerArgs::keys(),
            StructureArgs::keys(),
            OutputArgs::keys(),
            LibraryArgs::keys(),
        ]
        .concat()
    }

    fn slot(&mut self, key: &str) -> Option<&mut Option<Arg>> {
        let Self { declaration, schedule, handler, structure, output, library } = self;
        declaration
            .slot(key)
            .or_else(|| schedule.slot(key))
            .or_else(|| handler.slot(key))
            .or_else(|| structure.slot(key))
            .or_else(|| output.slot(key))
            .or_else(|| library.slot(key))
    }

    fn example(key: &str) -> &'static str {
        match key {
            key if ScheduleArgs::keys().contains(&key) => ScheduleArgs::example(key),
            key if HandlerArgs::keys().contains(&key) => HandlerArgs::example(key),
            key if StructureArgs::keys().contains(&key) => StructureArgs::example(key),
            key if OutputArgs::keys().contains(&key) => OutputArgs::example(key),
            key if LibraryArgs::keys().contains(&key) => LibraryArgs::example(key),
            key => DeclarationArgs::example(key),
        }
    }

    fn given(&self) -> Vec<&Arg> {
        let Self { declaration, schedule, handler, structure, output, library } = self;
        [
            declaration.given(),
            schedule.given(),
            handler.given(),
            structure.given(),
            output.given(),
            library.given(),
        ]
        .concat()
    }
}

pub(crate) fn unique_parts(tokens: TokenStream, errors: &mut Errors) -> UniqueParts {
    let unknown = |key: &str| {
        let suggestion = did_you_mean(key, UniqueParts::keys(), '`');
        let example = UniqueParts::example(key);
        format!("`unique` has no `{key}`{suggestion}\n\nhelp: write `unique({example})`")
    };
    parts(tokens, &unknown, errors)
}

/// The parts of an argument. `unknown` has the words about a part that it does not have.
pub(super) fn parts<T: Table>(
    tokens: TokenStream,
    unknown: &dyn Fn(&str) -> String,
    errors: &mut Errors,
) -> T {
    let mut parts = T::default();
    for tokens in split_at_commas(tokens, errors) {
        if let Some(arg) = argument::<T>(tokens, errors) {
            parts.put(arg, unknown, errors);
        }
    }
    parts
}

/// The parts of the back-off `curve`, which has these.
pub(crate) fn backoff_parts(
    items: Vec<Vec<TokenTree>>,
    curve: &str,
    allowed: &[&str],
    errors: &mut Errors,
) -> BackoffParts {
    let unknown = |key: &str| {
        let hint = hint(key, allowed, "it takes");
        format!("`{curve}` has no `{key}`{hint}")
    };
    let mut parts = BackoffParts::default();
    for tokens in items {
        match argument::<BackoffParts>(tokens, errors) {
            Some(arg) if allowed.iter().any(|key| arg.key == key) => {
                parts.put(arg, &unknown, errors);
            }
            Some(arg) => errors.at(arg.key.span(), unknown(&arg.key.to_string())),
            None => {}
        }
    }
    parts
}

/// Reads one `#[job(…)]` of a parameter; each `alias` is returned separately.
pub(crate) fn on_parameter(
    tokens: TokenStream,
    args: &mut ParamArgs,
    errors: &mut Errors,
) -> Vec<Arg> {
    let known = [ParamArgs::keys(), vec!["alias"]].concat();
    let unknown = |key: &str| {
        let hint = hint(key, &known, "the arguments are");
        format!("unknown argument `{key}` on a parameter{hint}")
    };
    let mut aliases = Vec::new();
    for tokens in split_at_commas(tokens, errors) {
        match argument::<ParamArgs>(tokens, errors) {
            Some(arg) if arg.key == "alias" => {
                aliases.push(Arg { example: "alias = \"old_name\"", ..arg });
            }
            Some(arg) => args.put(arg, &unknown, errors),
            None => {}
        }
    }
    aliases
}

/// Returns the candidate that was most likely meant; if there is none, all of them.
pub(super) fn hint(key: &str, known: &[&str], there_are: &str) -> String {
    match nearest(key, known.iter().copied()) {
        Some(_) => did_you_mean(key, known.iter().copied(), '`'),
        None => {
            let names = in_a_row(known.iter().copied());
            format!("\n\nnote: {there_are} {names}")
        }
    }
}

pub(super) fn not_supported(key: &str) -> String {
    format!("`{key}` is not supported yet")
}
