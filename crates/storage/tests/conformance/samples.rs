//! Values to write.

use std::time::Duration;

use clock::Time;
use model::{
    Account, AccountId, Binding, BindingKey, CallUid, Cdr, CdrState, Direction, Fault, Ha1, HangupCause,
    LegRecord, LegSide, LegUid, NewAccount, Tenant, TenantId, Termination, Uid,
};

pub(crate) const NOW: Time = Time::from_secs(1_800_000_000);
pub(crate) const OTHER: TenantId = TenantId(Uid::from_bytes([9; 16]));

pub(crate) fn uid(n: u32) -> Uid {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Uid::from_bytes(bytes)
}

pub(crate) fn other_tenant() -> Tenant {
    Tenant::new(OTHER, "other", NOW).unwrap()
}

pub(crate) fn digest(username: &str, password: &str) -> Ha1 {
    Ha1 { md5: format!("md5-{username}-{password}"), sha256: "b".repeat(64), sha512_256: "c".repeat(64) }
}

pub(crate) fn account(n: u32) -> Account {
    account_of(TenantId::DEFAULT, n, "pbx.example")
}

pub(crate) fn account_of(tenant: TenantId, n: u32, domain: &str) -> Account {
    let new = NewAccount {
        extension: Some((6_000 + n).to_string()),
        ..NewAccount::new(tenant, &format!("user{n}"), domain, "correct horse")
    };
    new.into_account(AccountId(uid(n)), NOW, digest).unwrap()
}

pub(crate) fn binding(account: &Account, port: u16) -> Binding {
    let contact = format!("sip:{}@192.0.2.7:{port};transport=udp;ob", account.username());
    Binding {
        id: BindingKey::contact(&contact),
        account: account.id,
        tenant: account.tenant,
        aor: account.aor.clone(),
        contact,
        instance: None,
        reg_id: None,
        transport: "udp".to_owned(),
        local: "198.51.100.1:5060".parse().unwrap(),
        remote: format!("192.0.2.7:{port}").parse().unwrap(),
        connection: None,
        path: Vec::new(),
        user_agent: Some("baresip v3.16.0 (x86_64/linux)".to_owned()),
        call_id: format!("4a5b6c7d8e9f@{port}"),
        cseq: 1,
        q_milli: 1_000,
        expires_at: NOW + Duration::from_secs(3_600),
        registered_at: NOW,
    }
}

pub(crate) fn refreshed(binding: &Binding, cseq: u32) -> Binding {
    Binding { cseq, expires_at: binding.expires_at + Duration::from_secs(u64::from(cseq)), ..binding.clone() }
}

/// The record of an answered call, `n` seconds after the others began.
pub(crate) fn open_call(n: u32, account: Option<AccountId>) -> Cdr {
    let started_at = NOW + Duration::from_secs(u64::from(n));
    Cdr {
        uid: CallUid(uid(n)),
        tenant: TenantId::DEFAULT,
        node: 1,
        epoch: 5,
        account,
        callee_account: None,
        external_id: None,
        from_number: "6001".to_owned(),
        to_number: "6010".to_owned(),
        direction: Direction::Internal,
        sip_call_id: format!("call-{n}@192.0.2.7"),
        started_at,
        ringing_at: Some(started_at + Duration::from_millis(40)),
        answered_at: Some(started_at + Duration::from_secs(3)),
        ended_at: None,
        state: CdrState::Open,
        termination: None,
        sip_status: Some(200),
        codec: None,
        legs: Vec::new(),
    }
}

pub(crate) fn closed(open: &Cdr) -> Cdr {
    let leg = |n, side, number: &str| LegRecord {
        uid: LegUid(uid(n)),
        side,
        number: number.to_owned(),
        remote: Some("192.0.2.7:5062".to_owned()),
        user_agent: Some("Phone \"7\" \u{1f4de}".to_owned()),
        codec: Some("PCMA/8000".to_owned()),
        sip_status: Some(200),
        packets_received: 1_500,
        packets_sent: 1_499,
        lost: 2,
        jitter_us: 350,
    };
    Cdr {
        ended_at: Some(open.started_at + Duration::from_secs(33)),
        state: CdrState::Closed,
        termination: Some(Termination::new(Fault::None, HangupCause::NORMAL_CLEARING, "hangup")),
        codec: Some("PCMA/8000".to_owned()),
        legs: vec![leg(1, LegSide::Caller, "6001"), leg(2, LegSide::Callee, "6010")],
        ..open.clone()
    }
}
