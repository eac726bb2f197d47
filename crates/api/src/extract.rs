//! What a handler takes from a request, and how it is refused when it is wrong.
//!
//! [`JsonBody`] and [`Filters`] name the field that is to blame and refuse what they do not know;
//! [`Id`] makes an id that cannot exist look like one that does not.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use crate::problem::{FieldError, Problem};

/// A JSON body of the shape `T`.
///
/// 415 for another media type, 413 for a body beyond the limit, 400 for what is not JSON, and 422 naming the
/// field for JSON of another shape.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The body must be JSON, sent as `Content-Type: application/json`.",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|refusal| unreadable(&refusal))?;
        parse(&bytes).map(JsonBody)
    }
}

/// The query of the request as `T`; 422 naming the parameter when it is unknown or wrong.
pub(crate) struct Filters<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Filters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        // No text of ours holds control characters, and PostgreSQL takes no NUL.
        if let Some((name, _)) = pairs.clone().find(|(_, value)| value.chars().any(char::is_control)) {
            return Err(Problem::field(name, "must not have control characters"));
        }
        serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs)).map(Filters).map_err(
            |error| Problem::fields(vec![blame(&error.path().to_string(), &error.into_inner().to_string())]),
        )
    }
}

/// An id in the path; 404 when it is not one.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| text.parse().ok()).map(Id).ok_or_else(|| Problem::not_found("thing"))
    }
}

/// Where the request came from.
#[derive(Clone, Copy)]
pub(crate) struct Source(pub(crate) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Requests without a connection (a router driven directly) all count as one source.
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Source(
            peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(addr)| addr.ip().to_canonical()),
        ))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()) else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unreadable(refusal: &BytesRejection) -> Problem {
    if refusal.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The body is larger than this server takes.",
        )
    } else {
        Problem::new(StatusCode::BAD_REQUEST, "unreadable-body", "The body could not be read.")
    }
}

/// Reads JSON, or says which field is to blame.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() {
            Problem::fields(vec![blame(&path, &inner.to_string())])
        } else {
            malformed(&inner)
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    let place = format!("The body is not JSON: line {}, column {}.", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", place)
}

/// Turns serde's sentence into the field, the code and the sentence of ours.
fn blame(path: &str, message: &str) -> FieldError {
    // serde names the field of these three inside its sentence, not in the path.
    let quoted = message.split('`').nth(1).unwrap_or_default();
    let within = |name: &str| match path {
        "." | "?" | "" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    };
    if message.starts_with("unknown field") {
        let known = message.split_once(", ").map_or("", |(_, rest)| rest);
        let known = known.split(" at line ").next().unwrap_or_default();
        return FieldError::new(within(quoted), "unknown-field", format!("is not a field here; {known}"));
    }
    if message.starts_with("missing field") {
        return FieldError::new(within(quoted), "missing", "is required");
    }
    if message.starts_with("duplicate field") {
        return FieldError::new(within(quoted), "invalid", "is given twice");
    }
    let detail = message.split(" at line ").next().unwrap_or_default().to_owned();
    FieldError::new(if matches!(path, "." | "?") { "" } else { path }, "invalid", Cow::Owned(detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its shape matters")]
    struct Inner {
        count: u8,
    }

    fn wire(json: &str) -> serde_json::Value {
        serde_json::to_value(parse::<Outer>(json.as_bytes()).unwrap_err().into_body()).unwrap()
    }

    #[test]
    fn the_field_to_blame_is_named() {
        for (json, field, code, status) in [
            (r#"{"name":"a","nmae":1}"#, "nmae", "unknown-field", 422),
            (r#"{"name":1}"#, "name", "invalid-field", 422),
            (r#"{}"#, "name", "invalid-field", 422),
            (r#"{"name":"a","name":"b"}"#, "name", "invalid-field", 422),
            (r#"{"name":"a","inner":[{"count":1},{"count":300}]}"#, "inner[1].count", "invalid-field", 422),
            (r#"{"name":"a","inner":[{"cuont":1}]}"#, "inner[0].cuont", "unknown-field", 422),
            (r#"{"name":"a","inner":[{}]}"#, "inner[0].count", "invalid-field", 422),
        ] {
            let body = wire(json);
            assert_eq!((&body["field"], &body["code"]), (&field.into(), &code.into()), "{json}: {body}");
            assert_eq!(body["status"], status, "{json}");
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for json in ["", "{", "{]", r#"{"name":"a"} x"#] {
            let body = wire(json);
            assert_eq!(
                (&body["status"], &body["code"]),
                (&400.into(), &"malformed-json".into()),
                "{json}: {body}"
            );
        }
    }

    #[test]
    fn a_good_body_is_read() {
        let outer: Outer = parse(br#"{"name":"a","inner":[{"count":3}]}"#).unwrap();
        assert_eq!((outer.name.as_str(), outer.inner.len()), ("a", 1));
    }
}
