//! The statements that repair what a doctor of the queue finds. They are shown to an operator; nothing here sends one.

use std::fmt::Write;

use super::shape::{Column, Index, Table};
use crate::database::Schema;

/// Writes statements for a schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repair<'s> {
    schema: &'s Schema,
}

const TABLES: &str = include_str!("../../../migrations/0001_tables.sql");
const HISTORY: &str = include_str!("../sql/create_migrations.sql");
const FUNCTIONS: &str = include_str!("../../../migrations/functions.sql");

impl<'s> Repair<'s> {
    pub(crate) const fn of(schema: &'s Schema) -> Self {
        Self { schema }
    }

    /// With the name of the schema, which stands as the default one.
    fn write(self, sql: &str) -> String {
        self.schema.write_into(sql)
    }

    pub(super) fn by_hand(self, table: &str) -> String {
        self.write(&format!("alter table simple_queue.{table} rename to {table}_before"))
    }

    /// The statement of the migration, and the indexes.
    pub(super) fn table(self, name: &str, wanted: &Table) -> String {
        if wanted.kind == "v" {
            return self.view(name, false);
        }
        let begin = format!("create table simple_queue.{name} (");
        let mut sql = cut(TABLES, &begin, ";\n").unwrap_or_default();
        if name == "migrations" {
            sql = cut(HISTORY, "create table", "\n)").unwrap_or_default();
        }
        for index in wanted.indexes.values() {
            write!(sql, ";\n{}", index.definition).expect("a text takes any");
        }
        self.write(&sql)
    }

    pub(super) fn view(self, name: &str, is_other: bool) -> String {
        let view = cut(TABLES, &format!("create view simple_queue.{name} "), ";\n");
        let view = view.unwrap_or_default().replacen("create view", "create or replace view", 1);
        let dropped =
            if is_other { format!("drop view simple_queue.{name};\n") } else { String::new() };
        self.write(&format!("{dropped}{view}"))
    }

    pub(super) fn function(self, name: &str) -> String {
        let begin = format!("create or replace function simple_queue.{name}(");
        self.write(&cut(FUNCTIONS, &begin, "\n$$;").unwrap_or_default())
    }

    pub(super) fn logged(self, table: &str) -> String {
        self.write(&format!("alter table simple_queue.{table} set logged"))
    }

    pub(super) fn option(self, table: &str, option: &str, value: Option<&str>) -> String {
        let change = match value {
            Some(value) => format!("set ({option} = {value})"),
            None => format!("reset ({option})"),
        };
        self.write(&format!("alter table simple_queue.{table} {change}"))
    }

    pub(super) fn constraint(
        self,
        table: &str,
        name: &str,
        definition: &str,
        is_there: bool,
    ) -> String {
        let dropped = if is_there { format!("drop constraint {name}, ") } else { String::new() };
        let table = format!("alter table simple_queue.{table} ");
        self.write(&format!("{table}{dropped}add constraint {name} {definition}"))
    }

    pub(super) fn column(
        self,
        table: &str,
        name: &str,
        wanted: &Column,
        there: Option<&Column>,
    ) -> String {
        let alter = format!("alter table simple_queue.{table}");
        let whole = || {
            let mut whole = format!("add column {name} {}", wanted.of_type);
            if let Some(expression) = &wanted.generated {
                write!(whole, " generated always as ({expression}) stored")
                    .expect("a text takes any");
            }
            if let Some(default) = &wanted.default {
                write!(whole, " default {default}").expect("a text takes any");
            }
            whole + if wanted.not_null { " not null" } else { "" }
        };
        let Some(there) = there else { return self.write(&format!("{alter} {}", whole())) };
        if there.generated != wanted.generated {
            return self.write(&format!("{alter} drop column {name}, {}", whole()));
        }
        let mut changes = Vec::new();
        if there.of_type != wanted.of_type {
            changes.push(format!("alter column {name} type {}", wanted.of_type));
        }
        if there.default != wanted.default {
            changes.push(match &wanted.default {
                Some(default) => format!("alter column {name} set default {default}"),
                None => format!("alter column {name} drop default"),
            });
        }
        if there.not_null != wanted.not_null {
            let change = if wanted.not_null { "set" } else { "drop" };
            changes.push(format!("alter column {name} {change} not null"));
        }
        self.write(&format!("{alter} {}", changes.join(", ")))
    }

    pub(super) fn nullable(self, table: &str, column: &str) -> String {
        let column = quoted(column);
        self.write(&format!("alter table simple_queue.{table} alter column {column} drop not null"))
    }

