//! Visitors, and what they may do.

use std::{fmt, pin::Pin, sync::Arc};

use http::request::Parts;
use simple_queue::Rights;

/// What a [gate](crate::Dashboard::gate) says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admit(pub(crate) Verdict);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Visitor(Visitor),
    Login(String),
    Refused,
}

/// Who is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visitor {
    pub(crate) name: String,
    pub(crate) rights: Rights,
}

impl Admit {
    /// Lets a visitor in. The name is shown, and written down with every act; the rights say what is
    /// shown and which acts there are.
    pub fn visitor(name: impl Into<String>, rights: Rights) -> Self {
        Self(Verdict::Visitor(Visitor { name: name.into(), rights }))
    }

    /// Sends an unknown visitor to the page where they log in, with a 303. A program that
    /// asks for JSON gets a 401.
    pub fn login(url: impl Into<String>) -> Self {
        Self(Verdict::Login(url.into()))
    }

    /// Refuses the visitor, with a 403.
    pub fn refused() -> Self {
        Self(Verdict::Refused)
    }
}

type Asking = dyn Fn(Parts) -> Pin<Box<dyn Future<Output = Admit> + Send>> + Send + Sync;

/// Decides who is let in.
#[derive(Clone)]
pub(crate) enum Gate {
    /// Refuses every visitor: no gate is set.
    Closed,
    /// Admits every visitor, with all rights.
    Open,
    Asks(Arc<Asking>),
}

impl Gate {
    pub(crate) fn of<F>(gate: impl Fn(Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Admit> + Send + 'static,
    {
        Self::Asks(Arc::new(move |parts| Box::pin(gate(parts))))
    }

    /// `None`: there is no gate.
    pub(crate) async fn ask(&self, parts: Parts) -> Option<Admit> {
        match self {
            Self::Closed => None,
            Self::Open => Some(Admit::visitor("dashboard", Rights::ALL)),
            Self::Asks(gate) => Some(gate(parts).await),
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "Closed",
            Self::Open => "Open",
            Self::Asks(_) => "Asks",
        })
    }
}
