//! What a worker does again and again beside its jobs, and the one loop that does it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    jitter,
    retry_pause::{Pauses, RetryPause},
};

/// Something that a worker does again and again. Every process does it, at any time, and it is safe to be cut off
/// anywhere.
pub(crate) trait Role: Send + 'static {
    /// What the log calls it.
    const NAME: &'static str;

    /// How long after the start of the worker it is done first.
    fn first_in(&self) -> Duration {
        Duration::ZERO
    }

    /// Does it once, which may begin with waiting for something to do. Returns when to do it next.
    fn run_once(&mut self) -> impl Future<Output = sqlx::Result<Next>> + Send;

    /// Says in the log that it failed, and will be tried again.
    fn failed(error: &sqlx::Error);

    /// How long after failures it is tried again.
    fn retries_after(&self) -> Pauses {
        Pauses::OF_ROLES
    }
}

/// When a role is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    AtOnce,
    /// After about this time: not many processes in one moment.
    About(Duration),
    /// There will be nothing to do any more.
    Never,
}

/// The waits between two times are shorter or longer by a fifth.
const JITTER: f64 = 0.2;

/// Does it again and again, whatever the database says, until the worker stops.
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
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::mpsc};

    use super::*;

    /// Says each time that it is done, and answers as it is told.
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
