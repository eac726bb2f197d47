//! Calls over the real router, from records as the exchange writes them.

use std::time::Duration;

use clock::Time;
use model::{
    AccountId, CallUid, Cdr, CdrState, Direction, Fault, HangupCause, LegRecord, LegSide, TenantId,
    Termination,
};
use serde_json::{Value, json};
use storage::Write;
use switch::{CallState, CallView, LegView, MediaView};

use super::ActiveCall;
use crate::testing::{Api, As, id, other_tenant, write};

const STARTED: Time = Time::from_secs(1_763_711_951);
const ALICE: u8 = 0xa1;

fn cdr(number: u8, tenant: TenantId) -> Cdr {
    let started_at = STARTED + Duration::from_secs(60) * u32::from(number);
    let leg = |number, side, codec: &str| LegRecord {
        uid: id(number),
        side,
        number: "6001".to_owned(),
        remote: Some("192.0.2.7:5060".to_owned()),
        user_agent: None,
        codec: Some(codec.to_owned()),
        sip_status: Some(200),
        packets_received: 900,
        packets_sent: 1_000,
        lost: 100,
        jitter_us: 2_500,
    };
    Cdr {
        uid: id(number),
        tenant,
        node: 1,
        epoch: 2,
        account: Some(id(ALICE)),
        callee_account: None,
        external_id: Some("u-17".to_owned()),
        from_number: format!("600{number}"),
        to_number: "6010".to_owned(),
        direction: Direction::Internal,
        sip_call_id: format!("{number}@phone"),
        started_at,
        ringing_at: Some(started_at + Duration::from_millis(250)),
        answered_at: Some(started_at + Duration::from_secs(4)),
        ended_at: Some(started_at + Duration::from_millis(16_500)),
        state: CdrState::Closed,
        termination: Some(Termination::new(Fault::Callee, HangupCause::NORMAL_CLEARING, "hangup")),
        sip_status: Some(200),
        codec: Some("PCMU".to_owned()),
        legs: vec![leg(1, LegSide::Caller, "PCMU"), leg(2, LegSide::Callee, "PCMU")],
    }
}

/// Calls 1 to 3 of the tenant `default`, the last one still open, and call 4 of another.
async fn started() -> (Api, As) {
    let api = Api::start_after(async |storage| {
        let other = other_tenant(storage).await;
        let open =
            Cdr { state: CdrState::Open, ended_at: None, termination: None, ..cdr(3, TenantId::DEFAULT) };
        let closed = [cdr(1, TenantId::DEFAULT), cdr(2, TenantId::DEFAULT), cdr(4, other)];
        let closed = closed.into_iter().map(|cdr| Write::CdrClose(Box::new(cdr)));
        // Of the present epoch, so that the start does not close it as lost.
        write(storage, closed.chain([Write::CdrOpen(Box::new(open))])).await;
    })
    .await;
    let viewer = api.access("viewer").await;
    (api, viewer)
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|call| call["call_id"].as_str().unwrap().to_owned()).collect()
}

fn hex(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| id::<CallUid>(*number).to_string()).collect()
}

#[tokio::test]
async fn the_history_is_the_tenants_newest_first() {
    let (api, viewer) = started().await;
    let list = api.get(&viewer, "/api/calls/").await.expect(200);
    assert_eq!((ids(&list), &list["total"]), (hex(&[3, 2, 1]), &json!(3)));
    let stranger = api.access("stranger").await;
    assert_eq!(ids(&api.get(&stranger, "/api/calls").await.expect(200)), hex(&[4]));
}

#[tokio::test]
async fn a_record_says_who_when_and_how_it_ended() {
    let (api, viewer) = started().await;
    let call = api.get(&viewer, &format!("/api/calls/{}", id::<CallUid>(1))).await.expect(200);
    let at = |name: &str| call[name].as_str().unwrap().to_owned();
    assert_eq!(
        (at("from_number"), at("to_number"), at("direction")),
        ("6001".into(), "6010".into(), "internal".into())
    );
    assert_eq!((at("state"), at("started_at")), ("ended".into(), "2025-11-21T08:00:11.000Z".into()));
    assert_eq!((at("ended_at"), at("external_id")), ("2025-11-21T08:00:27.500Z".into(), "u-17".into()));
    assert_eq!((&call["post_dial_delay_s"], &call["talk_s"]), (&json!(0.25), &json!(12.5)));
    let end = json!({"fault": "callee", "cause": 16, "cause_name": "normal_clearing", "reason": "hangup"});
    assert_eq!(call["termination"], end);
    let leg = &call["legs"][0];
    assert_eq!(
        (&leg["side"], &leg["codec"], &leg["remote"]),
        (&json!("caller"), &json!("PCMU"), &json!("192.0.2.7:5060"))
    );
    assert_eq!((&leg["loss_ratio"], &leg["jitter_ms"]), (&json!(0.1), &json!(2.5)));
    assert!(leg["mos"].as_f64().unwrap() < 3.5);
}

