//! The schema of the tables.

/// A name that is not valid as a queue's schema.
#[derive(Debug, thiserror::Error)]
#[error("`{schema}` cannot be the name of a schema")]
pub(crate) struct InvalidSchema {
    pub(crate) schema: String,
}

/// A schema name that is safe to write into a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema {
    name: String,
}

impl Schema {
    pub(crate) const DEFAULT_NAME: &'static str = "simple_queue";

    /// Accepts names that need no escaping in a statement, a literal, or a channel name.
    pub(crate) fn new(name: &str) -> Result<Self, InvalidSchema> {
        let is_first = |c: char| c.is_ascii_lowercase() || c == '_';
        let is_rest = |c: char| is_first(c) || c.is_ascii_digit();
        if name.len() <= 48 && name.starts_with(is_first) && name.chars().all(is_rest) {
            Ok(Self { name: name.to_owned() })
        } else {
            Err(InvalidSchema { schema: name.to_owned() })
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The name in quotes, because it may be a keyword of SQL, like `order`.
    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.name)
    }

    /// Replaces the default schema, with which the `.sql` files are written, by this one.
    pub(crate) fn write_into(&self, sql: &str) -> String {
        sql.replace("simple_queue.", &format!("{}.", self.quoted()))
            .replace("schema simple_queue", &format!("schema {}", self.quoted()))
    }

    /// The channel of the queue's notifications.
    pub(crate) fn channel(&self) -> String {
        self.write_into("simple_queue.jobs")
    }
}

impl Default for Schema {
    fn default() -> Self {
        Self { name: Self::DEFAULT_NAME.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_written_in_quotes_wherever_the_default_stands() {
        let schema = Schema::new("order").unwrap();
        assert_eq!(
            schema.write_into("select simple_queue.enqueue('x') from simple_queue.jobs"),
            r#"select "order".enqueue('x') from "order".jobs"#
        );
        assert_eq!(schema.write_into("create schema simple_queue"), r#"create schema "order""#);
    }

    #[test]
    fn a_name_that_would_need_escaping_is_refused() {
        for name in ["", "Jobs", "my schema", "1st", "a\"b", "a;b", &"x".repeat(49)] {
            assert!(Schema::new(name).is_err(), "{name:?}");
        }
    }
}
