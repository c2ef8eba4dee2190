#[allow(clippy::unused_async)]
fn send(name: &str, (width, height): (u32, u32), anything: impl Trait, id: i64) {}
::core::compile_error! {
    "a `#[job]` function must be `async`\n\nhelp: write `async fn send`"
}
::core::compile_error! {
    "job arguments are stored, so `&str` must be `String`\n\nnote: by reference, a job takes its worker's state"
}
::core::compile_error! {
    "a job argument needs a name: it is the name of the stored field\n\nhelp: write `name: (u32, u32)`, and take it apart in the body"
}
::core::compile_error! {
    "a job cannot be generic: its arguments must have one known type to be read back from the database"
}
::core::compile_error! {
    "`alias` needs a value, like `alias = \"old_name\"`"
}
///
#[allow(dead_code, missing_debug_implementations, private_interfaces, unreachable_pub)]
struct Send {
    name: ::std::string::String,
    argument_2: (u32, u32),
    id: i64,
}
#[allow(deprecated)]
const _: () = {
    impl ::simple_queue::private::serde::Serialize for Send {
        fn serialize<S: ::simple_queue::private::serde::Serializer>(
            &self,
            _: S,
        ) -> ::core::result::Result<S::Ok, S::Error> {
            ::core::unreachable!()
        }
    }
    impl<'de> ::simple_queue::private::serde::Deserialize<'de> for Send {
        fn deserialize<D: ::simple_queue::private::serde::Deserializer<'de>>(
            _: D,
        ) -> ::core::result::Result<Self, D::Error> {
            ::core::unreachable!()
        }
    }
    impl ::simple_queue::typed::JobPayload for Send {
        type Output = ();
        const KIND: &'static ::core::primitive::str = "Send";
        const QUEUE: &'static ::core::primitive::str = "default";
        const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new();
        const DECLARED_AT: &'static ::core::primitive::str = "";
    }
    impl<__State> ::simple_queue::typed::TypedHandler<__State> for Send
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
};
#[allow(dead_code, deprecated, private_interfaces, unreachable_pub, unused_variables)]
impl Send {
    /// Does nothing: the job was refused.
    fn new(
        name: impl ::core::convert::Into<::std::string::String>,
        argument_2: (u32, u32),
        anything_2: impl ::core::marker::Sized,
        id: i64,
    ) -> Self {
        ::core::unreachable!()
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
    /// Does nothing: the job was refused.
    fn handler<__State>(
        state: ::std::sync::Arc<__State>,
    ) -> ::simple_queue::typed::StatefulHandler<Self, __State>
    where
        __State: ::core::marker::Send + ::core::marker::Sync + 'static,
        Self: ::simple_queue::typed::TypedHandler<__State>,
    {
        ::core::unreachable!()
    }
}
