//! What is known to be right: what [`validate`](crate::validate) hands to [`expand`](crate::expand). No
//! field here can hold something that would still have to be refused.
//!
//! A job has two halves, and each way to write one has one of them or both: what is declared of its
//! payload, and what runs it.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, Ident, LitStr, Path, Type, Visibility};

/// A job that is declared and run in one place: `#[job]` on a function.
pub(crate) struct JobModel {
    pub(crate) structure: Structure,
    pub(crate) declaration: Declaration,
    pub(crate) handler: Handler,
}

/// What runs a job that is declared elsewhere: `#[handler]`, or `#[job]` on a function that takes the
/// payload as it is.
pub(crate) struct HandlerModel {
    /// The struct to be written that stands for the handler, where the payload does not do so itself.
    pub(crate) structure: Option<Structure>,
    /// The type of the payload, as the function takes it.
    pub(crate) payload: Type,
    pub(crate) handler: Handler,
}

/// What the rest of the crate sees: of a payload, or of what runs one.
#[derive(Clone)]
pub(crate) struct ItemHead {
    /// The path of the library.
    pub(crate) krate: TokenStream,
    /// The struct's name.
    pub(crate) name: Ident,
    pub(crate) vis: Visibility,
}

/// A struct that is written beside a function.
pub(crate) struct Structure {
    pub(crate) item_head: ItemHead,
    pub(crate) function: Ident,
    /// The function's doc comments.
    pub(crate) docs: Vec<Attribute>,
    /// `#[deprecated]`, when the function has it.
    pub(crate) deprecated: Option<Attribute>,
    /// What the struct derives at the user's wish.
    pub(crate) derives: Vec<Path>,
}

/// What is declared of a job.
pub(crate) struct Declaration {
    pub(crate) item_head: ItemHead,
    /// Where it is declared, for messages.
    pub(crate) place: Span,
    /// What the job is called in the database.
    pub(crate) kind: String,
    /// What it was called before.
    pub(crate) aliases: Vec<String>,
    /// A constant whose queue and options it starts from.
    pub(crate) template: Option<Path>,
    pub(crate) queue: Option<Queue>,
    pub(crate) options: Options,
    pub(crate) unique: Unique,
    /// What jobs are grouped by: the pieces of the template.
    pub(crate) fingerprint: Option<Vec<Piece>>,
    pub(crate) version: Version,
    /// In the order in which they are written.
    pub(crate) stored: Vec<StoredArg>,
    pub(crate) output: Output,
}

/// How a job is run.
pub(crate) struct Handler {
    /// Of the struct that stands for it in `jobs![…]`.
    pub(crate) item_head: ItemHead,
    pub(crate) function: Ident,
    /// In the order of the function's parameters.
    pub(crate) params: Vec<Param>,
    pub(crate) returned: Returned,
    /// A static with rules for when it may start.
    pub(crate) strategy: Option<Path>,
    /// A function that is called when the job has failed for good.
    pub(crate) on_exhausted: Option<Path>,
}

/// What the function returns.
pub(crate) struct Returned {
    /// Where it says so.
    pub(crate) place: Place,
    pub(crate) output: Output,
}

/// What is kept when the job succeeds.
#[derive(Clone)]
pub(crate) enum Output {
    Nothing,
    /// The `T` of what is written as a `Result<T, …>`.
    Value(Type),
    /// Known to the compiler only: the function's type is one by another name.
    Of(Type),
}

/// The first and the last token of something that the user wrote.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: Span,
    pub(crate) last: Span,
}

/// A job that was refused. It gets what looks right and does nothing, so that the places which use it
/// do not turn red as well.
pub(crate) struct JobStub {
    pub(crate) structure: Structure,
    pub(crate) args: Vec<StubArg>,
}

/// As above, for what runs a job that is declared elsewhere.
pub(crate) struct HandlerStub {
    pub(crate) structure: Option<Structure>,
    /// What was taken by value.
    pub(crate) payload: Option<Type>,
    pub(crate) item_head: ItemHead,
}

pub(crate) enum Queue {
    Name(String),
    /// A `const` whose value the compiler checks.
    Const(Path),
}

/// What is left out is the template's, or decided by the queue at run time.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) attempts: Option<Attempts>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) delay: Option<Duration>,
    pub(crate) expires: Option<Duration>,
    pub(crate) priority: Option<i16>,
    pub(crate) retain: Option<Duration>,
    /// How many may run at once in one process.
    pub(crate) concurrency: Option<u32>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) on_conflict: Option<OnConflict>,
}

/// How often a job may run in all: one more than it is retried.
#[derive(Clone, Copy)]
pub(crate) struct Attempts(pub(crate) u32);

/// How long to wait between two attempts.
pub(crate) struct Backoff {
    pub(crate) curve: Curve,
    /// What is left out is the library's.
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

/// What becomes of a job whose key is taken.
#[derive(Clone, Copy)]
pub(crate) enum OnConflict {
    Ignore,
    Replace,
    Reschedule,
    Error,
}

/// The shape of the payload.
pub(crate) struct Version {
    pub(crate) number: i32,
    /// The function that brings a payload of an earlier one to this.
    pub(crate) upgrade: Option<Path>,
}

pub(crate) enum Unique {
    No,
    /// Two jobs with the same stored arguments are the same job.
    AllArguments,
    /// Two jobs whose keys read the same are the same job. The pieces of the template.
    Key(Vec<Piece>),
    /// Two jobs in which these arguments are the same are the same job; by their numbers among the
    /// stored ones. With none, one job at a time is all there is.
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
    /// All that is stored.
    Payload,
}

pub(crate) struct StoredArg {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) options: FieldOptions,
}

/// What `#[job(…)]` on a stored argument says.
#[derive(Default)]
pub(crate) struct FieldOptions {
    /// What is read where a job was stored without it.
    pub(crate) default: Option<FieldDefault>,
    /// What it is called in the stored job.
    pub(crate) rename: Option<LitStr>,
    /// What it is read from too.
    pub(crate) aliases: Vec<LitStr>,
    /// The module whose `serialize` and `deserialize` take serde's place.
    pub(crate) with: Option<Path>,
    /// Where it is asked that `Debug` leaves its value out.
    pub(crate) redact: Option<Span>,
}

pub(crate) enum FieldDefault {
    /// That of the type.
    OfType,
    Value(Box<Expr>),
}

/// A parameter of a refused signature, as far as it can be guessed.
pub(crate) enum StubArg {
    /// It would be stored as this.
    Stored { name: Ident, ty: Box<Type> },
    /// It was borrowed; this is what it would be stored as.
    Owned { name: Ident, ty: Box<Type> },
    /// Its type is no use; `new` takes anything in its place.
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

/// `Debug`, by whatever path.
pub(crate) fn is_debug(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "Debug")
}
