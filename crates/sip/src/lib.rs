//! SIP core without IO: messages, transactions, dialogs, digest.

pub mod digest;
mod framing;
pub mod header;
pub mod limits;
mod message;

pub use framing::{Frame, FramingError, StreamFramer};
pub use header::{CSeq, Contact, Name, NameAddr, Params, Values, Via};
pub use message::{
    Builder, EditList, HeaderError, HeaderLine, Message, Method, ParseError, Refusal, StatusCode, call_id_for_shard,
    scan_call_id, shard_of,
};
