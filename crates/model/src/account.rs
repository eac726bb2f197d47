//! Accounts: who may register and call.

use std::fmt;

use clock::Time;
use serde::{Deserialize, Serialize};
use uri::Aor;

use crate::rules::{self, Invalid};
use crate::{AccountId, Permissions, TenantId};

/// One contact too many is a mistake or an attack; the operator may raise it per account.
const DEFAULT_MAX_CONTACTS: u32 = 5;
/// Bounds what a stolen secret can cost.
const DEFAULT_MAX_CONCURRENT_CALLS: u32 = 3;
const DEFAULT_CONTEXT: &str = "default";

/// Which kind of device an account is made for: decides transport and media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Template {
    /// A browser: WebSocket, DTLS-SRTP, ICE.
    Webrtc,
    /// A desk or soft phone: UDP, TCP or TLS, plain RTP or optional SRTP.
    #[default]
    Softphone,
    /// TLS and SRTP only.
    SecureSoftphone,
    /// As configured by the operator.
    Custom,
}

crate::text_enum!(
    Template,
    "template",
    Webrtc = "webrtc",
    Softphone = "softphone",
    SecureSoftphone = "secure-softphone",
    Custom = "custom",
);

/// What is kept of a secret: `H(username ":" realm ":" password)` per digest algorithm, in lower-case hexadecimal
/// (RFC 7616 §3.4.2). Worth as much as the password within its realm: never shown, encrypted at rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ha1 {
    /// With MD5: 32 digits.
    pub md5: String,
    /// With SHA-256: 64 digits. Empty when the secret came as an MD5 value only.
    pub sha256: String,
    /// With SHA-512/256: 64 digits. Empty when the secret came as an MD5 value only.
    pub sha512_256: String,
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1(…)")
    }
}

/// Who may register and call: one AOR, one secret, one set of rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its identity.
    pub id: AccountId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its address-of-record: username and SIP domain.
    pub aor: Aor,
    /// What a called phone shows.
    pub display_name: String,
    /// Where its owner is told about faxes and voicemail.
    pub email: Option<String>,
    /// The application's own id of its user, repeated in call records and events.
    pub external_id: Option<String>,
    /// The short number others dial, unique in the tenant.
    pub extension: Option<String>,
    /// The set of routes it may dial.
    pub context: String,
    /// The kind of device.
    pub template: Template,
    /// How many contacts may be registered at once.
    pub max_contacts: u32,
    /// How many calls may exist at once.
    pub max_concurrent_calls: u32,
    /// What it may do.
    pub permissions: Permissions,
    /// The number shown on calls that leave the exchange.
    pub caller_id: Option<String>,
    /// Whether it may register and call at all.
    pub enabled: bool,
    /// Made with a weak secret on purpose; listed by `doctor`.
    pub development_only: bool,
    /// What its secret is checked against.
    pub secrets: Ha1,
    /// When it was made.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
}

impl Account {
    /// The user part of its AOR, its name in digest authentication.
    #[must_use]
    pub fn username(&self) -> &str {
        self.aor.user()
    }

    /// The host part of its AOR, in lower case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.aor.domain()
    }

    /// The number others see: its extension, or its username where it has none.
    #[must_use]
    pub fn number(&self) -> &str {
        self.extension.as_deref().unwrap_or(self.username())
    }

    fn checked(self) -> Result<Account, Invalid> {
        rules::text("display_name", &self.display_name)?;
        rules::slug("context", &self.context)?;
        rules::max_contacts(self.max_contacts)?;
        rules::max_concurrent_calls(self.max_concurrent_calls)?;
        self.email.as_deref().map_or(Ok(()), rules::email)?;
        self.external_id.as_deref().map_or(Ok(()), |id| rules::text("external_id", id))?;
        self.extension.as_deref().map_or(Ok(()), rules::extension)?;
        self.caller_id.as_deref().map_or(Ok(()), rules::caller_id)?;
        Ok(self)
    }
}

