//! The connection, and in whose name the program acts.

use anyhow::{Context, Result};
use simple_queue::{Admin, SimpleQueue};

use crate::{args::Connection, exit::Mistake};

impl Connection {
    pub(crate) async fn queue(&self) -> Result<SimpleQueue> {
        let url = self.database_url.as_ref().ok_or_else(|| {
            Mistake::new(
                "it is not said where the database is",
                "pass `--database-url postgres://user@host/database`, or set DATABASE_URL",
            )
        })?;
        let mut builder = SimpleQueue::builder(url.as_str());
        if let Some(schema) = &self.schema {
            builder = builder.schema(schema);
        }
        Ok(builder.connect().await?)
    }

    pub(crate) async fn admin(&self) -> Result<Admin> {
        Ok(self.queue().await?.admin())
    }

    /// With the right to act, in the name of who uses the program.
    pub(crate) async fn acting(&self) -> Result<Admin> {
        let actor = match &self.actor {
            Some(name) => name.clone(),
            None => user_at_host().context("it is not known who acts; pass `--as NAME`")?,
        };
        Ok(self.queue().await?.admin().as_actor(actor))
    }
}

/// `ann@laptop`, as the system knows them.
fn user_at_host() -> Result<String> {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME"))?;
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    Ok(match host.trim() {
        "" => user,
        host => format!("{user}@{host}"),
    })
}
