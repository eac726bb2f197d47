//! What the exchange knows: tenants, people, accounts, bindings, call records, and the directory of it all.
//!
//! Plain values without behaviour of their own. This crate deliberately does no IO, computes no digests and
//! makes no decisions about calls: `storage` keeps these values, `call` decides with them, `switch` changes them.
//! What can be invalid is checked where it is made ([`NewAccount::into_account`], [`AccountChange::apply`]);
//! an [`Account`] or a [`Binding`] in hand is valid.
//!
//! Times are [`clock::Time`], ids are 16 sortable bytes ([`Uid`]) in a newtype per noun.

mod account;
mod binding;
mod cdr;
mod directory;
mod hangup;
mod ids;
mod page;
mod people;
mod permissions;
mod rules;
mod tenant;

pub use account::{Account, AccountChange, Ha1, NewAccount, Template};
pub use binding::{Binding, BindingKey};
pub use cdr::{Cdr, CdrState, Direction, LegRecord, LegSide};
pub use directory::Directory;
pub use hangup::{Fault, HangupCause, Termination};
pub use ids::{AccountId, CallUid, IdError, LegUid, TenantId, TokenId, Uid, Uids, UserId};
pub use page::{Listing, Page};
pub use people::{ApiToken, Role, User};
pub use permissions::{Permission, Permissions};
pub use rules::{Invalid, MIN_PASSWORD_CHARS};
pub use tenant::Tenant;

/// A word that none of the known names equals, when reading an enum from its text form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{word}`")]
pub struct UnknownName {
    /// What was being read, such as `template`.
    pub what: &'static str,
    /// The word found.
    pub word: String,
}

/// Gives an enum without fields its one text form: `as_str`, `Display`, `FromStr`, serde as text.
macro_rules! text_enum {
    ($name:ident, $what:literal, $($variant:ident = $text:literal),+ $(,)?) => {
        impl $name {
            /// Every value, in order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The text form used in the database and the API.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($text => Ok($name::$variant),)+
                    _ => Err($crate::UnknownName { what: $what, word: word.to_owned() }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
use text_enum;
