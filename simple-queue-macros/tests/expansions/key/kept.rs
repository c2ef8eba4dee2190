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
        ::std::format!("{}", ::simple_queue::private::key_part(text))
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
    /// The job that keeps the key of these arguments, whether it has ended or not, if there is one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn find_kept_key<'e>(
        text: impl ::core::convert::Into<String>,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            ::core::option::Option<::simple_queue::KeptKey>,
            ::simple_queue::Error,
        >,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::find_kept_key::<
            Self,
        >(&Self::__unique_key(&::core::convert::Into::<String>::into(text)), on)
    }
    /// Frees the key of these arguments if it is kept; says whether it was. A job that waits or runs holds its key all the same.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn release_key<'e>(
        text: impl ::core::convert::Into<String>,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<::core::primitive::bool, ::simple_queue::Error>,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::release_key::<
            Self,
        >(&Self::__unique_key(&::core::convert::Into::<String>::into(text)), on)
    }
}
