//! Descriptions as real phones and servers write them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on says so")]

use std::net::SocketAddr;

use crosspoint_sdp::{Codec, Connection, Direction, MediaKind, SdpError, Session};
use proptest::prelude::*;

const BARESIP: &str = include_str!("samples/baresip.sdp");
const LINPHONE: &str = include_str!("samples/linphone.sdp");
const MICROSIP: &str = include_str!("samples/microsip.sdp");
const ASTERISK: &str = include_str!("samples/asterisk.sdp");
const SIPP: &str = include_str!("samples/sipp.sdp");
const BROWSER: &str = include_str!("samples/browser.sdp");
const ALL: [&str; 6] = [BARESIP, LINPHONE, MICROSIP, ASTERISK, SIPP, BROWSER];

fn parse(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap()
}

fn addr(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn every_byte_comes_back() {
    for text in ALL {
        assert_eq!(parse(text).to_string(), text);
    }
}

#[test]
fn line_feeds_alone_are_read_and_written_with_carriage_returns() {
    for text in ALL {
        assert_eq!(parse(&text.replace('\r', "")).to_string(), text);
        assert_eq!(parse(&format!("{text}\r\n")).to_string(), text, "an empty line at the end");
    }
}

#[test]
fn codecs_of_each_sender_in_their_order() {
    let names = |text| {
        let session = parse(text);
        let codecs = session.medias()[0].codecs();
        codecs.iter().map(|codec| format!("{}:{}/{}", codec.payload, codec.name, codec.clock_rate)).collect()
    };
    let baresip: Vec<String> = names(BARESIP);
    assert_eq!(
        baresip,
        ["96:opus/48000", "9:G722/8000", "0:PCMU/8000", "8:PCMA/8000", "101:telephone-event/8000"]
    );
    let linphone: Vec<String> = names(LINPHONE);
    assert_eq!(linphone[5], "18:G729/8000", "static, without an rtpmap");
    assert_eq!(linphone.len(), 9);
    let opus = &parse(BARESIP).medias()[0].codecs()[0];
    let fmtp = Some("stereo=1;sprop-stereo=1".to_owned());
    assert_eq!(*opus, Codec { channels: 2, fmtp, ..Codec::new(96, "opus", 48_000) });
}

#[test]
fn addresses_of_session_and_media() {
    let microsip = parse(MICROSIP);
    let audio = microsip.audio().unwrap();
    assert_eq!(audio.rtp_address(), addr("192.168.178.31:4004"), "c= below m=");
    assert_eq!(audio.rtcp_address(), addr("192.168.178.31:4005"));
    let asterisk = parse(ASTERISK);
    assert_eq!(asterisk.audio().unwrap().rtp_address(), addr("[2001:db8::5]:17334"));
    assert_eq!(asterisk.audio().unwrap().rtcp_address(), addr("[2001:db8::5]:17335"), "one above");
    assert_eq!(asterisk.audio().unwrap().ptime_ms(), Some(20));
    assert_eq!(parse(SIPP).origin(), Some(&b"user1 53655765 2353687637 IN IP4 127.0.0.1"[..]));
}

#[test]
fn rtcp_elsewhere_is_understood() {
    let at = |rtcp: &str| {
        let text = SIPP.to_owned() + rtcp + "\r\n";
        parse(&text).audio().unwrap().rtcp_address()
    };
    assert_eq!(at("a=rtcp:53020"), addr("127.0.0.1:53020"));
    assert_eq!(at("a=rtcp:53020 IN IP4 192.0.2.9"), addr("192.0.2.9:53020"));
    assert_eq!(at("a=rtcp:0"), addr("127.0.0.1:6001"), "nonsense is as good as nothing");
    assert_eq!(at("a=rtcp:9 IN IP4 0.0.0.0"), None);
}

#[test]
fn browsers_and_srtp_only_are_not_relayable() {
    let browser = parse(BROWSER);
    assert!(browser.audio().is_none());
    assert_eq!(browser.medias()[0].kind(), MediaKind::Audio);
    assert!(browser.medias()[0].rtcp_mux());
    assert_eq!(browser.medias()[0].attribute("mid"), Some(Some(&b"0"[..])));
    assert!(parse(&SIPP.replace("RTP/AVP", "RTP/SAVP")).audio().is_none());
    assert!(parse(&SIPP.replace("6000", "0")).audio().is_none(), "refused");
}

#[test]
fn directions_of_session_and_media() {
    let with = |session: &str, media: &str| {
        let text = SIPP.replace("t=0 0\r\n", &format!("t=0 0\r\n{session}")) + media;
        parse(&text).audio().unwrap().direction()
    };
    assert_eq!(with("", ""), Direction::SendRecv);
    assert_eq!(with("a=sendonly\r\n", ""), Direction::SendOnly);
    assert_eq!(with("a=sendonly\r\n", "a=inactive\r\n"), Direction::Inactive);
    let hold = parse(&SIPP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"));
    assert!(hold.is_hold());
    assert_eq!(hold.audio().unwrap().direction(), Direction::SendOnly, "the old hold: it receives nothing");
    assert_eq!(hold.audio().unwrap().written_direction(), Direction::SendRecv);
    assert_eq!(hold.audio().unwrap().rtp_address(), None);
}

#[test]
fn a_host_name_is_kept_and_not_resolved() {
    let named = parse(&SIPP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 media.example.org"));
    assert_eq!(named.connection(), Some(Connection::Name("media.example.org".into())));
    assert_eq!(named.audio().unwrap().rtp_address(), None);
}

#[test]
fn what_is_malformed_is_named() {
    let error = |text: &str| Session::parse(text.as_bytes()).unwrap_err();
    let malformed = |line, what| SdpError::Malformed { line, what };
    assert_eq!(error(""), malformed(1, "v=0"));
    assert_eq!(error("o=x\r\n"), malformed(1, "v=0"));
    assert_eq!(error("v=1\r\n"), malformed(1, "v=0"));
    assert_eq!(error("v=0\r\nhello\r\n"), malformed(2, "a letter and ="));
    assert_eq!(error("v=0\r\ns=a\0b\r\n"), malformed(2, "a letter and ="));
    assert_eq!(error("v=0\r\nm=audio\r\n"), malformed(2, "a port below 65536"));
    assert_eq!(error("v=0\r\nm=audio 65536 RTP/AVP 0\r\n"), malformed(2, "a port below 65536"));
    assert_eq!(error("v=0\r\nm=audio 1 RTP/AVP\r\n"), malformed(2, "a format"));
    assert_eq!(error("v=0\r\nm=audio 1 RTP/AVP\r\n").sip_status(), 400);
}

#[test]
fn limits_hold() {
    let large = |what| Err(SdpError::TooLarge { what });
    let parse = |text: String| Session::parse(text.as_bytes()).map(|_| ());
    assert_eq!(parse("v=0\r\n".to_owned() + &"a=x\r\n".repeat(999)), Ok(()));
    assert_eq!(parse("v=0\r\n".to_owned() + &"a=x\r\n".repeat(1_000)), large("lines"));
    assert_eq!(parse(format!("v=0\r\na={}\r\n", "x".repeat(4_095))), large("bytes in a line"));
    assert_eq!(
        parse("v=0\r\n".to_owned() + &format!("a={}\r\n", "x".repeat(4_000)).repeat(9)),
        large("bytes")
    );
    let medias = |count| "v=0\r\n".to_owned() + &"m=audio 1 RTP/AVP 0\r\n".repeat(count);
    assert_eq!(parse(medias(32)), Ok(()));
    assert_eq!(parse(medias(33)), large("media descriptions"));
    assert_eq!(parse(format!("v=0\r\nm=audio 1 RTP/AVP{}\r\n", " 0".repeat(129))), large("formats"));
    assert_eq!(SdpError::TooLarge { what: "lines" }.sip_status(), 413);
}

#[test]
fn written_down_and_read_back() {
    for text in ALL {
        let session = parse(text);
        let written = postcard::to_allocvec(&session).unwrap();
        assert_eq!(postcard::from_bytes::<Session>(&written).unwrap(), session);
    }
}

/// A sample with a few bytes changed, cut out or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    (prop::sample::select(&ALL[..]), prop::collection::vec(edit, 0..12)).prop_map(|(text, edits)| {
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..(at + usize::from(byte) % 20).min(bytes.len()))),
                _ => bytes.insert(at, b"\r\n=: /0m"[usize::from(byte) % 8]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_text_panics_and_what_parses_round_trips(bytes in mutated()) {
        if let Ok(session) = Session::parse(&bytes) {
            let written = session.to_bytes();
            prop_assert_eq!(&Session::parse(&written).unwrap(), &session);
            for media in session.medias() {
                let _ = (media.codecs(), media.rtp_address(), media.rtcp_address(), media.ptime_ms());
            }
            let mut origin = crosspoint_sdp::Origin::new("-", 1);
            let local = crosspoint_sdp::Local { addr: [192, 0, 2, 1].into(), rtp_port: 10_000 };
            if let Ok(offer) = crosspoint_sdp::relay_offer(&session, local, &mut origin) {
                prop_assert_eq!(offer.medias().len(), 1);
                let answer = crosspoint_sdp::relay_answer(&session, &offer, local, &mut origin).unwrap();
                prop_assert_eq!(answer.medias().len(), session.medias().len());
                let _ = crosspoint_sdp::leg_plan(&session, &answer);
                let _ = crosspoint_sdp::local_answer(&session, local, &[], &mut origin);
            }
        }
    }

    #[test]
    fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Session::parse(&bytes);
        let _ = Session::parse(&[b"v=0\r\n", bytes.as_slice()].concat());
    }
}
