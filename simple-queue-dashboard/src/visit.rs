//! One look or act of a visitor.

use std::sync::Arc;

use http::StatusCode;
use maud::Markup;
use serde::Serialize;
use simple_queue::{Admin, Right, Rights, SimpleQueue};

use crate::{
    sample::Sample,
    settings::Settings,
    trouble::Trouble,
    wire::{Asked, Format, Params},
};

/// The visitor, what is asked, and the view of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) settings: Arc<Settings>,
    pub(crate) queue: SimpleQueue,
    /// The operator's view, in the visitor's name and with their rights.
    pub(crate) admin: Admin,
    pub(crate) asked: Asked,
    /// The numbers that all visitors share; `None`: none were taken yet.
    pub(crate) sample: Option<Arc<Sample>>,
}

impl Visit {
    pub(crate) fn may(&self, right: Right) -> bool {
        self.admin.rights().has(right)
    }

    pub(crate) fn rights(&self) -> Rights {
        self.admin.rights()
    }

    pub(crate) fn link(&self, path: &str) -> String {
        self.settings.link(path)
    }

    pub(crate) fn query(&self) -> &Params {
        &self.asked.query
    }

    pub(crate) fn form(&self) -> &Params {
        &self.asked.form
    }

    /// A part of the path.
    pub(crate) fn part(&self, at: usize) -> &str {
        self.asked.path.get(at).map(String::as_str).unwrap_or_default()
    }

    /// A page in the form that is asked for.
    #[expect(clippy::unnecessary_wraps, reason = "it is what a page ends with")]
    pub(crate) fn made(
        &self,
        title: impl Into<String>,
        html: impl FnOnce() -> Markup,
        json: impl FnOnce() -> Json,
    ) -> Result<Made, Trouble> {
        let body = match self.asked.format {
            Format::Json => json().0,
            Format::Page | Format::Patch => html().into_string(),
        };
        Ok(Made { title: title.into(), body, status: StatusCode::OK, is_live: true })
    }
}

/// A page without what surrounds it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) title: String,
    /// HTML, or JSON where that is asked for.
    pub(crate) body: String,
    pub(crate) status: StatusCode,
    /// Whether it changes by itself.
    pub(crate) is_live: bool,
}

impl Made {
    /// A page that stays as it is: a form.
    pub(crate) fn still(self) -> Self {
        Self { is_live: false, ..self }
    }

    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// JSON text.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) String);

impl Json {
    pub(crate) fn of(value: &impl Serialize) -> Self {
        Self(serde_json::to_string(value).expect("texts and numbers can be written"))
    }
}
