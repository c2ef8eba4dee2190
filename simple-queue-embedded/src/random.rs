//! Random bytes that cannot be guessed.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use super::{EmbeddedError, error::Context as _};

/// Returns this number of random bytes, in hexadecimal digits.
pub(super) fn random_hex<const BYTES: usize>() -> Result<String, EmbeddedError> {
    let mut text = String::new();
    for byte in random::<BYTES>()? {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    Ok(text)
}

/// Returns this number of random bytes.
pub(super) fn random<const BYTES: usize>() -> Result<[u8; BYTES], EmbeddedError> {
    let device = Path::new("/dev/urandom");
    let read = || -> io::Result<_> {
        let mut bytes = [0; BYTES];
        File::open(device)?.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    read().context("read", device)
}
