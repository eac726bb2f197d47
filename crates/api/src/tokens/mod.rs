//! `/api/tokens`: keys of programs. One file per endpoint.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod remove;

use model::{ApiToken, TokenId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::moment::Moment;

/// An API key, without the key.
#[derive(Serialize, ToSchema)]
pub(crate) struct Token {
    #[schema(value_type = String)]
    id: TokenId,
    /// What its maker calls it.
    #[schema(example = "crm")]
    name: String,
    /// How it begins.
    #[schema(example = "cp_Ab12Cd")]
    hint: String,
    /// What it may do.
    #[schema(example = json!(["sip-users", "calls:read"]))]
    scopes: Vec<String>,
    created_at: Moment,
    expires_at: Option<Moment>,
    /// Roughly.
    last_used_at: Option<Moment>,
}

impl Token {
    fn of(token: ApiToken) -> Token {
        Token {
            id: token.id,
            name: token.name,
            hint: token.hint,
            scopes: token.scopes,
            created_at: Moment(token.created_at),
            expires_at: token.expires_at.map(Moment),
            last_used_at: token.last_used_at.map(Moment),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Api, As};

    async fn make(api: &Api, who: &As, body: Value) -> Value {
        api.post(who, "/api/tokens", body).await.expect(201)
    }

    #[tokio::test]
    async fn a_key_is_shown_once_and_only_its_hash_is_kept() {
        let api = Api::start().await;
        let admin = api.access("admin").await;
        let made =
            make(&api, &admin, json!({"name": "crm", "scopes": ["calls:read", "sip-users", "calls:read"]}))
                .await;
        let key = made["key"].as_str().unwrap();
        assert_eq!((key.len(), made["hint"].as_str().unwrap()), (46, &key[..9]));
        assert_eq!(made["scopes"], json!(["sip-users", "calls:read"]));
        let list = api.get(&admin, "/api/tokens").await;
        assert!(!list.text.contains(key));
        let list = list.expect(200);
        assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &json!("crm")));
        assert_eq!(
            (&list["items"][0]["last_used_at"], &list["items"][0]["expires_at"]),
            (&Value::Null, &Value::Null)
        );
    }

    #[tokio::test]
    async fn use_is_noted_and_removal_shuts() {
        let api = Api::start().await;
        let admin = api.access("admin").await;
        let made = make(&api, &admin, json!({"name": "crm", "scopes": ["calls:read"]})).await;
        let key = As::Key(made["key"].as_str().unwrap().into());
        api.get(&key, "/api/calls/active").await.expect(200);
        let list = api.get(&admin, "/api/tokens").await.expect(200);
        assert!(list["items"][0]["last_used_at"].is_string());
        let path = format!("/api/tokens/{}", made["id"].as_str().unwrap());
        assert_eq!(api.delete(&admin, &path).await.status, 204);
        assert_eq!(api.get(&key, "/api/calls/active").await.refusal(), (401, "unauthenticated", ""));
        assert_eq!(api.delete(&admin, &path).await.refusal(), (404, "not-found", ""));
    }

    #[tokio::test]
    async fn a_key_ends() {
        let api = Api::start().await;
        let admin = api.access("admin").await;
        let body = json!({"name": "crm", "scopes": ["calls:read"], "expires_at": "2099-01-01T00:00:00Z"});
        let made = make(&api, &admin, body).await;
        assert_eq!(made["expires_at"], "2099-01-01T00:00:00.000Z");
        let key = made["key"].as_str().unwrap();
        let tokens = api.storage.tokens();
        let token = tokens.find_by_hash(&crate::auth::key::hash(key)).await.unwrap().unwrap();
        tokens.delete(token.tenant, token.id).await.unwrap();
        tokens.insert(&model::ApiToken { expires_at: Some(api.clock.now()), ..token }).await.unwrap();
        let reply = api.get(&As::Key(key.into()), "/api/calls/active").await;
        assert_eq!(reply.refusal(), (401, "unauthenticated", ""));
    }

    #[tokio::test]
    async fn wrong_fields_are_named() {
        let api = Api::start().await;
        let admin = api.access("admin").await;
        for (body, code, field) in [
            (json!({"name": " ", "scopes": ["calls:read"]}), "invalid-field", "name"),
            (json!({"name": "a", "scopes": []}), "invalid-field", "scopes"),
            (json!({"name": "a", "scopes": ["everything"]}), "invalid-field", "scopes[0]"),
            (
                json!({"name": "a", "scopes": ["calls:read"], "expires_at": "2001-01-01T00:00:00Z"}),
                "invalid-field",
                "expires_at",
            ),
            (
                json!({"name": "a", "scopes": ["calls:read"], "expires_at": "soon"}),
                "invalid-field",
                "expires_at",
            ),
            (json!({"name": "a", "scope": "calls:read"}), "unknown-field", "scope"),
            (json!({"name": "a"}), "invalid-field", "scopes"),
        ] {
            assert_eq!(
                api.post(&admin, "/api/tokens", body.clone()).await.refusal(),
                (422, code, field),
                "{body}"
            );
        }
        let both = api.post(&admin, "/api/tokens", json!({"name": "", "scopes": []})).await;
        assert_eq!(both.body["errors"].as_array().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_name_is_unique_in_its_tenant() {
        let api = Api::start().await;
        let (admin, stranger) = (api.access("admin").await, api.access("stranger").await);
        let body = json!({"name": "crm", "scopes": ["calls:read"]});
        make(&api, &admin, body.clone()).await;
        assert_eq!(api.post(&admin, "/api/tokens", body.clone()).await.refusal(), (409, "duplicate", "name"));
        make(&api, &stranger, body).await;
    }

    #[tokio::test]
    async fn a_key_gives_no_more_than_it_has() {
        let api = Api::start().await;
        let keys = api.key(&["keys:manage", "calls:read"]).await;
        make(&api, &keys, json!({"name": "less", "scopes": ["calls:read"]})).await;
        let more = api
            .post(&keys, "/api/tokens", json!({"name": "more", "scopes": ["calls:read", "sip-users"]}))
            .await;
        assert_eq!(more.refusal(), (403, "missing-right", ""));
    }

    #[tokio::test]
    async fn another_tenants_keys_do_not_exist() {
        let api = Api::start().await;
        let (admin, stranger) = (api.access("admin").await, api.access("stranger").await);
        let made = make(&api, &admin, json!({"name": "crm", "scopes": ["calls:read"]})).await;
        assert_eq!(api.get(&stranger, "/api/tokens").await.expect(200)["total"], 0);
        let path = format!("/api/tokens/{}", made["id"].as_str().unwrap());
        assert_eq!(api.delete(&stranger, &path).await.refusal(), (404, "not-found", ""));
        let theirs = make(&api, &stranger, json!({"name": "x", "scopes": ["sip-users"]})).await;
        let sip = api.sip_admin("admin").await;
        api.sip_user(&sip, "6001").await;
        let key = As::Key(theirs["key"].as_str().unwrap().into());
        assert_eq!(api.get(&key, "/api/sip-users/").await.expect(200)["total"], 0);
    }
}
