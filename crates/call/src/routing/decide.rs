//! The decision: total, pure, without IO, and it takes nothing that would have to be given back.

use std::fmt;
use std::sync::Arc;

use model::{Account, Directory, Permission};
use uri::Aor;

use super::{Facts, Host};
use crate::{End, feature};

/// Where a call goes, why, and how that was found.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Where it goes.
    pub destination: Destination,
    /// Each rule that was looked at, in order; the last one decided.
    pub trace: Vec<Step>,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub enum Destination {
    /// To all contacts of an account.
    Account(Arc<Account>),
    /// To the echo test.
    Echo,
    /// Nowhere.
    Refuse(End),
}

/// One rule and whether it decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// Whether it decided.
    pub decided: bool,
}

/// The rules in the order in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Calls that passed too many hops end.
    HopsLeft,
    /// Calls that come from ourselves end.
    NoLoop,
    /// The domain must be ours.
    OurDomain,
    /// The caller may call inside.
    MayCallInside,
    /// A feature code.
    FeatureCode,
    /// The username of an account in the domain, in the caller's tenant.
    Username,
    /// The extension of an account in the caller's tenant.
    Extension,
    /// The account must be switched on.
    Enabled,
}

impl Decision {
    /// The trace in one line: `hops left, no loop, our domain, username: decided`.
    #[must_use]
    pub fn reason(&self) -> String {
        self.trace.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Decides where a call goes.
#[must_use]
pub fn decide(facts: &Facts<'_>, directory: &Directory) -> Decision {
    let mut trace = Vec::with_capacity(8);
    let mut look = |rule, decided| {
        trace.push(Step { rule, decided });
        decided
    };
    let destination = 'found: {
        // RFC 3261 §16.3 step 3.
        if look(Rule::HopsLeft, facts.max_forwards == 0) {
            break 'found Destination::Refuse(End::TooManyHops);
        }
        if look(Rule::NoLoop, facts.from_ourselves) {
            break 'found Destination::Refuse(End::Loop);
        }
        let Host::Ours(domain) = facts.host else {
            look(Rule::OurDomain, true);
            break 'found Destination::Refuse(End::ForeignDomain);
        };
        look(Rule::OurDomain, false);
        if look(Rule::MayCallInside, !facts.caller.permissions.has(Permission::Internal)) {
            break 'found Destination::Refuse(End::NotPermitted);
        }
        if look(Rule::FeatureCode, facts.number == feature::ECHO_TEST) {
            break 'found Destination::Echo;
        }
        let by_name = Aor::new(facts.number, domain).ok().and_then(|aor| directory.account_by_aor(&aor));
        let by_name = by_name.filter(|account| account.tenant == facts.caller.tenant);
        let account = if let Some(account) = by_name {
            look(Rule::Username, true);
            account
        } else {
            look(Rule::Username, false);
            let by_extension = directory.by_extension(facts.caller.tenant, facts.number);
            look(Rule::Extension, by_extension.is_some());
            let Some(account) = by_extension else { break 'found Destination::Refuse(End::UnknownNumber) };
            account
        };
        if look(Rule::Enabled, !account.enabled) {
            break 'found Destination::Refuse(End::AccountDisabled);
        }
        Destination::Account(Arc::clone(account))
    };
    Decision { destination, trace }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Rule::HopsLeft => "hops left",
            Rule::NoLoop => "no loop",
            Rule::OurDomain => "our domain",
            Rule::MayCallInside => "may call inside",
            Rule::FeatureCode => "feature code",
            Rule::Username => "username",
            Rule::Extension => "extension",
            Rule::Enabled => "enabled",
        };
        f.write_str(rule)?;
        if self.decided { f.write_str(": decided") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use clock::Time;
    use model::{AccountId, Ha1, NewAccount, Permissions, TenantId, Uid};

    use super::*;

    fn account(id: u8, name: &str, change: impl FnOnce(&mut NewAccount)) -> Account {
        let mut new = NewAccount::new(TenantId::DEFAULT, name, "pbx.example", "correct horse");
        change(&mut new);
        let none = || Ha1 { md5: String::new(), sha256: String::new(), sha512_256: String::new() };
        new.into_account(AccountId(Uid::from_bytes([id; 16])), Time::ZERO, |_, _| none()).unwrap()
    }

    fn directory() -> Directory {
        let elsewhere = TenantId(Uid::from_bytes([9; 16]));
        Directory::new(
            [
                account(1, "ann", |new| new.extension = Some("6001".to_owned())),
                account(2, "bob", |new| new.extension = Some("6002".to_owned())),
                account(3, "off", |new| new.enabled = false),
                account(4, "6002", |_| {}),
                account(5, "eve", |new| {
                    new.tenant = elsewhere;
                    new.extension = Some("7000".to_owned());
                }),
            ],
            1,
        )
    }

    fn facts<'a>(caller: &'a Account, number: &'a str) -> Facts<'a> {
        Facts { caller, number, host: Host::Ours("pbx.example"), max_forwards: 70, from_ourselves: false }
    }

    fn went(facts: &Facts<'_>) -> String {
        match decide(facts, &directory()).destination {
            Destination::Account(account) => account.username().to_owned(),
            Destination::Echo => "echo".to_owned(),
            Destination::Refuse(end) => format!("{} {end}", end.status().as_u16()),
        }
    }

    #[test]
    fn a_number_is_a_username_then_an_extension_of_the_callers_tenant() {
        let ann = account(1, "ann", |_| {});
        for (number, expected) in [
            ("bob", "bob"),
            ("6001", "ann"),
            ("6002", "6002"),
            ("*43", "echo"),
            ("off", "480 account_disabled"),
            ("nobody", "404 unknown_number"),
            ("", "404 unknown_number"),
            ("eve", "404 unknown_number"),
            ("7000", "404 unknown_number"),
        ] {
            assert_eq!(went(&facts(&ann, number)), expected, "{number}");
        }
    }

    #[test]
    fn this_is_no_open_relay() {
        let ann = account(1, "ann", |_| {});
        assert_eq!(went(&Facts { host: Host::Foreign, ..facts(&ann, "bob") }), "403 foreign_domain");
        assert_eq!(went(&Facts { max_forwards: 0, ..facts(&ann, "bob") }), "483 too_many_hops");
        assert_eq!(went(&Facts { from_ourselves: true, ..facts(&ann, "bob") }), "482 loop");
        let mute = account(6, "mute", |new| new.permissions = Permissions::NONE);
        assert_eq!(went(&facts(&mute, "bob")), "403 not_permitted");
    }

    #[test]
    fn a_decision_says_how_it_was_found() {
        let ann = account(1, "ann", |_| {});
        let decision = decide(&facts(&ann, "6001"), &directory());
        assert_eq!(
            decision.reason(),
            "hops left, no loop, our domain, may call inside, feature code, username, extension: decided, enabled"
        );
    }
}