    /// Beside running transactions, which only a table without partitions allows.
    pub(super) fn index(self, kind: &str, name: &str, wanted: &Index, is_there: bool) -> String {
        let concurrently = if kind == "r" { " concurrently" } else { "" };
        let made = wanted.definition.replacen(" INDEX ", &format!(" INDEX{concurrently} "), 1);
        let dropped = if is_there {
            format!("drop index{concurrently} simple_queue.{name};\n")
        } else {
            String::new()
        };
        self.write(&format!("{dropped}{made}"))
    }

    pub(super) fn extra_index(self, name: &str) -> String {
        self.write(&format!("drop index concurrently simple_queue.{}", quoted(name)))
    }

    pub(crate) fn reindex(self, index: &str) -> String {
        self.write(&format!("reindex index concurrently simple_queue.{}", quoted(index)))
    }

    pub(crate) fn vacuum(self) -> String {
        self.write("vacuum (verbose, analyze) simple_queue.jobs")
    }

    pub(crate) fn shrink(self) -> String {
        self.write("vacuum full simple_queue.jobs")
    }

    pub(crate) fn days_ahead(self, days: i32) -> String {
        self.write(&format!("select simple_queue.ensure_archive_partitions({days})"))
    }

    pub(crate) fn detached(self, day: &str) -> String {
        self.write(&format!(
            "alter table simple_queue.archive detach partition simple_queue.{} finalize",
            quoted(day)
        ))
    }

    pub(crate) fn renamed(self, day: &str) -> String {
        let (day, aside) = (quoted(day), quoted(&format!("{day}_aside")));
        self.write(&format!("alter table simple_queue.{day} rename to {aside}"))
    }
}

/// Ends a session and its transaction.
pub(crate) fn end_session(pid: &str) -> String {
    format!("select pg_terminate_backend({pid})")
}

pub(crate) fn roll_back_prepared(name: &str) -> String {
    format!("rollback prepared {}", literal(name))
}

pub(crate) fn drop_slot(name: &str) -> String {
    format!("select pg_drop_replication_slot({})", literal(name))
}

pub(crate) fn grant_role(granted: &str, role: &str) -> String {
    format!("grant {granted} to {}", quoted(role))
}

/// Goes back to a setting of the server for a role, a database, or a role in a database.
pub(crate) fn reset_setting(role: Option<&str>, database: Option<&str>, setting: &str) -> String {
    let whose = match (role, database) {
        (Some(role), Some(database)) => {
            format!("role {} in database {}", quoted(role), quoted(database))
        }
        (Some(role), None) => format!("role {}", quoted(role)),
        (None, Some(database)) => format!("database {}", quoted(database)),
        (None, None) => "system".to_owned(),
    };
    format!("alter {whose} reset {setting}")
}

pub(crate) fn set_for_all(setting: &str, value: &str) -> String {
    format!("alter system set {setting} = {value};\nselect pg_reload_conf()")
}

pub(crate) fn writable(database: &str) -> String {
    format!("alter database {} set default_transaction_read_only = off", quoted(database))
}

pub(crate) fn freeze() -> String {
    "vacuum (freeze, verbose)".to_owned()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    // Backslashes have a meaning of their own in this form only.
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// The part of a text from this beginning to this end, with the end but for a semicolon and the end of its line.
fn cut(text: &str, begin: &str, end: &str) -> Option<String> {
    let from = text.find(begin)?;
    let until = from + text[from..].find(end)? + end.len();
    Some(text[from..until].trim_end_matches(['\n', ';']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_others_chose_cannot_leave_their_place() {
        let schema = Schema::new("order").unwrap();
        let repair = Repair::of(&schema);
        assert_eq!(
            repair.extra_index("a\"; drop table x"),
            "drop index concurrently \"order\".\"a\"\"; drop table x\""
        );
        assert_eq!(roll_back_prepared("it's"), "rollback prepared 'it''s'");
        assert_eq!(drop_slot("a\\'"), "select pg_drop_replication_slot(E'a\\\\''')");
        assert_eq!(
            reset_setting(Some("w"), Some("app"), "lock_timeout"),
            "alter role \"w\" in database \"app\" reset lock_timeout"
        );
    }

    #[test]
    fn every_table_view_and_function_of_this_release_can_be_made_anew() {
        let described = super::super::described::Described::of_this_release();
        let schema = Schema::default();
        let nothing: super::super::described::Described =
            serde_json::from_str(r#"{"tables": {}, "functions": {}}"#).unwrap();
        let differences = nothing.differences(Repair::of(&schema));
        assert!(differences.len() > 20, "{differences:?}");
        for difference in differences {
            assert!(difference.repair.starts_with("create "), "{difference:?}");
            assert!(!difference.repair.contains("simple_queue.simple_queue"));
        }
        assert_eq!(described.differences(Repair::of(&schema)), []);
    }
}
