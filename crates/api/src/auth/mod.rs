//! Who is calling, and what they may do: logins, tokens, API keys.

mod caller;
mod jwt;
pub(crate) mod key;
mod limiter;
pub(crate) mod login;
mod password;
pub(crate) mod refresh;
mod scope;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use caller::{
    Caller, CallsControl, CallsRead, ConfigRead, KeysManage, Permit, RegistrationsRead, RegistrationsRemove,
    SipUsers,
};
pub(crate) use jwt::Tokens;
pub use key::local_key;
pub(crate) use limiter::Limiter;
pub use limiter::Rate;
pub(crate) use password::Checker;
pub use password::hash_password;
pub(crate) use scope::Scope;
pub use scope::all_scopes;
