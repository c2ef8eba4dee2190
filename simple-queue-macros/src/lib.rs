//! The proc macros of simple-queue. What each argument means stands here, where editors show it; the
//! examples stand at the re-exports in that crate, where they can be compiled.
//!
//! In the order in which one `#[job]` is read: [`pipeline`], [`parse`], [`validate`], [`model`],
//! [`expand`]. [`errors`] gathers what is wrong on the way. A function whose arguments depend on the build
//! makes a detour through [`conditional`].

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
#[cfg(test)]
mod tests;
mod validate;

use proc_macro::TokenStream;

/// The attribute of a durable background job: on an `async fn` whose arguments by value are stored
/// with the job, and whose arguments by reference are handed in by the worker.
///
/// # Arguments of the attribute
///
/// | argument | what it says |
/// |---|---|
/// | `name = "mail:send"` | what the job is called in the database; the function's name when left out |
/// | `aliases("old_name")` | names that it had before, under which jobs may still be stored |
/// | `template = MAILS` | the path of a `const` of type `JobTemplate`: its queue and options hold, but for those that stand here |
/// | `queue = "emails"` | the queue it goes to, `default` when left out; or the path of a constant |
/// | `retries = 5` | how often it is run again after it failed; `max_attempts = 6` says the same |
/// | `backoff = …` | how long it waits between two attempts; see below |
/// | `timeout = "30s"` | how long one attempt may take |
/// | `delay = "5m"` | how long after it is stored it is due |
/// | `expires = "1h"` | how long it may wait to be started, from when it is due; then it is cancelled |
/// | `priority = -10` | smaller numbers run first; 0 when left out |
/// | `concurrency = 4` | how many of them one process runs at a time; as many as their queue may when left out |
/// | `unique …` | which of them are the same job, of which one may wait or run at a time; see below |
/// | `fingerprint = "order:{order_id}"` | what it is grouped by, to cancel jobs together |
/// | `tags("mail", "nightly")` | words for people, stored with each |
/// | `retain = "7d"` | how long it is kept once it is over, as long as its queue's when left out; `"none"`: deleted when it is done |
/// | `version = 2` | that of the shape of what is stored; 1 when left out |
/// | `upgrade = my::upgrade` | a `fn(i32, Value) -> Result<Value, E>` that brings what an earlier version stored to this one; `none` when that is read as it is |
/// | `strategy = RULES` | the path of a `static` that implements `JobStrategy`: rules of its own for when it may start |
/// | `on_exhausted = apologize` | an `async fn(Payload, &JobContext, &str)` that is called with the last error when the job has failed for good |
/// | `payload = WelcomeMail` | the struct's name; that of the function in the case of a type when left out |
/// | `derive(Debug, Clone)` | what the struct derives; without it, not even `Debug`: it may hold secrets |
/// | `crate = path` | where the library is, in a crate that re-exports it |
///
/// Durations are sums of numbers with a unit: `"250ms"`, `"30s"`, `"5m"`, `"1h 30m"`, `"1.5h"`, `"2 days"`.
///
/// # Back-off
///
/// Each wait is longer by a random part of up to `jitter` of it, 0.2 when left out.
///
/// | form | waits |
/// |---|---|
/// | `"exponential"` | 2 s, 4 s, 8 s … up to an hour |
/// | `exponential(base = "2s", factor = 2, max = "1h", jitter = 0.2)` | the same; each part can be left out |
/// | `"linear"`, `linear("5s")`, `linear("5s", jitter = 0.1)` | 5 s, 10 s, 15 s … |
/// | `"fixed"`, `fixed("10s")`, `fixed("10s", jitter = 0)` | the same each time; `"fixed"` is 5 s |
/// | `"none"` | not at all |
/// | `my::delay` | what a `fn(i32) -> Duration` says of the attempt that failed, from 1; without jitter |
///
/// # Keys
///
/// In a template, `{argument}` stands for an argument, `{argument.field}` for a field of it, `{{` for a brace.
///
/// | form | the same are |
/// |---|---|
/// | `unique` | those with the same stored arguments: the key is a hash of them, which no set such as `HashSet` can be part of, since it has no order |
/// | `unique = "user:{user.id}"`, `unique(key = "user:{user.id}")` | those whose key reads the same |
/// | `unique(by = [user_id, kind])` | those in which these arguments are the same; with `by = []`, all |
/// | `unique(on_conflict = "replace")` | as `unique`, and `on_conflict` beside `key` and `by` too |
///
/// | `on_conflict` | what becomes of a new one where another waits or runs |
/// |---|---|
/// | `"ignore"` | it is not stored; this is so when left out |
/// | `"replace"` | one that waits starts anew as the new one |
/// | `"reschedule"` | one that waits is put off until the new one would be due |
/// | `"error"` | it is refused |
///
/// A job that is `unique` has `find` and `cancel`, one with a `fingerprint` has `cancel_all`: they take the
/// arguments that the key is made of, and where to look.
///
/// # Arguments of the function
///
/// | written as | what it is |
/// |---|---|
/// | `user_id: i64` | stored with the job, and a field of its struct |
/// | `mailer: &Mailer`, `clock: &dyn Clock` | lent by the worker's state |
/// | `context: &JobContext` | the run: its job, its attempt, whether it is cancelled |
/// | `tx: &mut JobTx` | the transaction in which the job is finished: committed if the function succeeds, else rolled back |
/// | `job: SendEmail` | all that is stored, in a struct of this crate that derives `Job`; it is the only argument by value, and has the name that the struct of the function would have. What is declared stands on the struct |
///
/// # On a stored argument
///
/// A stored job is read by another build than wrote it. `#[job(…)]` on an argument keeps the two together:
///
/// | argument | what it says |
/// |---|---|
/// | `default` | jobs stored without it get the default of its type |
/// | `default = 7` | they get this value |
/// | `rename = "userId"` | what it is called in the stored job |
/// | `alias = "user"` | what it was called before; can stand there more than once |
/// | `with = "module"` | the module whose `serialize` and `deserialize` write and read it, as serde calls them |
/// | `redact` | its value is kept out of what people read: a derived `Debug` shows `"…"`, and where a stored one does not fit no word is said of it. No key can be made of it |
///
/// An argument with `#[cfg(…)]` is one in those builds only. What they store is read by the others without
/// it; the other way round it needs a `default`.
#[doc(alias("backoff", "priority", "retries", "retry", "timeout", "unique"))]
#[proc_macro_attribute]
pub fn job(arguments: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::job(arguments.into(), item.into()).into()
}

