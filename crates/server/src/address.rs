//! Which address of ours a peer is told: the answer differs per network, and a wrong one is the most common cause of
//! silent calls.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::RwLock;
use std::time::Duration;

use clock::{SystemClock, Time};
use config::{Config, ExternalAddress, Network};

/// A route is looked up again after this time: interfaces change rarely, but they do.
const ROUTE_LIFETIME: Duration = Duration::from_secs(30);
/// Peers whose route is remembered; with more than that the memory starts anew.
const MAX_ROUTES: usize = 16_384;
/// Any port does: nothing is sent.
const DISCARD: u16 = 9;

/// An address far away (reserved for documentation, RFC 5737 §3): the route to it is the route to the world.
pub(crate) const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Chooses the address by the peer's.
pub(crate) struct Advertised {
    network: Network,
    bound: Option<IpAddr>,
    clock: SystemClock,
    routes: RwLock<HashMap<IpAddr, (IpAddr, Time)>>,
}

/// Why a peer is told this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// An entry of `[[network.peer]]`.
    Exception,
    /// `network.external_address`.
    External,
    /// All listeners are bound to it.
    Bound,
    /// Our interface towards the peer.
    Route,
    /// There is no route; the loopback address is a guess.
    NoRoute,
}

impl Advertised {
    pub(crate) fn new(config: &Config, clock: SystemClock) -> Advertised {
        let network = config.network.clone();
        Advertised { network, bound: bound_address(config), clock, routes: RwLock::default() }
    }

    /// The address this peer is told.
    pub(crate) fn towards(&self, peer: IpAddr) -> IpAddr {
        self.explained(peer).0
    }

    /// The address, and why.
    pub(crate) fn explained(&self, peer: IpAddr) -> (IpAddr, Reason) {
        let peer = peer.to_canonical();
        if let Some(exception) = self.network.peer.iter().find(|exception| exception.net.contains(peer)) {
            return (exception.address, Reason::Exception);
        }
        let local = peer.is_loopback() || self.network.local_nets.iter().any(|net| net.contains(peer));
        if let (ExternalAddress::Fixed(address), false) = (self.network.external_address, local) {
            return (address, Reason::External);
        }
        if let Some(bound) = self.bound {
            return (bound, Reason::Bound);
        }
        match self.route(peer) {
            Some(address) => (address, Reason::Route),
            None => (loopback(peer), Reason::NoRoute),
        }
    }

    fn route(&self, peer: IpAddr) -> Option<IpAddr> {
        let now = self.clock.now();
        if let Ok(routes) = self.routes.read()
            && let Some((address, until)) = routes.get(&peer)
            && now < *until
        {
            return Some(*address);
        }
        let address = route_towards(peer)?;
        if let Ok(mut routes) = self.routes.write() {
            if routes.len() >= MAX_ROUTES {
                routes.clear();
            }
            routes.insert(peer, (address, now + ROUTE_LIFETIME));
        }
        Some(address)
    }
}

/// The source address the kernel would use towards `peer`. Connecting a UDP socket asks the routing table and sends
/// nothing.
pub(crate) fn route_towards(peer: IpAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(peer, DISCARD)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
}

/// The one address that all SIP listeners are bound to, if they are bound to a single one.
pub(crate) fn bound_address(config: &Config) -> Option<IpAddr> {
    let mut addresses = config.sip.listen.iter().map(|listen| listen.addr.ip());
    let first = addresses.next()?;
    Some(first).filter(|first| !first.is_unspecified() && addresses.all(|other| other == *first))
}

/// The address that RTP sockets bind: the SIP listeners' own where there is one, else all of their family.
pub(crate) fn media_bind(config: &Config) -> IpAddr {
    let v6 = config.sip.listen.iter().any(|listen| listen.addr.is_ipv6());
    let any = if v6 { IpAddr::from(Ipv6Addr::UNSPECIFIED) } else { IpAddr::from(Ipv4Addr::UNSPECIFIED) };
    bound_address(config).unwrap_or(any)
}

fn loopback(peer: IpAddr) -> IpAddr {
    if peer.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advertised(file: &str) -> Advertised {
        let file = config::TextFile { path: "test.toml".into(), text: file.to_owned() };
        let inputs = config::Inputs { file: Some(file), ..config::Inputs::default() };
        Advertised::new(&config::load(&inputs).unwrap().config, SystemClock::new())
    }

    fn told(file: &str, peer: &str) -> (String, Reason) {
        let (address, reason) = advertised(file).explained(peer.parse().unwrap());
        (address.to_string(), reason)
    }

    #[test]
    fn each_network_is_told_its_address() {
        const NAT: &str = "[network]\nexternal_address = \"203.0.113.9\"\nlocal_nets = [\"10.0.0.0/8\"]\n\
                           [[network.peer]]\nnet = \"10.9.0.0/16\"\naddress = \"10.9.0.1\"\n\
                           [sip]\nlisten = [\"udp://10.0.0.5:5060\", \"tcp://10.0.0.5:5060\"]";
        assert_eq!(told(NAT, "198.51.100.1"), ("203.0.113.9".to_owned(), Reason::External));
        assert_eq!(told(NAT, "::ffff:198.51.100.1"), ("203.0.113.9".to_owned(), Reason::External));
        assert_eq!(told(NAT, "10.9.3.3"), ("10.9.0.1".to_owned(), Reason::Exception));
        assert_eq!(told(NAT, "10.1.1.1"), ("10.0.0.5".to_owned(), Reason::Bound));
    }

    #[test]
    fn the_route_decides_where_nothing_is_set() {
        assert_eq!(told("", "127.0.0.9"), ("127.0.0.1".to_owned(), Reason::Route));
        let fixed = "[network]\nexternal_address = \"203.0.113.9\"";
        assert_eq!(
            told(fixed, "127.0.0.1"),
            ("127.0.0.1".to_owned(), Reason::Route),
            "the machine itself is local"
        );
    }

    #[test]
    fn a_remembered_route_is_the_same() {
        let advertised = advertised("");
        let peer = "127.0.0.9".parse().unwrap();
        assert_eq!(advertised.towards(peer), advertised.towards(peer));
        assert_eq!(advertised.routes.read().unwrap().len(), 1);
    }

    #[test]
    fn media_binds_where_sip_does() {
        let bind = |listen: &str| {
            let file = config::TextFile { path: "t".into(), text: format!("[sip]\nlisten = {listen}") };
            let inputs = config::Inputs { file: Some(file), ..config::Inputs::default() };
            media_bind(&config::load(&inputs).unwrap().config).to_string()
        };
        assert_eq!(bind("[\"udp://127.0.0.5:5060\", \"tcp://127.0.0.5:5060\"]"), "127.0.0.5");
        assert_eq!(bind("[\"udp://127.0.0.5:5060\", \"udp://127.0.0.6:5060\"]"), "0.0.0.0");
        assert_eq!(bind("[\"udp://0.0.0.0:5060\"]"), "0.0.0.0");
        assert_eq!(bind("[\"udp://[::]:5060\"]"), "::");
    }
}
