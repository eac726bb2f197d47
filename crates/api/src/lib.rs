//! HTTP API, OpenAPI document.
