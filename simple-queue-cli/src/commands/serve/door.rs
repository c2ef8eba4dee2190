//! Who is let in: by a key that this process prints, by a password, or by what a proxy says.

use std::{fs, net::SocketAddr, sync::Mutex};

use anyhow::{Context, Result};
use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap, HeaderName, header},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use sha2::{Digest, Sha256};

use crate::{args::Serve, exit::Mistake, network::Network};

/// The name of the cookie.
const COOKIE: &str = "simple-queue";

/// What opens the dashboard.
pub(super) enum Door {
    /// The key in the address that is printed, once; then a cookie.
    Key {
        /// `None`: it was used.
        key: Mutex<Option<String>>,
        session: String,
        name: String,
    },
    Password(String),
    /// A header of a proxy at one of these addresses.
    Header(HeaderName, Vec<Network>),
}

impl Door {
    /// `name` returns the user of this program, who is the actor where neither a password nor a proxy names one.
    pub(super) fn of(asked: &Serve, name: impl FnOnce() -> Result<String>) -> Result<Self> {
        if let Some(path) = &asked.password_file {
            let text = fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let password = text.lines().next().unwrap_or_default().trim();
            if password.is_empty() {
                let problem = format!("{} has no password in its first line", path.display());
                return Err(Mistake::new(problem, "write one into it, of any length").into());
            }
            return Ok(Self::Password(password.to_owned()));
        }
        if let Some(header) = &asked.trust_user_header {
            let header = header.parse().with_context(|| format!("`{header}` is no header"))?;
            return Ok(Self::Header(header, asked.from.clone()));
        }
        if !asked.listen.ip().is_loopback() {
            let problem = format!(
                "other machines reach {}, and nothing would ask who they are",
                asked.listen
            );
            let hint = "pass `--password-file FILE`, or behind a proxy `--trust-user-header NAME --from ADDRESSES`";
            return Err(Mistake::new(problem, hint).into());
        }
        let (key, session) = (Mutex::new(Some(secret()?)), secret()?);
        Ok(Self::Key { key, session, name: name()? })
    }

    /// Where it is opened.
    pub(super) fn address(&self, address: SocketAddr) -> String {
        match self {
            Self::Key { key, .. } => {
                let key = key.lock().expect("nothing panics with it").clone().unwrap_or_default();
                format!("http://{address}/?key={key}")
            }
            Self::Password(_) | Self::Header(..) => format!("http://{address}/"),
        }
    }

    pub(super) const fn asks_for_password(&self) -> bool {
        matches!(self, Self::Password(_))
    }

    /// The cookie for the key of this query, which is good once.
    pub(super) fn cookie_for(&self, query: &str) -> Option<String> {
        let Self::Key { key, session, .. } = self else { return None };
        let given = query.strip_prefix("key=")?;
        let mut key = key.lock().expect("nothing panics with it");
        key.take_if(|key| is_same(key, given))?;
        Some(format!("{COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict"))
    }

    /// The visitor who sent a request; `None`: it is refused.
    pub(super) fn visitor(&self, headers: &HeaderMap, more: &Extensions) -> Option<String> {
        match self {
            Self::Key { session, name, .. } => {
                let cookies = headers.get_all(header::COOKIE).iter();
                let cookies =
                    cookies.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(';'));
                let mut given = cookies.filter_map(|it| it.trim().split_once('='));
                let is_given = given.any(|(name, value)| name == COOKIE && is_same(session, value));
                is_given.then(|| name.clone())
            }
            Self::Password(password) => {
                let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
                let given = STANDARD.decode(given.strip_prefix("Basic ")?.trim()).ok()?;
                let given = String::from_utf8(given).ok()?;
                let (user, given) = given.split_once(':')?;
                let user = if user.is_empty() { "dashboard" } else { user };
                is_same(password, given).then(|| user.to_owned())
            }
            Self::Header(name, from) => {
                let ConnectInfo(peer) = more.get::<ConnectInfo<SocketAddr>>()?;
                let user = headers.get(name)?.to_str().ok()?.trim();
                let is_trusted = from.iter().any(|network| network.has(peer.ip()));
                (is_trusted && !user.is_empty()).then(|| user.to_owned())
            }
        }
    }
}

/// In a time that does not tell how much of it is right.
fn is_same(secret: &str, given: &str) -> bool {
    Sha256::digest(secret) == Sha256::digest(given)
}

/// 256 random bits, as a text that may stand in an address.
fn secret() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked() -> Serve {
        Serve {
            listen: "127.0.0.1:8321".parse().unwrap(),
            hosts: Vec::new(),
            password_file: None,
            trust_user_header: None,
            from: Vec::new(),
            read_only: false,
            name: None,
        }
    }

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn the_key_is_good_once_and_becomes_a_cookie() {
        let door = Door::of(&asked(), || Ok("ann".to_owned())).unwrap();
        let address = door.address("127.0.0.1:8321".parse().unwrap());
        let (_, query) = address.split_once('?').unwrap();
        assert_eq!(door.cookie_for("key=wrong"), None);
        let cookie = door.cookie_for(query).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
        assert_eq!(door.cookie_for(query), None);
        let (pair, _) = cookie.split_once(';').unwrap();
        let sent = with(header::COOKIE, &format!("theme=dark; {pair}"));
        assert_eq!(door.visitor(&sent, &Extensions::new()).as_deref(), Some("ann"));
        let wrong = with(header::COOKIE, "simple-queue=0123");
        assert_eq!(door.visitor(&wrong, &Extensions::new()), None);
    }

    #[test]
    fn other_machines_need_a_password_or_a_proxy() {
        let open = Serve { listen: "0.0.0.0:8321".parse().unwrap(), ..asked() };
        let Err(refused) = Door::of(&open, || Ok("ann".to_owned())) else { panic!("it is open") };
        assert!(refused.to_string().contains("0.0.0.0:8321"), "{refused}");

        let door = Door::Password("open sesame".to_owned());
        let basic =
            |pair: &str| with(header::AUTHORIZATION, &format!("Basic {}", STANDARD.encode(pair)));
        let visitor = |pair| door.visitor(&basic(pair), &Extensions::new());
        assert_eq!(visitor("ben:open sesame").as_deref(), Some("ben"));
        assert_eq!(visitor("ben:open"), None);

        let from = vec!["10.0.0.0/8".parse().unwrap()];
        let door = Door::Header(HeaderName::from_static("x-forwarded-user"), from);
        let headers = with(HeaderName::from_static("x-forwarded-user"), "cleo");
        for (peer, visitor) in [("10.1.2.3:99", Some("cleo")), ("192.168.0.1:99", None)] {
            let mut more = Extensions::new();
            more.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
            assert_eq!(door.visitor(&headers, &more).as_deref(), visitor, "{peer}");
        }
        assert_eq!(door.visitor(&headers, &Extensions::new()), None);
    }
}
