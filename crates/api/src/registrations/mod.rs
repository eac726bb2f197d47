//! `/api/registrations`: who is registered, and where. One file per endpoint.

pub(crate) mod list;
pub(crate) mod remove;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clock::SystemClock;
    use model::{AccountId, Binding, BindingKey, Ha1, NewAccount, TenantId};
    use serde_json::json;
    use storage::{Storage, Write};
    use uri::Aor;

    use crate::testing::{Api, DOMAIN, id, other_tenant, write};

    async fn register(storage: &Storage, tenant: TenantId, number: u8, contacts: &[&str]) {
        let now = SystemClock::new().now();
        let username = format!("60{number:02}");
        let new = NewAccount::new(tenant, &username, DOMAIN, "k3dT-9xQv");
        let ha1 =
            |_: &str, _: &str| Ha1 { md5: "0".repeat(32), sha256: String::new(), sha512_256: String::new() };
        let account = new.into_account(id(number), now, ha1).unwrap();
        storage.accounts().insert(&account).await.unwrap();
        let bindings = contacts.iter().map(|contact| Binding {
            id: BindingKey::contact(contact),
            account: account.id,
            tenant,
            aor: Aor::new(&username, DOMAIN).unwrap(),
            contact: (*contact).to_owned(),
            instance: None,
            reg_id: None,
            transport: "udp".to_owned(),
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: "192.0.2.7:5062".parse().unwrap(),
            connection: None,
            path: Vec::new(),
            user_agent: Some("baresip 3".to_owned()),
            call_id: "r@phone".to_owned(),
            cseq: 2,
            q_milli: 700,
            expires_at: now + Duration::from_secs(600),
            registered_at: now,
        });
        write(storage, bindings.map(|binding| Write::BindingPut(Box::new(binding)))).await;
    }

    async fn started() -> Api {
        Api::start_after(async |storage| {
            register(storage, TenantId::DEFAULT, 1, &["sip:6001@10.0.0.7:5062;ob", "sip:6001@10.0.0.8"])
                .await;
            register(storage, TenantId::DEFAULT, 2, &["sip:6002@10.0.0.9"]).await;
            register(storage, other_tenant(storage).await, 3, &["sip:6003@10.0.0.1"]).await;
        })
        .await
    }

    #[tokio::test]
    async fn contacts_of_the_tenant_are_listed() {
        let api = started().await;
        let viewer = api.access("viewer").await;
        let list = api.get(&viewer, "/api/registrations").await.expect(200);
        assert_eq!(list["total"], 3);
        let one = api.get(&viewer, "/api/registrations?username=6002").await.expect(200);
        assert_eq!(one["total"], 1);
        let contact = &one["items"][0];
        assert_eq!(
            (&contact["aor"], &contact["contact"]),
            (&json!("sip:6002@pbx.example"), &json!("sip:6002@10.0.0.9"))
        );
        assert_eq!((&contact["username"], &contact["transport"]), (&json!("6002"), &json!("udp")));
        assert_eq!(
            (&contact["remote"], &contact["user_agent"]),
            (&json!("192.0.2.7:5062"), &json!("baresip 3"))
        );
        assert_eq!((&contact["q"], &contact["account_id"]), (&json!(0.7), &json!(id::<AccountId>(2))));
        let page = api.get(&viewer, "/api/registrations?per_page=2&page=2").await.expect(200);
        assert_eq!((&page["total"], page["items"].as_array().unwrap().len()), (&json!(3), 1));
        let sip = api.sip_admin("admin").await;
        let user = api.get(&sip, &format!("/api/sip-users/{}", id::<AccountId>(1))).await.expect(200);
        assert_eq!(user["registrations"], 2);
    }

    #[tokio::test]
    async fn the_contacts_of_a_sip_user_are_removed() {
        let api = started().await;
        let operator = api.access("operator").await;
        let path = format!("/api/registrations/{}", id::<AccountId>(1));
        assert_eq!(api.delete(&operator, &path).await.expect(200), json!({"removed": 2}));
        let list = api.get(&operator, "/api/registrations").await.expect(200);
        assert_eq!((&list["total"], &list["items"][0]["username"]), (&json!(1), &json!("6002")));
        assert_eq!(api.delete(&operator, &path).await.expect(200), json!({"removed": 0}));
    }

    #[tokio::test]
    async fn another_tenants_contacts_cannot_be_removed() {
        let api = started().await;
        let operator = api.access("operator").await;
        for number in [3, 9] {
            let path = format!("/api/registrations/{}", id::<AccountId>(number));
            assert_eq!(api.delete(&operator, &path).await.refusal(), (404, "not-found", ""));
        }
        let viewer = api.access("viewer").await;
        let path = format!("/api/registrations/{}", id::<AccountId>(1));
        assert_eq!(api.delete(&viewer, &path).await.refusal(), (403, "missing-right", ""));
    }
}
