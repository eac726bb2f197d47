//! Whether the ports are free, or ours already.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use config::{Config, PortRange, SipTransport};

use super::Finding;
use crate::address::media_bind;

const SUBJECT: &str = "ports";

/// Every listener, then the media ports.
pub(super) fn check(config: &Config, running: bool) -> Vec<Finding> {
    let sip = config.sip.listen.iter().map(|listen| {
        let outcome = match listen.transport {
            SipTransport::Udp => UdpSocket::bind(listen.addr).map(drop),
            SipTransport::Tcp => TcpListener::bind(listen.addr).map(drop),
        };
        listener(&listen.to_string(), "sip.listen", outcome, running)
    });
    let http = config.http.listen.iter().map(|listen| {
        listener(&listen.to_string(), "http.listen", TcpListener::bind(listen.addr).map(drop), running)
    });
    let mut findings: Vec<Finding> = sip.chain(http).collect();
    findings.push(media(media_bind(config), config.media.ports, running));
    findings.extend(kernel_range(config.media.ports, "/proc/sys/net/ipv4/ip_local_port_range"));
    findings
}

fn listener(name: &str, key: &str, outcome: std::io::Result<()>, running: bool) -> Finding {
    match outcome.map_err(|error| (error.kind(), error)) {
        Ok(()) if running => Finding::warn(
            SUBJECT,
            format!("{name} is free, but the server runs: it was started with another configuration"),
            "restart it to take this one",
        ),
        Ok(()) => Finding::ok(SUBJECT, format!("{name} is free")),
        Err((ErrorKind::AddrInUse, _)) if running => {
            Finding::ok(SUBJECT, format!("{name} is in use by our running server"))
        }
        Err((ErrorKind::AddrInUse, _)) => Finding::fail(
            SUBJECT,
            format!("{name} is in use by another program"),
            format!("find it with `ss -lnptu`, stop it, or choose another port in {key}"),
        ),
        Err((ErrorKind::AddrNotAvailable, _)) => Finding::fail(
            SUBJECT,
            format!("{name}: this machine has no such address"),
            format!("correct {key}; `ip address` lists the addresses there are"),
        ),
        Err((ErrorKind::PermissionDenied, _)) => Finding::fail(
            SUBJECT,
            format!("{name}: not allowed"),
            format!("choose a port above 1023 in {key}, or grant CAP_NET_BIND_SERVICE"),
        ),
        Err((_, error)) => Finding::fail(SUBJECT, format!("{name}: {error}"), format!("correct {key}")),
    }
}

fn media(bind: IpAddr, ports: PortRange, running: bool) -> Finding {
    let all = usize::from(ports.last - ports.first) + 1;
    let taken = |port: &u16| {
        UdpSocket::bind(SocketAddr::new(bind, *port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    };
    let taken = (ports.first..=ports.last).filter(taken).count();
    let found = format!("udp {ports} for media: {} of {all} free", all - taken);
    if taken == 0 || running {
        Finding::ok(SUBJECT, found)
    } else if taken * 2 > all {
        Finding::fail(SUBJECT, found, "another program has most of them; choose another range in media.ports")
    } else {
        Finding::warn(
            SUBJECT,
            found,
            "other programs have the rest, which calls will skip; choose another range in media.ports",
        )
    }
}

/// Ports that the kernel gives to anybody for outgoing packets are sometimes taken when a call wants them.
fn kernel_range(ports: PortRange, file: &str) -> Option<Finding> {
    let text = std::fs::read_to_string(file).ok()?;
    let mut ends = text.split_whitespace().filter_map(|end| end.parse::<u16>().ok());
    let (first, last) = (ends.next()?, ends.next()?);
    (ports.first <= last && first <= ports.last).then(|| {
        Finding::warn(
            SUBJECT,
            format!("media.ports {ports} overlaps the ports the kernel hands out ({first}-{last})"),
            format!("choose another range, or: sysctl -w net.ipv4.ip_local_reserved_ports={ports}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_taken_port_is_a_failure_unless_it_is_ours() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = other.local_addr().unwrap();
        let look = |running| listener("tcp", "sip.listen", TcpListener::bind(addr).map(drop), running);
        let finding = look(false);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.remedy.contains("sip.listen"), "{finding:?}");
        assert_eq!(look(true).verdict, Verdict::Ok);
    }

    #[test]
    fn an_address_of_another_machine_is_a_failure() {
        let outcome = UdpSocket::bind("192.0.2.77:5060").map(drop);
        let finding = listener("udp://192.0.2.77:5060", "sip.listen", outcome, false);
        assert_eq!(finding.verdict, Verdict::Fail);
        assert!(finding.found.contains("no such address"), "{finding:?}");
    }

    #[test]
    fn taken_media_ports_are_counted() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let range = PortRange { first: port, last: port.saturating_add(1) };
        let finding = media("127.0.0.1".parse().unwrap(), range, false);
        assert!(finding.verdict > Verdict::Ok && finding.found.contains("of 2 free"), "{finding:?}");
    }

    #[test]
    fn an_overlap_with_the_kernel_is_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("range");
        std::fs::write(&file, "32768\t60999\n").unwrap();
        let look = |ports: &str| kernel_range(ports.parse().unwrap(), file.to_str().unwrap());
        assert_eq!(look("10000-20000"), None);
        assert_eq!(look("30000-40000").unwrap().verdict, Verdict::Warn);
    }
}
