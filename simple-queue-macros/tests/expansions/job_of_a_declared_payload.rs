#[allow(clippy::unused_async)]
async fn send_email(job: crate::SendEmail) -> Answer {}
#[allow(deprecated)]
const _: fn() = || {
    use ::simple_queue::private::{OutputCheckFallback as _, OutputCheck as _};
    (&::simple_queue::private::OutputAgreement::<
        crate::SendEmail,
        ::simple_queue::private::KeptOf<Answer>,
    >::NEW)
        .check_output();
};
#[automatically_derived]
#[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
impl<__State> ::simple_queue::typed::TypedHandler<__State> for crate::SendEmail
where
    crate::SendEmail: ::simple_queue::typed::JobPayload,
    __State: ::core::marker::Send + ::core::marker::Sync + 'static,
{
    async fn run(
        job: crate::SendEmail,
        _: &__State,
        _: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        ::simple_queue::private::into_outcome(
            send_email(job).await,
            |error| {
                use ::simple_queue::private::DowncastRef as _;
                error.downcast_ref::<::simple_queue::private::JobError>()
            },
        )
    }
}
#[allow(dead_code, deprecated, private_bounds, private_interfaces, unreachable_pub)]
impl crate::SendEmail {
    /// Creates the handler of this job with its state, to be registered by hand.
    #[must_use]
    fn handler<__State>(
        state: ::std::sync::Arc<__State>,
    ) -> ::simple_queue::typed::StatefulHandler<Self, __State>
    where
        crate::SendEmail: ::simple_queue::typed::JobPayload,
        __State: ::core::marker::Send + ::core::marker::Sync + 'static,
    {
        ::simple_queue::typed::StatefulHandler::new(state)
    }
}
