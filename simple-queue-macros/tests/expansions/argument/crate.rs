#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl facade::queue::typed::JobPayload for Send {
    type Output = ();
    const KIND: &'static ::core::primitive::str = "send";
    const QUEUE: &'static ::core::primitive::str = "default";
    const OPTIONS: facade::queue::JobOptions = facade::queue::JobOptions::new();
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
    const ARGUMENTS: &'static [facade::queue::typed::StoredArgument] = &[
        facade::queue::typed::StoredArgument::new("user", "User"),
    ];
}