/// The attribute of a module whose jobs have something in common: each job in it, and in the modules within it,
/// takes these arguments where it does not say otherwise.
///
/// | argument | |
/// |---|---|
/// | `queue`, `template`, `retries` or `max_attempts`, `backoff`, `timeout`, `delay`, `expires`, `priority`, `concurrency`, `tags`, `retain`, `strategy`, `on_exhausted`, `crate` | as in `#[job(…)]` |
///
/// A job is a function with `#[job]`, or a struct that derives `Job`; what concerns the running is taken by
/// `#[handler]` too, and not by such a struct. What stands on the job comes first, then this, then a `template`:
/// the job's own in place of the module's. A `#[job_defaults(…)]` on a module within the module comes before the
/// outer one. `retries = 0` on a job makes a `backoff` from here fall away.
///
/// Paths are read where each job stands: `crate::RULES` is the same in all modules. The module has its body in
/// place; what a macro or a `cfg_attr` writes in it takes nothing from here.
#[proc_macro_attribute]
pub fn job_defaults(arguments: TokenStream, module: TokenStream) -> TokenStream {
    pipeline::job_defaults(arguments.into(), module.into()).into()
}

/// The attribute of what runs a job that is declared elsewhere, by a struct which derives `Job`: on an
/// `async fn` that takes this struct by value, and nothing else.
///
/// What stands for it in `jobs![…]` has the function's name in the case of a type, and `Handler` after it:
/// `SendEmailHandler`. What the function keeps has to be what the job declares as its `output`.
///
/// | argument | what it says |
/// |---|---|
/// | `strategy = RULES` | the path of a `static` that implements `JobStrategy`: rules of its own for when it may start |
/// | `on_exhausted = apologize` | an `async fn(Payload, &JobContext, &str)` that is called with the last error when the job has failed for good |
/// | `crate = path` | where the library is, in a crate that re-exports it |
///
/// Its arguments by reference are those of `#[job]`: the worker's state, `&JobContext`, `&mut JobTx`.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::handler(arguments.into(), item.into()).into()
}

/// Makes a job of a struct, to be enqueued by whoever knows the struct and to be run by a `#[handler]`: a
/// unit struct, or one with named fields, which are the stored arguments.
///
/// serde's traits are part of it: `Serialize` and `Deserialize` are not derived beside it. What `#[job]` on a
/// function makes for the payload is made here too, `new` included.
///
/// `#[job(…)]` on the struct, below the derive, takes the arguments of `#[job]` that speak of what is stored
/// and enqueued, all but `strategy`, `on_exhausted`, `payload` and `derive`; its `name` is the struct's in
/// snake case when left out. And it takes
///
/// | argument | what it says |
/// |---|---|
/// | `output = Receipt` | what its handler returns when it succeeds, `()` when left out |
///
/// `#[job(…)]` on a field takes what `#[job]` takes on a stored argument. Where a field is redacted, `Job` makes
/// `Debug` too, which is not derived beside it then.
#[proc_macro_derive(Job, attributes(job, serde))]
pub fn derive_job(item: TokenStream) -> TokenStream {
    pipeline::derive(item.into()).into()
}

/// Lists the jobs that a process runs, by the structs of `#[job]` and of `#[handler]`: `jobs![SendWelcome,
/// images::Resize]`. No two of them may share a name.
///
/// A crate that re-exports the library says so first: `jobs![crate = path, SendWelcome]`.
#[proc_macro]
pub fn jobs(list: TokenStream) -> TokenStream {
    jobs_list::jobs(list.into()).into()
}

/// Lets jobs borrow the fields of a struct as their state: each field's type, and what is in an `Arc` or a
/// `Box`.
///
/// `#[state(skip)]` leaves a field out; `#[state(crate = path)]` on the struct is for crates that re-export
/// the library.
#[proc_macro_derive(JobState, attributes(state))]
pub fn job_state(item: TokenStream) -> TokenStream {
    job_state::derive(item.into()).into()
}

/// What stands beside a struct; for the expansions of this crate.
#[doc(hidden)]
#[proc_macro_derive(CarrierDerive, attributes(carried))]
pub fn carrier_derive(item: TokenStream) -> TokenStream {
    carrier::derive(item.into()).into()
}
