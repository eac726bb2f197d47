//! The OpenAPI document: what all endpoints have in common. The rest stands at each endpoint.

use std::collections::BTreeMap;

use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::problem::{FieldError, PROBLEM_JSON, ProblemBody};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Crosspoint",
        description = "Calls, accounts and their state, over HTTP.\n\n\
            Log in at `POST /api/auth/login` and send `Authorization: Bearer <access_token>`; administration of SIP \
            users takes the `sip_admin_token` instead. Programs use an API key of `POST /api/tokens`, as a bearer \
            token or in `X-API-Key`.\n\n\
            Every refusal is `application/problem+json` (RFC 9457) with a stable `code`; wrong fields are named in \
            `field` and `errors`. Lists come in pages: `?page=&per_page=`. Times are RFC 3339.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "auth", description = "Logging in"),
        (name = "sip-users", description = "Accounts that register and call"),
        (name = "calls", description = "Calls in progress and the history of calls"),
        (name = "registrations", description = "Who is registered, and where"),
        (name = "channels", description = "Media of the legs of running calls"),
        (name = "tokens", description = "API keys"),
        (name = "system", description = "The server itself")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
struct Document;

/// The document without paths: title, tags, ways to authenticate, the shape of a refusal.
pub(crate) fn base() -> OpenApi {
    use utoipa::OpenApi as _;
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT or API key").build(),
        ),
    );
    components.add_security_scheme("sip_admin", {
        let scheme = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        SecurityScheme::Http(scheme.description(Some("The `sip_admin_token` of the login.")).build())
    });
    components.add_security_scheme(
        "api_key",
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
    );
    for (name, schema) in
        [(ProblemBody::name(), ProblemBody::schema()), (FieldError::name(), FieldError::schema())]
    {
        components.schemas.insert(name.into_owned(), schema);
    }
    document
}

fn refusal(description: &str) -> RefOr<Response> {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, problem).build().into()
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($status:literal $text:literal),+;)+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$(($status.to_owned(), refusal($text))),+].into()
            }
        }
    )+};
}

refusals! {
    /// Refusals of a request without good credentials.
    Unauthenticated: "401" "No credentials, or none that are good";
    /// Refusals of an endpoint that needs a right.
    Guarded: "401" "No credentials, or none that are good", "403" "The caller lacks the right";
    /// Refusals of an endpoint that takes a JSON body.
    BadBody:
        "400" "The body is not JSON", "413" "The body is too large", "415" "The body is not sent as JSON",
        "422" "A field is wrong, missing or unknown";
    /// Refusals of a list.
    BadQuery: "422" "A parameter is wrong or unknown";
    /// Refusals of an endpoint about one thing.
    Missing: "404" "There is no such thing for this caller";
    /// Refusals of an endpoint that makes or changes something unique.
    Taken: "409" "A value that must be unique is taken";
    /// Refusals of an endpoint that limits tries.
    TooMany: "429" "Too many tries; `Retry-After` says when to come back";
}