#[tokio::test]
async fn the_history_can_be_filtered() {
    let (api, viewer) = started().await;
    for (query, found) in [
        ("from_number=6002", hex(&[2])),
        ("to_number=6010&per_page=2", hex(&[3, 2])),
        ("to_number=6010&per_page=2&page=2", hex(&[1])),
        ("to_number=601", vec![]),
        ("state=ended", hex(&[2, 1])),
        ("state=answered", hex(&[3])),
        ("since=2025-11-21T08:01:11Z", hex(&[3, 2])),
        ("until=2025-11-21T15:01:11%2B07:00", hex(&[1])),
        (&format!("account_id={}", id::<AccountId>(ALICE)), hex(&[3, 2, 1])),
        (&format!("account_id={}", id::<AccountId>(1)), vec![]),
    ] {
        assert_eq!(
            ids(&api.get(&viewer, &format!("/api/calls/?{query}")).await.expect(200)),
            found,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_filter_that_is_wrong_is_named() {
    let (api, viewer) = started().await;
    for (query, code, field) in [
        ("since=yesterday", "invalid-field", "since"),
        ("state=busy", "invalid-field", "state"),
        ("account_id=7", "invalid-field", "account_id"),
        ("from=6001", "unknown-field", "from"),
        ("per_page=0", "invalid-field", "per_page"),
        ("page=1&page=2", "invalid-field", "page"),
    ] {
        let reply = api.get(&viewer, &format!("/api/calls/?{query}")).await;
        assert_eq!(reply.refusal(), (422, code, field), "{query}");
    }
}

#[tokio::test]
async fn another_tenants_call_does_not_exist() {
    let (api, viewer) = started().await;
    let operator = api.access("operator").await;
    for number in [4, 9] {
        let path = format!("/api/calls/{}", id::<CallUid>(number));
        assert_eq!(api.get(&viewer, &path).await.refusal(), (404, "not-found", ""));
        assert_eq!(
            api.post(&operator, &format!("{path}/hangup"), json!({})).await.refusal(),
            (404, "not-found", "")
        );
    }
}

#[tokio::test]
async fn a_call_that_is_over_cannot_be_ended() {
    let (api, _) = started().await;
    let operator = api.access("operator").await;
    let path = format!("/api/calls/{}/hangup", id::<CallUid>(1));
    assert_eq!(api.post(&operator, &path, json!({})).await.refusal(), (404, "not-found", ""));
}

#[tokio::test]
async fn without_calls_the_list_of_running_ones_is_empty() {
    let (api, viewer) = started().await;
    assert_eq!(api.get(&viewer, "/api/calls/active").await.expect(200), json!({"total": 0, "calls": []}));
    let channels = api.get(&viewer, "/api/channels").await.expect(200);
    assert_eq!(channels, json!({"items": [], "total": 0, "page": 1, "per_page": 50}));
}

#[tokio::test]
async fn figures_of_a_sip_user_add_up_its_closed_calls() {
    let (api, _) = started().await;
    let sip = api.sip_admin("admin").await;
    let made = api.sip_user(&sip, "6001").await;
    let account: AccountId = made["id"].as_str().unwrap().parse().unwrap();
    let calls = [5, 6].map(|number| Cdr { account: Some(account), ..cdr(number, TenantId::DEFAULT) });
    let missed = Cdr {
        account: None,
        callee_account: Some(account),
        answered_at: None,
        termination: Some(Termination::new(Fault::Callee, HangupCause::NO_ANSWER, "no_answer")),
        ..cdr(7, TenantId::DEFAULT)
    };
    write(&api.storage, calls.into_iter().chain([missed]).map(|cdr| Write::CdrClose(Box::new(cdr)))).await;
    let stats = api.get(&sip, &format!("/api/sip-users/{account}/stats")).await.expect(200);
    assert_eq!((&stats["calls_total"], &stats["calls_answered"]), (&json!(3), &json!(2)));
    assert_eq!(
        (&stats["talk_s"], &stats["last_call_at"]),
        (&json!(25.0), &json!("2025-11-21T08:06:11.000Z"))
    );
}

/// Calls the echo test; the phone and the dialog.
fn call_echo(server: std::net::SocketAddr, account: &testkit::Account) -> (testkit::Phone, testkit::Dialog) {
    let mut phone = testkit::Phone::udp(server, server.ip(), account);
    let sdp = testkit::offer(phone.local(), testkit::Codec::Pcmu, "sendrecv");
    let invite = phone.invite("*43", &sdp);
    let dialog = phone.answered(&invite);
    (phone, dialog)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_call_is_seen_and_ended_by_its_tenant_only() {
    let api = Api::start().await;
    let sip = api.sip_admin("admin").await;
    let made = api.sip_user(&sip, "6001").await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let account = testkit::Account {
        id: text("id"),
        username: text("username"),
        password: text("password"),
        domain: text("domain"),
    };
    let server = api.exchange.local_addrs()[0].addr;
    let (phone, dialog) = tokio::task::spawn_blocking(move || call_echo(server, &account)).await.unwrap();

    let operator = api.access("operator").await;
    let active = api.get(&operator, "/api/calls/active").await.expect(200);
    assert_eq!(active["total"], 1);
    let call = &active["calls"][0];
    assert_eq!((&call["from_number"], &call["to_number"]), (&json!("6001"), &json!("*43")));
    assert_eq!((&call["state"], &call["account_id"]), (&json!("answered"), &made["id"]));
    let path = format!("/api/calls/{}", call["call_id"].as_str().unwrap());
    assert_eq!(api.get(&operator, &path).await.expect(200)["state"], "answered");
    let channels = api.get(&operator, "/api/channels").await.expect(200);
    assert_eq!(
        (&channels["items"][0]["call_id"], &channels["items"][0]["codec"]),
        (&call["call_id"], &json!("PCMU"))
    );
    let stats = api.get(&sip, &format!("/api/sip-users/{}/stats", text("id"))).await.expect(200);
    assert_eq!(stats["active_calls"], 1);

    let stranger = api.access("stranger").await;
    assert_eq!(api.get(&stranger, "/api/calls/active").await.expect(200)["total"], 0);
    assert_eq!(api.get(&stranger, "/api/channels").await.expect(200)["total"], 0);
    assert_eq!(api.get(&stranger, &path).await.refusal(), (404, "not-found", ""));
    let hangup = format!("{path}/hangup");
    assert_eq!(api.post(&stranger, &hangup, json!({})).await.refusal(), (404, "not-found", ""));

    let ending = api.post(&operator, &hangup, json!({})).await.expect(200);
    assert_eq!(ending, json!({"call_id": call["call_id"], "state": "ending"}));
    let mut phone = phone;
    tokio::task::spawn_blocking(move || drop(phone.hung_up(&dialog))).await.unwrap();
    api.exchange.stop().await;
    let record = api.get(&operator, &path).await.expect(200);
    assert_eq!((&record["state"], &record["termination"]["fault"]), (&json!("ended"), &json!("operator")));
}

#[test]
fn a_running_call_has_the_shape_of_the_api() {
    let leg = LegView {
        uid: id(2),
        side: "caller".to_owned(),
        number: "6001".to_owned(),
        remote: "192.0.2.7:5060".parse().unwrap(),
        user_agent: Some("baresip".to_owned()),
        state: "answered".to_owned(),
        codec: Some("PCMA".to_owned()),
        sip_call_id: "a@b".to_owned(),
        media: MediaView {
            packets_received: 500,
            packets_sent: 498,
            jitter_us: 750,
            round_trip_us: Some(21_500),
            ..MediaView::default()
        },
    };
    let call = CallView {
        uid: id(1),
        tenant: TenantId::DEFAULT,
        account: None,
        from_number: "6001".to_owned(),
        to_number: "*43".to_owned(),
        direction: Direction::Internal,
        state: CallState::Answered,
        started_at: STARTED,
        answered_at: Some(STARTED + Duration::from_secs(1)),
        legs: vec![leg],
    };
    let wire = serde_json::to_value(ActiveCall::of(call)).unwrap();
    let mut legs = wire["legs"].as_array().unwrap().clone();
    let mos = legs[0]["mos"].take();
    assert!(mos.as_f64().unwrap() > 4.3, "{mos}");
    assert_eq!(wire["call_id"], "01010101010101010101010101010101");
    assert_eq!((&wire["state"], &wire["direction"]), (&json!("answered"), &json!("internal")));
    assert_eq!(
        (&wire["started_at"], &wire["answered_at"]),
        (&json!("2025-11-21T07:59:11.000Z"), &json!("2025-11-21T07:59:12.000Z"))
    );
    assert_eq!(
        legs[0],
        json!({
            "leg_id": "02020202020202020202020202020202", "side": "caller", "number": "6001", "remote": "192.0.2.7:5060",
            "user_agent": "baresip", "state": "answered", "sip_status": null, "codec": "PCMA", "packets_received": 500,
            "packets_sent": 498, "lost": 0, "loss_ratio": 0.0, "jitter_ms": 0.75, "round_trip_ms": 21.5, "mos": null
        })
    );
}
