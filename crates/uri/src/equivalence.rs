//! When two URIs mean the same, RFC 3261 §19.1.4 and RFC 3966 §4.

use crate::{Headers, Scheme, UriRef, unescape};

/// Parameters that never match their own absence, RFC 3261 §19.1.4.
const DECISIVE: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

pub(crate) fn equivalent(a: &UriRef<'_>, b: &UriRef<'_>) -> bool {
    if a.scheme() != b.scheme() {
        return false;
    }
    if a.scheme() == Scheme::Tel {
        return same_number(a, b) && tel_params_match(a, b) && tel_params_match(b, a);
    }
    // A default port does not match its absence: without it, the name may resolve to another.
    a.user_unescaped() == b.user_unescaped()
        && a.password().map(unescape) == b.password().map(unescape)
        && a.host() == b.host()
        && a.port() == b.port()
        && sip_params_match(a, b)
        && sip_params_match(b, a)
        && headers_match(a.headers(), b)
        && headers_match(b.headers(), a)
}

/// Every parameter of `a` has the same value in `b`, or is of no weight and not in `b` at all.
fn sip_params_match(a: &UriRef<'_>, b: &UriRef<'_>) -> bool {
    a.params().all(|(name, value)| {
        let decisive = || DECISIVE.iter().any(|decisive| name.eq_ignore_ascii_case(decisive));
        has_param(b, name, value) || (b.param(name).is_none() && !decisive())
    })
}

/// Every parameter of `a` is in `b` with the same value.
fn tel_params_match(a: &UriRef<'_>, b: &UriRef<'_>) -> bool {
    a.params().all(|(name, value)| has_param(b, name, value))
}

/// A parameter may stand twice, though it should not.
fn has_param(uri: &UriRef<'_>, name: &str, value: Option<&str>) -> bool {
    uri.params().any(|(key, other)| key.eq_ignore_ascii_case(name) && same_value(value, other))
}

fn same_value(a: Option<&str>, b: Option<&str>) -> bool {
    unescape(a.unwrap_or("")).eq_ignore_ascii_case(&unescape(b.unwrap_or("")))
}

/// Headers are never ignored, but their order is.
fn headers_match(mut headers: Headers<'_>, other: &UriRef<'_>) -> bool {
    headers.all(|(name, value)| {
        other.headers().any(|(key, text)| {
            unescape(key).eq_ignore_ascii_case(&unescape(name)) && unescape(text) == unescape(value)
        })
    })
}

/// The same digits, visual separators aside.
fn same_number(a: &UriRef<'_>, b: &UriRef<'_>) -> bool {
    digits(a).eq(digits(b))
}

fn digits<'a>(uri: &UriRef<'a>) -> impl Iterator<Item = u8> + 'a {
    let number = uri.user().unwrap_or("");
    number.bytes().filter(|b| !matches!(b, b'-' | b'.' | b'(' | b')')).map(|b| b.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use crate::SipUri;

    fn same(a: &str, b: &str) -> bool {
        let (a, b): (SipUri, SipUri) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(a.equivalent(&b), b.equivalent(&a), "not symmetric: {a} {b}");
        a.equivalent(&b)
    }

    #[test]
    fn the_equal_pairs_of_the_rfc() {
        for (a, b) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]"),
            ("tel:+1-201-555-0123", "tel:+12015550123"),
            ("tel:7042;phone-context=example.com", "TEL:70.42;phone-context=EXAMPLE.com"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_different_pairs_of_the_rfc() {
        for (a, b) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com:6000;transport=tcp", "sip:bob@biloxi.com;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on"),
            ("sip:a@b.example", "sips:a@b.example"),
            ("sip:a:x@b.example", "sip:a@b.example"),
            ("tel:7042;phone-context=example.com", "tel:7042;phone-context=example.org"),
            ("tel:+12015550123", "tel:+12015550124"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }
}
