//! What can go wrong with the memory of the exchange, by who is to act.

use std::path::PathBuf;

/// Why storage could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Whoever asked: another row already has this value.
    #[error("{field} is taken")]
    Duplicate {
        /// The field, as the API calls it: `username`, `extension`, `name` …
        field: String,
    },
    /// Whoever asked: the row belongs to something that does not exist, such as an unknown tenant.
    #[error("it belongs to something that does not exist")]
    Orphan,
    /// The operator: another instance is running on the same data.
    #[error("the data directory {} is in use by process {pid}: stop that one, or give this one a data_dir of its own", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The process that holds it, as far as known.
        pid: String,
    },
    /// The operator: the directory cannot be used.
    #[error("the data directory {} cannot be used: {source}", dir.display())]
    DataDir {
        /// The directory.
        dir: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The operator: the address of the database is not one.
    #[error(
        "[database] url must begin with postgres:// or postgresql://, or be empty for SQLite in data_dir"
    )]
    Url,
    /// The operator: the database does not answer or does not let us in.
    #[error("no connection to the database {place}: {source}")]
    Unreachable {
        /// Host and database, without the password.
        place: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// The operator: the data was written by a newer release.
    #[error(
        "the database has schema {found}, this binary knows up to {known}: run the release that wrote it, or a newer one"
    )]
    NewerSchema {
        /// The version found.
        found: i64,
        /// The newest version this binary knows.
        known: i64,
    },
    /// The operator: secrets were sealed with another key.
    #[error(
        "the secrets of account {account} cannot be opened with this key: restore the key that belongs to this database"
    )]
    Sealed {
        /// The account.
        account: String,
    },
    /// The operator: a row holds what was never written by us.
    #[error("the database holds a row that cannot be read: {table}.{column}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The column, counted from 0 in the order of reading.
        column: usize,
    },
    /// The database refused or failed for another reason.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}
