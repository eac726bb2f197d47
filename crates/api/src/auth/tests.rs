//! Who may do what, over the real router.

use serde_json::json;

use crate::testing::{Api, As, SECRET, SIP_SECRET, signed};

#[tokio::test]
async fn without_good_credentials_nothing_opens() {
    let api = Api::start().await;
    let expired = {
        let user = api.storage.users().find_by_username("admin").await.unwrap().unwrap();
        let now = api.clock.now().as_secs();
        signed(
            SECRET,
            &json!({"sub": user.id, "tenant": user.tenant, "use": "access", "iat": now, "exp": now - 1}),
        )
    };
    let foreign = signed("another secret", &json!({"sub": "x", "use": "access", "exp": u32::MAX}));
    for (who, code) in [
        (As::Nobody, "unauthenticated"),
        (As::Bearer("cp_unknown".into()), "unauthenticated"),
        (As::Key("cp_unknown".into()), "unauthenticated"),
        (As::Key(String::new()), "unauthenticated"),
        (As::Bearer("a.b.c".into()), "unauthenticated"),
        (foreign, "unauthenticated"),
        (expired, "token-expired"),
    ] {
        for path in ["/api/calls/active", "/api/sip-users/", "/api/tokens", "/api/config/status"] {
            let reply = api.get(&who, path).await;
            assert_eq!(reply.refusal(), (401, code, ""), "{who:?} {path}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn credentials_are_asked_for_before_the_body_is_looked_at() {
    let api = Api::start().await;
    let reply = api.post(&As::Nobody, "/api/sip-users/", json!({"nonsense": 1})).await;
    assert_eq!(reply.refusal(), (401, "unauthenticated", ""));
}

#[tokio::test]
async fn the_ordinary_token_is_no_token_for_sip_users() {
    let api = Api::start().await;
    let (access, sip) = (api.access("admin").await, api.sip_admin("admin").await);
    let id = api.sip_user(&sip, "6001").await["id"].as_str().unwrap().to_owned();
    let one = format!("/api/sip-users/{id}");
    let refused = (403, "sip-admin-token-required", "");
    assert_eq!(api.get(&access, "/api/sip-users/").await.refusal(), refused);
    assert_eq!(api.get(&access, &one).await.refusal(), refused);
    assert_eq!(api.post(&access, "/api/sip-users/", json!({"username": "6002"})).await.refusal(), refused);
    assert_eq!(api.put(&access, &one, json!({})).await.refusal(), refused);
    assert_eq!(api.delete(&access, &one).await.refusal(), refused);
    assert_eq!(api.get(&sip, "/api/calls/active").await.refusal(), (403, "access-token-required", ""));
    assert_eq!(api.get(&sip, &one).await.expect(200)["username"], "6001");
}

#[tokio::test]
async fn an_application_signs_with_the_shared_secret() {
    let api = Api::start().await;
    let exp = api.clock.now().as_secs() + 60;
    let cms = signed(SIP_SECRET, &json!({"sub": "cms", "exp": exp}));
    api.sip_user(&cms, "6001").await;
    assert_eq!(api.get(&cms, "/api/calls/active").await.status, 403);
    let wrong_secret = signed(SECRET, &json!({"sub": "cms", "exp": exp}));
    assert_eq!(api.get(&wrong_secret, "/api/sip-users/").await.refusal(), (401, "unauthenticated", ""));
    let over = signed(SIP_SECRET, &json!({"sub": "cms", "exp": 1}));
    assert_eq!(api.get(&over, "/api/sip-users/").await.refusal(), (401, "token-expired", ""));
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say() {
    let api = Api::start().await;
    let users = api.key(&["sip-users"]).await;
    api.sip_user(&users, "6001").await;
    assert_eq!(api.get(&users, "/api/calls/active").await.refusal(), (403, "missing-right", ""));
    let calls = api.key(&["calls:read"]).await;
    api.get(&calls, "/api/calls/active").await.expect(200);
    let reply = api.get(&calls, "/api/sip-users/").await;
    assert_eq!(reply.refusal(), (403, "missing-right", ""));
    assert!(reply.body["detail"].as_str().unwrap().contains("sip-users"));
    // As a bearer token too.
    let As::Key(text) = users else { unreachable!() };
    api.get(&As::Bearer(text), "/api/sip-users/").await.expect(200);
}

#[tokio::test]
async fn roles_are_kept() {
    let api = Api::start().await;
    let (viewer, operator) = (api.access("viewer").await, api.access("operator").await);
    let call = "/api/calls/019aa54c6a920007abcdffffffffffff/hangup";
    api.get(&viewer, "/api/calls/active").await.expect(200);
    assert_eq!(api.post(&viewer, call, json!({})).await.refusal(), (403, "missing-right", ""));
    assert_eq!(api.post(&operator, call, json!({})).await.refusal(), (404, "not-found", ""));
    for who in [&viewer, &operator] {
        assert_eq!(api.get(who, "/api/tokens").await.refusal(), (403, "missing-right", ""));
    }
}
