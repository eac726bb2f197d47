//! SIP users over the real router: what goes right, and every way it is refused.

use serde_json::{Value, json};

use crate::testing::{Api, As, DOMAIN};

async fn started() -> (Api, As) {
    let api = Api::start().await;
    let sip = api.sip_admin("admin").await;
    (api, sip)
}

fn path(user: &Value, rest: &str) -> String {
    format!("/api/sip-users/{}{rest}", user["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_sip_user_is_made_read_changed_and_removed() {
    let (api, sip) = started().await;
    let reply = api
        .post(
            &sip,
            "/api/sip-users/",
            json!({
                "username": "6001", "password": "k3dT-9xQv", "display_name": "Ana", "template": "webrtc", "extension": "601",
                "max_contacts": 2, "max_concurrent_calls": 1, "permissions": ["internal", "premium"], "email": "ana@example.org",
                "external_id": "u-17", "caller_id": "+4930123456", "context": "office"
            }),
        )
        .await;
    let location = reply.headers["location"].to_str().unwrap().to_owned();
    let made = reply.expect(201);
    assert_eq!(location, path(&made, ""));
    let of = |name: &str| made[name].clone();
    assert_eq!(
        (of("username"), of("domain"), of("display_name")),
        (json!("6001"), json!(DOMAIN), json!("Ana"))
    );
    assert_eq!(
        (of("template"), of("extension"), of("context")),
        (json!("webrtc"), json!("601"), json!("office"))
    );
    assert_eq!((of("max_contacts"), of("max_concurrent_calls")), (json!(2), json!(1)));
    assert_eq!((of("permissions"), of("enabled")), (json!(["internal", "premium"]), json!(true)));
    assert_eq!((of("external_id"), of("registrations")), (json!("u-17"), json!(0)));
    assert!(made.get("password").is_none(), "a password that was given is not given back");

    assert_eq!(api.get(&sip, &location).await.expect(200), made);
    let change =
        json!({"display_name": "Ana B.", "extension": null, "enabled": false, "password": "other-9xQv!"});
    let changed = api.put(&sip, &location, change).await.expect(200);
    assert_eq!((&changed["display_name"], &changed["extension"]), (&json!("Ana B."), &Value::Null));
    assert_eq!((&changed["enabled"], &changed["template"]), (&json!(false), &json!("webrtc")));
    assert!(changed.get("password").is_none());

    let gone = api.delete(&sip, &location).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    assert_eq!(api.get(&sip, &location).await.refusal(), (404, "not-found", ""));
    assert_eq!(api.delete(&sip, &location).await.refusal(), (404, "not-found", ""));
}

#[tokio::test]
async fn a_password_that_is_not_given_is_made_and_shown_once() {
    let (api, sip) = started().await;
    let made = api.sip_user(&sip, "6001").await;
    assert_eq!(made["password"].as_str().unwrap().len(), 20);
    assert!(api.get(&sip, &path(&made, "")).await.expect(200).get("password").is_none());
    assert!(
        !api.get(&sip, &path(&made, "/credentials")).await.text.contains(made["password"].as_str().unwrap())
    );
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let (api, sip) = started().await;
    for (body, code, field) in [
        (json!({}), "invalid-field", "username"),
        (json!({"username": "a b"}), "invalid-field", "username"),
        (json!({"username": ""}), "invalid-field", "username"),
        (json!({"username": "6001", "pasword": "x"}), "unknown-field", "pasword"),
        (json!({"username": "6001", "password": "short"}), "invalid-field", "password"),
        (json!({"username": "6001", "password": "6001"}), "invalid-field", "password"),
        (json!({"username": "6001", "password": "password123"}), "invalid-field", "password"),
        (json!({"username": "6001", "extension": "12a"}), "invalid-field", "extension"),
        (json!({"username": "6001", "template": "fax"}), "invalid-field", "template"),
        (json!({"username": "6001", "permissions": ["all"]}), "invalid-field", "permissions[0]"),
        (json!({"username": "6001", "max_contacts": 0}), "invalid-field", "max_contacts"),
        (json!({"username": "6001", "max_contacts": -1}), "invalid-field", "max_contacts"),
        (
            json!({"username": "6001", "max_concurrent_calls": 1_000_000}),
            "invalid-field",
            "max_concurrent_calls",
        ),
        (json!({"username": "6001", "email": "nobody"}), "invalid-field", "email"),
        (json!({"username": "6001", "enabled": "yes"}), "invalid-field", "enabled"),
        (json!({"username": "6001", "display_name": "a\r\nb"}), "invalid-field", "display_name"),
        (json!([]), "invalid-field", ""),
    ] {
        let reply = api.post(&sip, "/api/sip-users/", body.clone()).await;
        assert_eq!(reply.refusal(), (422, code, field), "{body}");
    }
    assert_eq!(api.get(&sip, "/api/sip-users/").await.expect(200)["total"], 0);
}

#[tokio::test]
async fn a_weak_password_needs_a_mark() {
    let (api, sip) = started().await;
    let body = json!({"username": "6001", "password": "1234", "development_only": true});
    let made = api.post(&sip, "/api/sip-users/", body).await.expect(201);
    assert_eq!(made["development_only"], true);
    let refused = api.put(&sip, &path(&made, ""), json!({"development_only": false})).await;
    assert_eq!(refused.refusal(), (422, "invalid-field", "development_only"));
    let reset = api.post(&sip, &path(&made, "/credentials/reset"), json!({})).await.expect(200);
    assert_eq!(reset["password"].as_str().unwrap().len(), 20);
    assert_eq!(api.get(&sip, &path(&made, "")).await.expect(200)["development_only"], false);
}

#[tokio::test]
async fn what_must_be_unique_is_named_when_taken() {
    let (api, sip) = started().await;
    let first = json!({"username": "6001", "extension": "601"});
    api.post(&sip, "/api/sip-users/", first).await.expect(201);
    let same_name = api.post(&sip, "/api/sip-users/", json!({"username": "6001"})).await;
    assert_eq!(same_name.refusal(), (409, "duplicate", "username"));
    let same_number =
        api.post(&sip, "/api/sip-users/", json!({"username": "6002", "extension": "601"})).await;
    assert_eq!(same_number.refusal(), (409, "duplicate", "extension"));
    let other = api.sip_user(&sip, "6003").await;
    let change = api.put(&sip, &path(&other, ""), json!({"extension": "601"})).await;
    assert_eq!(change.refusal(), (409, "duplicate", "extension"));
}

#[tokio::test]
async fn a_change_refuses_what_it_does_not_know_and_null_where_nothing_can_be_empty() {
    let (api, sip) = started().await;
    let made = api.sip_user(&sip, "6001").await;
    for (body, code, field) in [
        (json!({"username": "6002"}), "unknown-field", "username"),
        (json!({"display_name": null}), "invalid-field", "display_name"),
        (json!({"enabled": null}), "invalid-field", "enabled"),
        (json!({"password": "6001-6001"}), "invalid-field", "password"),
        (json!({"context": "Not A Word"}), "invalid-field", "context"),
    ] {
        assert_eq!(
            api.put(&sip, &path(&made, ""), body.clone()).await.refusal(),
            (422, code, field),
            "{body}"
        );
    }
    let same = api.put(&sip, &path(&made, ""), json!({})).await.expect(200);
    assert_eq!(same["display_name"], made["display_name"]);
}

#[tokio::test]
async fn lists_come_in_pages_and_can_be_searched() {
    let (api, sip) = started().await;
    for n in 0..5 {
        api.post(
            &sip,
            "/api/sip-users/",
            json!({"username": format!("600{n}"), "display_name": format!("Desk {n}")}),
        )
        .await
        .expect(201);
    }
    let list = api.get(&sip, "/api/sip-users/?page=2&per_page=2").await.expect(200);
    assert_eq!((&list["total"], &list["page"], &list["per_page"]), (&json!(5), &json!(2), &json!(2)));
    let names = |list: &Value| {
        let items = list["items"].as_array().unwrap();
        items.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&list).len(), 2);
    let mut all = names(&list);
    for page in [1, 3] {
        all.extend(names(
            &api.get(&sip, &format!("/api/sip-users/?page={page}&per_page=2")).await.expect(200),
        ));
    }
    all.sort_unstable();
    assert_eq!(all, ["6000", "6001", "6002", "6003", "6004"], "each on one page");
    assert_eq!(names(&api.get(&sip, "/api/sip-users?search=desk%204").await.expect(200)), ["6004"]);
    assert_eq!(names(&api.get(&sip, "/api/sip-users/?page=9").await.expect(200)), Vec::<String>::new());
    for (query, code, field) in [
        ("page=0", "invalid-field", "page"),
        ("per_page=501", "invalid-field", "per_page"),
        ("per_page=many", "invalid-field", "per_page"),
        ("pgae=1", "unknown-field", "pgae"),
        ("search=%00", "invalid-field", "search"),
    ] {
        let reply = api.get(&sip, &format!("/api/sip-users/?{query}")).await;
        assert_eq!(reply.refusal(), (422, code, field), "{query}");
    }
}

#[tokio::test]
async fn another_tenants_sip_users_do_not_exist() {
    let (api, sip) = started().await;
    let stranger = api.sip_admin("stranger").await;
    let made = api.sip_user(&sip, "6001").await;
    assert_eq!(api.get(&stranger, "/api/sip-users/").await.expect(200)["total"], 0);
    let one = path(&made, "");
    assert_eq!(api.get(&stranger, &one).await.refusal(), (404, "not-found", ""));
    assert_eq!(api.put(&stranger, &one, json!({})).await.refusal(), (404, "not-found", ""));
    assert_eq!(api.delete(&stranger, &one).await.refusal(), (404, "not-found", ""));
    for rest in ["/unlock", "/credentials/reset"] {
        assert_eq!(
            api.post(&stranger, &path(&made, rest), json!({})).await.refusal(),
            (404, "not-found", "")
        );
    }
    for rest in ["/credentials", "/stats"] {
        assert_eq!(api.get(&stranger, &path(&made, rest)).await.refusal(), (404, "not-found", ""));
    }
    api.get(&sip, &one).await.expect(200);
}

#[tokio::test]
async fn an_id_that_cannot_exist_does_not_exist() {
    let (api, sip) = started().await;
    for id in ["1", "x", "019aa54c6a920007abcdffffffffffff", "..", "%00", "%ff"] {
        let reply = api.get(&sip, &format!("/api/sip-users/{id}")).await;
        assert_eq!(reply.refusal(), (404, "not-found", ""), "{id}");
    }
}

#[tokio::test]
async fn unlocking_opens_and_says_what_was() {
    let (api, sip) = started().await;
    let made = api.sip_user(&sip, "6001").await;
    let open = api.post(&sip, &path(&made, "/unlock"), json!({})).await.expect(200);
    assert_eq!((&open["was_locked"], &open["enabled"]), (&json!(false), &json!(true)));
    api.put(&sip, &path(&made, ""), json!({"enabled": false})).await.expect(200);
    let opened = api.post(&sip, &path(&made, "/unlock"), json!({})).await.expect(200);
    assert_eq!((&opened["was_locked"], &opened["enabled"]), (&json!(true), &json!(true)));
}

#[tokio::test]
async fn credentials_are_a_clients_configuration_without_the_password() {
    let (api, sip) = started().await;
    let made = api.sip_user(&sip, "6001").await;
    let given = api.get(&sip, &path(&made, "/credentials")).await.expect(200);
    assert_eq!((&given["username"], &given["realm"]), (&json!("6001"), &json!(DOMAIN)));
    assert_eq!((&given["aor"], &given["register_expires_s"]), (&json!("sip:6001@pbx.example"), &json!(3600)));
    let uris = |given: &Value| {
        let servers = given["servers"].as_array().unwrap();
        servers.iter().map(|server| server["uri"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(uris(&given), ["sip:192.0.2.1:5060;transport=udp", "sip:192.0.2.1:5060;transport=tcp"]);
    assert!(given.get("password").is_none());
    api.put(&sip, &path(&made, ""), json!({"template": "webrtc"})).await.expect(200);
    let given = api.get(&sip, &path(&made, "/credentials")).await.expect(200);
    assert_eq!(uris(&given), ["ws://192.0.2.1:8089/ws"]);
}

#[tokio::test]
async fn a_reset_password_is_stored_and_another_each_time() {
    let (api, sip) = started().await;
    let made = api.sip_user(&sip, "6001").await;
    let stored = async || {
        let id = made["id"].as_str().unwrap().parse().unwrap();
        api.storage.accounts().find(model::TenantId::DEFAULT, id).await.unwrap().unwrap().secrets
    };
    let before = stored().await;
    let first = api.post(&sip, &path(&made, "/credentials/reset"), json!({})).await.expect(200);
    let second = api.post(&sip, &path(&made, "/credentials/reset"), json!({})).await.expect(200);
    assert_ne!(first["password"], second["password"]);
    assert_eq!((&second["username"], &second["domain"]), (&json!("6001"), &json!(DOMAIN)));
    assert_ne!(stored().await.md5, before.md5);
}

#[tokio::test]
async fn each_of_many_is_made_or_refused_for_itself() {
    let (api, sip) = started().await;
    let users = json!({"users": [
        {"username": "6001", "extension": "601"}, {"username": "6001"}, {"username": "6002", "pasword": "x"},
        {"username": "6003", "password": "short"}, 7, {"username": "6004", "password": "k3dT-9xQv"}
    ]});
    let reply = api.post(&sip, "/api/sip-users/bulk-create", users).await.expect(200);
    assert_eq!((&reply["total"], &reply["created"], &reply["failed"]), (&json!(6), &json!(2), &json!(4)));
    let results = reply["results"].as_array().unwrap();
    let outcome = |n: usize| {
        (results[n]["status"].as_str().unwrap(), results[n]["error"]["field"].as_str().unwrap_or(""))
    };
    assert_eq!(outcome(0), ("created", ""));
    assert_eq!(results[0]["user"]["extension"], "601");
    assert_eq!(results[0]["user"]["password"].as_str().unwrap().len(), 20);
    assert_eq!((outcome(1), &results[1]["error"]["status"]), (("failed", "username"), &json!(409)));
    assert_eq!((outcome(2), &results[2]["error"]["code"]), (("failed", "pasword"), &json!("unknown-field")));
    assert_eq!(outcome(3), ("failed", "password"));
    assert_eq!((outcome(4).0, &results[4]["username"]), ("failed", &Value::Null));
    assert_eq!((outcome(5), results[5]["user"].get("password")), (("created", ""), None));
    assert_eq!(api.get(&sip, "/api/sip-users/").await.expect(200)["total"], 2);
}

#[tokio::test]
async fn many_have_a_bound() {
    let (api, sip) = started().await;
    for users in [json!([]), json!(vec![json!({}); 501])] {
        let reply = api.post(&sip, "/api/sip-users/bulk-create", json!({"users": users})).await;
        assert_eq!(reply.refusal(), (422, "invalid-field", "users"));
    }
}

#[tokio::test]
async fn figures_of_a_fresh_sip_user_are_zero() {
    let (api, sip) = started().await;
    let made = api.sip_user(&sip, "6001").await;
    let stats = api.get(&sip, &path(&made, "/stats")).await.expect(200);
    assert_eq!((&stats["registrations"], &stats["active_calls"]), (&json!(0), &json!(0)));
    assert_eq!((&stats["calls_total"], &stats["talk_s"]), (&json!(0), &json!(0.0)));
    assert_eq!((&stats["last_call_at"], &stats["registered_at"]), (&Value::Null, &Value::Null));
}
