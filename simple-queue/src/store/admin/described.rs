//! The tables and functions as a release makes them, and what differs in a schema.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{repair::Repair, shape::Table};

/// What `describe_schema` answers for the tables of this release. A test makes the file.
const THIS_RELEASE: &str = include_str!("../schema.json");

/// The tables, views and functions of a schema.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Described {
    tables: BTreeMap<String, Table>,
    /// By name and arguments.
    functions: BTreeMap<String, Value>,
}

/// Something that is not as this release makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// What differs, as a sentence without its end.
    pub(crate) what: String,
    /// Whether the queue works wrongly or slowly with it.
    pub(crate) is_grave: bool,
    /// Statements that repair it.
    pub(crate) repair: String,
}

impl Described {
    pub(crate) fn of_this_release() -> Self {
        serde_json::from_str(THIS_RELEASE).expect("the file is made from what the server answers")
    }

    /// What differs in this schema from what this release makes, and how to repair it, in the order in which it is
    /// repaired. What the schema has beside it is of no concern, with a few exceptions.
    pub(crate) fn differences(&self, repair: Repair<'_>) -> Vec<Difference> {
        let wanted = Self::of_this_release();
        let mut differences = Vec::new();
        for (name, table) in &wanted.tables {
            let mut compare = Compare { name, repair, differences: &mut differences };
            match self.tables.get(name) {
                Some(there) => compare.table(table, there),
                None => compare.missing(table),
            }
        }
        for (signature, function) in &wanted.functions {
            let what = match self.functions.get(signature) {
                Some(there) if there == function => continue,
                Some(_) => "is not that of this release",
                None => "is missing",
            };
            let name = signature.split('(').next().unwrap_or_default();
            differences.push(Difference {
                what: format!("the function `{name}` {what}"),
                is_grave: true,
                repair: repair.function(name),
            });
        }
        differences
    }
}

/// A table beside what this release makes of it.
struct Compare<'a> {
    name: &'a str,
    repair: Repair<'a>,
    differences: &'a mut Vec<Difference>,
}

impl Compare<'_> {
    fn add(&mut self, what: String, is_grave: bool, repair: String) {
        self.differences.push(Difference { what, is_grave, repair });
    }

    fn missing(&mut self, wanted: &Table) {
        let what = if wanted.kind == "v" { "view" } else { "table" };
        let repair = self.repair.table(self.name, wanted);
        self.add(format!("the {what} `{}` is missing", self.name), true, repair);
    }

    fn table(&mut self, wanted: &Table, there: &Table) {
        if wanted.kind == "v" {
            return self.view(wanted, there);
        }
        let name = self.name;
        if wanted.kind != there.kind {
            let repair = self.repair.by_hand(name);
            return self.add(format!("`{name}` is another kind of table"), true, repair);
        }
        if !there.is_logged {
            let what = format!("`{name}` is unlogged: a crash of the server empties it");
            let repair = self.repair.logged(name);
            self.add(what, true, repair);
        }
        self.options(wanted, there);
        self.columns(wanted, there);
        for (constraint, definition) in &wanted.constraints {
            let what = match there.constraints.get(constraint) {
                Some(there) if there == definition => continue,
                Some(_) => "is another one",
                None => "is missing",
            };
            let is_there = there.constraints.contains_key(constraint);
            let repair = self.repair.constraint(name, constraint, definition, is_there);
            self.add(format!("the constraint `{constraint}` of `{name}` {what}"), true, repair);
        }
        self.indexes(wanted, there);
    }

    fn view(&mut self, wanted: &Table, there: &Table) {
        let types = |table: &Table| -> BTreeMap<String, String> {
            table.columns.iter().map(|(name, it)| (name.clone(), it.of_type.clone())).collect()
        };
        // Versions of the server write the text of a view differently, so its columns are compared.
        let is_same = there.kind == "v" && types(wanted) == types(there);
        if is_same && wanted.options == there.options {
            return;
        }
        let repair = self.repair.view(self.name, !is_same);
        let what = format!("the view `{}` is not that of this release", self.name);
        // The library reads no view.
        self.add(what, false, repair);
    }

    fn options(&mut self, wanted: &Table, there: &Table) {
        let name = self.name;
        for (option, value) in &wanted.options {
            let found = there.options.get(option);
            if found == Some(value) {
                continue;
            }
            let found = found.map_or_else(|| "is not set".to_owned(), |it| format!("is {it}"));
            let what = format!("`{option}` of `{name}` {found}, and this release sets {value}");
            let repair = self.repair.option(name, option, Some(value));
            // Another number may have been measured to suit the machine.
            self.add(what, option == "fillfactor", repair);
        }
        for (option, value) in
            there.options.iter().filter(|(it, _)| !wanted.options.contains_key(*it))
        {
            let what =
                format!("`{option}` of `{name}` is {value}, and this release does not set it");
            let is_grave = option == "autovacuum_enabled";
            let repair = self.repair.option(name, option, None);
            self.add(what, is_grave, repair);
        }
    }

    fn columns(&mut self, wanted: &Table, there: &Table) {
        let name = self.name;
        for (column, wanted) in &wanted.columns {
            let found = there.columns.get(column);
            let what = match found {
                Some(there) if there == wanted => continue,
                Some(there) if there.of_type != wanted.of_type => {
                    format!("is of type {} instead of {}", there.of_type, wanted.of_type)
                }
                Some(there) if there.not_null != wanted.not_null => {
                    format!("{} null", if there.not_null { "refuses" } else { "accepts" })
                }
                Some(_) => "has another default or expression".to_owned(),
                None => "is missing".to_owned(),
            };
            let repair = self.repair.column(name, column, wanted, found);
            self.add(format!("the column `{column}` of `{name}` {what}"), true, repair);
        }
        for (column, there) in
            there.columns.iter().filter(|(it, _)| !wanted.columns.contains_key(*it))
        {
            if there.not_null && there.default.is_none() && there.generated.is_none() {
                let what = format!(
                    "the column `{column}` of `{name}` is none of this release and refuses null, so no insert succeeds"
                );
                let repair = self.repair.nullable(name, column);
                self.add(what, true, repair);
            }
        }
    }

    fn indexes(&mut self, wanted: &Table, there: &Table) {
        let name = self.name;
        for (index, wanted_index) in &wanted.indexes {
            let found = there.indexes.get(index);
            let what = match found {
                Some(there) if !there.is_valid => "is invalid: it was not built to its end",
                Some(there) if there.definition == wanted_index.definition => continue,
                Some(_) => "is another one",
                None => "is missing",
            };
            let repair = self.repair.index(&wanted.kind, index, wanted_index, found.is_some());
            self.add(format!("the index `{index}` of `{name}` {what}"), true, repair);
        }
        if name != "jobs" {
            return;
        }
        for index in there.indexes.keys().filter(|it| !wanted.indexes.contains_key(*it)) {
            let what = format!(
                "the index `{index}` of `jobs` is none of this release: each insert, claim and end may have to write to it"
            );
            let repair = self.repair.extra_index(index);
            self.add(what, false, repair);
        }
    }
}
