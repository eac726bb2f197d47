//! Headers: names, and views that read a value when it is asked for.

mod contact;
mod cseq;
mod list;
mod name;
mod name_addr;
mod params;
mod text;
mod via;

pub use contact::Contact;
pub use cseq::CSeq;
pub use list::Values;
pub use name::Name;
pub use name_addr::NameAddr;
pub use params::Params;
pub use text::{number, quote, unfold, unquote};
pub use via::Via;
