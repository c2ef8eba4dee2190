//! The proc macros of simple-queue. The meaning of each argument is documented here, where editors
//! show it. The examples are at the re-exports in that crate, where they are compiled.
//!
//! The order in which one `#[job]` is processed: [`pipeline`], [`parse`], [`validate`], [`model`],
//! [`expand`]. [`errors`] collects mistakes on the way. A function whose arguments depend on the
//! build takes a detour through [`conditional`].

mod carrier;
mod conditional;
mod errors;
mod expand;
mod job_state;
mod jobs_list;
mod krate;
mod model;
mod parse;
mod pipeline;
mod suggest;
#[cfg(feature = "testing")]
mod test_attribute;
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

/// Makes a durable background job of an `async fn`. Arguments by value are stored with the job;
/// arguments by reference are borrowed from the worker.
///
/// # Arguments of the attribute
///
/// | argument | meaning |
/// |---|---|
/// | `name = "mail:send"` | name of the job in the database; the function's name by default |
/// | `aliases("old_name")` | earlier names, under which jobs may still be stored |
/// | `template = MAILS` | path of a `const` of type `JobTemplate`: its queue and options apply, unless set here |
/// | `queue = "emails"` | queue of the job, `default` by default; or the path of a constant |
/// | `retries = 5` | how often a failed job runs again; the same as `max_attempts = 6` |
/// | `backoff = …` | wait between two attempts; see below |
/// | `timeout = "30s"` | longest time of one attempt |
/// | `delay = "5m"` | time from the enqueue to the due time |
/// | `expires = "1h"` | longest wait after the due time; a job that waited longer is cancelled |
/// | `priority = -10` | smaller numbers run first; 0 by default |
/// | `concurrency = 4` | how many of these jobs one process runs at a time; only the queue's limit by default |
/// | `concurrency(limit = 20, per_process = 4)` | `limit`: how many of these jobs all processes together run at a time |
/// | `concurrency(limit = 1, key = "{tenant_id}")` | how many of these jobs with the same key all processes together run at a time |
/// | `fair(key = "{tenant_id}")` | the jobs of each key have their turn, however many of another one wait |
/// | `order(key = "{account_id}", after_failure = "halt")` | the jobs of a key run one after another; `after_failure`: whether the others wait for a job that failed for good, go on with `"continue"`, or are cancelled with `"drop"` |
/// | `rate(limit = 100, per = "1s", burst = 10)` | how many of these jobs all processes together start in a time; `burst`: how many of them at once, a tenth by default; `strict = false`: a token bucket |
/// | `rate(limit = 60_000, per = "1m", burst = 8_000, key = "{org_id}", cost = "{tokens}")` | `key`: the rate holds for each key; `cost`: how many tokens a job takes, an unsigned argument or a number |
/// | `rate(limit = 10_000, window = "day", tz = "Europe/Berlin")` | how many start in each window of the calendar, from `"minute"` to `"month"` |
/// | `limits = [PAYMENTS]` | limits that these jobs share with others, each a `static` of the type `Limit` |
/// | `cron = "0 9 * * mon-fri"` | enqueued by itself at these times; see below |
/// | `every = "15m"` | enqueued by itself in this time, again and again; see below |
/// | `unique …` | which jobs count as the same; at most one of them waits or runs at a time, or in a time; see below |
/// | `fingerprint = "order:{order_id}"` | group of the job, to cancel jobs together |
/// | `tags("mail", "nightly")` | tags for people, stored with each job |
/// | `retain = "7d"` | how long a finished job is kept, the queue's retention by default; `"none"`: deleted when it completes |
/// | `spool = false` | whether it is kept in a file while the database is away, if the queue has a spool: yes by default, and no with a unique key |
/// | `version = 2` | version of the payload's shape; 1 by default |
/// | `upgrade = my::upgrade` | a `fn(i32, Value) -> Result<Value, E>` that converts a payload of an earlier version; `none` if it is read unchanged |
/// | `strategy = RULES` | path of a `static` that implements `JobStrategy`: your own rules for when the job may start |
/// | `on_exhausted = apologize` | an `async fn(Payload, &JobContext, &str)` that is called with the last error before the job becomes a dead letter |
/// | `payload = WelcomeMail` | name of the struct; the function's name in `UpperCamelCase` by default |
/// | `derive(Debug, Clone)` | derives of the struct; none by default, not even `Debug`: the struct may hold secrets |
/// | `crate = path` | path of the library, in a crate that re-exports it |
///
/// Durations are sums of numbers with a unit: `"250ms"`, `"30s"`, `"5m"`, `"1h 30m"`, `"1.5h"`, `"2 days"`.
///
/// # Back-off
///
/// Jitter makes each wait longer by a random part of up to `jitter` of it, 0.2 by default.
///
/// | form | wait |
/// |---|---|
/// | `"exponential"` | 2 s, 4 s, 8 s … up to an hour |
/// | `exponential(base = "2s", factor = 2, max = "1h", jitter = 0.2)` | the same; each part can be left out |
/// | `"linear"`, `linear("5s")`, `linear("5s", jitter = 0.1)` | 5 s, 10 s, 15 s … |
/// | `"fixed"`, `fixed("10s")`, `fixed("10s", jitter = 0)` | the same each time; `"fixed"` is 5 s |
/// | `"none"` | none |
/// | `my::delay` | the result of a `fn(i32) -> Duration` for the number of the failed attempt, from 1; without jitter |
///
/// # Keys
///
/// In a template `{argument}` inserts an argument, `{argument.field}` a field of it, `{{` a brace.
///
/// | form | jobs count as the same if |
/// |---|---|
/// | `unique` | all stored arguments are equal: the key is a hash of them. A set such as `HashSet` cannot be part of it, because it has no order |
/// | `unique = "user:{user.id}"`, `unique(key = "user:{user.id}")` | the keys are equal |
/// | `unique(by = [user_id, kind])` | these arguments are equal; with `by = []`, always |
/// | `unique(on_conflict = "replace")` | as `unique`; `on_conflict`, `for` and `while` can be combined with `key` and `by` too |
///
/// | `on_conflict` | if another one waits or runs |
/// |---|---|
/// | `"ignore"` | the new job is not stored; the default |
/// | `"replace"` | a waiting job starts anew as the new one |
/// | `"reschedule"` | a waiting job gets the new job's due time, if that is later |
/// | `"error"` | the new job is refused |
///
/// | in `unique(…)` | the key is taken |
/// |---|---|
/// | `while = "running"` | while a job with it waits or runs; the default |
/// | `while = "pending"` | while a job with it waits; a new job takes it over from one that runs |
/// | `for = "24h"` | for that long from the enqueue, also when the job has ended; up to 3,650 days. The job has `find_kept_key` and `release_key` too |
///
/// A `unique` job has `find` and `cancel`, a job with a `fingerprint` has `cancel_all`. They take
/// the arguments of the key and a target.
///
/// # Schedules
///
/// A worker with a job that has `cron` or `every` enqueues it at each tick, one for all workers. They need the feature
/// `cron` of the library, which is on by default.
///
/// | argument | meaning |
/// |---|---|
/// | `cron = "0 9 * * mon-fri"` | minute, hour, day of month, month, day of week; six fields have the second before them; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` |
/// | `tz = "Europe/Berlin"` | time zone of `cron`; UTC by default |
/// | `every = "15m"` | time between two ticks, from 1 s: here at 0, 15, 30 and 45 past each hour |
/// | `args(region = "eu")` | the stored arguments; those with a `default` may be left out |
/// | `misfire = "coalesce"` | ticks that are more than a minute late get one job together, the default; `"skip"`: none; `"backfill"`: one each |
/// | `overlap = "allow"` | a tick gets its job even if that of an earlier tick waits or runs, the default; `"skip"`: it gets none; `"queue"`: it gets it when the earlier one has ended |
///
/// # Arguments of the function
///
/// | written as | meaning |
/// |---|---|
/// | `user_id: i64` | stored with the job, and a field of its struct |
/// | `mailer: &Mailer`, `clock: &dyn Clock` | borrowed from the worker's state |
/// | `context: &JobContext` | the run: its job, its attempt, whether it is cancelled |
/// | `tx: &mut JobTx` | the transaction in which the job is finished: committed if the function succeeds, rolled back otherwise |
/// | `job: SendEmail` | the whole payload, a struct of this crate that derives `Job`. It is the only argument by value, and has the name that the macro's struct would have. The struct has the declaration |
///
/// # On a stored argument
///
/// Another build may read a job than the one that stored it. `#[job(…)]` on an argument keeps both
/// compatible:
///
/// | argument | meaning |
/// |---|---|
/// | `default` | jobs stored without it get the default of its type |
/// | `default = 7` | jobs stored without it get this value |
/// | `rename = "userId"` | its name in the stored job |
/// | `alias = "user"` | an earlier name; can be given more than once |
/// | `with = "module"` | the module whose `serialize` and `deserialize` write and read it, as in serde |
/// | `redact` | its value is hidden from people: a derived `Debug` shows `"…"`, and an error about it quotes nothing. It cannot be part of a key |
///
/// An argument with `#[cfg(…)]` exists only in those builds. Other builds ignore it when they read
/// their jobs; in the other direction it needs a `default`.
#[doc(alias("backoff", "priority", "retries", "retry", "timeout", "unique"))]
#[proc_macro_attribute]
pub fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::job(arguments.into(), item.into()).into()
}

