//! Reading a row from left to right, and writing a set as JSON.

use std::str::FromStr;

use clock::Time;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use sqlx::any::AnyRow;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::{Error, Result};

/// The columns of one row, taken in the order of the SELECT.
pub(crate) struct Columns<'r> {
    table: &'static str,
    row: &'r AnyRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(table: &'static str, row: &'r AnyRow) -> Columns<'r> {
        Columns { table, row, next: 0 }
    }

    fn take<T>(&mut self) -> Result<T>
    where
        T: Decode<'r, sqlx::Any> + Type<sqlx::Any>,
        usize: ColumnIndex<AnyRow>,
    {
        let value = self.row.try_get(self.next).map_err(|_| self.damaged())?;
        self.next += 1;
        Ok(value)
    }

    /// The refusal that names the column being read.
    pub(crate) fn damaged(&self) -> Error {
        Error::Damaged { table: self.table, column: self.next }
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.take()
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>> {
        self.take()
    }

    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T> {
        let value: i64 = self.take()?;
        T::try_from(value).map_err(|_| self.damaged())
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(&mut self) -> Result<Option<T>> {
        let value: Option<i64> = self.take()?;
        value.map(T::try_from).transpose().map_err(|_| self.damaged())
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.take::<i64>()? != 0)
    }

    pub(crate) fn time(&mut self) -> Result<Time> {
        self.take().map(Time::from_micros)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Time>> {
        Ok(self.take::<Option<i64>>()?.map(Time::from_micros))
    }

    pub(crate) fn parsed<T: FromStr>(&mut self) -> Result<T> {
        let text: String = self.take()?;
        text.parse().map_err(|_| self.damaged())
    }

    pub(crate) fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>> {
        let text: Option<String> = self.take()?;
        text.map(|text| text.parse()).transpose().map_err(|_| self.damaged())
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let text: String = self.take()?;
        serde_json::from_str(&text).map_err(|_| self.damaged())
    }
}

/// A noun that is written in sets: its columns in the order of its statement.
pub(crate) trait SetRow {
    /// How many columns a row has.
    const COLUMNS: usize;

    /// Writes each column with [`text`], [`micros`] or a number.
    fn columns<S: SerializeSeq>(&self, row: &mut S) -> std::result::Result<(), S::Error>;
}

/// The JSON parameter of a statement over a set.
pub(crate) fn set<T: SetRow>(rows: &[&T]) -> String {
    struct One<'a, T>(&'a T);
    impl<T: SetRow> Serialize for One<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let mut row = serializer.serialize_seq(Some(T::COLUMNS))?;
            self.0.columns(&mut row)?;
            row.end()
        }
    }
    struct All<'a, T>(&'a [&'a T]);
    impl<T: SetRow> Serialize for All<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter().map(|row| One(*row)))
        }
    }
    // Rows of text and numbers cannot fail to become JSON.
    serde_json::to_string(&All(rows)).unwrap_or_default()
}

/// A text from the network: PostgreSQL takes no NUL in a text, so one becomes U+FFFD.
pub(crate) fn text<S: SerializeSeq>(row: &mut S, text: &str) -> std::result::Result<(), S::Error> {
    if text.contains('\0') {
        return row.serialize_element(&text.replace('\0', "\u{fffd}"));
    }
    row.serialize_element(text)
}

pub(crate) fn optional_text<S: SerializeSeq>(
    row: &mut S,
    value: Option<&str>,
) -> std::result::Result<(), S::Error> {
    match value {
        Some(value) => text(row, value),
        None => row.serialize_element(&()),
    }
}

pub(crate) fn micros<S: SerializeSeq>(row: &mut S, at: Time) -> std::result::Result<(), S::Error> {
    row.serialize_element(&at.as_micros())
}

pub(crate) fn optional_micros<S: SerializeSeq>(
    row: &mut S,
    at: Option<Time>,
) -> std::result::Result<(), S::Error> {
    row.serialize_element(&at.map(Time::as_micros))
}

/// A list kept as JSON within a text column.
pub(crate) fn json<S: SerializeSeq, T: Serialize + ?Sized>(
    row: &mut S,
    list: &T,
) -> std::result::Result<(), S::Error> {
    row.serialize_element(&serde_json::to_string(list).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample(&'static str, Option<&'static str>);

    impl SetRow for Sample {
        const COLUMNS: usize = 4;

        fn columns<S: SerializeSeq>(&self, row: &mut S) -> std::result::Result<(), S::Error> {
            text(row, self.0)?;
            optional_text(row, self.1)?;
            micros(row, Time::from_secs(1))?;
            json(row, &["a\0b"])
        }
    }

    #[test]
    fn a_set_is_an_array_of_arrays_without_nul() {
        let text = set(&[&Sample("x\"\0", None), &Sample("é", Some("y"))]);
        assert_eq!(
            text,
            "[[\"x\\\"\u{fffd}\",null,1000000,\"[\\\"a\\\\u0000b\\\"]\"],[\"é\",\"y\",1000000,\"[\\\"a\\\\u0000b\\\"]\"]]"
        );
    }
}
