#[allow(clippy::unused_async)]
/// Greets a new user.
pub async fn send_email(
    context: &JobContext,
    mailer: &Mailer,
    job: interface::SendEmail,
) -> Result<Receipt, MailError> {}
/// Greets a new user.
///
/// Runs the job `interface::SendEmail` with [`send_email`](fn@send_email).
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
#[allow(dead_code, unreachable_pub, clippy::exhaustive_structs)]
pub struct SendEmailHandler;
#[automatically_derived]
#[allow(deprecated)]
impl ::simple_queue::typed::JobHandler for SendEmailHandler {
    type Payload = interface::SendEmail;
}
#[allow(deprecated)]
const _: fn() = || {
    use ::simple_queue::private::{OutputCheckFallback as _, OutputCheck as _};
    (&::simple_queue::private::OutputAgreement::<
        interface::SendEmail,
        ::simple_queue::private::Kept<Receipt>,
    >::NEW)
        .check_output();
};
#[automatically_derived]
#[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
impl<__State> ::simple_queue::typed::TypedHandler<__State> for SendEmailHandler
where
    __State: ::simple_queue::private::ProvideTo<Self, Mailer> + ::core::marker::Send
        + ::core::marker::Sync + 'static,
{
    const STRATEGY: ::core::option::Option<
        &'static dyn ::simple_queue::sync::JobStrategy,
    > = ::core::option::Option::Some(&RULES);
    async fn run(
        job: interface::SendEmail,
        state: &__State,
        context: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        ::simple_queue::private::into_outcome(
            send_email(
                    context,
                    <__State as ::simple_queue::typed::Provide<Mailer>>::provide(state),
                    job,
                )
                .await,
            |error| {
                use ::simple_queue::private::DowncastRef as _;
                error.downcast_ref::<::simple_queue::private::JobError>()
            },
        )
    }
    async fn exhausted(
        job: interface::SendEmail,
        context: &::simple_queue::JobContext,
        error: &::core::primitive::str,
    ) -> ::core::result::Result<(), ::simple_queue::BoxDynError> {
        ::simple_queue::private::exhausted(apologize(job, context, error).await)
    }
}
#[allow(dead_code, deprecated, private_bounds, private_interfaces, unreachable_pub)]
impl SendEmailHandler {
    /// Creates the handler of this job with its state, to be registered by hand.
    #[must_use]
    pub fn handler<__State>(
        state: ::std::sync::Arc<__State>,
    ) -> ::simple_queue::typed::StatefulHandler<Self, __State>
    where
        __State: ::simple_queue::private::ProvideTo<Self, Mailer> + ::core::marker::Send
            + ::core::marker::Sync + 'static,
    {
        ::simple_queue::typed::StatefulHandler::new(state)
    }
}
