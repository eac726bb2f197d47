//! The one table of keys: their paths, forms and aliases. The file, the environment, the listing, the reference page
//! and the bounds in the JSON schema all come from it.

use serde::{Deserialize, Serialize};
use toml::de::ValueDeserializer;

use crate::sections::Config;

/// The form a value is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A text in quotes (without quotes in the environment).
    Text,
    /// A whole number within these bounds.
    Number(i64, i64),
    /// A list of texts.
    Texts,
    /// A list of tables with these keys, all of them required.
    Tables(&'static [&'static str]),
}

impl Form {
    /// The form in words, for messages and the reference page.
    pub(crate) fn words(self) -> String {
        match self {
            Form::Text => "text".to_owned(),
            Form::Number(low, high) => format!("whole number from {low} to {high}"),
            Form::Texts => "list of texts".to_owned(),
            Form::Tables(keys) => format!("list of tables with {}", keys.join(" and ")),
        }
    }
}

/// How much of a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// All of it.
    Open,
    /// Whether it is set.
    Hidden,
    /// An address without its password.
    Address,
}

/// One key.
pub(crate) struct Key {
    /// `section.key`, or the bare key of the top level.
    pub(crate) path: &'static str,
    /// How it is written.
    pub(crate) form: Form,
    /// How much of it is shown.
    pub(crate) secrecy: Secrecy,
    /// Other environment variables that set it.
    pub(crate) aliases: &'static [&'static str],
    /// Reads a value into the configuration.
    pub(crate) set: for<'i> fn(&mut Config, ValueDeserializer<'i>) -> Result<(), toml::de::Error>,
    /// The value as TOML, secrets included.
    pub(crate) value: fn(&Config) -> Option<toml::Value>,
}

impl Key {
    const fn secrecy(mut self, secrecy: Secrecy) -> Key {
        self.secrecy = secrecy;
        self
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Key {
        self.aliases = aliases;
        self
    }

    /// The environment form: `sip.min_expires` is `CROSSPOINT_SIP__MIN_EXPIRES`.
    pub(crate) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "__").to_ascii_uppercase())
    }

    /// The section and the key in it; the section is empty at the top level.
    pub(crate) fn split(&self) -> (&'static str, &'static str) {
        self.path.split_once('.').unwrap_or(("", self.path))
    }
}

/// What every environment form begins with.
pub(crate) const PREFIX: &str = "CROSSPOINT_";

macro_rules! key {
    ($path:literal, $form:expr, $($field:ident).+) => {
        Key {
            path: $path,
            form: $form,
            secrecy: Secrecy::Open,
            aliases: &[],
            set: |config, value| {
                config.$($field).+ = Deserialize::deserialize(value)?;
                Ok(())
            },
            value: |config| toml_value(&config.$($field).+),
        }
    };
}

fn toml_value(value: &impl Serialize) -> Option<toml::Value> {
    toml::Value::try_from(value).ok()
}

/// One day, in seconds.
const DAY_S: i64 = 86_400;

/// All keys, in the order of the reference page.
pub(crate) const KEYS: &[Key] = &[
    key!("data_dir", Form::Text, data_dir),
    key!("domain", Form::Text, domain).aliases(&["SIP_DOMAIN"]),
    key!("admin.password", Form::Text, admin.password).secrecy(Secrecy::Hidden),
    key!("network.external_address", Form::Text, network.external_address).aliases(&["SIP_PROXY_ADDRESS"]),
    key!("network.local_nets", Form::Texts, network.local_nets),
    key!("network.peer", Form::Tables(&["net", "address"]), network.peer),
    key!("sip.listen", Form::Texts, sip.listen),
    key!("sip.workers", Form::Number(0, 256), sip.workers),
    key!("sip.min_expires", Form::Number(1, DAY_S), sip.min_expires),
    key!("sip.max_expires", Form::Number(1, 365 * DAY_S), sip.max_expires),
    key!("sip.default_expires", Form::Number(1, 365 * DAY_S), sip.default_expires),
    key!("sip.ring_timeout_s", Form::Number(1, 3_600), sip.ring_timeout_s),
    key!("http.listen", Form::Texts, http.listen),
    key!("media.ports", Form::Text, media.ports),
    key!("media.workers", Form::Number(0, 256), media.workers),
    key!("media.silence_timeout_s", Form::Number(0, DAY_S), media.silence_timeout_s),
    key!("database.url", Form::Text, database.url).secrecy(Secrecy::Address).aliases(&["DATABASE_URL"]),
    key!("security.jwt_secret", Form::Text, security.jwt_secret)
        .secrecy(Secrecy::Hidden)
        .aliases(&["JWT_SECRET_KEY"]),
    key!("security.sip_jwt_secret", Form::Text, security.sip_jwt_secret)
        .secrecy(Secrecy::Hidden)
        .aliases(&["SIP_JWT_SECRET"]),
    key!("security.digest_algorithms", Form::Texts, security.digest_algorithms),
    key!("tls.certificate", Form::Text, tls.certificate),
    key!("tls.key", Form::Text, tls.key),
    key!("log.level", Form::Text, log.level),
    key!("log.format", Form::Text, log.format),
];

/// The key with this path.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// The names of all sections, in order.
pub(crate) fn sections() -> Vec<&'static str> {
    let mut sections: Vec<&'static str> = Vec::new();
    for key in KEYS {
        let (section, _) = key.split();
        if !section.is_empty() && !sections.contains(&section) {
            sections.push(section);
        }
    }
    sections
}

/// Sections of later versions: said to be so, instead of "unknown".
pub(crate) const LATER: &[&str] =
    &["websocket", "turn", "fax", "loki", "cluster", "bot", "recording", "smtp", "webhooks"];
