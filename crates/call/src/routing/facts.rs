//! What a decision knows about a call.

use model::Account;

/// What is known about a call before it is routed.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Who calls, authenticated.
    pub caller: &'a Account,
    /// The user part of the request-URI, unescaped; empty when there is none.
    pub number: &'a str,
    /// Whose domain the request-URI names.
    pub host: Host<'a>,
    /// `Max-Forwards` as received, 70 when there was none.
    pub max_forwards: u8,
    /// Whether the call came from one of our own sockets.
    pub from_ourselves: bool,
}

/// Whose domain a request-URI names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// One of ours, in canonical form.
    Ours(&'a str),
    /// Somebody else's.
    Foreign,
}
