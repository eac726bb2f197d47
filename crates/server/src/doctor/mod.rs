//! `doctor`: looks at the machine as `serve` would find it, changes nothing, and names the remedy for each trouble.

mod addresses;
mod database;
mod machine;
mod ports;

use config::Config;

use crate::cli::Place;
use crate::client::Client;
use crate::failure::Failure;
use crate::serve::certificate;
use crate::{inputs, output};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Ok,
    /// It starts, but somebody may be surprised.
    Warn,
    /// It does not start, or not as configured.
    Fail,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    /// What was looked at.
    pub(crate) subject: &'static str,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it; empty when all is well.
    pub(crate) remedy: String,
}

impl Finding {
    pub(crate) fn ok(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Ok, subject, found: found.into(), remedy: String::new() }
    }

    pub(crate) fn warn(
        subject: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { verdict: Verdict::Warn, subject, found: found.into(), remedy: remedy.into() }
    }

    pub(crate) fn fail(
        subject: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { verdict: Verdict::Fail, subject, found: found.into(), remedy: remedy.into() }
    }

    fn line(&self) -> String {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        let line = format!("{verdict:<5} {:<14} {}", self.subject, self.found);
        if self.remedy.is_empty() { line } else { format!("{line}\n{:<20} remedy: {}", "", self.remedy) }
    }
}

/// Prints the findings.
///
/// # Errors
/// [`Failure::Negative`] when one of them is a failure.
pub(crate) fn run(place: &Place) -> Result<(), Failure> {
    let findings = match inputs::load(place) {
        Ok(loaded) => {
            let from =
                inputs::path(place).map_or_else(|| "defaults".to_owned(), |path| path.display().to_string());
            let mut findings = vec![Finding::ok("configuration", from)];
            findings.extend(look(&loaded.config));
            findings
        }
        Err(failure) => wrong_configuration(&failure),
    };
    for finding in &findings {
        output::line(&finding.line());
    }
    if findings.iter().any(|finding| finding.verdict == Verdict::Fail) {
        Err(Failure::Negative)
    } else {
        Ok(())
    }
}

fn wrong_configuration(failure: &Failure) -> Vec<Finding> {
    let remedy = "correct it; docs/CONFIG.md and `crosspoint config schema` describe every key";
    failure.to_string().lines().map(|problem| Finding::fail("configuration", problem, remedy)).collect()
}

fn look(config: &Config) -> Vec<Finding> {
    // Without a provider the certificate cannot be judged; a second installation changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let running = is_running(config);
    let mut findings = vec![machine::data_dir(config, running)];
    findings.extend(ports::check(config, running));
    findings.extend(addresses::check(config));
    findings.extend(tls(config));
    findings.push(database::check(config, running));
    findings.push(machine::open_files(config));
    findings.push(machine::clock());
    findings
}

/// Whether a server answers for this data directory.
fn is_running(config: &Config) -> bool {
    Client::new(&config.data_dir).is_ok_and(|client| client.fetch("/health").is_ok())
}

fn tls(config: &Config) -> Option<Finding> {
    if !config.http.listen.iter().any(|listen| listen.tls) {
        return None;
    }
    let files = certificate::files(config);
    if files.self_signed && !files.certificate.exists() {
        return Some(Finding::ok("tls", "a self-signed certificate is made at the first start"));
    }
    Some(match certificate::load(&files) {
        Ok(_) if files.self_signed => {
            Finding::ok("tls", format!("self-signed certificate {}", files.certificate.display()))
        }
        Ok(_) => Finding::ok("tls", format!("certificate {} and its key", files.certificate.display())),
        Err(error) if files.self_signed => Finding::fail(
            "tls",
            format!("{error:#}"),
            "remove the folder tls in the data directory; a new one is made at the start",
        ),
        Err(error) => Finding::fail(
            "tls",
            format!("{error:#}"),
            "correct tls.certificate and tls.key, or leave both out",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration for tests of the checks.
    pub(super) fn config(file: &str) -> Config {
        let file = config::TextFile { path: "test.toml".into(), text: file.to_owned() };
        config::load(&config::Inputs { file: Some(file), ..config::Inputs::default() }).unwrap().config
    }

    #[test]
    fn a_line_names_the_remedy_below() {
        let finding = Finding::fail("ports", "udp://0.0.0.0:5060 is taken", "stop the other program");
        assert_eq!(
            finding.line(),
            "fail  ports          udp://0.0.0.0:5060 is taken\n                     remedy: stop the other program"
        );
        assert_eq!(Finding::ok("clock", "fine").line(), "ok    clock          fine");
    }

    #[test]
    fn each_problem_of_the_configuration_is_a_finding() {
        let findings = wrong_configuration(&Failure::Usage("a.toml:1: one\na.toml:2: two".to_owned()));
        let found: Vec<_> =
            findings.iter().map(|finding| (finding.verdict, finding.found.as_str())).collect();
        assert_eq!(found, [(Verdict::Fail, "a.toml:1: one"), (Verdict::Fail, "a.toml:2: two")]);
    }

    #[test]
    fn missing_tls_files_fail_only_where_https_is_spoken() {
        const FILES: &str = "[tls]\ncertificate = \"/nowhere/c.pem\"\nkey = \"/nowhere/k.pem\"";
        let with = tls(&config(FILES)).unwrap();
        assert_eq!(with.verdict, Verdict::Fail);
        assert!(with.found.contains("/nowhere/c.pem"), "{with:?}");
        assert_eq!(tls(&config(&format!("{FILES}\n[http]\nlisten = [\"http://0.0.0.0:8080\"]"))), None);
    }
}
