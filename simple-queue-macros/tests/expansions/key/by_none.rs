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
    fn __unique_key() -> ::std::string::String {
        ::simple_queue::private::unique_key_of(&())
    }
    /// The job with the key of these arguments that waits or runs, if there is one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn find<'e>(
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            ::core::option::Option<::simple_queue::Found<Self>>,
            ::simple_queue::Error,
        >,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::find::<Self>(&Self::__unique_key(), on)
    }
    /// Cancels the job with the key of these arguments that waits or runs; says whether there was one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn cancel<'e>(
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<::core::primitive::bool, ::simple_queue::Error>,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::cancel::<Self>(&Self::__unique_key(), on)
    }
}
