//! Tasks that a worker repeats beside its jobs, and the one loop that repeats them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    jitter,
    retry_pause::{Pauses, RetryPause},
};

/// A task that a worker repeats. Every process runs it, at any time, and it is safe to cut it off anywhere.
pub(crate) trait Role: Send + 'static {
    /// Its name in the log.
    const NAME: &'static str;

    /// Delay of the first run after the start of the worker.
    fn first_in(&self) -> Duration {
        Duration::ZERO
    }

    /// Runs it once, which may begin with waiting for something to do. Returns when to run it next.
    fn run_once(&mut self) -> impl Future<Output = sqlx::Result<Next>> + Send;

    /// Logs that it failed and is tried again.
    fn failed(error: &sqlx::Error);

    /// What it does once more when the worker stops. It is waited for, so it has a limit of its own.
    fn last(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Pauses between tries after failures.
    fn retries_after(&self) -> Pauses {
        Pauses::OF_ROLES
    }
}

/// When a role runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    AtOnce,
    /// After about this time; jitter keeps many processes from running in the same moment.
    About(Duration),
    /// There will never be more to do.
    Never,
}

/// Fraction by which a pause between two runs is shortened or lengthened at random.
const JITTER: f64 = 0.2;

/// Repeats a role, whatever the database answers, until the worker stops.
pub(crate) async fn repeat<R: Role>(mut role: R, until: CancellationToken) {
    let mut retry_pause = RetryPause::new(role.retries_after());
    let repeating = async {
        tokio::time::sleep(role.first_in()).await;
        loop {
            let next = match role.run_once().await {
                Ok(next) => next,
                Err(error) => {
                    R::failed(&error);
                    retry_pause.wait().await;
                    continue;
                }
            };
            retry_pause.reset();
            match next {
                Next::AtOnce => {}
                Next::About(wait) => tokio::time::sleep(jitter::around(wait, JITTER)).await,
                Next::Never => return,
            }
        }
    };
    until.run_until_cancelled(repeating).await;
    role.last().await;
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::mpsc};

    use super::*;

    /// Reports each run, and returns the answers that it was given.
    struct Scripted {
        answers: Vec<sqlx::Result<Next>>,
        done: mpsc::Sender<usize>,
    }

    impl Role for Scripted {
        const NAME: &'static str = "scripted";

        async fn run_once(&mut self) -> sqlx::Result<Next> {
            self.done.send(self.answers.len()).expect("the test listens");
            match self.answers.pop() {
                Some(answer) => answer,
                None => pending().await,
            }
        }

        fn failed(error: &sqlx::Error) {
            assert!(matches!(error, sqlx::Error::PoolTimedOut));
        }

        fn retries_after(&self) -> Pauses {
            let first = Duration::from_millis(1);
            Pauses { first, longest: first, jitter: 0.0 }
        }
    }

    #[tokio::test]
    async fn a_role_goes_on_after_failures_until_there_is_nothing_to_do_any_more() {
        let (done, heard) = mpsc::channel();
        let failed = || Err(sqlx::Error::PoolTimedOut);
        let soon = Next::About(Duration::from_millis(1));
        let answers = vec![Ok(Next::Never), Ok(soon), failed(), failed(), Ok(Next::AtOnce)];
        repeat(Scripted { answers, done }, CancellationToken::new()).await;
        assert_eq!(heard.into_iter().collect::<Vec<_>>(), [5, 4, 3, 2, 1]);
    }

    #[tokio::test]
    async fn a_role_that_waits_is_cut_off_when_the_worker_stops() {
        let (done, heard) = mpsc::channel();
        let until = CancellationToken::new();
        let role = tokio::spawn(repeat(Scripted { answers: Vec::new(), done }, until.clone()));
        while heard.try_recv().is_err() {
            tokio::task::yield_now().await;
        }
        until.cancel();
        role.await.expect("it ends without a panic");
    }
}