/// Sets defaults for the jobs of a module and of the modules in it.
///
/// | argument | meaning |
/// |---|---|
/// | `queue`, `template`, `retries` or `max_attempts`, `backoff`, `timeout`, `delay`, `expires`, `priority`, `concurrency`, `rate`, `limits`, `tags`, `retain`, `spool`, `strategy`, `on_exhausted`, `crate` | as in `#[job(…)]` |
///
/// A job is a function with `#[job]`, or a struct that derives `Job`. Arguments about the run also
/// apply to `#[handler]`, and not to such a struct. Order of precedence: the job's own arguments,
/// the module's, then a `template`; the job's own `template` replaces the module's. An inner
/// `#[job_defaults(…)]` comes before an outer one. `retries = 0` on a job drops a `backoff` from
/// here.
///
/// Paths resolve where each job is: `crate::RULES` is the same in all modules. The module must be
/// inline, `mod x { … }`. Items that a macro or a `cfg_attr` writes in it get no defaults.
#[proc_macro_attribute]
pub fn job_defaults(arguments: TokenStream, module: TokenStream) -> TokenStream {
    pipeline::job_defaults(arguments.into(), module.into()).into()
}

/// Runs a job that is declared elsewhere, by a struct that derives `Job`. The attribute goes on an
/// `async fn` that takes this struct as its only argument by value.
///
/// Its entry in `jobs![…]` is the function's name in `UpperCamelCase` with `Handler` at the end:
/// `SendEmailHandler`. The function's result type must be the job's declared `output`.
///
/// | argument | meaning |
/// |---|---|
/// | `strategy = RULES` | path of a `static` that implements `JobStrategy`: your own rules for when the job may start |
/// | `on_exhausted = apologize` | an `async fn(Payload, &JobContext, &str)` that is called with the last error before the job becomes a dead letter |
/// | `crate = path` | path of the library, in a crate that re-exports it |
///
/// Its arguments by reference are the same as those of `#[job]`: the worker's state, `&JobContext`,
/// `&mut JobTx`.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::handler(arguments.into(), item.into()).into()
}

