::core::compile_error! {
    "a `#[handler]` function must be `async`\n\nhelp: write `async fn send`"
}
/// Runs the job `SendEmail` with [`send`](fn@send).
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
#[allow(dead_code, unreachable_pub, clippy::exhaustive_structs)]
struct SendHandler;
#[automatically_derived]
#[allow(deprecated)]
impl ::simple_queue::typed::JobHandler for SendHandler {
    type Payload = SendEmail;
}
impl<__State> ::simple_queue::typed::TypedHandler<__State> for SendHandler
where
    __State: ::core::marker::Send + ::core::marker::Sync + 'static,
{
    async fn run(
        _: <Self as ::simple_queue::typed::JobHandler>::Payload,
        _: &__State,
        _: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        ::core::unreachable!()
    }
}
