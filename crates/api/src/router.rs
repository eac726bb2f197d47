//! All routes, each with its documentation, and what surrounds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::http::{StatusCode, Uri};
use axum::{Router, middleware};
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::observe::observe;
use crate::problem::Problem;
use crate::state::{App, Inner, State};
use crate::system::openapi_json::Document;
use crate::{auth, calls, channels, registrations, sip_users, system, tokens};

/// The API as a service: every route, its documentation, and what surrounds them.
///
/// Meant to be served with [`crate::serve`], which tells it where requests come from.
pub fn router(state: State) -> Router {
    let app = Inner::new(state);
    let (routes, document) = routes().split_for_parts();
    let slashed = slashed(&document);
    let docs = SwaggerUi::new("/api/docs").config(Config::from("/api/openapi.json"));
    let routes = routes
        .merge(docs)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(Extension(Document(Arc::new(document))))
        .layer(DefaultBodyLimit::max(app.settings.max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app);
    // Around the router, not within: a path is changed before a route is looked for.
    let respell = MapRequestLayer::new(move |request| respelled(request, &slashed));
    Router::new().fallback_service(ServiceBuilder::new().layer(respell).service(routes))
}

/// The OpenAPI document of the API.
#[must_use]
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

/// The OpenAPI document as text: what `crosspoint openapi` prints and `docs/openapi.json` holds.
#[must_use]
pub fn openapi_json() -> String {
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(crate::openapi::base())
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::refresh::refresh))
        .routes(routes!(sip_users::create::create, sip_users::list::list))
        .routes(routes!(sip_users::bulk_create::bulk_create))
        .routes(routes!(sip_users::read::read, sip_users::update::update, sip_users::remove::remove))
        .routes(routes!(sip_users::unlock::unlock))
        .routes(routes!(sip_users::credentials::credentials))
        .routes(routes!(sip_users::reset::reset))
        .routes(routes!(sip_users::stats::stats))
        .routes(routes!(calls::history::history))
        .routes(routes!(calls::active::active))
        .routes(routes!(calls::read::read))
        .routes(routes!(calls::hangup::hangup))
        .routes(routes!(registrations::list::list))
        .routes(routes!(registrations::remove::remove))
        .routes(routes!(channels::list))
        .routes(routes!(tokens::create::create, tokens::list::list))
        .routes(routes!(tokens::remove::remove))
        .routes(routes!(system::config_status::config_status))
        .routes(routes!(system::health::health))
        .routes(routes!(system::ready::ready))
        .routes(routes!(system::metrics::metrics))
        .routes(routes!(system::openapi_json::openapi_json))
}

/// The paths that are written with a slash at their end.
fn slashed(document: &OpenApi) -> BTreeSet<String> {
    document.paths.paths.keys().filter(|path| path.ends_with('/')).cloned().collect()
}

/// Every path is good with and without a slash at its end.
fn respelled(mut request: Request, slashed: &BTreeSet<String>) -> Request {
    let path = request.uri().path();
    let bare = path.trim_end_matches('/');
    let with = format!("{bare}/");
    let spelling = if slashed.contains(&with) { with.as_str() } else { bare };
    if spelling == path || bare.is_empty() || bare.starts_with("/api/docs") {
        return request;
    }
    let target = match request.uri().query() {
        Some(query) => format!("{spelling}?{query}"),
        None => spelling.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = target.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-such-route", "There is nothing at this path.")
}

async fn no_method() -> Problem {
    let detail = "This path does not take this method; `Allow` says which.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(uri: &str) -> String {
        let slashed = BTreeSet::from(["/api/sip-users/".to_owned()]);
        let request = Request::builder().uri(uri).body(axum::body::Body::empty()).unwrap();
        respelled(request, &slashed).uri().to_string()
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for (asked, routed) in [
            ("/api/sip-users", "/api/sip-users/"),
            ("/api/sip-users/", "/api/sip-users/"),
            ("/api/sip-users?page=2", "/api/sip-users/?page=2"),
            ("/api/sip-users/7/", "/api/sip-users/7"),
            ("/health/", "/health"),
            ("/health?a=b/", "/health?a=b/"),
            ("/", "/"),
            ("/api/docs/", "/api/docs/"),
            ("http://pbx.example/api/sip-users", "http://pbx.example/api/sip-users/"),
        ] {
            assert_eq!(spelled(asked), routed);
        }
    }

    #[test]
    fn what_the_specification_writes_with_a_slash_is_documented_with_one() {
        let slashed = slashed(&openapi());
        assert_eq!(
            slashed.iter().map(String::as_str).collect::<Vec<_>>(),
            ["/api/calls/", "/api/sip-users/"]
        );
    }
}
