#[allow(clippy::unused_async)]
/// Greets a new user.
async fn send_welcome(
    context: &JobContext,
    mailer: &Mailer,
    clock: &dyn Clock,
    user_id: i64,
    template: String,
) -> Result<(), MailError> {
    mailer.send(user_id, &template).await
}
/// Greets a new user.
///
/// Stored arguments of the job [`send_welcome`](fn@send_welcome): queue `emails`, 5 retries (exponential backoff), unique `welcome:{user_id}`.
#[allow(
    missing_copy_implementations,
    missing_debug_implementations,
    private_interfaces,
    unreachable_pub,
    clippy::exhaustive_structs,
    clippy::pub_underscore_fields
)]
struct SendWelcome {
    /// Whom to greet.
    user_id: i64,
    /// The argument `template` of [`send_welcome`](fn@send_welcome).
    template: String,
}
const _: () = ::simple_queue::private::assert_storable::<i64>();
const _: () = ::simple_queue::private::assert_storable::<String>();
#[doc(hidden)]
#[allow(deprecated, clippy::unnecessary_wraps, clippy::used_underscore_binding)]
const _: () = {
    type __Type1 = i64;
    type __Type2 = String;
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
        struct __Stored<T1, T2> {
            user_id: T1,
            template: T2,
        }
        #[automatically_derived]
        impl ::simple_queue::private::serde::Serialize for SendWelcome {
            fn serialize<__S: ::simple_queue::private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&::simple_queue::private::Write(__Stored {
                    user_id: &self.user_id,
                    template: &self.template,
                }))
                    .write(serializer)
            }
        }
        #[automatically_derived]
        impl<'de> ::simple_queue::private::serde::Deserialize<'de> for SendWelcome {
            fn deserialize<__D: ::simple_queue::private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let stored: __Stored<__Type1, __Type2> = (&::simple_queue::private::Read::<
                    __Stored<__Type1, __Type2>,
                >::NEW)
                    .read(deserializer)?;
                ::core::result::Result::Ok(Self {
                    user_id: stored.user_id,
                    template: stored.template,
                })
            }
        }
    };
};
#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::simple_queue::typed::JobPayload for SendWelcome {
    type Output = ();
    const KIND: &'static ::core::primitive::str = "send_welcome";
    const QUEUE: &'static ::core::primitive::str = "emails";
    const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new()
        .max_attempts(6)
        .backoff(::simple_queue::Backoff::EXPONENTIAL);
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
    const ARGUMENTS: &'static [::simple_queue::typed::StoredArgument] = &[
        ::simple_queue::typed::StoredArgument::new("user_id", "i64"),
        ::simple_queue::typed::StoredArgument::new("template", "String"),
    ];
    fn unique_key(&self) -> ::core::option::Option<::std::string::String> {
        ::core::option::Option::Some(Self::__unique_key(&self.user_id))
    }
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
impl SendWelcome {
    /// Creates a job that calls [`send_welcome`](fn@send_welcome) with these arguments.
    #[must_use = "a job is only stored when `.enqueue(..)` is awaited"]
    #[allow(clippy::too_many_arguments)]
    fn new(user_id: i64, template: impl ::core::convert::Into<String>) -> Self {
        Self {
            user_id,
            template: ::core::convert::Into::into(template),
        }
    }
    /// Creates the handler of this job with its state, to be registered by hand.
    #[must_use]
    fn handler<__State>(
        state: ::std::sync::Arc<__State>,
    ) -> ::simple_queue::typed::StatefulHandler<Self, __State>
    where
        __State: ::simple_queue::private::ProvideTo<Self, Mailer>
            + ::simple_queue::private::ProvideTo<Self, dyn Clock> + ::core::marker::Send
            + ::core::marker::Sync + 'static,
    {
        ::simple_queue::typed::StatefulHandler::new(state)
    }
    /// Stores the job through the queue, a pool, a connection, or in the caller's transaction.
    ///
    /// # Errors
    ///
    /// When the payload or its key cannot be stored, or the database fails.
    fn enqueue<'e>(
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
    fn delay(self, delay: ::core::time::Duration) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).delay(delay)
    }
    /// Sets the due time.
    fn at(
        self,
        time: ::simple_queue::private::DateTime<::simple_queue::private::Utc>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).at(time)
    }
    /// Sets the priority; smaller numbers run first.
    fn priority(
        self,
        priority: ::core::primitive::i16,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).priority(priority)
    }
    /// Sets another queue than the declared one.
    fn queue(
        self,
        queue: impl ::core::convert::Into<::std::string::String>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).queue(queue)
    }
    /// Sets how often this job runs again after a failure.
    fn retries(self, retries: ::core::primitive::u16) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).retries(retries)
    }
    /// Sets another unique key than the declared one.
    fn unique_key(
        self,
        key: impl ::core::convert::Into<::std::string::String>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_key(key)
    }
    /// Sets what happens if its unique key is taken.
    fn on_conflict(
        self,
        on_conflict: ::simple_queue::OnConflict,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).on_conflict(on_conflict)
    }
    /// Sets how long its unique key stays taken, whatever becomes of the job.
    fn unique_for(self, time: ::core::time::Duration) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_for(time)
    }
    /// Sets in which states a live job holds its unique key.
    fn unique_while(
        self,
        unique_while: ::simple_queue::UniqueWhile,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_while(unique_while)
    }
    /// Sets how long the job may wait after its due time.
    fn expires(self, expires: ::core::time::Duration) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).expires(expires)
    }
    /// Adds tags for people.
    fn tags(
        self,
        tags: impl ::core::iter::IntoIterator<
            Item = impl ::core::convert::Into<::std::string::String>,
        >,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).tags(tags)
    }
    /// Sets the timeout of one attempt.
    fn timeout(self, timeout: ::core::time::Duration) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).timeout(timeout)
    }
    /// Attaches metadata, as a JSON object.
    fn metadata(
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
    fn enqueue_all<'e>(
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
    #[doc(hidden)]
    fn __unique_key(user_id: &i64) -> ::std::string::String {
        ::std::format!("welcome:{}", ::simple_queue::private::key_part(user_id))
    }
    /// The job with the key of these arguments that waits or runs, if there is one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn find<'e>(
        user_id: i64,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            ::core::option::Option<::simple_queue::Found<Self>>,
            ::simple_queue::Error,
        >,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::find::<Self>(&Self::__unique_key(&user_id), on)
    }
    /// Cancels the job with the key of these arguments that waits or runs; says whether there was one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn cancel<'e>(
        user_id: i64,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<::core::primitive::bool, ::simple_queue::Error>,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::cancel::<Self>(&Self::__unique_key(&user_id), on)
    }
}
#[automatically_derived]
#[allow(deprecated, private_bounds, clippy::used_underscore_binding)]
impl<__State> ::simple_queue::typed::TypedHandler<__State> for SendWelcome
where
    __State: ::simple_queue::private::ProvideTo<Self, Mailer>
        + ::simple_queue::private::ProvideTo<Self, dyn Clock> + ::core::marker::Send
        + ::core::marker::Sync + 'static,
{
    async fn run(
        job: Self,
        state: &__State,
        context: &::simple_queue::JobContext,
    ) -> ::simple_queue::typed::Outcome {
        ::simple_queue::private::into_outcome(
            send_welcome(
                    context,
                    <__State as ::simple_queue::typed::Provide<Mailer>>::provide(state),
                    <__State as ::simple_queue::typed::Provide<
                        dyn Clock,
                    >>::provide(state),
                    job.user_id,
                    job.template,
                )
                .await,
            |error| {
                use ::simple_queue::private::DowncastRef as _;
                error.downcast_ref::<::simple_queue::private::JobError>()
            },
        )
    }
}
