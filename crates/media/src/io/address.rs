//! Socket addresses as the kernel writes them.

use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use libc::{
    AF_INET, AF_INET6, in_addr, in6_addr, sa_family_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t,
};

/// Room for an address of either family.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union RawAddress {
    family: sa_family_t,
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

impl RawAddress {
    /// The size of the room.
    pub(super) const CAPACITY: socklen_t = size_of::<RawAddress>() as socklen_t;

    /// All zero: no family.
    pub(super) fn empty() -> RawAddress {
        // SAFETY: every field of the union is plain old data for which all-zero bytes are a value.
        unsafe { zeroed() }
    }

    /// The address for a socket of this family, with its length. To an IPv6 socket an IPv4 address is a mapped one.
    pub(super) fn of(addr: &SocketAddr, ipv6_socket: bool) -> (RawAddress, socklen_t) {
        match (addr, ipv6_socket) {
            (SocketAddr::V4(addr), false) => {
                let v4 = sockaddr_in {
                    sin_family: AF_INET as sa_family_t,
                    sin_port: addr.port().to_be(),
                    sin_addr: in_addr { s_addr: u32::from_ne_bytes(addr.ip().octets()) },
                    sin_zero: [0; 8],
                };
                (RawAddress { v4 }, size_of::<sockaddr_in>() as socklen_t)
            }
            (SocketAddr::V4(addr), true) => RawAddress::of_v6(addr.ip().to_ipv6_mapped(), addr.port(), 0),
            (SocketAddr::V6(addr), _) => RawAddress::of_v6(*addr.ip(), addr.port(), addr.scope_id()),
        }
    }

    fn of_v6(ip: Ipv6Addr, port: u16, scope: u32) -> (RawAddress, socklen_t) {
        let v6 = sockaddr_in6 {
            sin6_family: AF_INET6 as sa_family_t,
            sin6_port: port.to_be(),
            sin6_flowinfo: 0,
            sin6_addr: in6_addr { s6_addr: ip.octets() },
            sin6_scope_id: scope,
        };
        (RawAddress { v6 }, size_of::<sockaddr_in6>() as socklen_t)
    }

    /// As Rust knows it; a mapped IPv4 address as IPv4.
    pub(super) fn read(&self) -> Option<SocketAddr> {
        // SAFETY: the union is wholly initialized from the start (`empty` or `of`), every field is plain old data, and
        // `family` lies at the same place in all of them.
        let family = i32::from(unsafe { self.family });
        match family {
            AF_INET => {
                // SAFETY: as above; the family says that the kernel wrote this one.
                let v4 = unsafe { self.v4 };
                let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
                Some(SocketAddr::new(IpAddr::V4(ip), u16::from_be(v4.sin_port)))
            }
            AF_INET6 => {
                // SAFETY: as above; the family says that the kernel wrote this one.
                let v6 = unsafe { self.v6 };
                let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr).to_canonical();
                Some(SocketAddr::new(ip, u16::from_be(v6.sin6_port)))
            }
            _ => None,
        }
    }

    /// For the kernel to read.
    pub(super) fn as_ptr(&self) -> *const sockaddr {
        std::ptr::from_ref(self).cast()
    }

    /// For the kernel to write, up to [`RawAddress::CAPACITY`] bytes.
    pub(super) fn as_mut_ptr(&mut self) -> *mut sockaddr {
        std::ptr::from_mut(self).cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back() {
        for (text, ipv6_socket) in
            [("192.0.2.7:5004", false), ("192.0.2.7:5004", true), ("[2001:db8::7]:5004", true)]
        {
            let addr: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::of(&addr, ipv6_socket).0.read(), Some(addr));
        }
        assert_eq!(RawAddress::empty().read(), None);
    }
}
