#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::simple_queue::typed::JobPayload for Send {
    type Output = ();
    const KIND: &'static ::core::primitive::str = "send";
    const QUEUE: &'static ::core::primitive::str = "default";
    const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new()
        .fair_per_key();
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
    const ARGUMENTS: &'static [::simple_queue::typed::StoredArgument] = &[
        ::simple_queue::typed::StoredArgument::new("user", "User"),
    ];
    fn limit_key(&self) -> ::core::option::Option<::std::string::String> {
        ::core::option::Option::Some(Self::__limit_key(&self.user))
    }
}
