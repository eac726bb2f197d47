//! What each network is told to send to.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use clock::SystemClock;
use config::{Config, ExternalAddress};

use super::Finding;
use crate::address::{Advertised, Reason, SOMEWHERE};

const SUBJECT: &str = "address";

/// One finding per network that is told something of its own.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let advertised = Advertised::new(config, SystemClock::new());
    let mut findings = vec![elsewhere(config, &advertised)];
    for net in &config.network.local_nets {
        let (address, reason) = advertised.explained(net.address());
        if reason != Reason::NoRoute {
            findings
                .push(Finding::ok(SUBJECT, format!("peers in {net} are told {address} ({})", words(reason))));
        }
    }
    for peer in &config.network.peer {
        findings.push(Finding::ok(
            SUBJECT,
            format!("peers in {} are told {} ({})", peer.net, peer.address, words(Reason::Exception)),
        ));
    }
    findings
}

fn elsewhere(config: &Config, advertised: &Advertised) -> Finding {
    let (address, reason) = advertised.explained(SOMEWHERE);
    let found = format!("peers elsewhere are told {address} ({})", words(reason));
    if let ExternalAddress::Fixed(fixed) = config.network.external_address
        && !is_ours(fixed)
    {
        return Finding::ok(
            SUBJECT,
            format!("{found}; not an address of this machine: the router that has it must forward the ports"),
        );
    }
    match reason {
        Reason::NoRoute => Finding::warn(
            SUBJECT,
            "there is no route to other networks: only this machine can call",
            "connect a network, or set network.external_address",
        ),
        _ if is_private(address) => Finding::warn(
            SUBJECT,
            format!("{found}, which only the local network can reach"),
            "for phones elsewhere: set network.external_address to the public address, and forward the ports in the router",
        ),
        _ => Finding::ok(SUBJECT, found),
    }
}

fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Exception => "network.peer",
        Reason::External => "network.external_address",
        Reason::Bound => "the address SIP listens on",
        Reason::Route => "our interface towards them",
        Reason::NoRoute => "a guess: there is no route",
    }
}

/// Whether this machine has the address.
fn is_ours(address: IpAddr) -> bool {
    UdpSocket::bind(SocketAddr::new(address, 0)).is_ok()
}

/// Whether the address means nothing to the rest of the world.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is shared by the customers of a provider, RFC 6598 §7.
            let shared = u32::from(address) >> 22 == 0b01_1001_0001;
            address.is_private() || address.is_loopback() || address.is_link_local() || shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::super::tests::config;
    use super::*;

    #[test]
    fn each_network_is_listed_with_what_it_is_told() {
        let findings = check(&config(
            "[network]\nexternal_address = \"203.0.113.9\"\nlocal_nets = [\"127.0.0.0/8\"]\n\
             [[network.peer]]\nnet = \"198.51.100.0/24\"\naddress = \"198.51.100.1\"",
        ));
        let all = findings.iter().map(|finding| finding.found.as_str()).collect::<Vec<_>>().join("\n");
        for part in [
            "elsewhere are told 203.0.113.9 (network.external_address); not an address of this machine",
            "peers in 127.0.0.0/8 are told 127.0.0.1 (our interface towards them)",
            "peers in 198.51.100.0/24 are told 198.51.100.1 (network.peer)",
        ] {
            assert!(all.contains(part), "{part:?} is missing in\n{all}");
        }
    }

    #[test]
    fn a_private_address_for_the_world_is_a_warning() {
        let config = config("[sip]\nlisten = [\"udp://127.0.0.1:5060\"]");
        let finding = elsewhere(&config, &Advertised::new(&config, SystemClock::new()));
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(finding.remedy.contains("network.external_address"), "{finding:?}");
    }

    #[test]
    fn private_addresses_are_known() {
        let table = [
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.127.9.9", true),
            ("100.128.0.1", false),
            ("100.63.0.1", false),
            ("203.0.113.9", false),
            ("fd00::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
        ];
        for (address, expected) in table {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
