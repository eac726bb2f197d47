//! Session descriptions for tests.

use std::net::{IpAddr, SocketAddr};

use crate::Codec;

/// An offer or answer with one audio stream.
#[must_use]
pub fn offer(rtp: SocketAddr, codec: Codec, direction: &str) -> String {
    let (ip, port) = (rtp.ip(), rtp.port());
    let (payload, name) = (codec.payload(), codec.name());
    format!(
        "v=0\r\no=- 20518 0 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP {payload} 101\r\n\
         a=rtpmap:{payload} {name}/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )
}

/// Where a description wants its audio.
///
/// # Panics
/// When it has no address or no audio.
#[must_use]
pub fn media_target(description: &str) -> SocketAddr {
    let line = |start: &str| description.lines().rev().find_map(|line| line.strip_prefix(start));
    let ip: Option<IpAddr> = line("c=IN IP4 ").and_then(|ip| ip.trim().parse().ok());
    let port: Option<u16> =
        line("m=audio ").and_then(|m| m.split(' ').next()).and_then(|port| port.parse().ok());
    match (ip, port) {
        (Some(ip), Some(port)) if port > 0 => SocketAddr::new(ip, port),
        _ => panic!("no audio in:\n{description}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_an_offer_is_its_address() {
        let rtp = "127.1.2.3:4000".parse().unwrap();
        assert_eq!(media_target(&offer(rtp, Codec::Pcma, "sendrecv")), rtp);
    }
}
