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
impl Send {
    #[doc(hidden)]
    fn __unique_key(text: &String) -> ::std::string::String {
        use ::simple_queue::private::{WriteFallback as _, WriteStored as _};
        struct __Key<'a>(&'a String);
        impl ::simple_queue::private::serde::Serialize for __Key<'_> {
            fn serialize<__S: ::simple_queue::private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&::simple_queue::private::Write((self.0,))).write(serializer)
            }
        }
        ::simple_queue::private::unique_key_of(&__Key(text))
    }
    /// The job with the key of these arguments that waits or runs, if there is one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn find<'e>(
        text: impl ::core::convert::Into<String>,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            ::core::option::Option<::simple_queue::Found<Self>>,
            ::simple_queue::Error,
        >,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::find::<
            Self,
        >(&Self::__unique_key(&::core::convert::Into::<String>::into(text)), on)
    }
    /// Cancels the job with the key of these arguments that waits or runs; says whether there was one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn cancel<'e>(
        text: impl ::core::convert::Into<String>,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<::core::primitive::bool, ::simple_queue::Error>,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::cancel::<
            Self,
        >(&Self::__unique_key(&::core::convert::Into::<String>::into(text)), on)
    }
}
