#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::simple_queue::typed::JobPayload for Send {
    type Output = ();
    const KIND: &'static ::core::primitive::str = "send";
    const QUEUE: &'static ::core::primitive::str = "default";
    const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new();
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
    const ARGUMENTS: &'static [::simple_queue::typed::StoredArgument] = &[
        ::simple_queue::typed::StoredArgument::new("user", "User"),
    ];
    const SCHEDULE: ::core::option::Option<::simple_queue::typed::DeclaredSchedule> = ::core::option::Option::Some(
        ::simple_queue::typed::DeclaredSchedule::every(
            ::core::time::Duration::from_millis(900000),
        ),
    );
    fn scheduled() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(Self { user: User::nobody() })
    }
}
