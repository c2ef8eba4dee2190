//! Handing a worker's state to the jobs that ask for it.

use std::sync::Arc;

/// A state that has a `T` to lend to the jobs that take a `&T`.
///
/// `#[derive(JobState)]` implements it for each field of a struct. Every type provides itself, so a
/// worker whose jobs need one thing only can register that thing as its state, in an `Arc`.
///
/// ```
/// use simple_queue::typed::Provide;
///
/// struct Mailer;
/// struct App { mailer: Mailer } // without the derive it is registered as `Arc::new(app)`
///
/// impl Provide<Mailer> for App {
///     fn provide(&self) -> &Mailer {
///         &self.mailer
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the worker's state `{Self}` does not provide `&{T}`",
    label = "a job here takes a `&{T}`",
    note = "add a field of type `{T}` to `{Self}` and put `#[derive(JobState)]` on it, or take the argument by value to store it with the job"
)]
pub trait Provide<T: ?Sized> {
    /// Lends the `T`.
    fn provide(&self) -> &T;
}

/// What a worker can be given as its state by value; `#[derive(JobState)]` implements it beside [`Provide`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of jobs",
    label = "neither a struct that derives `JobState`, nor in an `Arc`",
    note = "put `#[derive(JobState)]` on `{Self}`, or pass it as `Arc::new(..)`"
)]
pub trait JobState {
    /// The struct itself. A state that is none has no such type, so nothing further is said of it.
    type Itself;

    /// The struct, shared.
    fn shared(self) -> Arc<Self::Itself>;
}

/// No state, for jobs that take none.
impl JobState for () {
    type Itself = Self;

    fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// What [`SimpleQueue::register`](crate::SimpleQueue::register) takes: a state, or one in an `Arc` that others share.
///
/// ```
/// use std::sync::Arc;
/// use simple_queue::prelude::*;
///
/// # struct Mailer;
/// #[derive(JobState)]
/// struct App { mailer: Mailer }
///
/// #[job]
/// async fn send_welcome(mailer: &Mailer, user_id: i64) {}
///
/// # fn example(queue: &SimpleQueue) -> Result<(), simple_queue::Error> {
/// let app = Arc::new(App { mailer: Mailer });
/// queue.register(jobs![SendWelcome], Arc::clone(&app))?; // and `app` goes to the web server
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of jobs",
    label = "neither a struct that derives `JobState`, nor in an `Arc`",
    note = "put `#[derive(JobState)]` on `{Self}`, or pass it as `Arc::new(..)`"
)]
pub trait IntoState {
    /// The state itself, whose parts are lent to the jobs.
    type State: Send + Sync + 'static;

    /// The state, shared.
    fn into_state(self) -> Arc<Self::State>;
}

#[diagnostic::do_not_recommend]
impl<S: JobState<Itself: Send + Sync + 'static>> IntoState for S {
    type State = S::Itself;

    fn into_state(self) -> Arc<S::Itself> {
        self.shared()
    }
}

impl<S: Send + Sync + 'static> IntoState for Arc<S> {
    type State = S;

    fn into_state(self) -> Self {
        self
    }
}

impl<T: ?Sized> Provide<T> for T {
    fn provide(&self) -> &T {
        self
    }
}
