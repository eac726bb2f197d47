//! Another parser reads the same bytes and says the same.

use bytes::Bytes;
use crosspoint_sip::{Message, Name};
use proptest::prelude::*;
use sipx_sip::{HeaderName, Limits, parse_datagram};

const INVITE: &[u8] = include_bytes!("data/invite.sip");

/// Both readings of one datagram, compared where both accept it.
fn compare(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let ours = Message::parse(Bytes::copy_from_slice(bytes));
    let theirs = parse_datagram(Bytes::copy_from_slice(bytes), &Limits::datagram());
    let (Ok(ours), Ok(theirs)) = (ours, theirs) else { return Ok(false) };
    if ours.validate().is_err() {
        return Ok(false);
    }
    prop_assert_eq!(ours.is_request(), theirs.as_request().is_some());
    if let Some(request) = theirs.as_request() {
        prop_assert_eq!(ours.method_text().as_bytes(), request.method.as_bytes());
        let mut uri = Vec::new();
        request.uri.write_to(&mut uri);
        prop_assert_eq!(ours.request_uri(), &uri[..]);
    }
    if let Some(response) = theirs.as_response() {
        prop_assert_eq!(ours.status().map(|status| status.as_u16()), Some(response.status.code()));
        prop_assert_eq!(ours.reason(), &response.reason[..]);
    }
    prop_assert_eq!(ours.body(), &theirs.body()[..]);
    let their_lines: Vec<_> =
        theirs.headers().iter().map(|header| header.raw_value().trim_ascii().to_vec()).collect();
    let our_lines: Vec<_> = ours.lines().map(|line| line.value.to_vec()).collect();
    prop_assert_eq!(our_lines, their_lines);
    let their_call_id = theirs.headers().value(&HeaderName::CallId).map(|value| value.into_owned());
    let our_call_id =
        ours.header(Name::CallId).map(|value| crosspoint_sip::header::unfold(value).into_owned());
    prop_assert_eq!(our_call_id, their_call_id);
    let cseq = ours.cseq().map(|cseq| (cseq.number, cseq.method_text.to_owned()));
    if let Some(Ok(theirs)) = theirs.headers().typed::<sipx_sip::CSeq>() {
        prop_assert_eq!(
            cseq,
            Ok((theirs.sequence, String::from_utf8_lossy(theirs.method.as_bytes()).into_owned()))
        );
    }
    Ok(true)
}

#[test]
fn the_invite_reads_alike() {
    assert!(compare(INVITE).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_messages_read_alike(
        changes in proptest::collection::vec((0..INVITE.len() - 520, proptest::sample::select(b"aA0 \t:;,<>@\"\\=%".to_vec())), 1..5),
    ) {
        let mut bytes = INVITE.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        compare(&bytes)?;
    }
}

/// A comparison that never happens would prove nothing.
#[test]
fn most_mutations_are_accepted_by_both() {
    let accepted = (0..INVITE.len() - 520).filter(|at| {
        let mut bytes = INVITE.to_vec();
        bytes[*at] = b'a';
        compare(&bytes).unwrap()
    });
    assert!(accepted.count() > 800);
}
