::core::compile_error! {
    "a handler takes its job by value, like `job: SendEmail`"
}
#[allow(missing_docs, missing_debug_implementations, unreachable_pub)]
struct SendHandler;
#[allow(missing_docs, missing_debug_implementations)]
const _: () = {
    pub struct __Refused;
    impl ::simple_queue::private::serde::Serialize for __Refused {
        fn serialize<S: ::simple_queue::private::serde::Serializer>(
            &self,
            _: S,
        ) -> ::core::result::Result<S::Ok, S::Error> {
            ::core::unreachable!()
        }
    }
    impl<'de> ::simple_queue::private::serde::Deserialize<'de> for __Refused {
        fn deserialize<D: ::simple_queue::private::serde::Deserializer<'de>>(
            _: D,
        ) -> ::core::result::Result<Self, D::Error> {
            ::core::unreachable!()
        }
    }
    impl ::simple_queue::typed::JobPayload for __Refused {
        type Output = ();
        const KIND: &'static ::core::primitive::str = "__Refused";
        const QUEUE: &'static ::core::primitive::str = "default";
        const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new();
        const DECLARED_AT: &'static ::core::primitive::str = "";
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
    impl ::simple_queue::typed::JobHandler for SendHandler {
        type Payload = __Refused;
    }
};
