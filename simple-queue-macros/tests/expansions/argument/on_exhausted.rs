#[automatically_derived]
#[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
impl<__State> ::simple_queue::typed::TypedHandler<__State> for Send
where
    __State: ::core::marker::Send + ::core::marker::Sync + 'static,
{
    async fn run(
        job: Self,
        _: &__State,
        _: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        ::simple_queue::private::into_outcome(
            send(job.user).await,
            |error| {
                use ::simple_queue::private::DowncastRef as _;
                error.downcast_ref::<::simple_queue::private::JobError>()
            },
        )
    }
    async fn exhausted(
        job: Self,
        context: &::simple_queue::JobContext,
        error: &::core::primitive::str,
    ) -> ::core::result::Result<(), ::simple_queue::BoxDynError> {
        ::simple_queue::private::exhausted(apologize(job, context, error).await)
    }
}
