//! A statement whose values are bound to its parameters by name.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::{
    Arguments, AssertSqlSafe, Decode, Encode, PgConnection, Postgres, Row, Type,
    error::BoxDynError,
    postgres::{PgArguments, PgQueryResult, PgRow},
    query::Query,
};

use super::Statement;

/// A value that was bound before its turn.
type Ahead<'q> = Box<dyn FnOnce(&mut PgArguments) -> Result<(), BoxDynError> + Send + 'q>;

/// A statement with the values bound so far.
///
/// Values are encoded in the order of their numbers. A value that is bound in that order, as in hot statements, is
/// encoded at once; one that is bound early waits in a box.
pub(in crate::store) struct Bound<'q> {
    statement: &'q Statement,
    arguments: PgArguments,
    /// Number of encoded values.
    next: usize,
    ahead: BTreeMap<usize, Ahead<'q>>,
    /// The first error.
    failed: Option<sqlx::Error>,
}

impl<'q> Bound<'q> {
    pub(super) fn new(statement: &'q Statement) -> Self {
        let arguments = PgArguments::default();
        Self { statement, arguments, next: 0, ahead: BTreeMap::new(), failed: None }
    }

    /// Binds a value to the parameter `:name`.
    pub(in crate::store) fn bind<T>(mut self, name: &str, value: T) -> Self
    where
        T: Encode<'q, Postgres> + Type<Postgres> + Send + 'q,
    {
        let parameters = &self.statement.parameters;
        if parameters.get(self.next).is_some_and(|next| next == name) {
            let encoded = self.arguments.add(value);
            self.go_on(encoded);
            return self;
        }
        match parameters.iter().position(|known| known == name) {
            Some(place) if place > self.next && !self.ahead.contains_key(&place) => {
                self.ahead.insert(place, Box::new(|arguments| arguments.add(value)));
            }
            Some(_) => self.fail(self.mistake(&format!("binds `:{name}` twice"))),
            None => self.fail(self.mistake(&format!("has no parameter `:{name}`"))),
        }
        self
    }

    /// Moves to the next number, and encodes the values that waited for it.
    fn go_on(&mut self, mut encoded: Result<(), BoxDynError>) {
        loop {
            if let Err(error) = encoded {
                self.fail(sqlx::Error::Encode(error));
            }
            self.next += 1;
            let Some(value) = self.ahead.remove(&self.next) else { return };
            encoded = value(&mut self.arguments);
        }
    }

    fn fail(&mut self, error: sqlx::Error) {
        self.failed.get_or_insert(error);
    }

    /// A mistake that a test finds by comparing the store's methods with the files.
    fn mistake(&self, problem: &str) -> sqlx::Error {
        sqlx::Error::InvalidArgument(format!("the statement `{}` {problem}", self.statement.name))
    }

    /// # Errors
    /// If a parameter is not bound, a bound name does not exist, or a value cannot be encoded.
    fn query(mut self) -> sqlx::Result<Query<'static, Postgres, PgArguments>> {
        if let Some(missing) = self.statement.parameters.get(self.next) {
            self.fail(self.mistake(&format!("was sent without `:{missing}`")));
        }
        match self.failed {
            Some(error) => Err(error),
            None => {
                let query = sqlx::query_with(
                    AssertSqlSafe(Arc::clone(&self.statement.text)),
                    self.arguments,
                );
                Ok(query.persistent(self.statement.is_named()))
            }
        }
    }

    pub(in crate::store) async fn execute(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<PgQueryResult> {
        self.query()?.execute(connection).await
    }

    pub(in crate::store) async fn fetch_all(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<PgRow>> {
        self.query()?.fetch_all(connection).await
    }

    pub(in crate::store) async fn fetch_one(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<PgRow> {
        self.query()?.fetch_one(connection).await
    }

    pub(in crate::store) async fn fetch_optional(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Option<PgRow>> {
        self.query()?.fetch_optional(connection).await
    }

    /// The only column of each row.
    pub(in crate::store) async fn fetch_scalars<T>(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Vec<T>>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        self.fetch_all(connection).await?.iter().map(|row| row.try_get(0)).collect()
    }

    /// The only column of the only row.
    pub(in crate::store) async fn fetch_scalar<T>(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<T>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        self.fetch_one(connection).await?.try_get(0)
    }

    /// The only column of the first row, if there is one.
    pub(in crate::store) async fn fetch_optional_scalar<T>(
        self,
        connection: &mut PgConnection,
    ) -> sqlx::Result<Option<T>>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres>,
    {
        let row = self.fetch_optional(connection).await?;
        row.map(|row| row.try_get(0)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Pooled, Schema};

    fn statement() -> Statement {
        let file = "-- add\nselect :a::integer + :b::integer + :c::integer\n";
        Statement::new("add", file, &Schema::default(), Pooled::default())
    }

    #[test]
    fn values_are_encoded_by_number_in_whatever_order_they_are_bound() {
        let statement = statement();
        let encoded = |order: [(&str, i32); 3]| {
            let bound = order
                .into_iter()
                .fold(statement.query(), |bound, (name, value)| bound.bind(name, value));
            assert!(bound.failed.is_none() && bound.ahead.is_empty() && bound.next == 3);
            format!("{:?}", bound.arguments)
        };
        let in_order = encoded([("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(encoded([("c", 3), ("b", 2), ("a", 1)]), in_order);
        assert_eq!(encoded([("b", 2), ("a", 1), ("c", 3)]), in_order);
        assert_ne!(encoded([("b", 1), ("a", 2), ("c", 3)]), in_order);
    }

    #[test]
    fn a_name_that_is_unknown_missing_or_bound_twice_is_an_error() {
        let statement = statement();
        let refused = |bound: Bound<'_>| bound.query().map(|_| ()).unwrap_err().to_string();
        let whole = || statement.query().bind("a", 1).bind("b", 2);
        assert_eq!(refused(whole()), "the statement `add` was sent without `:c`");
        assert_eq!(refused(whole().bind("d", 4)), "the statement `add` has no parameter `:d`");
        for twice in
            [whole().bind("a", 1), statement.query().bind("a", 1).bind("c", 3).bind("c", 3)]
        {
            assert!(refused(twice).starts_with("the statement `add` binds `:"));
        }
    }
}
