//! Keep-alive by STUN on the SIP port: a binding request is answered with the sender's address (RFC 5626 §4.4.2).

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// True for what cannot be SIP: STUN's first two bits are zero, and its fifth to eighth bytes are the magic cookie.
pub(crate) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| *first < 0x40) && datagram.get(4..8) == Some(&MAGIC_COOKIE)
}

/// The success response to a binding request (RFC 8489 §7.3.1); `None` for every other STUN message.
///
/// 32 or 44 bytes for 20 or more: no use to an amplifier, and nothing is kept.
pub(crate) fn answer(datagram: &[u8], from: SocketAddr) -> Option<Bytes> {
    let header = datagram.get(..HEADER)?;
    let length = usize::from(u16::from_be_bytes([*header.get(2)?, *header.get(3)?]));
    let kind = u16::from_be_bytes([*header.first()?, *header.get(1)?]);
    if kind != BINDING_REQUEST || length + HEADER != datagram.len() {
        return None;
    }
    let transaction = header.get(8..)?;
    let ip: &[u8] = match &from.ip() {
        IpAddr::V4(v4) => &v4.octets(),
        IpAddr::V6(v6) => &v6.octets(),
    };
    let attribute = 4 + ip.len();
    let mut out = BytesMut::with_capacity(HEADER + 4 + attribute);
    out.put_u16(BINDING_SUCCESS);
    out.put_u16(u16::try_from(4 + attribute).ok()?);
    out.put_slice(&MAGIC_COOKIE);
    out.put_slice(transaction);
    out.put_u16(XOR_MAPPED_ADDRESS);
    out.put_u16(u16::try_from(attribute).ok()?);
    out.put_u16(if from.is_ipv4() { 1 } else { 2 });
    // RFC 8489 §14.2: the port is mixed with the cookie, the address with the cookie and the transaction.
    let mask = MAGIC_COOKIE.iter().chain(transaction);
    out.put_u16(from.port() ^ u16::from_be_bytes([0x21, 0x12]));
    out.extend(ip.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
    Some(out.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    fn request() -> Vec<u8> {
        [&[0, 1, 0, 0][..], &MAGIC_COOKIE, &TRANSACTION].concat()
    }

    /// The addresses and the attribute bytes of RFC 5769 §2.2 and §2.3.
    #[test]
    fn the_mapped_address_is_that_of_the_test_vectors() {
        let v4 = answer(&request(), "192.0.2.1:32853".parse().unwrap()).unwrap();
        assert_eq!(v4[..4], [1, 1, 0, 12]);
        assert_eq!(v4[8..20], TRANSACTION);
        assert_eq!(v4[20..], [0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
        let v6 = answer(&request(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap()).unwrap();
        assert_eq!(
            v6[20..],
            [
                0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1,
                0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9
            ]
        );
    }

    #[test]
    fn only_whole_binding_requests_are_answered() {
        let from = "192.0.2.1:32853".parse().unwrap();
        assert!(is_stun(&request()));
        assert!(!is_stun(b"OPTIONS sip:a SIP/2.0"));
        let mut indication = request();
        indication[1] = 0x11;
        assert_eq!(answer(&indication, from), None);
        assert_eq!(answer(&request()[..19], from), None);
        assert_eq!(answer(&[request(), vec![0]].concat(), from), None);
    }
}
