//! The messages of RFC 4475 (and a few of RFC 5118): what must be understood is understood, what must be refused is
//! refused with the right status.

#![expect(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use bytes::Bytes;
use crosspoint_sip::header::unfold;
use crosspoint_sip::{Contact, EditList, Message, Method, Name, NameAddr};

fn parse(text: &str) -> Message {
    Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
}

fn refused(text: &str) -> Option<u16> {
    let message = parse(text);
    assert_eq!(message.edited(&EditList::new()), message.bytes(), "forwarding changes nothing");
    message.validate().err().map(|refusal| refusal.status.as_u16())
}

/// A request with this request line and these lines instead of the ordinary ones of the same name.
fn request(line: &str, lines: &[&str]) -> String {
    let ordinary = [
        "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKx",
        "To: <sip:user@example.com>",
        "From: <sip:caller@example.org>;tag=33242",
        "Call-ID: torture@example.org",
        "Max-Forwards: 3",
        "Contact: <sip:caller@host5.example.org>",
        "Content-Length: 0",
    ];
    let name = |line: &str| line.split(':').next().unwrap_or("").trim().to_ascii_lowercase();
    let method = line.split(' ').next().unwrap();
    let mut text = format!("{line}\n");
    for line in ordinary.iter().filter(|line| lines.iter().all(|own| name(own) != name(line))).chain(lines) {
        text += &format!("{line}\n");
    }
    if lines.iter().all(|line| name(line) != "cseq") {
        text += &format!("CSeq: 8 {method}\n");
    }
    text + "\n"
}

