//! The media plane: RTP and RTCP sockets, relay between the legs of a call, learning of where packets come from,
//! statistics per leg, silence.
//!
//! [`Media::start`] starts worker threads `media-N`. Each owns its sessions and sockets; nothing is locked or allocated
//! per packet and there is no async runtime. A session is one leg: [`Media::reserve`] binds its pair of ports on the
//! calling thread, [`Media::apply`] says how to treat it ([`sdp::LegPlan`]) and where its packets go ([`Target`]),
//! [`Media::release`] ends it. The workers tell what happens through a [`Sink`].
//!
//! What it deliberately does not do: it never looks into signalling, decides nothing about calls (silence is told, not
//! acted upon), and changes no byte of a relayed packet.

mod error;
mod event;
mod id;
#[expect(unsafe_code, reason = "the system calls of the packet path; see the module's own words")]
mod io;
mod latch;
mod leg;
mod mailbox;
mod pool;
mod service;
mod settings;
mod tally;
mod worker;

pub use error::Error;
pub use event::{Counters, Dropped, Event, LegStatistics, Sink};
pub use id::{Owner, SessionId};
pub use service::{Media, Reserved, Target};
pub use settings::{Settings, Tuning};
