//! Whether the database answers, and whether its schema is one we know.

use config::Config;

use super::Finding;
use crate::serve::secrets::DATABASE_FILE;

const SUBJECT: &str = "database";

pub(super) fn check(config: &Config, running: bool) -> Finding {
    let url = config.database.url.postgres();
    let name = if url.is_some() {
        config.database.url.redacted()
    } else {
        config.data_dir.join(DATABASE_FILE).display().to_string()
    };
    if url.is_none() && !config.data_dir.join(DATABASE_FILE).exists() {
        return Finding::ok(SUBJECT, format!("{name} is made at the first start"));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::fail(SUBJECT, error.to_string(), "free memory or threads"),
    };
    judge(&name, runtime.block_on(storage::inspect(url, &config.data_dir)), running)
}

fn judge(name: &str, outcome: storage::Result<storage::Inspection>, running: bool) -> Finding {
    match outcome {
        Ok(found) if found.schema == found.known => {
            Finding::ok(SUBJECT, format!("{name} answers, schema {}", found.schema))
        }
        Ok(found) if found.schema > found.known => Finding::fail(
            SUBJECT,
            format!("{name} has schema {}, this release knows up to {}", found.schema, found.known),
            "run the release that wrote it, or a newer one",
        ),
        Ok(found) if running => Finding::warn(
            SUBJECT,
            format!(
                "{name} has schema {}, this release knows {}: an older release is running",
                found.schema, found.known
            ),
            "restart the server",
        ),
        Ok(found) => Finding::ok(
            SUBJECT,
            format!("{name} answers; its schema {} becomes {} at the next start", found.schema, found.known),
        ),
        Err(error) => Finding::fail(
            SUBJECT,
            error.to_string(),
            "start the database, correct database.url (user, password, host, name), or leave it empty for SQLite",
        ),
    }
}

#[cfg(test)]
mod tests {
    use storage::Inspection;

    use super::super::Verdict;
    use super::super::tests::config;
    use super::*;

    #[test]
    fn a_database_that_is_not_there_yet_is_fine() {
        let dir = tempfile::tempdir().unwrap();
        let finding = check(&config(&format!("data_dir = '{}'", dir.path().display())), false);
        assert_eq!(finding.verdict, Verdict::Ok);
        assert!(finding.found.contains("made at the first start"), "{finding:?}");
    }

    #[test]
    fn a_database_that_does_not_answer_is_a_failure_without_its_password() {
        let finding = check(&config("[database]\nurl = \"postgres://u:hunter2@127.0.0.1:1/d\""), false);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(!finding.line().contains("hunter2"), "{}", finding.line());
    }

    #[test]
    fn schemas_are_judged_by_who_is_newer() {
        let judged = |schema, running| judge("d", Ok(Inspection { schema, known: 3 }), running).verdict;
        assert_eq!(judged(3, false), Verdict::Ok);
        assert_eq!(judged(2, false), Verdict::Ok);
        assert_eq!(judged(2, true), Verdict::Warn);
        assert_eq!(judged(4, false), Verdict::Fail);
    }
}
