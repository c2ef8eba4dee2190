//! What a table is made of, as far as a release relies on it.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Table {
    /// `r`: a table; `p`: one with partitions; `v`: a view.
    pub(super) kind: String,
    pub(super) is_logged: bool,
    pub(super) options: BTreeMap<String, String>,
    pub(super) columns: BTreeMap<String, Column>,
    pub(super) constraints: BTreeMap<String, String>,
    pub(super) indexes: BTreeMap<String, Index>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Column {
    #[serde(rename = "type")]
    pub(super) of_type: String,
    pub(super) not_null: bool,
    pub(super) default: Option<String>,
    pub(super) generated: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Index {
    pub(super) definition: String,
    pub(super) is_valid: bool,
}