/// What an account is made from. `NewAccount::new` sets the defaults; change the fields that differ.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The tenant it will belong to.
    pub tenant: TenantId,
    /// 1 to 64 letters, digits and `- _ . +`.
    pub username: String,
    /// The SIP domain: a host name or an address without a port.
    pub domain: String,
    /// The secret in clear: at least 8 characters and not the username, unless `development_only`.
    pub password: String,
    /// What a called phone shows; the username where empty.
    pub display_name: String,
    /// An e-mail address.
    pub email: Option<String>,
    /// The application's own id of its user.
    pub external_id: Option<String>,
    /// 1 to 15 digits.
    pub extension: Option<String>,
    /// The set of routes it may dial.
    pub context: String,
    /// The kind of device.
    pub template: Template,
    /// 1 to 100.
    pub max_contacts: u32,
    /// 1 to 10,000.
    pub max_concurrent_calls: u32,
    /// What it may do.
    pub permissions: Permissions,
    /// The number shown on calls that leave the exchange.
    pub caller_id: Option<String>,
    /// Whether it may register and call at all.
    pub enabled: bool,
    /// Accepts a weak secret and marks the account.
    pub development_only: bool,
}

impl NewAccount {
    /// An account with the usual limits and rights.
    #[must_use]
    pub fn new(tenant: TenantId, username: &str, domain: &str, password: &str) -> NewAccount {
        NewAccount {
            tenant,
            username: username.to_owned(),
            domain: domain.to_owned(),
            password: password.to_owned(),
            display_name: String::new(),
            email: None,
            external_id: None,
            extension: None,
            context: DEFAULT_CONTEXT.to_owned(),
            template: Template::default(),
            max_contacts: DEFAULT_MAX_CONTACTS,
            max_concurrent_calls: DEFAULT_MAX_CONCURRENT_CALLS,
            permissions: Permissions::default(),
            caller_id: None,
            enabled: true,
            development_only: false,
        }
    }

    /// The account, checked. `digest` makes the stored values of the secret from username and password;
    /// it is asked only when all is valid.
    ///
    /// # Errors
    /// The first field that is out of its rules.
    pub fn into_account(
        self,
        id: AccountId,
        now: Time,
        digest: impl FnOnce(&str, &str) -> Ha1,
    ) -> Result<Account, Invalid> {
        let aor = rules::aor(&self.username, &self.domain)?;
        rules::password(&self.password, &self.username, self.development_only)?;
        let display_name = if self.display_name.is_empty() { self.username } else { self.display_name };
        let mut account = Account {
            id,
            tenant: self.tenant,
            aor,
            display_name,
            email: self.email,
            external_id: self.external_id,
            extension: self.extension,
            context: self.context,
            template: self.template,
            max_contacts: self.max_contacts,
            max_concurrent_calls: self.max_concurrent_calls,
            permissions: self.permissions,
            caller_id: self.caller_id,
            enabled: self.enabled,
            development_only: self.development_only,
            secrets: Ha1 { md5: String::new(), sha256: String::new(), sha512_256: String::new() },
            created_at: now,
            updated_at: now,
        }
        .checked()?;
        account.secrets = digest(account.username(), &self.password);
        Ok(account)
    }
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount")
            .field("tenant", &self.tenant)
            .field("template", &self.template)
            .finish_non_exhaustive()
    }
}

/// What to change of an account: `None` leaves a field as it is, `Some(None)` empties one that may be empty.
/// The username stays for ever, as the secret hangs on it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// A new secret in clear.
    pub password: Option<String>,
    /// What a called phone shows.
    pub display_name: Option<String>,
    /// An e-mail address.
    pub email: Option<Option<String>>,
    /// The application's own id of its user.
    pub external_id: Option<Option<String>>,
    /// The short number.
    pub extension: Option<Option<String>>,
    /// The set of routes it may dial.
    pub context: Option<String>,
    /// The kind of device.
    pub template: Option<Template>,
    /// How many contacts may be registered at once.
    pub max_contacts: Option<u32>,
    /// How many calls may exist at once.
    pub max_concurrent_calls: Option<u32>,
    /// What it may do.
    pub permissions: Option<Permissions>,
    /// The number shown on calls that leave the exchange.
    pub caller_id: Option<Option<String>>,
    /// Whether it may register and call at all.
    pub enabled: Option<bool>,
    /// Accepts a weak secret; cleared only together with a new secret that is not weak.
    pub development_only: Option<bool>,
}

