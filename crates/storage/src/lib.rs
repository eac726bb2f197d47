//! SQLite and PostgreSQL: one file per noun, migrations, group commit.
