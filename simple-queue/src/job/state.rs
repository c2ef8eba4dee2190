//! Handing a worker's state to the jobs that ask for it.

/// A state that has a `T` to lend to the jobs that take a `&T`.
///
/// `#[derive(JobState)]` implements it for each field of a struct. Every type provides itself, so a
/// worker whose jobs need one thing only can register that thing as its state.
///
/// ```
/// use simple_queue::Provide;
///
/// struct Mailer;
/// struct App { mailer: Mailer }
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

impl<T: ?Sized> Provide<T> for T {
    fn provide(&self) -> &T {
        self
    }
}
