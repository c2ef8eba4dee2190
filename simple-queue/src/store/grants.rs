//! The grants that each role of the database needs.

use crate::database::Schema;

/// What a role of the database may do with the queue.
///
/// The owner of the schema, who runs [`SimpleQueue::migrate`](crate::SimpleQueue::migrate), needs no grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Claims, runs and finishes jobs, deletes old history, enqueues, frees kept keys.
    Worker,
    /// Enqueues, and reads nothing.
    Enqueuer,
    /// Finds jobs and acts on them, frees kept keys, pauses and resumes queues, enqueues.
    Operator,
    /// Reads in the view `jobs_overview` which jobs exist, without their payloads.
    Viewer,
}

impl Role {
    /// The statements that grant a role what it needs. The owner of the schema runs them.
    pub(crate) fn grants(self, schema: &Schema, name: &str) -> String {
        let sql = match self {
            Self::Worker => include_str!("../../migrations/grants/worker.sql"),
            Self::Enqueuer => include_str!("../../migrations/grants/enqueuer.sql"),
            Self::Operator => include_str!("../../migrations/grants/operator.sql"),
            Self::Viewer => include_str!("../../migrations/grants/viewer.sql"),
        };
        let statements: Vec<&str> = sql.lines().filter(|line| !line.starts_with("--")).collect();
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        schema.write_into(&statements.join("\n")).replace(":\"role\"", &quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_the_rest_is_as_in_the_file() {
        let schema = Schema::new("order").unwrap();
        let granted = Role::Enqueuer.grants(&schema, "a \"b\"; drop");
        assert_eq!(
            granted,
            "grant usage on schema \"order\" to \"a \"\"b\"\"; drop\";\n\
             grant execute on function \"order\".enqueue, \"order\".enqueue_many to \"a \"\"b\"\"; drop\";"
        );
    }

    #[test]
    fn every_statement_is_a_line() {
        for role in [Role::Worker, Role::Enqueuer, Role::Operator, Role::Viewer] {
            for line in role.grants(&Schema::default(), "app").lines() {
                assert!(line.starts_with("grant ") && line.ends_with(" to \"app\";"), "{line}");
            }
        }
    }
}
