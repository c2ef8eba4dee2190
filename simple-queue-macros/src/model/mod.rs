//! The validated job: what [`validate`](crate::validate) passes to [`expand`](crate::expand). No
//! field here can hold a value that would have to be refused.
//!
//! A job has two halves: the declaration of its payload, and its run. Each way to write a job has
//! one of them or both.

mod limits;
mod schedule;

pub(crate) use limits::{AfterFailure, Concurrency, Cost, KeyLimit, Period, Rate, Window};
pub(crate) use schedule::{Misfire, Overlap, Rule, Schedule, ScheduledArg};

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, Ident, LitStr, Path, Type, Visibility};

/// A job that is declared and run in one place: `#[job]` on a function.
pub(crate) struct JobModel {
    pub(crate) structure: Structure,
    pub(crate) declaration: Declaration,
    pub(crate) handler: Handler,
}

/// The run of a job that is declared elsewhere: `#[handler]`, or `#[job]` on a function that takes
/// the whole payload.
pub(crate) struct HandlerModel {
    /// The struct to write for the handler, unless the payload itself is the handler.
    pub(crate) structure: Option<Structure>,
    /// The type of the payload, as the function takes it.
    pub(crate) payload: Type,
    pub(crate) handler: Handler,
}

/// What the rest of the crate sees of a payload or a handler.
#[derive(Clone)]
pub(crate) struct ItemHead {
    /// The path of the library.
    pub(crate) krate: TokenStream,
    /// The struct's name.
    pub(crate) name: Ident,
    pub(crate) vis: Visibility,
}

/// A struct that the macro writes for a function.
pub(crate) struct Structure {
    pub(crate) item_head: ItemHead,
    pub(crate) function: Ident,
    /// The function's doc comments.
    pub(crate) docs: Vec<Attribute>,
    /// `#[deprecated]`, if the function has it.
    pub(crate) deprecated: Option<Attribute>,
    /// The user's derives for the struct.
    pub(crate) derives: Vec<Path>,
}

/// The declaration of a job.
pub(crate) struct Declaration {
    pub(crate) item_head: ItemHead,
    /// Place of the declaration, for messages.
    pub(crate) place: Span,
    /// Name of the job in the database.
    pub(crate) kind: String,
    /// Earlier names of the job.
    pub(crate) aliases: Vec<String>,
    /// A constant with the queue and options to start from.
    pub(crate) template: Option<Path>,
    pub(crate) queue: Option<Queue>,
    pub(crate) options: Options,
    /// A limit that holds for each key.
    pub(crate) key_limit: Option<KeyLimit>,
    pub(crate) unique: Unique,
    /// The group of a job: the pieces of the template.
    pub(crate) fingerprint: Option<Vec<Piece>>,
    pub(crate) version: Version,
    pub(crate) schedule: Option<Schedule>,
    /// In the order in which they are written.
    pub(crate) stored: Vec<StoredArg>,
    pub(crate) output: Output,
}

/// The run of a job.
pub(crate) struct Handler {
    /// The item head of the struct in `jobs![…]`.
    pub(crate) item_head: ItemHead,
    pub(crate) function: Ident,
    /// In the order of the function's parameters.
    pub(crate) params: Vec<Param>,
    pub(crate) returned: Returned,
    /// A static with rules for when the job may start.
    pub(crate) strategy: Option<Path>,
    /// A function that is called before the job becomes a dead letter.
    pub(crate) on_exhausted: Option<Path>,
}

/// The return type of the function.
pub(crate) struct Returned {
    /// Its place.
    pub(crate) place: Place,
    pub(crate) output: Output,
}

/// The type of the kept result.
#[derive(Clone)]
pub(crate) enum Output {
    Nothing,
    /// The `T` of a type that is written as `Result<T, …>`.
    Value(Type),
    /// Known only to the compiler: the function's type is an alias.
    Of(Type),
}

/// The first and the last token of a piece of the user's code.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

/// A refused job. It gets code with the right signatures and no behaviour, so that the places that
/// use it still compile.
pub(crate) struct JobStub {
    pub(crate) structure: Structure,
    pub(crate) args: Vec<StubArg>,
}

/// As above, for a handler of a job that is declared elsewhere.
pub(crate) struct HandlerStub {
    pub(crate) structure: Option<Structure>,
    /// The type of the argument by value.
    pub(crate) payload: Option<Type>,
    pub(crate) item_head: ItemHead,
}

pub(crate) enum Queue {
    Name(String),
    /// A `const` whose value the compiler checks.
    Const(Path),
}

