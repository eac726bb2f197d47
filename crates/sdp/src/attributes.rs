//! Attributes: how they are split, and which of them do not pass a relay.

/// Name and value of the text after `a=`.
pub(crate) fn split(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == b':') {
        Some(colon) => {
            let (name, rest) = text.split_at(colon);
            (name, rest.get(1..))
        }
        None => (text, None),
    }
}

/// Attributes that describe one side's transport or keys, not the media: they end at the relay.
const OF_THE_TRANSPORT: &[&str] = &[
    // ICE, RFC 8839
    "candidate",
    "end-of-candidates",
    "ice-lite",
    "ice-mismatch",
    "ice-options",
    "ice-pacing",
    "ice-pwd",
    "ice-ufrag",
    "remote-candidates",
    // keys: RFC 4568, 8122, 4145, 8842, 4567, 6189
    "connection",
    "crypto",
    "fingerprint",
    "key-mgmt",
    "setup",
    "tls-id",
    "zrtp-hash",
    // RTCP: RFC 3605, 5761, 8858, 5506, 4585, 3611
    "rtcp",
    "rtcp-fb",
    "rtcp-mux",
    "rtcp-mux-only",
    "rtcp-rsize",
    "rtcp-xr",
    // bundles and sources: RFC 9143, 8843, 5576, 8830, 8285, 8224
    "bundle-only",
    "extmap",
    "extmap-allow-mixed",
    "group",
    "identity",
    "mid",
    "msid",
    "msid-semantic",
    "ssrc",
    "ssrc-group",
    // capability negotiation would let the far side choose another transport: RFC 5939
    "acap",
    "acfg",
    "csup",
    "creq",
    "pcfg",
    "tcap",
    // who wrote it
    "tool",
    // written anew
    "inactive",
    "recvonly",
    "sendonly",
    "sendrecv",
];

/// Whether an attribute goes on to the other side.
pub(crate) fn passes_relay(name: &[u8]) -> bool {
    !OF_THE_TRANSPORT.iter().any(|dropped| name.eq_ignore_ascii_case(dropped.as_bytes()))
}
