//! URIs in all their forms, and what holds for every input.

#![expect(clippy::unwrap_used, reason = "a test stops where it goes wrong")]

use crosspoint_uri::{Aor, E164, Host, HostPort, Scheme, SipUri, UriError, UriRef};
use proptest::prelude::*;

fn read(text: &str) -> SipUri {
    text.parse().unwrap()
}

#[test]
fn every_part_is_found() {
    let uri = read(
        "SIPS:al%69ce;x=1?y:pa$s@Example.COM:5061;transport=TLS;LR;m%61ddr=x;=;empty=?Subject=a%20b&Priority",
    );
    assert_eq!(uri.scheme(), Scheme::Sips);
    assert_eq!((uri.user(), uri.password()), (Some("al%69ce;x=1?y"), Some("pa$s")));
    assert_eq!(uri.user_unescaped().unwrap(), "alice;x=1?y");
    assert_eq!((uri.host(), uri.port()), (&Host::Name("example.com".into()), Some(5061)));
    assert_eq!((uri.transport_param(), uri.is_lr(), uri.param("empty")), (Some("TLS"), true, Some(Some(""))));
    assert_eq!(uri.headers().collect::<Vec<_>>(), [("Subject", "a%20b"), ("Priority", "")]);
    assert_eq!(uri.host_port(), HostPort::parse("example.com:5061").unwrap());
}

#[test]
fn hosts_alone_and_addresses() {
    let uri = read("sip:[2001:db8::10]:5070;lr");
    assert_eq!((uri.user(), uri.port(), uri.is_lr()), (None, Some(5070), true));
    assert_eq!(uri.host().ip(), Some("2001:db8::10".parse().unwrap()));
    // The port belongs into the brackets here, RFC 5118 §4.3.
    assert_eq!(read("sip:[2001:db8::10:5070]").port(), None);
    assert_eq!(read("sip:user@[2001:db8::1]?x=y").headers().next(), Some(("x", "y")));
    assert_eq!(read("sip:192.0.2.1;maddr=239.255.255.1;ttl=15").param("TTL"), Some(Some("15")));
    assert_eq!(read("sip:gw?to=x").host(), &Host::Name("gw".into()));
}

#[test]
fn telephone_numbers() {
    let uri = read("tel:+1-(201)-555.0123;ext=7;phone-context=x");
    assert_eq!((uri.scheme(), uri.user()), (Scheme::Tel, Some("+1-(201)-555.0123")));
    assert_eq!((uri.param("ext"), uri.host()), (Some(Some("7")), &Host::Name(String::new())));
    assert_eq!(E164::parse(uri.user().unwrap()).unwrap().as_str(), "+12015550123");
    assert_eq!(read("tel:*31#7042;phone-context=example.com").user(), Some("*31#7042"));
    for text in ["tel:", "tel:+", "tel:+1x", "tel:1+2", "tel:alice", "tel:--"] {
        assert_eq!(text.parse::<SipUri>(), Err(UriError::BadNumber), "{text}");
    }
}

#[test]
fn each_mistake_has_its_name() {
    for (text, error) in [
        ("", UriError::NoScheme),
        ("example.com", UriError::NoScheme),
        ("1sip:a", UriError::NoScheme),
        ("*", UriError::NoScheme),
        ("http://a/", UriError::UnsupportedScheme),
        ("soap.beep://192.0.2.103:3002", UriError::UnsupportedScheme),
        ("sip:", UriError::BadHost),
        ("sip:a@", UriError::BadHost),
        ("sip:@a", UriError::NoUser),
        ("sip::pw@a", UriError::NoUser),
        ("sip:a@b@c", UriError::BadHost),
        ("sip:a@b:", UriError::BadPort),
        ("sip:a@b:65536", UriError::BadPort),
        ("sip:a@b:5060x", UriError::BadPort),
        ("sip:a@[::1", UriError::BadHost),
        ("sip:a@[::1]x", UriError::BadHost),
        ("sip:a@2001:db8::1", UriError::BadHost),
        ("sip:a@b c", UriError::BadCharacter),
        ("sip:a@b\r\n", UriError::BadCharacter),
        ("<sip:a@b>", UriError::BadCharacter),
        ("sip:a\0@b", UriError::BadCharacter),
    ] {
        assert_eq!(text.parse::<SipUri>(), Err(error), "{text}");
    }
    assert_eq!(SipUri::parse(b"sip:\xff@b"), Err(UriError::NotUtf8));
    assert_eq!(SipUri::parse(&[b'a'; 5_000]), Err(UriError::TooLong));
}

#[test]
fn serde_keeps_the_text() {
    let uri = read("sip:Alice@EXAMPLE.com;x=%41");
    let json = serde_json::to_string(&uri).unwrap();
    assert_eq!(json, "\"sip:Alice@EXAMPLE.com;x=%41\"");
    assert_eq!(serde_json::from_str::<SipUri>(&json).unwrap(), uri);
    assert!(serde_json::from_str::<SipUri>("\"sip:\"").is_err());
    let aor: Aor = serde_json::from_str("\"sip:bob@EXAMPLE.com\"").unwrap();
    assert_eq!(serde_json::to_string(&aor).unwrap(), "\"sip:bob@example.com\"");
    assert_eq!(serde_json::from_str::<E164>("\"+1 201 555 0123\"").unwrap().digits(), "12015550123");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_written_byte_for_byte(
        text in "(sip|SIPS|Sip):([a-z0-9;?%&+!'()*]{1,12}(:[a-z]{0,5})?@)?([a-z0-9-]{1,8}\\.){0,2}[a-z][a-z0-9]{0,5}(:[0-9]{1,4})?(;[a-z%0-9]{1,5}(=[a-zA-Z:\\[\\]/&+$%]{0,5})?){0,3}(\\?[a-z]{1,4}=[a-z%:]{0,9})?",
    ) {
        let uri = SipUri::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(uri.as_str(), &text);
        prop_assert_eq!(uri.to_string(), text);
        prop_assert!(uri.equivalent(&uri.clone()));
    }

    #[test]
    fn arbitrary_text_does_no_harm(text in "(sip:|sips:|tel:|)[a-z0-9:;@?&=%\\[\\].<>\" \\PC]{0,60}") {
        if let Ok(uri) = UriRef::parse(text.as_bytes()) {
            let _ = (uri.user_unescaped(), uri.password(), uri.host_port().to_string(), uri.is_lr());
            let _ = (uri.params().count(), uri.headers().count(), Aor::from_uri(&uri), uri.to_owned());
            prop_assert!(uri.equivalent(&uri));
        }
        let _ = (E164::parse(&text), HostPort::parse(&text), crosspoint_uri::unescape(&text).len());
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = (SipUri::parse(&bytes), SipUri::parse(&[b"sip:", &bytes[..]].concat()));
    }

    #[test]
    fn an_address_of_record_reads_back(user in "\\PC{1,12}", domain in "([a-z0-9]{1,5}\\.)?[a-z]{2,5}") {
        let aor = Aor::new(&user, &domain).unwrap();
        prop_assert_eq!(aor.to_string().parse::<Aor>().unwrap(), aor);
    }
}
