//! The connection, and in whose name the program acts.

use anyhow::{Context, Result};
use simple_queue::{Admin, SimpleQueue, SimpleQueueBuilder};

use crate::{
    args::Connection,
    context::{Asked, Target, environment},
    guard,
};

impl Connection {
    fn asked(&self) -> Asked<'_> {
        Asked {
            url: self.database_url.as_deref(),
            context: self.context.as_deref(),
            schema: self.schema.as_deref(),
        }
    }

    /// The database that is meant.
    pub(crate) fn target(&self) -> Result<Target> {
        Target::of(self.asked(), &environment)
    }

    /// Whether anything says where the database is.
    pub(crate) fn is_named(&self) -> bool {
        Target::is_named(self.asked(), &environment)
    }

    /// To look.
    pub(crate) async fn queue(&self) -> Result<SimpleQueue> {
        connect(&self.target()?).await
    }

    /// A queue that is not connected: only its schema is known.
    pub(crate) fn unconnected(&self) -> Result<SimpleQueue> {
        let schema = self.schema.clone().or_else(|| environment("SIMPLE_QUEUE_SCHEMA"));
        Ok(of_schema(SimpleQueue::builder("postgres://localhost"), schema.as_deref()).build()?)
    }

    pub(crate) async fn admin(&self) -> Result<Admin> {
        Ok(self.queue().await?.admin())
    }

    /// To act, after it was said what is to be done, and agreed to where that is called for.
    pub(crate) async fn changing(&self, words: &str) -> Result<SimpleQueue> {
        let target = self.target()?;
        guard::pass(&target, words, false, self.yes)?;
        connect(&target).await
    }

    /// To act if there are words for it, and to look otherwise.
    pub(crate) async fn for_act(&self, words: Option<String>) -> Result<Admin> {
        match words {
            Some(words) => self.acting(&words).await,
            None => self.admin().await,
        }
    }

    /// As [`Connection::changing`], in the name of who uses the program.
    pub(crate) async fn acting(&self, words: &str) -> Result<Admin> {
        self.in_own_name(&self.changing(words).await?)
    }

    /// As [`Connection::acting`], on this number of jobs, which this queue has counted.
    pub(crate) fn acting_on(&self, queue: &SimpleQueue, words: &str, jobs: u64) -> Result<Admin> {
        guard::pass(&self.target()?, words, jobs > 1, self.yes)?;
        self.in_own_name(queue)
    }

    fn in_own_name(&self, queue: &SimpleQueue) -> Result<Admin> {
        Ok(queue.admin().as_actor(self.actor_name()?))
    }

    /// Who uses the program.
    pub(crate) fn actor_name(&self) -> Result<String> {
        match &self.actor {
            Some(name) => Ok(name.clone()),
            None => user_at_host().context("it is not known who acts; pass `--as NAME`"),
        }
    }
}

async fn connect(target: &Target) -> Result<SimpleQueue> {
    let builder = SimpleQueue::builder(target.url.as_str());
    Ok(of_schema(builder, target.schema.as_deref()).connect().await?)
}

fn of_schema(builder: SimpleQueueBuilder, schema: Option<&str>) -> SimpleQueueBuilder {
    match schema {
        Some(schema) => builder.schema(schema),
        None => builder,
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
