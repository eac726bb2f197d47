//! Offer and answer through the relay, by the bytes that leave it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

use std::net::IpAddr;

use crosspoint_sdp::{
    Codec, Direction, LegPlan, Local, Origin, SdpError, Session, leg_plan, local_answer, local_offer,
    relay_answer, relay_offer, relay_reoffer,
};

const BARESIP: &str = include_str!("samples/baresip.sdp");
const LINPHONE: &str = include_str!("samples/linphone.sdp");
const MICROSIP: &str = include_str!("samples/microsip.sdp");
const ASTERISK: &str = include_str!("samples/asterisk.sdp");
const SIPP: &str = include_str!("samples/sipp.sdp");
const BROWSER: &str = include_str!("samples/browser.sdp");

/// The end towards the caller.
const NEAR: Local = Local { addr: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), rtp_port: 10_000 };
/// The end towards the called.
const FAR: Local = Local { addr: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), rtp_port: 10_002 };

fn parse(text: &str) -> Session {
    Session::parse(text.as_bytes()).unwrap()
}

fn origin() -> Origin {
    Origin::new("crosspoint", 7)
}

fn crlf(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

#[test]
fn an_offer_goes_on_with_our_address_and_their_codecs() {
    let offer = relay_offer(&parse(BARESIP), FAR, &mut origin()).unwrap();
    let expected = crlf(&[
        "v=0",
        "o=crosspoint 7 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 10002 RTP/AVP 96 9 0 8 101",
        "b=AS:125",
        "a=rtpmap:96 opus/48000/2",
        "a=fmtp:96 stereo=1;sprop-stereo=1",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=label:1",
        "a=ptime:20",
        "a=rtcp:10003",
        "a=sendrecv",
    ]);
    assert_eq!(offer.to_string(), expected);
}

#[test]
fn transport_of_the_sender_ends_here_and_the_unknown_goes_on() {
    let linphone = relay_offer(&parse(LINPHONE), FAR, &mut origin()).unwrap().to_string();
    for gone in ["ice", "candidate", "rtcp-fb", "rtcp-xr", "10.1.0.7", "Talk", "video", "AVPF"] {
        assert!(!linphone.contains(gone), "{gone} in {linphone}");
    }
    assert!(linphone.contains("\r\na=record:off\r\nm=audio 10002 RTP/AVP 96 97 98 0 8 18 101 99 100\r\n"));
    assert!(linphone.contains("a=fmtp:18 annexb=yes\r\n"));
    let microsip = relay_offer(&parse(MICROSIP), FAR, &mut origin()).unwrap().to_string();
    for gone in ["crypto", "ssrc", "192.168.178.31", "4005", "pjmedia"] {
        assert!(!microsip.contains(gone), "{gone} in {microsip}");
    }
    assert!(microsip.contains("\r\na=X-nat:0\r\nm=audio 10002 RTP/AVP 8 0 101\r\nb=TIAS:64000\r\n"));
}

#[test]
fn offers_without_plain_audio_are_not_acceptable() {
    let error = |text: &str| relay_offer(&parse(text), FAR, &mut origin()).unwrap_err();
    assert_eq!(error(BROWSER), SdpError::NoAudio);
    assert_eq!(error(BROWSER).sip_status(), 488);
    assert_eq!(error(&SIPP.replace("c=IN IP4 127.0.0.1\r\n", "")), SdpError::NoConnection);
}

#[test]
fn of_several_audio_streams_the_first_plain_one_is_taken() {
    let srtp = "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:Y\r\n";
    let both = SIPP.replace("m=audio", &format!("{srtp}m=audio")) + "m=audio 7000 RTP/AVP 8\r\n";
    let offer = relay_offer(&parse(&both), FAR, &mut origin()).unwrap();
    assert_eq!(offer.medias().len(), 1);
    assert_eq!(offer.audio().unwrap().codecs()[0].name, "PCMU");
    let answer = relay_answer(&parse(&both), &parse(SIPP), NEAR, &mut origin()).unwrap();
    let ports: Vec<u16> = answer.medias().iter().map(|media| media.port()).collect();
    assert_eq!(ports, [0, 10_000, 0]);
    assert_eq!(answer.medias()[0].proto(), b"RTP/SAVP");
}

#[test]
fn an_answer_repeats_each_offered_stream_in_its_place() {
    let answer = crlf(&["v=0", "o=b 1 1 IN IP4 10.0.0.9", "s=-", "c=IN IP4 10.0.0.9", "t=0 0"])
        + &crlf(&["m=audio 5000 RTP/AVP 8 100", "a=rtpmap:100 telephone-event/8000", "a=ptime:30"]);
    let relayed = relay_answer(&parse(LINPHONE), &parse(&answer), NEAR, &mut origin()).unwrap();
    let expected = crlf(&[
        "v=0",
        "o=crosspoint 7 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 10000 RTP/AVPF 8 100",
        "a=rtpmap:100 telephone-event/8000",
        "a=ptime:30",
        "a=rtcp:10001",
        "a=sendrecv",
        "m=video 0 RTP/AVPF 96",
    ]);
    assert_eq!(relayed.to_string(), expected);
}

#[test]
fn a_refused_stream_is_relayed_as_refused() {
    let refusal = parse(&SIPP.replace("6000", "0"));
    let relayed = relay_answer(&parse(SIPP), &refusal, NEAR, &mut origin()).unwrap();
    assert_eq!(relayed.medias()[0].port(), 0);
    assert_eq!(relayed.medias().len(), 1);
}

#[test]
fn rtcp_mux_is_not_answered() {
    let offer = parse(&(SIPP.to_owned() + "a=rtcp-mux\r\n"));
    let towards_far = relay_offer(&offer, FAR, &mut origin()).unwrap();
    assert!(!towards_far.audio().unwrap().rtcp_mux());
    let answer = relay_answer(&offer, &offer, NEAR, &mut origin()).unwrap();
    assert!(!answer.audio().unwrap().rtcp_mux());
    assert!(!leg_plan(&offer, &answer).unwrap().rtcp_mux);
}

#[test]
fn hold_reaches_the_other_side_in_each_form() {
    let held = |offer: &str, answer: &str| {
        let offered = parse(&(SIPP.to_owned() + offer));
        let onward = relay_offer(&offered, FAR, &mut origin()).unwrap();
        let answered = parse(&(SIPP.to_owned() + answer));
        let back = relay_answer(&offered, &answered, NEAR, &mut origin()).unwrap();
        (onward.audio().unwrap().direction(), back.audio().unwrap().direction())
    };
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    assert_eq!(held("a=sendonly\r\n", "a=recvonly\r\n"), (SendOnly, RecvOnly));
    assert_eq!(held("a=inactive\r\n", "a=inactive\r\n"), (Inactive, Inactive));
    assert_eq!(held("a=recvonly\r\n", "a=sendonly\r\n"), (RecvOnly, SendOnly));
    assert_eq!(held("", ""), (SendRecv, SendRecv));
    assert_eq!(held("a=sendonly\r\n", "a=sendrecv\r\n").1, RecvOnly, "more than was offered is cut");
    let old = parse(&SIPP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"));
    let onward = relay_offer(&old, FAR, &mut origin()).unwrap();
    assert_eq!(onward.audio().unwrap().written_direction(), SendOnly);
    assert_eq!(onward.audio().unwrap().rtp_address(), Some("192.0.2.1:10002".parse().unwrap()));
}

#[test]
fn the_version_rises_only_with_a_change() {
    let mut ours = origin();
    let hold = parse(&(SIPP.to_owned() + "a=sendonly\r\n"));
    let versions: Vec<u64> = [&parse(SIPP), &parse(SIPP), &hold, &hold, &parse(SIPP)]
        .map(|offer| {
            relay_offer(offer, FAR, &mut ours).unwrap();
            ours.version()
        })
        .to_vec();
    assert_eq!(versions, [1, 1, 2, 2, 3]);
    let restored: Origin = postcard::from_bytes(&postcard::to_allocvec(&ours).unwrap()).unwrap();
    let mut restored = restored;
    let again = relay_offer(&parse(SIPP), FAR, &mut restored).unwrap();
    assert_eq!(again, relay_offer(&parse(SIPP), FAR, &mut ours).unwrap());
    assert_eq!(again.origin(), Some(&b"crosspoint 7 3 IN IP4 192.0.2.1"[..]));
}

#[test]
fn origin_fields_are_always_valid() {
    let value = |name: &str| {
        let offer = relay_offer(&parse(SIPP), FAR, &mut Origin::new(name, u64::MAX)).unwrap();
        String::from_utf8(offer.origin().unwrap().to_vec()).unwrap()
    };
    assert_eq!(value("a b\r\n"), "- 9223372036854775807 1 IN IP4 192.0.2.1");
    assert_eq!(value(""), "- 9223372036854775807 1 IN IP4 192.0.2.1");
}

#[test]
fn a_later_offer_keeps_the_places_of_earlier_streams() {
    let mut ours = origin();
    let first = relay_answer(&parse(LINPHONE), &parse(SIPP), NEAR, &mut ours).unwrap();
    let hold = parse(&(SIPP.to_owned() + "a=sendonly\r\n"));
    let later = relay_reoffer(&hold, &first, NEAR, &mut ours).unwrap();
    assert_eq!(later.medias().len(), 2);
    assert_eq!(later.audio().unwrap().direction(), Direction::SendOnly);
    assert_eq!(later.audio().unwrap().proto(), b"RTP/AVPF");
    assert_eq!(later.medias()[1].port(), 0);
    assert_eq!(ours.version(), 2);
}

#[test]
fn a_late_offer_goes_the_other_way_round() {
    // The called side offers in its 200; the caller answers in its ACK.
    let offer = relay_offer(&parse(ASTERISK), NEAR, &mut origin()).unwrap();
    assert_eq!(offer.audio().unwrap().rtp_address(), Some("192.0.2.1:10000".parse().unwrap()));
    let answer = relay_answer(&parse(ASTERISK), &parse(SIPP), FAR, &mut origin()).unwrap();
    let plan = leg_plan(&parse(ASTERISK), &answer).unwrap();
    assert_eq!(plan.remote_rtp, Some("[2001:db8::5]:17334".parse().unwrap()));
    assert_eq!(plan.payloads.as_slice(), [0]);
}

#[test]
fn ipv6_ends_are_written_as_such() {
    let local = Local { addr: "2001:db8::1".parse().unwrap(), rtp_port: 40_000 };
    let offer = relay_offer(&parse(SIPP), local, &mut origin()).unwrap().to_string();
    assert!(offer.contains("o=crosspoint 7 1 IN IP6 2001:db8::1\r\n"), "{offer}");
    assert!(offer.contains("c=IN IP6 2001:db8::1\r\n"), "{offer}");
}

#[test]
fn plans_of_both_legs() {
    let offer = parse(BARESIP);
    let onward = relay_offer(&offer, FAR, &mut origin()).unwrap();
    let answer = parse(&ASTERISK.replace("0 8 101", "8 101"));
    let back = relay_answer(&offer, &answer, NEAR, &mut origin()).unwrap();
    let caller = LegPlan {
        remote_rtp: Some("192.168.1.20:10044".parse().unwrap()),
        remote_rtcp: Some("192.168.1.20:10045".parse().unwrap()),
        rtcp_mux: false,
        direction: Direction::SendRecv,
        payloads: [8, 101].as_slice().into(),
        telephone_event: Some(101),
        codec: Some(Codec::new(8, "PCMA", 8_000)),
        ptime_ms: 20,
        symmetric: true,
        signalling_source: None,
    };
    assert_eq!(leg_plan(&offer, &back).unwrap(), caller);
    let called = LegPlan {
        remote_rtp: Some("[2001:db8::5]:17334".parse().unwrap()),
        remote_rtcp: Some("[2001:db8::5]:17335".parse().unwrap()),
        ..caller
    };
    assert_eq!(leg_plan(&answer, &onward).unwrap(), called, "with our offer");
    assert_eq!(leg_plan(&answer, &answer).unwrap(), called, "with the answer itself");
    let written = postcard::to_allocvec(&called).unwrap();
    assert_eq!(postcard::from_bytes::<LegPlan>(&written).unwrap(), called);
}

#[test]
fn each_side_may_number_a_codec_for_itself() {
    let event = |payload: u8| {
        let text = SIPP.replace("RTP/AVP 0", &format!("RTP/AVP 0 {payload}"));
        parse(&format!("{text}a=rtpmap:{payload} telephone-event/8000\r\n"))
    };
    let plan = leg_plan(&event(96), &event(101)).unwrap();
    assert_eq!(plan.payloads.as_slice(), [0, 101, 96]);
    assert_eq!(plan.telephone_event, Some(101));
}

#[test]
fn directions_of_plans_are_what_both_allow() {
    let with = |attribute: &str| parse(&format!("{SIPP}a={attribute}\r\n"));
    let direction = |theirs: &str, ours: &str| leg_plan(&with(theirs), &with(ours)).unwrap().direction;
    assert_eq!(direction("sendonly", "recvonly"), Direction::RecvOnly);
    assert_eq!(direction("sendrecv", "sendonly"), Direction::SendOnly);
    assert_eq!(direction("inactive", "inactive"), Direction::Inactive);
    assert_eq!(direction("sendonly", "sendonly"), Direction::RecvOnly, "their answer given for both");
    let old = parse(&SIPP.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"));
    let plan = leg_plan(&old, &parse(SIPP)).unwrap();
    assert_eq!((plan.direction, plan.remote_rtp, plan.remote_rtcp), (Direction::RecvOnly, None, None));
}

#[test]
fn nothing_is_sent_to_many_at_once() {
    for group in ["224.2.1.1/127", "239.255.255.255", "255.255.255.255"] {
        let theirs = parse(&SIPP.replace("c=IN IP4 127.0.0.1", &format!("c=IN IP4 {group}")));
        assert_eq!(leg_plan(&theirs, &theirs), Err(SdpError::NotUnicast), "{group}");
    }
    let rtcp = parse(&(SIPP.to_owned() + "a=rtcp:5000 IN IP4 224.0.0.1\r\n"));
    assert_eq!(leg_plan(&rtcp, &rtcp), Err(SdpError::NotUnicast));
}

#[test]
fn the_echo_test_answers_with_the_first_common_codec() {
    let ours = [Codec::new(0, "PCMU", 8_000), Codec::new(8, "pcma", 8_000)];
    let answer = local_answer(&parse(LINPHONE), NEAR, &ours, &mut origin()).unwrap();
    let expected = crlf(&[
        "v=0",
        "o=crosspoint 7 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 10000 RTP/AVPF 0 100",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:100 telephone-event/8000",
        "a=ptime:20",
        "a=rtcp:10001",
        "a=sendrecv",
        "m=video 0 RTP/AVPF 96",
    ]);
    assert_eq!(answer.to_string(), expected);
    let any = local_answer(&parse(LINPHONE), NEAR, &[], &mut origin()).unwrap();
    let names: Vec<String> = any.audio().unwrap().codecs().iter().map(|codec| codec.name.clone()).collect();
    assert_eq!(names, ["opus", "telephone-event"]);
    assert_eq!(any.audio().unwrap().codecs()[1].clock_rate, 48_000, "the events of the codec's clock");
    assert_eq!(any.audio().unwrap().codecs()[0].fmtp.as_deref(), Some("useinbandfec=1"));
}

#[test]
fn no_common_codec_is_not_acceptable() {
    let g729 = [Codec::new(18, "G729", 8_000)];
    let refused = local_answer(&parse(SIPP), NEAR, &g729, &mut origin());
    assert_eq!(refused, Err(SdpError::NoCommonCodec));
    let events_only = SIPP.replace("PCMU/8000", "telephone-event/8000").replace("AVP 0", "AVP 96");
    let events_only = events_only.replace("rtpmap:0", "rtpmap:96");
    assert_eq!(local_answer(&parse(&events_only), NEAR, &[], &mut origin()), Err(SdpError::NoCommonCodec));
    assert_eq!(SdpError::NoCommonCodec.sip_status(), 488);
}

#[test]
fn our_own_offer_lists_codecs_in_order() {
    let codecs = [Codec::new(8, "PCMA", 8_000), Codec::telephone_event(101, 8_000)];
    let offer = local_offer(NEAR, &codecs, &mut origin()).unwrap();
    assert_eq!(offer.audio().unwrap().codecs(), codecs);
    assert_eq!(offer.audio().unwrap().ptime_ms(), Some(20));
    assert_eq!(local_offer(NEAR, &[], &mut origin()), Err(SdpError::NoCommonCodec));
}

#[test]
fn a_held_offer_to_the_server_itself_is_answered_as_held() {
    let hold = parse(&(SIPP.to_owned() + "a=sendonly\r\n"));
    let answer = local_answer(&hold, NEAR, &[], &mut origin()).unwrap();
    assert_eq!(answer.audio().unwrap().direction(), Direction::RecvOnly);
    assert_eq!(leg_plan(&hold, &answer).unwrap().direction, Direction::RecvOnly);
}
