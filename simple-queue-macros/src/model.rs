//! A job that is known to be right: what [`validate`](crate::validate) hands to
//! [`expand`](crate::expand). No field here can hold something that would still have to be refused.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::{Attribute, Expr, Ident, LitStr, Path, Type, Visibility};

/// A whole job.
pub(crate) struct JobModel {
    pub(crate) face: Face,
    /// What the job is called in the database.
    pub(crate) kind: String,
    pub(crate) queue: Queue,
    pub(crate) options: Options,
    /// What the job was called before.
    pub(crate) aliases: Vec<String>,
    pub(crate) unique: Unique,
    /// What jobs are grouped by: the pieces of the template.
    pub(crate) fingerprint: Option<Vec<Piece>>,
    /// In the order of the function's parameters.
    pub(crate) params: Vec<Param>,
    pub(crate) returned: Returned,
}

/// What the function returns.
pub(crate) struct Returned {
    /// Where it says so.
    pub(crate) place: Place,
    pub(crate) output: Output,
}

/// What is kept of it when the function succeeds.
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

/// A job whose signature was refused. It gets a struct that looks right and does nothing, so that
/// the places which use it do not turn red as well.
pub(crate) struct StubModel {
    pub(crate) face: Face,
    pub(crate) args: Vec<StubArg>,
}

/// What the payload struct shows to the rest of the crate.
pub(crate) struct Face {
    /// The path of the library.
    pub(crate) krate: TokenStream,
    pub(crate) function: Ident,
    /// The struct's name, at the place of the function's name.
    pub(crate) payload: Ident,
    pub(crate) vis: Visibility,
    /// The function's doc comments.
    pub(crate) docs: Vec<Attribute>,
    /// `#[deprecated]`, when the function has it.
    pub(crate) deprecated: Option<Attribute>,
    /// What the struct derives at the user's wish.
    pub(crate) derives: Vec<Path>,
}

pub(crate) enum Queue {
    Name(String),
    /// A `const` whose value the compiler checks.
    Const(Path),
}

/// What is left out is decided by the queue at run time.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) attempts: Option<Attempts>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) delay: Option<Duration>,
    pub(crate) expires: Option<Duration>,
    pub(crate) priority: Option<i16>,
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
    /// A stored argument, or a field in it: `user`, `id` for `{user.id}`.
    Field {
        path: Vec<syn::Member>,
        place: Span,
    },
}

pub(crate) enum Param {
    Context,
    /// The transaction in which the job is finished.
    Transaction,
    /// Borrowed from the state: the `T` of `&T`.
    State(Type),
    Stored(StoredArg),
}

pub(crate) struct StoredArg {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) options: FieldOptions,
}

/// What `#[job(…)]` on a parameter says.
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

impl Param {
    pub(crate) fn as_stored(&mut self) -> Option<&mut StoredArg> {
        match self {
            Self::Stored(arg) => Some(arg),
            Self::Context | Self::Transaction | Self::State(_) => None,
        }
    }
}

impl JobModel {
    pub(crate) fn stored(&self) -> impl Iterator<Item = &StoredArg> {
        self.params.iter().filter_map(|param| match param {
            Param::Stored(arg) => Some(arg),
            Param::Context | Param::Transaction | Param::State(_) => None,
        })
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &Type> {
        self.params.iter().filter_map(|param| match param {
            Param::State(ty) => Some(ty),
            Param::Context | Param::Transaction | Param::Stored(_) => None,
        })
    }
}

/// `Debug`, by whatever path.
pub(crate) fn is_debug(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "Debug")
}
