//! Conditions of a list, put together at run time; values are always parameters.

use sqlx::any::AnyArguments;
use sqlx::{Any, Arguments, AssertSqlSafe, Encode, Type};

use crate::Result;

/// The WHERE of a list and the values of its parameters.
#[derive(Default)]
pub(crate) struct Conditions {
    text: String,
    values: Vec<Value>,
}

#[derive(Clone)]
enum Value {
    Text(String),
    Number(i64),
}

impl Conditions {
    /// Adds a condition. `?` in it stands for the value, and may stand more than once.
    pub(crate) fn text(&mut self, condition: &str, value: &str) {
        self.push(condition, Value::Text(value.to_owned()));
    }

    /// As [`Conditions::text`], with a number.
    pub(crate) fn number(&mut self, condition: &str, value: i64) {
        self.push(condition, Value::Number(value));
    }

    fn push(&mut self, condition: &str, value: Value) {
        self.values.push(value);
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(&condition.replace('?', &format!("${}", self.values.len())));
    }

    /// `SELECT <columns> FROM <table> WHERE … ORDER BY <order>`, one page of it.
    pub(crate) fn page(&self, select: &str, order: &str, page: model::Page) -> Result<Bound> {
        let n = self.values.len();
        let sql = format!("{select}{} ORDER BY {order} LIMIT ${} OFFSET ${}", self.text, n + 1, n + 2);
        let mut values = self.values.clone();
        values.extend([Value::Number(page.limit()), Value::Number(page.offset())]);
        Bound::new(sql, values)
    }

    /// How many rows of `table` there are.
    pub(crate) fn count(&self, table: &str) -> Result<Bound> {
        Bound::new(format!("SELECT COUNT(*) FROM {table}{}", self.text), self.values.clone())
    }
}

/// A statement whose text was made here, of constants and `$n` only, with its values.
pub(crate) struct Bound {
    sql: String,
    values: AnyArguments,
}

impl Bound {
    fn new(sql: String, values: Vec<Value>) -> Result<Bound> {
        let mut arguments = AnyArguments::default();
        for value in values {
            match value {
                Value::Text(text) => add(&mut arguments, text)?,
                Value::Number(number) => add(&mut arguments, number)?,
            }
        }
        Ok(Bound { sql, values: arguments })
    }

    /// The statement, ready to run.
    pub(crate) fn query(self) -> sqlx::query::Query<'static, Any, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.sql), self.values)
    }
}

fn add<T>(arguments: &mut AnyArguments, value: T) -> Result<()>
where
    T: for<'q> Encode<'q, Any> + Type<Any>,
{
    arguments.add(value).map_err(|source| crate::Error::Database(sqlx::Error::Encode(source)))
}

/// A text as a LIKE pattern that finds it anywhere: `!` escapes (write `LIKE ? ESCAPE '!'`).
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_numbered_and_values_stay_parameters() {
        let mut conditions = Conditions::default();
        conditions.text("tenant = ?", "'; DROP TABLE cdrs");
        conditions.text("(account = ? OR callee_account = ?)", "x");
        conditions.number("started_at >= ?", 5);
        let page = conditions.page("SELECT uid FROM cdrs", "uid", model::Page::new(2, 10)).unwrap();
        assert_eq!(
            page.sql,
            "SELECT uid FROM cdrs WHERE tenant = $1 AND (account = $2 OR callee_account = $2) AND started_at >= $3 \
             ORDER BY uid LIMIT $4 OFFSET $5"
        );
        assert_eq!(page.values.len(), 5);
        assert_eq!(Conditions::default().count("cdrs").unwrap().sql, "SELECT COUNT(*) FROM cdrs");
    }

    #[test]
    fn wildcards_of_the_text_are_not_wildcards() {
        assert_eq!(containing("50%_!"), "%50!%!_!!%");
    }
}