/// Declares a job by its payload struct, which a `#[handler]` runs. The struct is a unit struct, or
/// has named fields, which are the stored arguments.
///
/// The derive implements serde's traits, so do not derive `Serialize` and `Deserialize` as well. It
/// writes the same methods as `#[job]` on a function, `new` included.
///
/// `#[job(…)]` on the struct, below the derive, takes the arguments of `#[job]` about storing and
/// enqueuing: all but `strategy`, `on_exhausted`, `payload` and `derive`. Its `name` is the
/// struct's in snake case by default. It also takes
///
/// | argument | meaning |
/// |---|---|
/// | `output = Receipt` | result type of its handler, `()` by default |
///
/// `#[job(…)]` on a field takes the arguments of `#[job]` on a stored argument. If a field is
/// redacted, `Job` implements `Debug` too, so do not derive it as well.
#[proc_macro_derive(Job, attributes(job, serde))]
pub fn derive_job(item: TokenStream) -> TokenStream {
    pipeline::derive(item.into()).into()
}

/// Lists the jobs that a process runs, by the structs of `#[job]` and of `#[handler]`:
/// `jobs![SendWelcome, images::Resize]`. No two of them may share a name.
///
/// In a crate that re-exports the library, put its path first: `jobs![crate = path, SendWelcome]`.
#[proc_macro]
pub fn jobs(list: TokenStream) -> TokenStream {
    jobs_list::jobs(list.into()).into()
}

/// Makes a test of an `async fn` that takes a `TestQueue`, a `PgPool`, or both.
#[cfg(feature = "testing")]
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test_attribute::test(&arguments.into(), item.into()).into()
}

/// Lets jobs borrow the fields of a struct as their state: each field's type, and the content of an
/// `Arc` or a `Box`.
///
/// `#[state(skip)]` leaves a field out. `#[state(crate = path)]` on the struct is for crates that
/// re-export the library.
#[proc_macro_derive(JobState, attributes(state))]
pub fn job_state(item: TokenStream) -> TokenStream {
    job_state::derive(item.into()).into()
}

/// Expands to the items that a struct carries; for the expansions of this crate.
#[doc(hidden)]
#[proc_macro_derive(CarrierDerive, attributes(carried))]
pub fn carrier_derive(item: TokenStream) -> TokenStream {
    carrier::derive(item.into()).into()
}