impl AccountChange {
    /// The account as it will be, checked. `digest` makes the stored values from username and new password.
    ///
    /// # Errors
    /// The first field that is out of its rules.
    pub fn apply(
        self,
        to: &Account,
        now: Time,
        digest: impl FnOnce(&str, &str) -> Ha1,
    ) -> Result<Account, Invalid> {
        let was = to.clone();
        let development_only = self.development_only.unwrap_or(was.development_only);
        match &self.password {
            Some(password) => rules::password(password, was.username(), development_only)?,
            None if was.development_only && !development_only => {
                return Err(Invalid {
                    field: "development_only",
                    reason: "can be cleared only with a new password",
                });
            }
            None => {}
        }
        let mut account = Account {
            display_name: self.display_name.unwrap_or(was.display_name),
            email: self.email.unwrap_or(was.email),
            external_id: self.external_id.unwrap_or(was.external_id),
            extension: self.extension.unwrap_or(was.extension),
            context: self.context.unwrap_or(was.context),
            template: self.template.unwrap_or(was.template),
            max_contacts: self.max_contacts.unwrap_or(was.max_contacts),
            max_concurrent_calls: self.max_concurrent_calls.unwrap_or(was.max_concurrent_calls),
            permissions: self.permissions.unwrap_or(was.permissions),
            caller_id: self.caller_id.unwrap_or(was.caller_id),
            enabled: self.enabled.unwrap_or(was.enabled),
            development_only,
            updated_at: now,
            ..was
        }
        .checked()?;
        if let Some(password) = self.password {
            account.secrets = digest(account.username(), &password);
        }
        Ok(account)
    }
}

