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
    fn __fingerprint(on: &i64) -> ::std::string::String {
        ::std::format!("{}", ::simple_queue::private::key_part(on))
    }
    /// Cancels all jobs, of whatever kind, with the fingerprint of these arguments that wait or run; says how many there were.
    ///
    /// # Errors
    ///
    /// When the database fails.
    #[allow(clippy::too_many_arguments)]
    fn cancel_all<'e>(
        on: i64,
        on: impl ::simple_queue::EnqueueOn<'e>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<::core::primitive::u64, ::simple_queue::Error>,
    > + ::core::marker::Send + 'e {
        ::simple_queue::private::cancel_all(Self::__fingerprint(&on), on)
    }
}
