//! Who calls: the program itself, or an operator whose acts are written down.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::SimpleQueue;
use crate::{Error, store::NewAct};

/// Who makes a call on queues, limits or schedules.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Caller<'a> {
    /// The program's own code may do everything, and leaves no trace.
    #[default]
    Program,
    Operator(Operator<'a>),
}

/// An operator; each right that is missing is told in its words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operator<'a> {
    pub(crate) actor: Option<&'a str>,
    pub(crate) sees: Result<(), &'static str>,
    pub(crate) sees_contents: Result<(), &'static str>,
    pub(crate) controls: Result<(), &'static str>,
}

/// A change of a queue, a limit or a schedule, as the audit has it.
#[derive(Debug, Clone)]
pub(super) struct Change<'a> {
    /// What is done, in one word.
    pub(super) action: &'static str,
    /// To what: a filter in its written form, `limit:NAME` or `schedule:NAME`.
    pub(super) target: &'a str,
    pub(super) arguments: Option<Value>,
    /// What failed, in the error.
    pub(super) what: &'static str,
}

/// 3 statements, whose time a change with its trace may take.
const STATEMENTS: usize = 3;

impl<'a> Caller<'a> {
    /// Refuses an operator who may not look.
    pub(super) fn demand_look(self) -> Result<(), Error> {
        self.demand(|operator| operator.sees)
    }

    /// Refuses an operator who may not see what jobs contain, such as their keys.
    pub(super) fn demand_contents(self) -> Result<(), Error> {
        self.demand(|operator| operator.sees_contents)
    }

    /// Who changes something; `None`: the program.
    pub(super) fn actor(self) -> Result<Option<&'a str>, Error> {
        let Self::Operator(operator) = self else { return Ok(None) };
        self.demand(|operator| operator.controls)?;
        let nobody = || Error::NotAllowed {
            actor: "nobody".to_owned(),
            action: "change anything: `Admin::as_actor` says who acts".to_owned(),
        };
        operator.actor.map(Some).ok_or_else(nobody)
    }

    /// What is to be written down of a change.
    pub(super) fn trace<'b>(self, change: &'b Change<'_>) -> Result<Trace<'b>, Error>
    where
        'a: 'b,
    {
        let act = self.actor()?.map(|actor| NewAct {
            id: Uuid::now_v7(),
            actor,
            action: change.action,
            target: change.target.to_owned(),
            job_id: None,
            arguments: change.arguments.as_ref().map(ToString::to_string),
            is_running: false,
            done: 1,
            left: &[],
        });
        Ok(Trace(act))
    }

    fn demand(
        self,
        right: impl Fn(&Operator<'a>) -> Result<(), &'static str>,
    ) -> Result<(), Error> {
        let Self::Operator(operator) = self else { return Ok(()) };
        right(&operator).map_err(|missing| Error::NotAllowed {
            actor: operator.actor.unwrap_or("nobody").to_owned(),
            action: missing.to_owned(),
        })
    }
}

/// Makes a change, and makes it again after an error that may pass. `$exchange` returns whether it has changed
/// something, and the answer.
macro_rules! control {
    ($queue:expr, $caller:expr, $change:ident => $exchange:expr) => {
        match $caller.trace(&$change) {
            Err(refused) => Err(refused),
            Ok(trace) => {
                // Boxed, because the future of a call is moved through the caller's code.
                let made = $crate::database::again!(tries => Box::pin($queue.ask_traced(&trace, $exchange)));
                made.map_err($crate::Error::database($change.what))
            }
        }
    };
}
pub(super) use control;

/// What is to be written down of a change; `None`: nothing, because the program makes it.
pub(super) struct Trace<'a>(Option<NewAct<'a>>);

impl SimpleQueue {
    /// Sends a change, in one transaction with its trace. Use [`control`] for it.
    pub(super) async fn ask_traced<T>(
        &self,
        trace: &Trace<'_>,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<(bool, T)>,
    ) -> sqlx::Result<T> {
        let Some(act) = &trace.0 else {
            let made = self.ask(async |connection| exchange(connection).await).await;
            return made.map(|(_, answer)| answer);
        };
        self.ask_in_transaction(STATEMENTS, async |connection| {
            let (is_done, answer) = exchange(&mut *connection).await?;
            if is_done {
                self.store().insert_act(connection, act).await?;
            }
            Ok(answer)
        })
        .await
    }

    /// As [`control`], once, in a transaction of the caller's.
    #[cfg(feature = "cron")]
    pub(super) async fn control_in<T>(
        &self,
        connection: &mut PgConnection,
        caller: Caller<'_>,
        change: Change<'_>,
        exchange: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<(bool, T)>,
    ) -> Result<T, Error> {
        let Trace(act) = caller.trace(&change)?;
        let done: sqlx::Result<T> = async {
            let (is_done, answer) = exchange(&mut *connection).await?;
            if let Some(act) = act.filter(|_| is_done) {
                self.store().insert_act(connection, &act).await?;
            }
            Ok(answer)
        }
        .await;
        done.map_err(Error::database(change.what))
    }
}
