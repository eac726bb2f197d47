//! What a caller may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One right. People who administer have all of them, an API key those it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub(crate) enum Scope {
    /// Make, read, change and remove SIP users.
    #[serde(rename = "sip-users")]
    SipUsers,
    /// See calls in progress, their media, and the history.
    #[serde(rename = "calls:read")]
    CallsRead,
    /// End calls.
    #[serde(rename = "calls:control")]
    CallsControl,
    /// See who is registered, and where.
    #[serde(rename = "registrations:read")]
    RegistrationsRead,
    /// Remove a registration.
    #[serde(rename = "registrations:remove")]
    RegistrationsRemove,
    /// See how the server is set up.
    #[serde(rename = "config:read")]
    ConfigRead,
    /// Make, list and remove API keys, with no more rights than one's own.
    #[serde(rename = "keys:manage")]
    KeysManage,
}

impl Scope {
    /// Every right, in the order they are documented.
    pub(crate) const ALL: [Scope; 7] = [
        Scope::SipUsers,
        Scope::CallsRead,
        Scope::CallsControl,
        Scope::RegistrationsRead,
        Scope::RegistrationsRemove,
        Scope::ConfigRead,
        Scope::KeysManage,
    ];

    /// The text form, as in a key's list of scopes.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Scope::SipUsers => "sip-users",
            Scope::CallsRead => "calls:read",
            Scope::CallsControl => "calls:control",
            Scope::RegistrationsRead => "registrations:read",
            Scope::RegistrationsRemove => "registrations:remove",
            Scope::ConfigRead => "config:read",
            Scope::KeysManage => "keys:manage",
        }
    }
}

/// Every right an API key can have, in its text form.
#[must_use]
pub fn all_scopes() -> Vec<String> {
    Scope::ALL.iter().map(Scope::to_string).collect()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ();

    fn from_str(text: &str) -> Result<Scope, ()> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_the_wire_form() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("sip_users".parse::<Scope>(), Err(()));
    }
}
