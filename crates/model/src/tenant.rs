//! Tenants.

use clock::Time;
use serde::{Deserialize, Serialize};

use crate::TenantId;
use crate::rules::{self, Invalid};

/// One customer of the exchange: accounts, numbers, records and people belong to exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its identity.
    pub id: TenantId,
    /// Its unique name, such as `default`.
    pub name: String,
    /// When it was made.
    pub created_at: Time,
}

impl Tenant {
    /// The tenant that always exists.
    #[must_use]
    pub fn default_tenant(now: Time) -> Tenant {
        Tenant { id: TenantId::DEFAULT, name: "default".to_owned(), created_at: now }
    }

    /// A new tenant.
    ///
    /// # Errors
    /// When the name is empty, longer than 64 characters, or has other characters than `a-z 0-9 - _`.
    pub fn new(id: TenantId, name: &str, now: Time) -> Result<Tenant, Invalid> {
        rules::slug("name", name)?;
        Ok(Tenant { id, name: name.to_owned(), created_at: now })
    }
}
