//! The places of an attribute, and the arguments that it takes there.

use syn::Meta;

use super::args::{
    Args, DeclarationArgs, HandlerArgs, LibraryArgs, OutputArgs, ScheduleArgs, StructureArgs, hint,
    not_supported,
};
use super::list::Table;

/// The place of an attribute.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// `#[job(…)]` on a function.
    Function,
    /// `#[job(…)]` on a struct that derives `Job`.
    Struct,
    /// `#[handler(…)]` on a function.
    Handler,
    /// `#[job_defaults(…)]` on a module.
    Module,
}

/// Arguments that cannot apply to many jobs at once.
const A_JOBS_OWN: &[&str] = &[
    "aliases",
    "args",
    "cron",
    "every",
    "fair",
    "fingerprint",
    "misfire",
    "name",
    "order",
    "overlap",
    "tz",
    "unique",
    "upgrade",
    "version",
];

/// Arguments that are reserved but not implemented. They are refused, never ignored.
const RESERVED: &[&str] = &["compensate"];

/// The parts of `unique` that are no arguments themselves, and how each is written.
const PARTS_OF_UNIQUE: &[(&str, &str)] = &[
    ("on_conflict", "on_conflict = \"replace\""),
    ("for", "for = \"24h\""),
    ("while", "while = \"pending\""),
];

/// Names that other libraries use, which are not similar to ours.
const ELSEWHERE: &[(&str, &str)] = &[
    ("interval", "every"),
    ("max_retries", "retries"),
    ("max_runs", "max_attempts"),
    ("rate_limit", "rate"),
    ("retry_count", "retries"),
    ("run_in", "delay"),
    ("schedule", "cron"),
    ("sequence", "order"),
    ("serial", "order"),
    ("throttle", "rate"),
    ("timezone", "tz"),
    ("ttl", "expires"),
    ("unique_key", "unique"),
];

impl Form {
    /// Returns the name of the attribute.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Function | Self::Struct => "job",
            Self::Handler => "handler",
            Self::Module => "job_defaults",
        }
    }

    /// Returns whether the attribute is removed from the function, because it cannot follow this
    /// one.
    pub(crate) fn strips(self, meta: &Meta) -> bool {
        is_job(meta) || (matches!(self, Self::Handler) && meta.path().is_ident("handler"))
    }

    /// Returns the arguments that are allowed here.
    fn keys(self) -> Vec<&'static str> {
        let declaration = [DeclarationArgs::keys(), ScheduleArgs::keys()].concat();
        let handler = HandlerArgs::keys();
        match self {
            Self::Function => {
                [declaration, handler, StructureArgs::keys(), LibraryArgs::keys()].concat()
            }
            Self::Struct => [declaration, OutputArgs::keys(), LibraryArgs::keys()].concat(),
            Self::Handler => [handler, LibraryArgs::keys()].concat(),
            Self::Module => {
                let mut keys = [declaration, handler, LibraryArgs::keys()].concat();
                keys.retain(|key| !A_JOBS_OWN.contains(key));
                keys
            }
        }
    }

    pub(super) fn takes(self, key: &str) -> bool {
        self.keys().contains(&key)
    }

    /// Returns the message for an argument that belongs elsewhere.
    pub(super) fn misplaced(self, key: &str) -> Option<String> {
        if self.takes(key) || !Args::keys().contains(&key) {
            return None;
        }
        Some(match (self, key) {
            (Self::Function, _) => format!(
                "`{key}` is what the function returns: it is only written on a struct that derives `Job`"
            ),
            (Self::Struct, "payload") => {
                "the struct is the payload; leave `payload` out".to_owned()
            }
            (Self::Struct, "derive") => {
                "derive it on the struct along with `Job`, `#[derive(Job, ..)]`".to_owned()
            }
            (Self::Struct, _) => {
                format!("`{key}` configures the run; write it in the `#[handler(..)]` of the job")
            }
            (Self::Handler, "payload" | "derive") => {
                format!("`{key}` has no place here: the job is declared by its own struct")
            }
            (Self::Handler, _) => {
                format!("`{key}` belongs to the job; write it in the `#[job(..)]` of its struct")
            }
            (Self::Module, _) => a_jobs_own(key),
        })
    }

    pub(super) fn unknown(self, key: &str) -> String {
        if let Some((_, example)) = PARTS_OF_UNIQUE.iter().find(|(part, _)| *part == key) {
            return match self {
                Self::Module => a_jobs_own(key),
                _ => format!("`{key}` needs `unique`, like `unique({example})`"),
            };
        }
        if RESERVED.contains(&key) {
            return not_supported(key);
        }
        if let Some((_, meant)) = ELSEWHERE.iter().find(|(name, _)| *name == key) {
            return if RESERVED.contains(meant) {
                format!("unknown argument `{key}`; {}", not_supported(meant))
            } else {
                format!("unknown argument `{key}`, did you mean `{meant}`?")
            };
        }
        let hint = hint(key, &self.keys(), "the arguments are");
        format!("unknown argument `{key}`{hint}")
    }
}

fn a_jobs_own(key: &str) -> String {
    format!("`{key}` is a job's own; write it in the `#[job(..)]` of that job")
}

/// Returns whether it is `#[job]`, by whatever path.
pub(crate) fn is_job(meta: &Meta) -> bool {
    meta.path().segments.last().is_some_and(|segment| segment.ident == "job")
}
