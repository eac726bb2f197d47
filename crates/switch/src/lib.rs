//! The switch: where the planes meet.

mod accounts;
mod error;
mod exchange;
mod settings;
mod view;

pub use accounts::{AccountFilter, Accounts};
pub use error::Error;
pub use exchange::Exchange;
pub use settings::{
    Advertise, CallSettings, DigestSettings, Forking, Identity, RegistrarSettings, Settings, WhenFull,
};
pub use view::{CallState, CallView, ChannelView, Counters, LegView, MediaView};
