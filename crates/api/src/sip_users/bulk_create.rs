//! `POST /api/sip-users/bulk-create`

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::create::{CreatedSipUser, NewSipUser, Prepared, prepare};
use crate::auth::{Permit, SipUsers};
use crate::extract::{JsonBody, parse};
use crate::openapi::{BadBody, Guarded};
use crate::problem::{Answer, Problem, ProblemBody};
use crate::state::App;

/// Users of one request: one transaction, during which no other change of accounts is made.
const MAX_USERS: usize = 500;

/// SIP users to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkCreate {
    /// Each as for `POST /api/sip-users/`.
    #[schema(value_type = Vec<NewSipUser>, min_items = 1, max_items = 500)]
    users: Vec<serde_json::Value>,
}

/// What became of each, in the order of the request.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkCreated {
    total: usize,
    created: usize,
    failed: usize,
    results: Vec<ItemResult>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemResult {
    /// Its place in the request, from 0.
    index: usize,
    /// As it was asked for.
    username: Option<String>,
    /// `created` or `failed`.
    #[schema(example = "created")]
    status: &'static str,
    /// When created.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<CreatedSipUser>,
    /// When failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemBody>,
}

/// Make many SIP users
///
/// Each is made or refused for itself; the answer is 200 even when some or all are refused.
#[utoipa::path(
    post, path = "/api/sip-users/bulk-create", tag = "sip-users", operation_id = "bulk_create_sip_users",
    security(("sip_admin" = []), ("api_key" = [])), request_body = BulkCreate,
    responses((status = 200, description = "What became of each", body = BulkCreated), BadBody, Guarded)
)]
pub(crate) async fn bulk_create(
    State(app): State<App>,
    permit: Permit<SipUsers>,
    JsonBody(BulkCreate { users }): JsonBody<BulkCreate>,
) -> Answer<Json<BulkCreated>> {
    let total = users.len();
    if !(1..=MAX_USERS).contains(&total) {
        return Err(Problem::field("users", format!("must have 1 to {MAX_USERS} items")));
    }
    // Those that are refused before the exchange sees them, and the places of the others in what it is asked to make.
    let mut results: Vec<ItemResult> = users.iter().enumerate().map(ItemResult::pending).collect();
    let (mut accounts, mut waiting) = (Vec::new(), Vec::new());
    for (result, item) in results.iter_mut().zip(&users) {
        let new = parse::<NewSipUser>(item.to_string().as_bytes());
        match new.and_then(|new| prepare(permit.tenant(), new)) {
            Ok(Prepared { account, generated }) => {
                accounts.push(account);
                waiting.push((result, generated));
            }
            Err(problem) => result.fail(problem),
        }
    }
    let made = app.exchange.accounts().create_each(accounts).await?;
    for ((result, generated), made) in waiting.into_iter().zip(made) {
        match made {
            Ok(account) => result.succeed(CreatedSipUser::of(&account, generated, &app)),
            Err(error) => result.fail(error.into()),
        }
    }
    let created = results.iter().filter(|result| result.user.is_some()).count();
    Ok(Json(BulkCreated { total, created, failed: total - created, results }))
}

impl ItemResult {
    fn pending((index, item): (usize, &serde_json::Value)) -> ItemResult {
        let username = item.get("username").and_then(|name| name.as_str()).map(str::to_owned);
        ItemResult { index, username, status: "failed", user: None, error: None }
    }

    fn succeed(&mut self, user: CreatedSipUser) {
        self.status = "created";
        self.user = Some(user);
    }

    fn fail(&mut self, problem: Problem) {
        self.error = Some(problem.into_body());
    }
}
