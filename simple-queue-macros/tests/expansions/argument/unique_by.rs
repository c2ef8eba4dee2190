#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::simple_queue::JobPayload for Send {
    type Output = ();
    const KIND: &'static ::core::primitive::str = "send";
    const KIND_HASH: ::core::primitive::u64 = 3251584743947114031u64;
    const QUEUE: &'static ::core::primitive::str = "default";
    const OPTIONS: ::simple_queue::JobOptions = ::simple_queue::JobOptions::new();
    const DECLARED_AT: &'static ::core::primitive::str = ::core::concat!(
        ::core::file!(), ":", ::core::line!()
    );
    fn unique_key(&self) -> ::core::option::Option<::std::string::String> {
        ::core::option::Option::Some({
            use ::simple_queue::private::{WriteFallback as _, WriteStored as _};
            struct __Key<'a>(&'a Send);
            impl ::simple_queue::private::serde::Serialize for __Key<'_> {
                fn serialize<__S: ::simple_queue::private::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    (&::simple_queue::private::Write((&self.0.user,))).write(serializer)
                }
            }
            ::simple_queue::private::unique_key_of(&__Key(self))
        })
    }
}
