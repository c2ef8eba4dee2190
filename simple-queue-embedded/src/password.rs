//! Password of a server that listens on a port, which every user of the machine can reach.

use std::{fmt, io::Write as _, process::Stdio};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{
    EmbeddedError,
    account::Account,
    directory::ServerDirectory,
    discover::Binaries,
    error::Context as _,
    random::{random, random_hex},
};

/// 4,096, the rounds of the hash; some clients refuse a server with fewer.
const ROUNDS: u32 = 4096;

/// The name of its file.
const FILE: &str = "password";

/// A password; its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Password(String);

impl Password {
    /// Returns the password in the directory, or sets a new one on the server.
    ///
    /// The server must not run. The directory of a permanent server keeps the password, because a
    /// follower or a copy of the server needs it.
    pub(super) fn ensure(
        directory: &ServerDirectory,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<Self, EmbeddedError> {
        let file = directory.path().join(FILE);
        if let Some(kept) = directory.held.read(FILE).context("read", &file)? {
            return Ok(Self(kept.trim().to_owned()));
        }
        let new = Self::random()?;
        new.set(directory, binaries, account)?;
        if !directory.temporary {
            // Written after the server has the password: an existing file is trusted.
            let kept = directory.held.replace(FILE, |file| writeln!(file, "{}", new.0));
            kept.context("write", &file)?;
        }
        Ok(new)
    }

    /// The password as it is in a URL; it needs no escapes.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    fn random() -> Result<Self, EmbeddedError> {
        Ok(Self(random_hex::<32>()?))
    }

    /// Sets the password on the server, which gets only the verifier.
    fn set(
        &self,
        directory: &ServerDirectory,
        binaries: &Binaries,
        account: &Account,
    ) -> Result<(), EmbeddedError> {
        let postgres = binaries.directory.join("postgres");
        let mut child = account
            .command(&postgres)
            .args(["--single", "-D"])
            .arg(directory.data())
            // Settings in the data directory must neither block the statement nor translate the
            // answer.
            .args(["-c", "log_statement=none", "-c", "log_min_duration_statement=-1"])
            .args(["-c", "log_min_error_statement=panic", "-c", "lc_messages=C"])
            .args(["-c", "logging_collector=off", "-c", "log_destination=stderr"])
            .arg("postgres")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("run", &postgres)?;
        let statement = format!("alter role postgres password '{}'\n", self.verifier()?);
        let mut input = child.stdin.take().expect("it is piped");
        // If the process has already ended, the status below has the reason.
        let written = input.write_all(statement.as_bytes());
        drop(input);
        let output = child.wait_with_output().context("wait for", &postgres)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let refused = ["ERROR:", "FATAL:", "PANIC:"].iter().any(|level| said.contains(level));
        if written.is_err() || refused || !output.status.success() {
            return Err(EmbeddedError::SetPassword {
                directory: directory.path().to_owned(),
                output: said.trim().to_owned(),
            });
        }
        Ok(())
    }

    /// The verifier, which the server stores instead of the password: RFC 5803.
    fn verifier(&self) -> Result<String, EmbeddedError> {
        let salt = random::<16>()?;
        let salted = salted(self.0.as_bytes(), &salt);
        let stored = Sha256::digest(hmac(&salted, &[b"Client Key"]));
        let server = hmac(&salted, &[b"Server Key"]);
        let [salt, stored, server] =
            [&salt[..], &stored[..], &server[..]].map(|bytes| BASE64_STANDARD.encode(bytes));
        Ok(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored}:{server}"))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn salted(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let mut round = hmac(password, &[salt, &1_u32.to_be_bytes()]);
    let mut sum = round;
    for _ in 1..ROUNDS {
        round = hmac(password, &[&round]);
        for (sum, byte) in sum.iter_mut().zip(round) {
            *sum ^= byte;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_salted_as_rfc_7677_does_it() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = salted(b"pencil", &salt);
        let server_key = hmac(&salted, &[b"Server Key"]);
        // The example of the RFC, section 3.
        let messages = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = hmac(&server_key, &[messages.as_bytes()]);
        assert_eq!(
            BASE64_STANDARD.encode(signature),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }

    #[test]
    fn a_password_does_not_show_itself() {
        let password = Password::random().unwrap();
        assert_eq!(password.reveal().len(), 64);
        assert!(!format!("{password:?}").contains(password.reveal()));
        assert_ne!(password, Password::random().unwrap());
    }
}
