//! `GET /api/openapi.json`

use axum::Json;
use axum::extract::Extension;
use std::sync::Arc;

use utoipa::openapi::OpenApi;

/// The document, made once.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) Arc<OpenApi>);

/// This document
#[utoipa::path(
    get, path = "/api/openapi.json", tag = "system", operation_id = "openapi", security(()),
    responses((status = 200, description = "The API in OpenAPI 3.1", body = Object))
)]
pub(crate) async fn openapi_json(Extension(Document(document)): Extension<Document>) -> Json<Arc<OpenApi>> {
    Json(document)
}