impl fmt::Debug for AccountChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountChange").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Uid;

    const ID: AccountId = AccountId(Uid::from_bytes([7; 16]));

    fn digest(username: &str, password: &str) -> Ha1 {
        Ha1 { md5: format!("md5 of {username}:{password}"), sha256: String::new(), sha512_256: String::new() }
    }

    fn new() -> NewAccount {
        NewAccount::new(TenantId::DEFAULT, "6001", "pbx.example", "correct horse")
    }

    fn made(new: NewAccount) -> Result<Account, Invalid> {
        new.into_account(ID, Time::from_secs(9), digest)
    }

    fn refused(change: impl FnOnce(&mut NewAccount)) -> &'static str {
        let mut account = new();
        change(&mut account);
        made(account).unwrap_err().field
    }

    #[test]
    fn a_new_account_has_the_usual_limits_and_only_the_digest_of_its_secret() {
        let account = made(new()).unwrap();
        assert_eq!((account.max_contacts, account.max_concurrent_calls), (5, 3));
        assert_eq!((account.display_name.as_str(), account.context.as_str()), ("6001", "default"));
        assert_eq!(account.secrets.md5, "md5 of 6001:correct horse");
        assert_eq!(account.aor.to_string(), "sip:6001@pbx.example");
        assert_eq!((account.created_at, account.updated_at), (Time::from_secs(9), Time::from_secs(9)));
        assert!(account.enabled && !account.development_only);
        assert!(!format!("{account:?} {:?}", new()).contains("correct horse"));
    }

    #[test]
    fn weak_secrets_are_refused_unless_for_development() {
        for weak in ["", "1234567", "longenough"] {
            let mut account = NewAccount { username: "LongEnough".to_owned(), ..new() };
            account.password = weak.to_owned();
            assert_eq!(made(account.clone()).unwrap_err().field, "password", "{weak}");
            account.development_only = true;
            assert_eq!(made(account).is_ok(), !weak.is_empty(), "{weak}");
        }
        assert!(made(NewAccount { password: "12345678".to_owned(), ..new() }).is_ok());
        assert_eq!(refused(|account| account.password = "secret\r\nVia: evil".to_owned()), "password");
        let error = made(NewAccount { password: "short".to_owned(), ..new() }).unwrap_err();
        assert_eq!(error.to_string(), "password must have at least 8 characters");
    }

    #[test]
    fn each_field_has_its_rules() {
        for name in ["", "a b", "a@b", "6001;x", "a\n", "ä", &"x".repeat(65)] {
            assert_eq!(refused(|account| account.username = name.to_owned()), "username", "{name}");
        }
        for digits in ["", "12a", "*43", "1234567890123456"] {
            assert_eq!(
                refused(|account| account.extension = Some(digits.to_owned())),
                "extension",
                "{digits}"
            );
        }
        for address in ["", "a@", "@b", "a b@c", "a@b,c@d", "<a@b>"] {
            assert_eq!(refused(|account| account.email = Some(address.to_owned())), "email", "{address}");
        }
        for number in ["", "+", "+1", "12-34", "+1234567890123456"] {
            assert_eq!(
                refused(|account| account.caller_id = Some(number.to_owned())),
                "caller_id",
                "{number}"
            );
        }
        for host in ["", "pbx example", "pbx:5060", "a@b"] {
            assert_eq!(refused(|account| account.domain = host.to_owned()), "domain", "{host}");
        }
        assert_eq!(refused(|account| account.display_name = "a\r\nb".to_owned()), "display_name");
        assert_eq!(refused(|account| account.external_id = Some("x".repeat(129))), "external_id");
        assert_eq!(refused(|account| account.context = "A".to_owned()), "context");
        assert_eq!(refused(|account| account.max_contacts = 0), "max_contacts");
        assert_eq!(refused(|account| account.max_concurrent_calls = 10_001), "max_concurrent_calls");
    }

    #[test]
    fn a_change_touches_what_it_names() {
        let was = made(NewAccount { extension: Some("6001".to_owned()), ..new() }).unwrap();
        let change = AccountChange {
            display_name: Some("Reception".to_owned()),
            extension: Some(None),
            enabled: Some(false),
            ..AccountChange::default()
        };
        let is = change.apply(&was, Time::from_secs(20), digest).unwrap();
        let expected = Account {
            display_name: "Reception".to_owned(),
            extension: None,
            enabled: false,
            updated_at: Time::from_secs(20),
            ..was.clone()
        };
        assert_eq!(is, expected);
        assert_eq!((was.number(), is.number()), ("6001", "6001"));
    }

    #[test]
    fn a_changed_secret_is_checked_and_digested() {
        let was = made(new()).unwrap();
        let weak = AccountChange { password: Some("6001".to_owned()), ..AccountChange::default() };
        assert_eq!(weak.apply(&was, Time::ZERO, digest).unwrap_err().field, "password");
        let good = AccountChange { password: Some("another one".to_owned()), ..AccountChange::default() };
        assert_eq!(good.apply(&was, Time::ZERO, digest).unwrap().secrets.md5, "md5 of 6001:another one");
    }

    #[test]
    fn the_development_mark_goes_only_with_the_weak_secret() {
        let weak = NewAccount { password: "6001".to_owned(), development_only: true, ..new() };
        let was = made(weak).unwrap();
        let clear = AccountChange { development_only: Some(false), ..AccountChange::default() };
        assert_eq!(clear.clone().apply(&was, Time::ZERO, digest).unwrap_err().field, "development_only");
        let renew = AccountChange { password: Some("long enough".to_owned()), ..clear };
        assert!(!renew.apply(&was, Time::ZERO, digest).unwrap().development_only);
    }

    #[test]
    fn templates_have_one_text_form() {
        for template in Template::ALL {
            assert_eq!(template.as_str().parse(), Ok(*template));
        }
        assert_eq!(serde_json::to_string(&Template::SecureSoftphone).unwrap(), "\"secure-softphone\"");
    }
}