#[test]
fn a_short_tortuous_invite() {
    let text = "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : \"J Rosen \\\\\\\"\"       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 5
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
";
    assert_eq!(refused(text), None);
    let message = parse(text);
    assert_eq!(message.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(message.from().unwrap().display().unwrap(), "J Rosen \\\"");
    assert_eq!(message.max_forwards(), Ok(Some(68)));
    assert_eq!((message.cseq().unwrap().number, message.header(Name::Subject)), (9, Some(&b""[..])));
    let branches: Vec<_> = message
        .values(Name::Via)
        .map(|via| crosspoint_sip::Via::parse(via).unwrap().branch().unwrap())
        .collect();
    assert_eq!(branches, ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"]);
    assert_eq!(
        unfold(message.other("newfangledheader").unwrap()),
        &b"newfangled value continued newfangled value"[..]
    );
    let contact = message.contacts().next().unwrap().unwrap();
    let contact = contact.addr().unwrap();
    assert_eq!(contact.display().unwrap(), "Quoted string \"\"");
    assert_eq!((contact.q_milli(), contact.param("secondparam")), (Some(330), Some(None)));
    assert_eq!(message.body(), b"v=0\r\n");
}

#[test]
fn the_widest_range_of_characters() {
    let text = "!interesting-Method0123456789_*+`.%indeed'~ \
sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0
Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bK-.!%66*_+`'~
To: \"BEL:\u{7} NUL: DEL:\u{7f}\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>
From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\u{440}\u{430}\";tag=_token~1'+`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{
CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~
Max-Forwards: 255
extensionHeader-!.%*+_`'~:\u{fffd}\u{5927}\u{505c}\u{96fb}
Content-Length: 0

";
    assert_eq!(refused(text), None);
    let message = parse(text);
    assert_eq!(message.method(), Some(Method::Other));
    assert_eq!(message.method_text(), "!interesting-Method0123456789_*+`.%indeed'~");
    let uri = message.uri().unwrap();
    assert_eq!(uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(uri.password(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(uri.host().to_host().to_string(), "example.com");
    assert_eq!(message.from().unwrap().tag(), Some("_token~1'+`*%!-."));
    assert_eq!(message.from().unwrap().display_text(), "token1~` token2'+_ token3*%!.-");
    assert!(message.other("EXTENSIONHEADER-!.%*+_`'~").is_some());
}

#[test]
fn escapes_are_neither_read_nor_written_on_the_way() {
    let text = request(
        "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
        &[
            "To: sip:%75se%72@example.com",
            "From: <sip:I%20have%20spaces@example.net>;tag=938",
            "Contact:\n <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
        ],
    );
    assert_eq!(refused(&text), None);
    let message = parse(&text);
    assert_eq!(message.uri().unwrap().user(), Some("sips%3Auser%40example.com"));
    assert_eq!(message.uri().unwrap().user_unescaped().unwrap(), "sips:user@example.com");
    assert_eq!(message.from().unwrap().uri().unwrap().user_unescaped().unwrap(), "I have spaces");
    let contact = message.contacts().next().unwrap().unwrap();
    let uri = contact.addr().unwrap().uri().unwrap();
    assert_eq!((uri.is_lr(), uri.param("n%61me")), (false, Some(Some("v%61lue%25%34%31"))));
}

#[test]
fn escaped_nulls_are_characters() {
    let text = request(
        "REGISTER sip:example.com SIP/2.0",
        &[
            "To: sip:null-%00-null@example.com",
            "From: sip:null-%00-null@example.com;tag=839923423",
            "Contact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>",
        ],
    );
    assert_eq!(refused(&text), None);
    let message = parse(&text);
    let users: Vec<_> = message
        .contacts()
        .map(|c| c.unwrap().addr().unwrap().uri().unwrap().user_unescaped().unwrap().len())
        .collect();
    assert_eq!(users, [1, 2]);
}

#[test]
fn a_percent_sign_that_is_no_escape() {
    let text = request(
        "RE%47IST%45R sip:registrar.example.com SIP/2.0",
        &["To: \"%Z%45\" <sip:resource@example.com>"],
    );
    assert_eq!(refused(&text), None);
    assert_eq!(parse(&text).method(), Some(Method::Other));
    assert_eq!(parse(&text).to().unwrap().display().unwrap(), "%Z%45");
}

#[test]
fn no_blank_between_display_name_and_bracket() {
    let text =
        request("OPTIONS sip:user@example.com SIP/2.0", &["From: caller<sip:caller@example.com>;tag=323"]);
    assert_eq!(refused(&text), None);
    assert_eq!(parse(&text).from().unwrap().display().unwrap(), "caller");
}

#[test]
fn long_values_are_values() {
    let long = "longvalue".repeat(40);
    let vias: String = (0..34).map(|n| format!("Via: SIP/2.0/TCP sip{n}.example.com\n")).collect();
    let text = request(
        "INVITE sip:user@example.com SIP/2.0",
        &[
            &format!(
                "To: \"I have a user name of extreme proportion\"<sip:user@example.com:6000;unknownparam1=very{long}>"
            ),
            &format!("From: sip:amazinglylongcallername@example.net;tag=12982{long};{long}=1;unknown={long}"),
            &format!("Unknown-{}: {long}", "Long".repeat(20)),
            &format!("{vias}v: SIP/2.0/UDP sip35.example.com;branch=z9hG4bK{long}"),
        ],
    );
    assert_eq!(refused(&text), None);
    let message = parse(&text);
    assert_eq!(message.values(Name::Via).count(), 35);
    assert!(message.from().unwrap().tag().unwrap().len() > 300);
}

#[test]
fn semicolons_stand_in_the_user_part() {
    let text = request("OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0", &[]);
    assert_eq!(refused(&text), None);
    let message = parse(&text);
    let uri = message.uri().unwrap();
    assert_eq!((uri.user(), uri.param("par")), (Some("user;par=u%40example.net"), None));
}

#[test]
fn unknown_transports_are_names() {
    let vias = "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee";
    let text = request("OPTIONS sip:user@example.com SIP/2.0", &[vias]);
    assert_eq!(refused(&text), None);
    let message = parse(&text);
    let transports: Vec<_> =
        message.values(Name::Via).map(|via| crosspoint_sip::Via::parse(via).unwrap().transport()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn responses_without_and_with_unusual_reasons() {
    let lines = "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: noreason\nCSeq: 35 INVITE\n\
                 From: <sip:user@example.com>;tag=39ansfi3\nTo: <sip:user@example.edu>;tag=902jndnke3\nContent-Length: 0\n\n";
    for (line, reason) in
        [("SIP/2.0 100 ", ""), ("SIP/2.0 100", ""), ("SIP/2.0 200 = 2**3 \u{43d}", "= 2**3 \u{43d}")]
    {
        let text = format!("{line}\n{lines}");
        assert_eq!(refused(&text), None);
        assert_eq!(parse(&text).reason(), reason.as_bytes());
    }
    for line in [
        "SIP/2.0 4294967301 better not break",
        "SIP/2.0 99 x",
        "SIP/2.0 2x0 OK",
        "SIP/2.0",
        "SIP/2.0  200 OK",
    ] {
        assert!(Message::parse(Bytes::from(format!("{line}\r\n\r\n"))).is_err(), "{line}");
    }
}

#[test]
fn what_cannot_be_understood_is_answered_400() {
    let options = "OPTIONS sip:user@example.com SIP/2.0";
    for (why, text) in [
        ("negative length", request(options, &["Content-Length: -999"])),
        (
            "number too large",
            request("REGISTER sip:example.com SIP/2.0", &["CSeq: 36893488147419103232 REGISTER"]),
        ),
        ("max-forwards of 300", request(options, &["Max-Forwards: 300"])),
        ("unterminated quote", request(options, &["To: \"Mr. J. User <sip:j.user@example.com>"])),
        ("uri in brackets", request("INVITE <sip:user@example.com> SIP/2.0", &[])),
        ("blank in the uri", request("INVITE sip:user@example.com; lr SIP/2.0", &[])),
        ("two blanks", request("INVITE  sip:user@example.com  SIP/2.0", &[])),
        ("blank at the end", request("OPTIONS sip:user@example.com SIP/2.0  ", &[])),
        (
            "bare address with a display name",
            request(options, &["To: \"Watson, Thomas\" sip:t.watson@example.com"]),
        ),
        ("another method", request(options, &["CSeq: 8 INVITE"])),
        ("another unknown method", request("NEWMETHOD sip:user@example.com SIP/2.0", &["CSeq: 8 METHODNEW"])),
        ("missing headers", "INVITE sip:user@example.com SIP/2.0\nCSeq: 193942 INVITE\n\n".to_owned()),
        (
            "repeated headers",
            request(options, &["From: <sip:a@b.example>;tag=1", "From: <sip:a@b.example>;tag=1"]),
        ),
        ("two lengths", request(options, &["Content-Length: 0", "Content-Length: 5"])),
        (
            "address without brackets",
            request(options, &["Via: SIP/2.0/UDP 2001:db8::9:255;branch=z9hG4bKas3-111"]),
        ),
        ("host without brackets", request("OPTIONS sip:user@2001:db8::10 SIP/2.0", &[])),
    ] {
        assert_eq!(refused(&text), Some(400), "{why}");
    }
}

#[test]
fn statuses_other_than_400() {
    assert_eq!(refused(&request("OPTIONS sip:t.watson@example.org SIP/7.0", &[])), Some(505));
    assert_eq!(
        refused(&request("OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0", &[])),
        Some(416)
    );
    assert_eq!(refused(&request("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", &[])), Some(416));
}

#[test]
fn oddities_of_single_headers_are_left_to_whoever_reads_them() {
    for lines in [
        &["Date: Fri, 01 Jan 2010 16:00:00 EST"][..],
        &["Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"],
        &["Accept: text/nobodyKnowsThis", "Content-Type: application/unknownformat"],
        &["From: <isbn:2983792873>;tag=1", "To: <http://www.example.com>"],
        &["Require: nothingSupportsThis, nothingSupportsThisEither", "Max-Forwards: 0"],
        &["Authorization: NoOneKnowsThisScheme opaque-data=here"],
        &["Warning: 1812 overture \"In Progress\"", "Expires: 0 0l@company.com"],
        &["Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"],
    ] {
        assert_eq!(refused(&request("OPTIONS sip:user@[2001:db8::10] SIP/2.0", lines)), None, "{lines:?}");
    }
}

#[test]
fn contacts_in_all_their_forms() {
    let text = request(
        "REGISTER sip:example.com SIP/2.0",
        &[
            "Contact: sip:+19725552222@gw1.example.net;unknownparam\nm: <sip:+19725552222@gw1.example.net;unknownparam>, \"A, B\"<tel:+1-972-555-2222>;q=0.2 , *",
        ],
    );
    assert_eq!(refused(&text), None);
    let message = parse(&text);
    let contacts: Vec<_> = message.contacts().map(Result::unwrap).collect();
    let texts: Vec<_> =
        contacts.iter().map(|contact| contact.addr().map_or("*", NameAddr::uri_text)).collect();
    let uri = "sip:+19725552222@gw1.example.net";
    assert_eq!(texts, [uri, &format!("{uri};unknownparam"), "tel:+1-972-555-2222", "*"]);
    assert_eq!(contacts[0].addr().unwrap().param("unknownparam"), Some(None));
    assert!(matches!(contacts[3], Contact::Star));
}

#[test]
fn two_requests_in_one_datagram_are_one() {
    let text = request("REGISTER sip:example.com SIP/2.0", &[]);
    let both = format!("{text}INVITE sip:joe@example.com SIP/2.0\nt: <sip:joe@example.com>\n\n");
    let message = parse(&both);
    assert_eq!((message.validate(), message.method()), (Ok(()), Some(Method::Register)));
    assert_eq!(message.edited(&EditList::new()), text.replace('\n', "\r\n"));
}

#[test]
fn other_protocols_are_dropped() {
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl",
        b"\r\n\r\n",
        b"",
        b"OPTIONS",
        b"OPTIONS sip:a",
        b"SIP/2.0 ",
    ] {
        assert!(Message::parse(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:?}");
    }
}
