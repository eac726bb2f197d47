//! The values in effect, with their sources, secrets hidden.

use crate::keys::{KEYS, Key, Secrecy};
use crate::load::{Loaded, Source};
use crate::sections::Config;

/// One value in effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// `sip.listen`.
    pub key: &'static str,
    /// As TOML; a secret that is set is `"***"`.
    pub value: String,
    /// Where it came from.
    pub source: Source,
}

impl Loaded {
    /// Every value in effect, in the order of the reference page. Secrets are hidden.
    #[must_use]
    pub fn effective(&self) -> Vec<Setting> {
        let setting = |key: &Key| Setting {
            key: key.path,
            value: shown(key, &self.config),
            source: self.source(key.path),
        };
        KEYS.iter().map(setting).collect()
    }
}

/// The value as TOML text, secrets hidden.
pub(crate) fn shown(key: &Key, config: &Config) -> String {
    let value = (key.value)(config).unwrap_or_else(|| toml::Value::String(String::new()));
    let hidden = match key.secrecy {
        Secrecy::Hidden if value.as_str() != Some("") => toml::Value::String("***".to_owned()),
        Secrecy::Address => toml::Value::String(config.database.url.redacted()),
        Secrecy::Hidden | Secrecy::Open => value,
    };
    hidden.to_string()
}
