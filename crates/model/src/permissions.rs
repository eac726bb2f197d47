//! What an account may do.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Permission {
    /// Call other accounts and feature codes.
    Internal = 1,
    /// Call numbers of the tenant's country.
    National = 2,
    /// Call numbers abroad: denied unless given, as calls there cost most.
    International = 4,
    /// Call premium numbers: denied unless given.
    Premium = 8,
    /// Send faxes.
    Fax = 16,
    /// Send messages.
    Message = 32,
    /// Record calls.
    Record = 64,
}

crate::text_enum!(
    Permission,
    "permission",
    Internal = "internal",
    National = "national",
    International = "international",
    Premium = "premium",
    Fax = "fax",
    Message = "message",
    Record = "record",
);

/// A set of [`Permission`]s; as text a list of names.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Permissions(u16);

impl Permissions {
    /// Nothing at all.
    pub const NONE: Permissions = Permissions(0);

    /// Whether `permission` is given.
    #[must_use]
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & permission as u16 != 0
    }

    /// The set with `permission` too.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Permissions {
        Permissions(self.0 | permission as u16)
    }

    /// The set without `permission`.
    #[must_use]
    pub const fn without(self, permission: Permission) -> Permissions {
        Permissions(self.0 & !(permission as u16))
    }

    /// What is given, in order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }

    /// One bit per permission, for the database.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From bits; those of no known permission are dropped.
    #[must_use]
    pub fn from_bits(bits: u16) -> Permissions {
        Permission::ALL.iter().copied().filter(|permission| bits & *permission as u16 != 0).collect()
    }
}

/// Internal and national calls, fax and messages: what costs little. The rest is given one by one.
impl Default for Permissions {
    fn default() -> Permissions {
        [Permission::Internal, Permission::National, Permission::Fax, Permission::Message]
            .into_iter()
            .collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(given: I) -> Permissions {
        given.into_iter().fold(Permissions::NONE, Permissions::with)
    }
}

impl std::fmt::Debug for Permissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_seq(self.iter())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Permissions, D::Error> {
        if deserializer.is_human_readable() {
            Ok(Vec::<Permission>::deserialize(deserializer)?.into_iter().collect())
        } else {
            u16::deserialize(deserializer).map(Permissions::from_bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expensive_destinations_are_denied_by_default() {
        let given: Vec<_> = Permissions::default().iter().map(Permission::as_str).collect();
        assert_eq!(given, ["internal", "national", "fax", "message"]);
    }

    #[test]
    fn a_set_is_a_list_of_names_in_text_and_bits_in_the_database() {
        let set = Permissions::NONE.with(Permission::Premium).with(Permission::Internal);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["internal","premium"]"#);
        assert_eq!(serde_json::from_str::<Permissions>(r#"["premium","internal","premium"]"#).unwrap(), set);
        assert!(serde_json::from_str::<Permissions>(r#"["everything"]"#).is_err());
        assert_eq!(Permissions::from_bits(set.bits()), set);
        assert_eq!(Permissions::from_bits(0x8001), Permissions::NONE.with(Permission::Internal));
        assert_eq!(set.without(Permission::Premium).iter().count(), 1);
        let bytes = postcard::to_allocvec(&set).unwrap();
        assert_eq!(postcard::from_bytes::<Permissions>(&bytes).unwrap(), set);
    }
}
