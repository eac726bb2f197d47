//! People and programs that use the API and the console.

use std::fmt;

use clock::Time;

use crate::{TenantId, TokenId, UserId};

/// What a person may do within its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads everything but secrets.
    Viewer,
    /// Reads and acts: calls, hang-ups, messages.
    Operator,
    /// Everything, administration of accounts and people included.
    Admin,
}

crate::text_enum!(Role, "role", Viewer = "viewer", Operator = "operator", Admin = "admin");

/// A person who logs in. Not an [`crate::Account`], which is what registers.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Its identity.
    pub id: UserId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The unique login name.
    pub username: String,
    /// Argon2 hash in PHC text form; never the password.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed; tokens issued before a change of password are void.
    pub updated_at: Time,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// A key of a program. Shown once when made; only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its identity.
    pub id: TokenId,
    /// The tenant it acts for.
    pub tenant: TenantId,
    /// What its maker calls it.
    pub name: String,
    /// SHA-256 of the token, in hexadecimal.
    pub hash: String,
    /// How it begins, so that its owner recognises it in a list: `cp_Ab12Cd`.
    pub hint: String,
    /// What it may do: the words the API defines, such as `sip-users` and `calls:read`.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is void.
    pub expires_at: Option<Time>,
    /// When it was last used, roughly.
    pub last_used_at: Option<Time>,
}

impl ApiToken {
    /// Whether it still opens anything.
    #[must_use]
    pub fn is_live(&self, now: Time) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Uid;

    fn token(expires_at: Option<Time>) -> ApiToken {
        ApiToken {
            id: TokenId(Uid::default()),
            tenant: TenantId::DEFAULT,
            name: "ci".to_owned(),
            hash: "cafe".to_owned(),
            hint: "cp_Ab12Cd".to_owned(),
            scopes: vec!["calls:read".to_owned()],
            created_by: None,
            created_at: Time::ZERO,
            expires_at,
            last_used_at: None,
        }
    }

    #[test]
    fn a_token_dies_at_its_end() {
        assert!(token(None).is_live(Time::FAR_FUTURE));
        let ends = token(Some(Time::from_secs(10)));
        assert_eq!((ends.is_live(Time::from_secs(9)), ends.is_live(Time::from_secs(10))), (true, false));
    }

    #[test]
    fn hashes_are_not_shown() {
        assert!(!format!("{:?}", token(None)).contains("cafe"));
    }

    #[test]
    fn an_admin_may_more_than_a_viewer() {
        assert!(Role::Admin > Role::Operator && Role::Operator > Role::Viewer);
        assert_eq!("operator".parse(), Ok(Role::Operator));
        assert_eq!("root".parse::<Role>().unwrap_err().to_string(), "unknown role `root`");
    }
}
