#[allow(clippy::unused_async)]
pub(crate) async fn tidy() {}
/// Stored arguments of the job [`tidy`](fn@tidy): queue `default`.
#[allow(
    missing_copy_implementations,
    missing_debug_implementations,
    private_interfaces,
    unreachable_pub,
    clippy::exhaustive_structs,
    clippy::pub_underscore_fields
)]
pub(crate) struct Tidy;
#[doc(hidden)]
#[allow(deprecated, clippy::unnecessary_wraps, clippy::used_underscore_binding)]
const _: () = {
    const _: () = {
        #[allow(unused_imports)]
        use ::core::primitive::*;
        use ::simple_queue::private::{
            ReadFallback as _, ReadStored as _, WriteFallback as _, WriteStored as _,
        };
        #[derive(
            ::simple_queue::private::serde::Serialize,
            ::simple_queue::private::serde::Deserialize
        )]
        #[serde(crate = "::simple_queue::private::serde")]
        struct __Stored {}
        #[automatically_derived]
        impl ::simple_queue::private::serde::Serialize for Tidy {
            fn serialize<__S: ::simple_queue::private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&::simple_queue::private::Write(__Stored {})).write(serializer)
            }
        }
        #[automatically_derived]
        impl<'de> ::simple_queue::private::serde::Deserialize<'de> for Tidy {
            fn deserialize<__D: ::simple_queue::private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let stored: __Stored = (&::simple_queue::private::Read::<__Stored>::NEW)
                    .read(deserializer)?;
                ::core::result::Result::Ok(Self {})
            }
        }
    };
};
#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::simple_queue::typed::JobPayload for Tidy {
    type Output = ();
    const KIND: &'static ::core::primitive::str = "tidy";
    const QUEUE: &'static ::core::primitive::str = "default";
    const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new();
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
}
#[allow(
    dead_code,
    deprecated,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    clippy::missing_const_for_fn,
    clippy::new_without_default,
    clippy::used_underscore_binding
)]
impl Tidy {
    /// Creates a job that calls [`tidy`](fn@tidy) with these arguments.
    #[must_use = "a job is only stored when `.enqueue(..)` is awaited"]
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new() -> Self {
        Self {}
    }
    /// Creates the handler of this job with its state, to be registered by hand.
    #[must_use]
    pub(crate) fn handler<__State>(
        state: ::std::sync::Arc<__State>,
    ) -> ::simple_queue::typed::StatefulHandler<Self, __State>
    where
        __State: ::core::marker::Send + ::core::marker::Sync + 'static,
    {
        ::simple_queue::typed::StatefulHandler::new(state)
    }
    /// Stores the job through the queue, a pool, a connection, or in the caller's transaction.
    ///
    /// # Errors
    ///
    /// When the payload or its key cannot be stored, or the database fails.
    pub(crate) fn enqueue<'e>(
        self,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            ::simple_queue::Enqueued<Self>,
            ::simple_queue::Error,
        >,
    > + ::core::marker::Send + 'e {
        ::simple_queue::Enqueue::new(self).enqueue(on)
    }
    /// Sets a delay: the job is due this long after it is stored.
    pub(crate) fn delay(
        self,
        delay: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).delay(delay)
    }
    /// Sets the due time.
    pub(crate) fn at(
        self,
        time: ::simple_queue::private::DateTime<::simple_queue::private::Utc>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).at(time)
    }
    /// Sets the priority; smaller numbers run first.
    pub(crate) fn priority(
        self,
        priority: ::core::primitive::i16,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).priority(priority)
    }
    /// Sets another queue than the declared one.
    pub(crate) fn queue(
        self,
        queue: impl ::core::convert::Into<::std::string::String>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).queue(queue)
    }
    /// Sets how often this job runs again after a failure.
    pub(crate) fn retries(
        self,
        retries: ::core::primitive::u16,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).retries(retries)
    }
    /// Sets another unique key than the declared one.
    pub(crate) fn unique_key(
        self,
        key: impl ::core::convert::Into<::std::string::String>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_key(key)
    }
    /// Sets what happens if its unique key is taken.
    pub(crate) fn on_conflict(
        self,
        on_conflict: ::simple_queue::OnConflict,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).on_conflict(on_conflict)
    }
    /// Sets how long its unique key stays taken, whatever becomes of the job.
    pub(crate) fn unique_for(
        self,
        time: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_for(time)
    }
    /// Sets in which states a live job holds its unique key.
    pub(crate) fn unique_while(
        self,
        unique_while: ::simple_queue::UniqueWhile,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_while(unique_while)
    }
    /// Sets how long the job may wait after its due time.
    pub(crate) fn expires(
        self,
        expires: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).expires(expires)
    }
    /// Adds tags for people.
    pub(crate) fn tags(
        self,
        tags: impl ::core::iter::IntoIterator<
            Item = impl ::core::convert::Into<::std::string::String>,
        >,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).tags(tags)
    }
    /// Sets the timeout of one attempt.
    pub(crate) fn timeout(
        self,
        timeout: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).timeout(timeout)
    }
    /// Attaches metadata, as a JSON object.
    pub(crate) fn metadata(
        self,
        metadata: impl ::simple_queue::private::serde::Serialize,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).metadata(metadata)
    }
    /// Stores any number of jobs together, all or none: as declared, or each with options of
    /// its own.
    ///
    /// # Errors
    ///
    /// When one of them cannot be stored; then none is stored.
    pub(crate) fn enqueue_all<'e>(
        jobs: impl ::core::iter::IntoIterator<
            Item = impl ::core::convert::Into<::simple_queue::Enqueue<Self>>,
        > + ::core::marker::Send,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            ::std::vec::Vec<::simple_queue::Enqueued<Self>>,
            ::simple_queue::Error,
        >,
    > + ::core::marker::Send {
        ::simple_queue::private::enqueue_all(jobs, on)
    }
}
#[automatically_derived]
#[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
impl<__State> ::simple_queue::typed::TypedHandler<__State> for Tidy
where
    __State: ::core::marker::Send + ::core::marker::Sync + 'static,
{
    async fn run(
        _: Self,
        _: &__State,
        _: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        ::simple_queue::private::into_outcome(
            tidy().await,
            |error| {
                use ::simple_queue::private::DowncastRef as _;
                error.downcast_ref::<::simple_queue::private::JobError>()
            },
        )
    }
}
