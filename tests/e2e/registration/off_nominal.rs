//! Phones, people and programs that do not do as they should.

use serde_json::json;
use testkit::{Account, Msg, Phone, Server, Setup};

/// A refusal without what has to differ each time: ids of the transaction, the nonce, `stale`, and the realm.
fn essence(answer: &Msg) -> Vec<String> {
    let own = ["Via", "From", "To", "Call-ID", "CSeq"];
    let mut lines = vec![answer.start.clone()];
    for (name, value) in &answer.headers {
        let value = match name.as_str() {
            known if own.contains(&known) => String::new(),
            "WWW-Authenticate" => {
                let fields = value.split(',').map(|field| match field.trim().split_once('=') {
                    Some(("nonce", nonce)) => format!("nonce={}", nonce.len()),
                    _ => field.to_owned(),
                });
                let fields: Vec<String> = fields.filter(|field| !field.starts_with("stale")).collect();
                fields.join(", ")
            }
            _ => value.clone(),
        };
        lines.push(format!("{name}: {value}"));
    }
    lines.push(answer.body.clone());
    lines
}

/// Sends a REGISTER with an Authorization of the phone's own making; gives the answer.
fn refused(phone: &mut Phone, change: impl Fn(String) -> String) -> Msg {
    let request = phone.register_request(600);
    let challenge = phone.exchange(&request);
    let mut again = phone.authorized(&request, &challenge);
    let changed = change(again.need("Authorization").to_owned());
    again.remove("Authorization");
    let answer = phone.exchange(&again.with("Authorization", changed));
    assert_eq!(answer.status(), 401, "{answer:#?}");
    answer
}

#[test]
fn wrong_password_unknown_account_old_nonce_and_foreign_realm_are_refused_alike() {
    let server = Server::start();
    let other = Server::start();
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let disabled = api.account("6103", &json!({"enabled": false}));
    let phone_of = |account: &Account| Phone::udp(server.sip, server.peer_ip(2), account);

    let wrong = Account { password: "not the password".to_owned(), ..account.clone() };
    let wrong = refused(&mut phone_of(&wrong), |answer| answer);
    let unknown = Account { username: "6999".to_owned(), ..account.clone() };
    let unknown = refused(&mut phone_of(&unknown), |answer| answer);
    let disabled = refused(&mut phone_of(&disabled), |answer| answer);

    // A nonce that this server never gave out; one whose time is over looks the same to it.
    let mut elsewhere = Phone::udp(other.sip, other.peer_ip(2), &account);
    let request = elsewhere.register_request(600);
    let foreign_challenge = elsewhere.exchange(&request);
    let mut phone = phone_of(&account);
    let request = phone.register_request(600);
    let with_old_nonce = phone.authorized(&request, &foreign_challenge);
    let old_nonce = phone.exchange(&with_old_nonce);
    assert_eq!(old_nonce.status(), 401);

    let foreign_realm =
        refused(&mut phone_of(&account), |answer| answer.replacen("pbx.test", "elsewhere.test", 1));

    let expected = essence(&wrong);
    for (what, answer) in [
        ("unknown account", &unknown),
        ("disabled account", &disabled),
        ("old nonce", &old_nonce),
        ("foreign realm", &foreign_realm),
    ] {
        assert_eq!(essence(answer), expected, "{what}");
    }
    assert!(
        !wrong.need("WWW-Authenticate").contains("stale=true"),
        "stale would make the phone try for ever"
    );
    assert_eq!(api.need("/api/registrations")["total"], 0);
}

#[test]
fn a_challenge_does_not_tell_whether_the_account_exists() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let unknown = Account { username: "6999".to_owned(), ..account.clone() };
    let [one, other] = [account, unknown].map(|account| {
        let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
        let request = phone.register_request(600);
        essence(&phone.exchange(&request))
    });
    assert_eq!(one, other);
}

#[test]
fn one_account_cannot_register_as_another() {
    let server = Server::start();
    let api = server.admin();
    let (thief, victim) = (api.account("6101", &json!({})), api.account("6102", &json!({})));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &thief);
    let mut request = phone.register_request(600);
    for (name, value) in &mut request.headers {
        if matches!(name.as_str(), "To" | "From") {
            *value = value.replace("sip:6101@", "sip:6102@");
        }
    }
    let challenge = phone.exchange(&request);
    let again = phone.authorized(&request, &challenge);
    let answer = phone.exchange(&again);
    assert!(matches!(answer.status(), 401 | 403), "{}", answer.start);
    assert_eq!(api.need(&format!("/api/registrations?username={}", victim.username))["total"], 0);
}

