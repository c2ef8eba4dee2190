#[automatically_derived]
#[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
impl<__State> ::simple_queue::typed::TypedHandler<__State> for Book
where
    __State: ::simple_queue::private::ProvideTo<Self, Ledger> + ::core::marker::Send
        + ::core::marker::Sync + 'static,
{
    const IN_TRANSACTION: ::core::primitive::bool = true;
    async fn run(
        job: Self,
        state: &__State,
        context: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        let mut tx = match ::simple_queue::private::begin(context).await {
            ::core::result::Result::Ok(tx) => tx,
            ::core::result::Result::Err(outcome) => return outcome,
        };
        let outcome = ::simple_queue::private::into_outcome(
            book(
                    &mut tx,
                    <__State as ::simple_queue::typed::Provide<Ledger>>::provide(state),
                    job.amount,
                )
                .await,
            |error| {
                use ::simple_queue::private::DowncastRef as _;
                error.downcast_ref::<::simple_queue::private::JobError>()
            },
        );
        ::simple_queue::private::finish(context, tx, outcome).await
    }
}
