//! State of a worker, and how jobs borrow parts of it.

use std::sync::Arc;

/// A state from which a job can borrow a `T`, for a `&T` parameter.
///
/// `#[derive(JobState)]` implements it for each field of a struct. Every type provides itself, so a
/// worker whose jobs need only one thing can register that thing, in an `Arc`, as its state.
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
    /// Borrows the `T`.
    fn provide(&self) -> &T;
}

/// A state that can be registered by value; `#[derive(JobState)]` implements it along with
/// [`Provide`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of jobs",
    label = "neither a struct that derives `JobState`, nor in an `Arc`",
    note = "put `#[derive(JobState)]` on `{Self}`, or pass it as `Arc::new(..)`"
)]
pub trait JobState {
    /// The struct itself. A type that is not a state has no such type, so it causes no further
    /// errors.
    type Itself;

    /// Puts the struct in an `Arc`.
    fn shared(self) -> Arc<Self::Itself>;
}

/// No state, for jobs that take none.
impl JobState for () {
    type Itself = Self;

    fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }
}

/// A state, or a state in an `Arc`: the argument of
/// [`SimpleQueue::register`](crate::SimpleQueue::register).
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
    /// The state, parts of which the jobs borrow.
    type State: Send + Sync + 'static;

    /// Returns the state in an `Arc`.
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