#[test]
fn a_captured_authorization_is_of_no_use() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let request = phone.register_request(600);
    let challenge = phone.exchange(&request);
    let good = phone.authorized(&request, &challenge);
    assert_eq!(phone.exchange(&good).status(), 200);
    // The same header in a new transaction: the nonce count was used.
    let captured = phone.again(&good);
    assert_eq!(phone.exchange(&captured).status(), 401);
    // For another method it would not fit anyway, and to another account it does not belong.
    let mut thief = Phone::udp(server.sip, server.peer_ip(3), &account);
    let mut stolen = thief.register_request(600);
    stolen.remove("Authorization");
    let stolen = stolen.with("Authorization", good.need("Authorization"));
    assert_eq!(thief.exchange(&stolen).status(), 401);
}

#[test]
fn a_retransmitted_register_gets_the_same_answer() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    let request = phone.register_request(600);
    let challenge = phone.exchange(&request);
    let good = phone.authorized(&request, &challenge);
    let first = phone.exchange(&good);
    let second = phone.exchange(&good);
    assert_eq!((first.status(), &first), (200, &second));
}

#[test]
fn an_older_cseq_changes_nothing() {
    let server = Server::start();
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    phone.register(600);
    let mut removal = phone.register_request(0);
    let challenge = phone.exchange(&removal);
    removal = phone.authorized(&removal, &challenge);
    for (name, value) in &mut removal.headers {
        if name == "CSeq" {
            "1 REGISTER".clone_into(value);
        }
    }
    // RFC 3261 §10.3 step 7: out of order, the whole request is refused.
    let answer = phone.exchange(&removal);
    assert!(answer.status() >= 400, "{}", answer.start);
    assert_eq!(api.need("/api/registrations?username=6101")["total"], 1);
}

#[test]
fn contacts_beyond_the_limit_are_refused_and_the_others_stay() {
    let server = Server::start();
    let api = server.admin();
    let account = api.account("6101", &json!({"max_contacts": 2}));
    let mut phones: Vec<Phone> =
        (2..=4).map(|host| Phone::udp(server.sip, server.peer_ip(host), &account)).collect();
    phones[0].register(600);
    phones[1].register(600);
    let third = phones[2].register_request(600);
    let answer = phones[2].ask(&third);
    assert_eq!(answer.status(), 403, "{}", answer.start);
    let list = api.need("/api/registrations?username=6101");
    assert_eq!(list["total"], 2);
    phones[0].register(600);
    phones[0].register(0);
    phones[2].register(600);
}

#[test]
fn a_foreign_domain_is_not_registered_here() {
    let server = Server::start();
    let account = server.admin().account("6101", &json!({}));
    let foreign = Account { domain: "elsewhere.test".to_owned(), ..account };
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &foreign);
    let request = phone.register_request(600);
    let answer = phone.ask(&request);
    assert!(matches!(answer.status(), 401 | 403 | 404), "{}", answer.start);
}

#[test]
fn contradictory_and_broken_registers_are_refused_with_the_status_that_fits() {
    let server = Server::start_with(Setup::sqlite());
    let api = server.admin();
    let account = api.account("6101", &json!({}));
    let mut phone = Phone::udp(server.sip, server.peer_ip(2), &account);
    // RFC 3261 §10.3 step 6: `*` goes with Expires 0 and with nothing else.
    let mut star = phone.register_request(600);
    star.remove("Contact");
    assert_eq!(phone.ask(&star.with("Contact", "*")).status(), 400);
    let mut two = phone.register_request(0);
    two.remove("Contact");
    let contact = format!("<{}>", phone.contact());
    assert_eq!(phone.ask(&two.with("Contact", "*").with("Contact", contact)).status(), 400);
    for name in ["From", "To", "Call-ID", "CSeq"] {
        let mut broken = phone.register_request(600);
        broken.remove(name);
        phone.send(&broken);
    }
    let mut version = phone.register_request(600);
    version.start = version.start.replace("SIP/2.0", "SIP/3.0");
    assert_eq!(phone.exchange(&version).status(), 505);
    assert_eq!(phone.register(600).status(), 200, "and it goes on");
}
