//! A range of addresses.

use std::{net::IpAddr, str::FromStr};

/// `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        let problem = || format!("`{typed}` is no range of addresses, like 10.0.0.0/8 or ::1");
        let (address, bits) = match typed.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| problem())?)),
            None => (typed, None),
        };
        let address: IpAddr = address.parse().map_err(|_| problem())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(problem()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    pub(crate) fn has(self, address: IpAddr) -> bool {
        // A socket of both families has an IPv4 address as one of IPv6.
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                u32::from(self.bits) <= differs.leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differs = own.to_bits() ^ other.to_bits();
                u32::from(self.bits) <= differs.leading_zeros()
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_range_or_it_is_not() {
        let has = |range: &str, address: &str| {
            range.parse::<Network>().unwrap().has(address.parse().unwrap())
        };
        assert!(has("10.0.0.0/8", "10.200.3.4") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("10.0.0.7", "10.0.0.7") && !has("10.0.0.7", "10.0.0.8"));
        assert!(has("10.0.0.0/8", "::ffff:10.1.1.1") && !has("10.0.0.0/8", "fd00::1"));
        assert!(has("fd00::/8", "fd12::1") && !has("fd00::/8", "fe00::1"));
        assert!(has("0.0.0.0/0", "192.168.1.1"));
        for typed in ["10.0.0.0/33", "::/129", "ten", "10.0.0.0/", "/8"] {
            assert!(typed.parse::<Network>().is_err(), "{typed}");
        }
    }
}
