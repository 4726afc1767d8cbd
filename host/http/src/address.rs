//! Which addresses are out of bounds for whom.
//!
//! A server may answer a request with a redirect, and a name with any address: what a connector
//! may reach is decided by the address that is dialled. Addresses of networks that are not public
//! are reached only through hosts that the user wrote out, and those of the machine's own services
//! (the cloud's metadata) only where the address itself was written out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the public internet.
    Public,
    /// To a network of somebody's own, of this kind.
    Private(&'static str),
    /// To where nothing is reached by a name, of this kind.
    Local(&'static str),
}

impl Reach {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        (127, ..) => Reach::Private("loopback"),
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => Reach::Private("private"),
        // What clouds give to their own machines: Alibaba's and Oracle's, and everybody else's.
        (100, 100, 100, 200) | (192, 0, 0, 192) => Reach::Local("metadata"),
        (169, 254, ..) => Reach::Local("link-local or metadata"),
        (168, 63, 129, 16) => Reach::Local("metadata"),
        (100, 64..=127, ..) => Reach::Private("carrier-grade NAT"),
        (0, ..) => Reach::Local("unspecified"),
        (192, 0, 0, _) => Reach::Private("reserved"),
        (192, 88, 99, _) => Reach::Private("6to4 relay"),
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => Reach::Private("documentation"),
        (198, 18..=19, ..) => Reach::Private("benchmarking"),
        (224..=239, ..) => Reach::Local("multicast"),
        (240..=255, ..) => Reach::Local("reserved"),
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    if let Some(inner) = embedded(address) {
        return match of_v4(inner) {
            // Whoever writes an address in the form of another means to get around something.
            Reach::Public => Reach::Private("IPv4 within IPv6"),
            inside => inside,
        };
    }
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private("loopback"),
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Local("unspecified"),
        [0xfd00, 0x0ec2, ..] => Reach::Local("metadata"),
        [0xfe80..=0xfebf, ..] => Reach::Local("link-local"),
        [0xfec0..=0xfeff, ..] => Reach::Private("site-local"),
        [0xfc00..=0xfdff, ..] => Reach::Private("unique local"),
        [0xff00..=0xffff, ..] => Reach::Local("multicast"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Private("documentation"),
        [0x2001, 0..=0x01ff, ..] => Reach::Private("protocol assignment"),
        [0x0100, 0, 0, _, ..] => Reach::Private("discard"),
        [0x5f00, ..] => Reach::Private("segment routing"),
        // Everything that is assigned to anybody stands in here.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Local("reserved"),
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4, Teredo, ISATAP.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0..=1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            Some(v4(high, low))
        }
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        // NAT64 of somebody's own, whose prefix may have several lengths.
        [0x64, 0xff9b, 1, ..] => Some(Ipv4Addr::LOCALHOST),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(v4(!high, !low)),
        [_, _, _, _, 0 | 0x0200, 0x5efe, high, low] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Reach {
        Reach::of(text.parse().unwrap())
    }

    #[test]
    fn the_public_internet_is_public() {
        for text in
            ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"]
        {
            assert_eq!(of(text), Reach::Public, "{text}");
        }
    }

    #[test]
    fn private_networks_are_private() {
        for text in [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fd12::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:0a00:0001::1",
            "2001:0:1:2:3:4:f5ff:fffe",
            "2600::5efe:10.0.0.1",
        ] {
            assert!(matches!(of(text), Reach::Private(_)), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn what_no_name_should_lead_to() {
        for text in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "4000::1",
        ] {
            assert!(matches!(of(text), Reach::Local(_)), "{text}: {:?}", of(text));
        }
    }
}
