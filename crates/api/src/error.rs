//! What the crates below can refuse, as refusals of the API.

use std::time::Duration;

use crate::problem::Problem;

/// Told to callers when the exchange or the database does not answer.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl From<switch::Error> for Problem {
    fn from(error: switch::Error) -> Problem {
        match error {
            switch::Error::NotFound(what) => Problem::not_found(what),
            switch::Error::Taken { field, value } => {
                Problem::duplicate(field, format!("The {field} {value} is in use already."))
            }
            switch::Error::Invalid(model::Invalid { field, reason }) => Problem::field(field, reason),
            switch::Error::Unavailable => Problem::unavailable(
                "unavailable",
                "The exchange does not answer: it is stopping or overloaded.",
                RETRY_AFTER,
            ),
            switch::Error::Storage(error) => error.into(),
            other => Problem::internal(&other),
        }
    }
}

impl From<storage::Error> for Problem {
    fn from(error: storage::Error) -> Problem {
        match error {
            storage::Error::Duplicate { field } => {
                let detail = format!("The {field} is in use already.");
                Problem::duplicate(&field, detail)
            }
            other => Problem::internal(&other),
        }
    }
}
