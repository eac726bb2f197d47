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