/// Options; a missing one comes from the template, or from the queue at run time.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) attempts: Option<Attempts>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) delay: Option<Duration>,
    pub(crate) expires: Option<Duration>,
    pub(crate) priority: Option<i16>,
    pub(crate) retain: Option<Duration>,
    pub(crate) concurrency: Concurrency,
    pub(crate) rate: Option<Rate>,
    /// Statics with limits that other jobs share.
    pub(crate) limits: Option<Vec<Path>>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) on_conflict: Option<OnConflict>,
    /// How long the key stays taken.
    pub(crate) unique_for: Option<Duration>,
    pub(crate) unique_while: Option<UniqueWhile>,
    /// Whether it is kept in a file while the database is away.
    pub(crate) spool: Option<bool>,
}

/// How often a job may run in all: one more than its retries.
#[derive(Clone, Copy)]
pub(crate) struct Attempts(pub(crate) u32);

/// The wait between two attempts.
pub(crate) struct Backoff {
    pub(crate) curve: Curve,
    /// Parts of the curve; a missing one is the library's default.
    pub(crate) jitter: Option<f64>,
}

pub(crate) enum Curve {
    /// One of the library's constants.
    Preset(Preset),
    Exponential {
        base: Duration,
        factor: f64,
        max: Duration,
    },
    Linear(Duration),
    Fixed(Duration),
    /// A function whose type the compiler checks.
    Custom(Path),
}

#[derive(Clone, Copy)]
pub(crate) enum Preset {
    Exponential,
    Linear,
    Fixed,
    None,
}

/// What happens to a job whose key is taken.
#[derive(Clone, Copy)]
pub(crate) enum OnConflict {
    Ignore,
    Replace,
    Reschedule,
    Error,
}

/// The states in which a job holds its key.
#[derive(Clone, Copy)]
pub(crate) enum UniqueWhile {
    Running,
    Pending,
}

/// The version of the payload.
pub(crate) struct Version {
    pub(crate) number: i32,
    /// The function that converts an earlier payload to this version.
    pub(crate) upgrade: Option<Path>,
}

#[derive(Default)]
pub(crate) enum Unique {
    #[default]
    No,
    /// Jobs with equal stored arguments are the same job.
    AllArguments,
    /// Jobs with equal keys are the same job. The pieces of the template.
    Key(Vec<Piece>),
    /// Jobs in which these arguments are equal are the same job. The arguments are numbers among
    /// the stored ones. With none, all jobs are the same.
    By(Vec<usize>),
}

pub(crate) enum Piece {
    Text(String),
    /// A stored argument, by its number, or a field in it: `id` for `{user.id}`.
    Field {
        argument: usize,
        path: Vec<syn::Member>,
        place: Span,
    },
}

pub(crate) enum Param {
    Context,
    /// The transaction in which the job is finished.
    Transaction,
    /// Borrowed from the state: the `T` of `&T`.
    State(Box<Type>),
    /// The stored argument of this name.
    Stored(Ident),
    /// The whole payload.
    Payload,
}

pub(crate) struct StoredArg {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) options: FieldOptions,
}

/// Options in `#[job(…)]` on a stored argument.
#[derive(Default)]
pub(crate) struct FieldOptions {
    /// The value for a job that was stored without it.
    pub(crate) default: Option<FieldDefault>,
    /// Its name in the stored job.
    pub(crate) rename: Option<LitStr>,
    /// Other names under which it is read.
    pub(crate) aliases: Vec<LitStr>,
    /// The module whose `serialize` and `deserialize` replace serde's.
    pub(crate) with: Option<Path>,
    /// Place of `redact`: `Debug` hides its value.
    pub(crate) redact: Option<Span>,
}

#[derive(Clone)]
pub(crate) enum FieldDefault {
    /// The default of the type.
    OfType,
    Value(Box<Expr>),
}

/// A parameter of a refused signature, as far as it can be guessed.
pub(crate) enum StubArg {
    /// It would be stored with this type.
    Stored { name: Ident, ty: Box<Type> },
    /// It was borrowed; it would be stored with this type.
    Owned { name: Ident, ty: Box<Type> },
    /// Its type is unusable; `new` takes any type in its place.
    Anything,
}

impl Handler {
    pub(crate) fn states(&self) -> impl Iterator<Item = &Type> {
        self.params.iter().filter_map(|param| match param {
            Param::State(ty) => Some(&**ty),
            Param::Context | Param::Transaction | Param::Stored(_) | Param::Payload => None,
        })
    }
}

/// Returns whether this is `Debug`, by whatever path.
pub(crate) fn is_debug(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "Debug")
}
