//! What the API says when it refuses: `application/problem+json`, RFC 9457, with a stable `code`.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of every refusal.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// The answer of a handler that can refuse.
pub(crate) type Answer<T> = Result<T, Problem>;

/// A refusal: status, stable code, sentence for people, and the fields that are to blame.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

/// One field that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field, with dots and indices for what lies deeper: `users[2].extension`.
    #[schema(example = "extension")]
    pub(crate) field: String,
    /// Stable name of the rule that was broken.
    #[schema(example = "invalid")]
    pub(crate) code: Cow<'static, str>,
    /// The rule in words.
    #[schema(example = "must be 2 to 15 digits")]
    pub(crate) detail: Cow<'static, str>,
}

impl FieldError {
    /// A field whose value breaks `detail`.
    pub(crate) fn new(
        field: impl Into<String>,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> FieldError {
        FieldError { field: field.into(), code: Cow::Borrowed(code), detail: detail.into() }
    }
}

/// The wire form of a refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// A name for the kind of problem, made from `code`.
    #[serde(rename = "type")]
    #[schema(example = "urn:crosspoint:problem:invalid-field")]
    kind: String,
    /// The phrase of the status.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// Stable: programs decide by this.
    #[schema(example = "invalid-field")]
    code: &'static str,
    /// For people; may change.
    #[schema(example = "extension: must be 2 to 15 digits")]
    detail: Cow<'static, str>,
    /// The first field that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Every field that is to blame.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem { status, code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// 401: no credentials, or none that are any good. Never says which.
    pub(crate) fn unauthorized(code: &'static str, detail: &'static str) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 403: known, but not allowed.
    pub(crate) fn forbidden(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// 404: there is no such thing for this caller; another tenant's things look the same.
    pub(crate) fn not_found(what: &'static str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", format!("There is no such {what}."))
    }

    /// 409: the value of `field` is taken.
    pub(crate) fn duplicate(field: &str, detail: impl Into<Cow<'static, str>>) -> Problem {
        let detail = detail.into();
        let mut problem = Problem::new(StatusCode::CONFLICT, "duplicate", detail.clone());
        problem.errors = vec![FieldError::new(field, "duplicate", detail)];
        problem
    }

    /// 422: one or more fields are wrong. `errors` must not be empty.
    pub(crate) fn fields(errors: Vec<FieldError>) -> Problem {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.field, one.detail),
            more => format!("{} fields are wrong.", more.len()),
        };
        let code =
            if errors.iter().all(|e| e.code == "unknown-field") { "unknown-field" } else { "invalid-field" };
        Problem { errors, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    /// 422: this field is wrong.
    pub(crate) fn field(field: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::fields(vec![FieldError::new(field, "invalid", detail)])
    }

    /// 429: too many tries; try again after `wait`.
    pub(crate) fn too_many(wait: Duration) -> Problem {
        Problem {
            retry_after: Some(wait),
            ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", "Too many attempts.")
        }
    }

    /// 503: not now; try again after `wait`.
    pub(crate) fn unavailable(code: &'static str, detail: &'static str, wait: Duration) -> Problem {
        Problem { retry_after: Some(wait), ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }

    /// 500: our fault. The cause goes to the log, not to the caller.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Problem {
        tracing::error!(error = %cause, "an API request failed inside the server");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed; its log says why.")
    }

    /// The status it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The wire form.
    pub(crate) fn into_body(self) -> ProblemBody {
        ProblemBody {
            kind: format!("urn:crosspoint:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            field: self.errors.first().map(|e| e.field.clone()),
            errors: self.errors,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let body = serde_json::to_vec(&self.into_body()).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(problem: Problem) -> serde_json::Value {
        serde_json::to_value(problem.into_body()).unwrap()
    }

    #[test]
    fn a_duplicate_names_its_field() {
        let body = wire(Problem::duplicate("username", "taken"));
        assert_eq!(body["status"], 409);
        assert_eq!(body["code"], "duplicate");
        assert_eq!(body["field"], "username");
        assert_eq!(body["type"], "urn:crosspoint:problem:duplicate");
        assert_eq!(body["title"], "Conflict");
    }

    #[test]
    fn several_wrong_fields_are_all_named() {
        let body = wire(Problem::fields(vec![
            FieldError::new("a", "invalid", "is odd"),
            FieldError::new("b", "unknown-field", "is unknown"),
        ]));
        assert_eq!(body["field"], "a");
        assert_eq!(body["errors"][1]["field"], "b");
        assert_eq!(body["code"], "invalid-field");
        assert_eq!(body["detail"], "2 fields are wrong.");
    }

    #[test]
    fn waiting_is_said_in_whole_seconds() {
        let response = Problem::too_many(Duration::from_millis(200)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }

    #[test]
    fn a_refused_identity_says_how_to_identify() {
        let response = Problem::unauthorized("unauthenticated", "No.").into_response();
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
    }
}
