//! Bindings: where an AOR can be reached now (RFC 3261 §10).

use std::fmt;
use std::net::SocketAddr;

use clock::Time;
use serde::{Deserialize, Serialize};
use uri::Aor;

use crate::{AccountId, TenantId};

/// What makes a binding the same one within its account: the contact URI, or the instance and its flow.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BindingKey(String);

impl BindingKey {
    /// By contact URI. The registrar passes the same text for URIs that are equivalent (RFC 3261 §10.3).
    #[must_use]
    pub fn contact(uri: &str) -> BindingKey {
        BindingKey(format!("uri {uri}"))
    }

    /// By instance and flow (RFC 5626 §6): a device that comes back from another address replaces itself.
    #[must_use]
    pub fn outbound(instance: &str, reg_id: u32) -> BindingKey {
        BindingKey(format!("flow {reg_id} {instance}"))
    }

    /// From the text kept in the database.
    #[must_use]
    pub fn from_text(text: String) -> BindingKey {
        BindingKey(text)
    }

    /// The text kept in the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BindingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        clock::Pii(&self.0).fmt(f)
    }
}

/// One contact of an account, and the flow it registered on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// What it is replaced and removed by, within the account.
    pub id: BindingKey,
    /// Whose it is.
    pub account: AccountId,
    /// The tenant of the account.
    pub tenant: TenantId,
    /// The AOR it was registered for.
    pub aor: Aor,
    /// The contact URI, byte-exact as registered.
    pub contact: String,
    /// `+sip.instance` (RFC 5626 §4.1), without the quotes.
    pub instance: Option<String>,
    /// `reg-id` (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
    /// The transport of the flow: `udp`, `tcp`, `tls`, `ws`, `wss`.
    pub transport: String,
    /// Our side of the flow.
    pub local: SocketAddr,
    /// Where the REGISTER came from: calls go here, whatever the contact says.
    pub remote: SocketAddr,
    /// The connection of the flow; lives no longer than the process, so it is not stored.
    pub connection: Option<u64>,
    /// The Path of the REGISTER (RFC 3327), in order.
    pub path: Vec<String>,
    /// The User-Agent of the REGISTER.
    pub user_agent: Option<String>,
    /// The Call-ID of the last REGISTER that changed it.
    pub call_id: String,
    /// The CSeq number of that REGISTER.
    pub cseq: u32,
    /// The preference `q` in thousandths: 0 to 1000.
    pub q_milli: u16,
    /// From when on it is gone.
    pub expires_at: Time,
    /// When it was first registered.
    pub registered_at: Time,
}

impl Binding {
    /// Whether calls may still go there.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        now < self.expires_at
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Binding");
        shown.field("account", &self.account).field("id", &self.id).field("transport", &self.transport);
        shown.field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_on_two_flows_has_two_keys_and_a_contact_one() {
        let first = BindingKey::outbound("<urn:uuid:1>", 1);
        assert_ne!(first, BindingKey::outbound("<urn:uuid:1>", 2));
        assert_ne!(first, BindingKey::contact("<urn:uuid:1>"));
        assert_eq!(BindingKey::from_text(first.as_str().to_owned()), first);
        assert_eq!(BindingKey::contact("sip:6001@192.0.2.1").as_str(), "uri sip:6001@192.0.2.1");
    }
}
