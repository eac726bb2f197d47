//! What holds for every input: no panic, nothing lost, nothing changed.

#![expect(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use bytes::Bytes;
use crosspoint_sip::digest::{Credentials, ReceivedChallenge};
use crosspoint_sip::{Builder, EditList, Message, Method, Name, StatusCode, StreamFramer, scan_call_id};
use proptest::prelude::*;

const INVITE: &[u8] = include_bytes!("data/invite.sip");

/// Asks a message everything there is to ask.
fn exercise(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(message) = Message::parse(Bytes::copy_from_slice(bytes)) else { return Ok(()) };
    let _ = message.validate();
    let _ = (
        message.via().map(|via| via.received()),
        message.from().map(|from| from.uri()),
        message.uri().is_ok(),
    );
    let _ = (
        message.to().map(|to| to.params().count()),
        message.cseq(),
        message.max_forwards(),
        message.expires(),
    );
    let _ =
        message.contacts().flatten().filter_map(|c| c.addr().map(|a| (a.q_milli(), a.instance()))).count();
    let _ = message.headers(Name::Authorization).filter_map(|value| Credentials::parse(value).ok()).count();
    let _ = message
        .headers(Name::WwwAuthenticate)
        .filter_map(|value| ReceivedChallenge::parse(value).ok())
        .count();
    prop_assert_eq!(scan_call_id(bytes), message.call_id());

    // The lines and the body are in the message, in order and without overlap.
    let lines: usize = message.lines().map(|line| line.raw.len()).sum();
    prop_assert!(lines + message.body().len() <= bytes.len());
    let unchanged = message.edited(&EditList::new());
    prop_assert!(
        bytes.windows(unchanged.len().max(1)).any(|window| window == unchanged) || unchanged.is_empty()
    );

    // Whatever we make of it can be read again, and has one start line and one end of headers.
    let source = Some("192.0.2.1:5060".parse().unwrap());
    let answer = Builder::response_to(&message, StatusCode::BAD_REQUEST, None, Some("t"), source).finish();
    let answer = Message::parse(answer).unwrap();
    prop_assert!(answer.body().is_empty());
    prop_assert_eq!(answer.header(Name::ContentLength), Some(&b"0"[..]));
    prop_assert_eq!(answer.headers(Name::Via).count(), message.headers(Name::Via).count());
    let mut copy = Builder::request(Method::Info, "sip:a@b");
    let copied = message.lines().filter(|line| !line.text.is_empty() && line.name != Name::ContentLength);
    let mut expected = 1;
    for line in copied {
        copy.copy_line(line);
        expected += 1;
    }
    let copy = Message::parse(copy.finish()).unwrap();
    prop_assert_eq!(copy.lines().count(), expected);
    Ok(())
}

fn frame(bytes: &[u8], cut: usize) {
    let mut framer = StreamFramer::new();
    for chunk in bytes.chunks(cut.max(1)) {
        framer.push(chunk);
        while let Ok(Some(_)) = framer.next() {}
    }
}

/// A header line with every freedom the grammar gives.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        proptest::sample::select(vec![
            "Via", "v", "FROM", "t", "Subject", "s", "Route", "X-Odd", "contact", "Allow"
        ])
        .prop_map(str::to_owned),
        // `l` would be a length, and the length is judged.
        "[A-Za-z0-9!%*_+`'~.-]{1,20}".prop_map(|name| if name.len() == 1 {
            format!("X{name}")
        } else {
            name
        }),
    ];
    let on_a_line = any::<u8>().prop_map(|b| if matches!(b, b'\r' | b'\n') { b' ' } else { b });
    let value = proptest::collection::vec(on_a_line, 0..40);
    let fold = proptest::option::of("[ \t]{1,3}[a-z;=,\"<>]{0,9}");
    (name, "[ \t]{0,2}", value, fold).prop_map(|(name, blanks, value, fold)| {
        let mut line = format!("{name}{blanks}:").into_bytes();
        line.extend(value);
        if let Some(fold) = fold {
            line.extend_from_slice(b"\r\n");
            line.extend(fold.bytes());
        }
        line.extend_from_slice(b"\r\n");
        line
    })
}

/// A well-formed message.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        "(INVITE|OPTIONS|X-[A-Z]{1,5}) (sip|sips|tel|x):[a-zA-Z0-9;=?%@:.\\[\\]]{0,30} SIP/2\\.0",
        "SIP/2\\.0 [1-6][0-9]{2}( [^\r\n\\p{C}]{0,20})?",
    ];
    let body = proptest::collection::vec(any::<u8>(), 0..60);
    (start, proptest::collection::vec(line(), 0..60), body, any::<bool>()).prop_map(
        |(start, lines, body, with_length)| {
            let mut bytes = format!("{start}\r\n").into_bytes();
            bytes.extend(lines.concat());
            if with_length {
                bytes.extend(format!("l: {}\r\n", body.len()).bytes());
            }
            bytes.extend_from_slice(b"\r\n");
            bytes.extend(body);
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_written_back_byte_for_byte(bytes in message()) {
        let message = Message::parse(Bytes::copy_from_slice(&bytes)).unwrap();
        prop_assert_eq!(message.bytes(), &bytes[..]);
        prop_assert_eq!(message.edited(&EditList::new()), &bytes[..]);
        exercise(&bytes)?;
    }

    #[test]
    fn an_added_and_removed_line_leaves_no_trace(bytes in message()) {
        let message = Message::parse(Bytes::copy_from_slice(&bytes)).unwrap();
        prop_assume!(message.header(Name::Path).is_none());
        let mut add = EditList::new();
        add.prepend(Name::Path, "<sip:a>").append(Name::Path, "<sip:b>");
        let added = Message::parse(message.edited(&add)).unwrap();
        prop_assert_eq!(added.headers(Name::Path).collect::<Vec<_>>(), [&b"<sip:a>"[..], b"<sip:b>"]);
        let mut remove = EditList::new();
        remove.remove(Name::Path);
        prop_assert_eq!(added.edited(&remove), &bytes[..]);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 1usize..50) {
        exercise(&bytes)?;
        frame(&bytes, cut);
    }

    #[test]
    fn arbitrary_text_behind_a_start_line_does_no_harm(
        text in "[a-zA-Z:;,=<>@\"\\\\ \t\r\n%\\[\\]./0-9]{0,200}",
        cut in 1usize..50,
    ) {
        let bytes = format!("INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: {text}\r\nTo: {text}\r\ni: {text}\r\n\r\n");
        exercise(bytes.as_bytes())?;
        frame(bytes.as_bytes(), cut);
        let credentials = format!("Digest {text}");
        let _ = (Credentials::parse(credentials.as_bytes()), ReceivedChallenge::parse(credentials.as_bytes()));
    }

    #[test]
    fn a_mutated_invite_does_no_harm(
        changes in proptest::collection::vec((0..INVITE.len(), any::<u8>(), 0u8..3), 1..12),
        cut in 1usize..400,
    ) {
        let mut bytes = INVITE.to_vec();
        for (at, byte, kind) in changes {
            let at = at.min(bytes.len() - 1);
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        exercise(&bytes)?;
        frame(&bytes, cut);
    }
}
