//! The server itself: health, metrics, configuration, the documentation of the API. One file per endpoint.

pub(crate) mod config_status;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod openapi_json;
pub(crate) mod ready;

pub use config_status::{ConfigStatus, ListenerStatus};
