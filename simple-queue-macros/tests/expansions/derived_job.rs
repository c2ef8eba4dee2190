const _: () = ::simple_queue::private::assert_storable::<i64>();
const _: () = ::simple_queue::private::assert_storable::<String>();
#[doc(hidden)]
#[allow(deprecated, clippy::unnecessary_wraps, clippy::used_underscore_binding)]
const _: () = {
    fn __default2() -> String {
        <String as ::core::default::Default>::default()
    }
    type __Type1 = i64;
    type __Type2 = String;
    const _: () = {
        #[allow(unused_imports)]
        use ::core::primitive::*;
        use ::simple_queue::private::{
            ReadFallback as _, ReadStored as _, WriteFallback as _, WriteStored as _,
        };
        fn __given<
            'de,
            T: ::simple_queue::private::serde::Deserialize<'de>,
            D: ::simple_queue::private::serde::Deserializer<'de>,
        >(
            deserializer: D,
        ) -> ::core::result::Result<::core::option::Option<T>, D::Error> {
            ::core::result::Result::map(
                T::deserialize(deserializer),
                ::core::option::Option::Some,
            )
        }
        #[derive(
            ::simple_queue::private::serde::Serialize,
            ::simple_queue::private::serde::Deserialize
        )]
        #[serde(crate = "::simple_queue::private::serde")]
        struct __Stored<T1, T2> {
            user_id: T1,
            #[serde(
                default = "::core::option::Option::default",
                deserialize_with = "__given",
                bound(
                    deserialize = "T2: ::simple_queue::private::serde::Deserialize<'de>"
                )
            )]
            locale: ::core::option::Option<T2>,
        }
        #[automatically_derived]
        impl ::simple_queue::private::serde::Serialize for SendEmail {
            fn serialize<__S: ::simple_queue::private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&::simple_queue::private::Write(__Stored {
                    user_id: &self.user_id,
                    locale: ::core::option::Option::Some(&self.locale),
                }))
                    .write(serializer)
            }
        }
        #[automatically_derived]
        impl<'de> ::simple_queue::private::serde::Deserialize<'de> for SendEmail {
            fn deserialize<__D: ::simple_queue::private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let stored: __Stored<__Type1, __Type2> = (&::simple_queue::private::Read::<
                    __Stored<__Type1, __Type2>,
                >::NEW)
                    .read(deserializer)?;
                ::core::result::Result::Ok(Self {
                    user_id: stored.user_id,
                    locale: ::core::option::Option::unwrap_or_else(
                        stored.locale,
                        __default2,
                    ),
                })
            }
        }
    };
};
#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::simple_queue::typed::JobPayload for SendEmail {
    type Output = Receipt;
    const KIND: &'static ::core::primitive::str = "send_email";
    const QUEUE: &'static ::core::primitive::str = "emails";
    const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new();
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
    const ARGUMENTS: &'static [::simple_queue::typed::StoredArgument] = &[
        ::simple_queue::typed::StoredArgument::new("user_id", "i64"),
        ::simple_queue::typed::StoredArgument::new("locale", "String").with_default(),
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
impl SendEmail {
    /// Creates a job with these arguments.
    #[must_use = "a job is only stored when `.enqueue(..)` is awaited"]
    #[allow(clippy::too_many_arguments)]
    pub fn new(user_id: i64, locale: impl ::core::convert::Into<String>) -> Self {
        Self {
            user_id,
            locale: ::core::convert::Into::into(locale),
        }
    }
    /// Stores the job through the queue, a pool, a connection, or in the caller's transaction.
    ///
    /// # Errors
    ///
    /// When the payload or its key cannot be stored, or the database fails.
    pub fn enqueue<'e>(
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
    pub fn delay(self, delay: ::core::time::Duration) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).delay(delay)
    }
    /// Sets the due time.
    pub fn at(
        self,
        time: ::simple_queue::private::DateTime<::simple_queue::private::Utc>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).at(time)
    }
    /// Sets the priority; smaller numbers run first.
    pub fn priority(
        self,
        priority: ::core::primitive::i16,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).priority(priority)
    }
    /// Sets another queue than the declared one.
    pub fn queue(
        self,
        queue: impl ::core::convert::Into<::std::string::String>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).queue(queue)
    }
    /// Sets how often this job runs again after a failure.
    pub fn retries(
        self,
        retries: ::core::primitive::u16,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).retries(retries)
    }
    /// Sets another unique key than the declared one.
    pub fn unique_key(
        self,
        key: impl ::core::convert::Into<::std::string::String>,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_key(key)
    }
    /// Sets what happens if its unique key is taken.
    pub fn on_conflict(
        self,
        on_conflict: ::simple_queue::OnConflict,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).on_conflict(on_conflict)
    }
    /// Sets how long its unique key stays taken, whatever becomes of the job.
    pub fn unique_for(
        self,
        time: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_for(time)
    }
    /// Sets in which states a live job holds its unique key.
    pub fn unique_while(
        self,
        unique_while: ::simple_queue::UniqueWhile,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).unique_while(unique_while)
    }
    /// Sets how long the job may wait after its due time.
    pub fn expires(
        self,
        expires: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).expires(expires)
    }
    /// Adds tags for people.
    pub fn tags(
        self,
        tags: impl ::core::iter::IntoIterator<
            Item = impl ::core::convert::Into<::std::string::String>,
        >,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).tags(tags)
    }
    /// Sets the timeout of one attempt.
    pub fn timeout(
        self,
        timeout: ::core::time::Duration,
    ) -> ::simple_queue::Enqueue<Self> {
        ::simple_queue::Enqueue::new(self).timeout(timeout)
    }
    /// Attaches metadata, as a JSON object.
    pub fn metadata(
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
    pub fn enqueue_all<'e>(
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
        ::std::format!("{}", ::simple_queue::private::key_part(user_id))
    }
    /// The job with the key of these arguments that waits or runs, if there is one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    pub fn find<'e>(
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
    pub fn cancel<'e>(
        user_id: i64,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<::core::primitive::bool, ::simple_queue::Error>,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::cancel::<Self>(&Self::__unique_key(&user_id), on)
    }
}
