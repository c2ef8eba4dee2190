/// Stored arguments of the job [`send`](fn@send): queue `default`.
#[derive(Clone)]
#[allow(
    missing_copy_implementations,
    missing_debug_implementations,
    private_interfaces,
    unreachable_pub,
    clippy::exhaustive_structs,
    clippy::pub_underscore_fields
)]
struct Mail {
    /// The argument `language` of [`send`](fn@send).
    language: String,
    /// The argument `copies` of [`send`](fn@send).
    copies: u8,
    /// The argument `sent_at` of [`send`](fn@send).
    sent_at: Time,
    /// The argument `read_at` of [`send`](fn@send).
    read_at: Time,
}
#[automatically_derived]
#[allow(deprecated, clippy::used_underscore_binding)]
impl ::core::fmt::Debug for Mail {
    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        formatter
            .debug_struct("Mail")
            .field("language", &self.language)
            .field("copies", &self.copies)
            .field("sent_at", &self.sent_at)
            .field("read_at", &"…")
            .finish()
    }
}
#[doc(hidden)]
#[allow(deprecated, clippy::unnecessary_wraps, clippy::used_underscore_binding)]
const _: () = {
    struct __With3<T>(T);
    impl ::simple_queue::private::serde::Serialize for __With3<&Time> {
        fn serialize<__S: ::simple_queue::private::serde::Serializer>(
            &self,
            serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            epoch::serialize(self.0, serializer)
        }
    }
    impl<'de> ::simple_queue::private::serde::Deserialize<'de> for __With3<Time> {
        fn deserialize<__D: ::simple_queue::private::serde::Deserializer<'de>>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            let read: ::core::result::Result<Time, __D::Error> = epoch::deserialize(
                deserializer,
            );
            ::core::result::Result::map(read, Self)
        }
    }
    struct __With4<T>(T);
    impl ::simple_queue::private::serde::Serialize for __With4<&Time> {
        fn serialize<__S: ::simple_queue::private::serde::Serializer>(
            &self,
            serializer: __S,
        ) -> ::core::result::Result<__S::Ok, __S::Error> {
            epoch::serialize(self.0, serializer)
        }
    }
    impl<'de> ::simple_queue::private::serde::Deserialize<'de> for __With4<Time> {
        fn deserialize<__D: ::simple_queue::private::serde::Deserializer<'de>>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            let read: ::core::result::Result<Time, __D::Error> = epoch::deserialize(
                deserializer,
            );
            ::core::result::Result::map(read, Self)
        }
    }
    fn __default1() -> String {
        <String as ::core::default::Default>::default()
    }
    fn __default2() -> u8 {
        3
    }
    fn __default4() -> Time {
        Time::zero()
    }
    type __Type1 = String;
    type __Type2 = u8;
    type __Type3 = __With3<Time>;
    type __Type4 = __With4<Time>;
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
        struct __Stored<T1, T2, T3, T4> {
            #[serde(
                alias = "locale",
                alias = "lang",
                default = "::core::option::Option::default",
                deserialize_with = "__given",
                bound(
                    deserialize = "T1: ::simple_queue::private::serde::Deserialize<'de>"
                )
            )]
            language: ::core::option::Option<T1>,
            #[serde(
                default = "::core::option::Option::default",
                deserialize_with = "__given",
                bound(
                    deserialize = "T2: ::simple_queue::private::serde::Deserialize<'de>"
                )
            )]
            copies: ::core::option::Option<T2>,
            #[serde(rename = "sentAt")]
            sent_at: T3,
            #[serde(
                default = "::core::option::Option::default",
                deserialize_with = "__given",
                bound(
                    deserialize = "T4: ::simple_queue::private::serde::Deserialize<'de>"
                )
            )]
            read_at: ::core::option::Option<T4>,
        }
        #[automatically_derived]
        impl ::simple_queue::private::serde::Serialize for Mail {
            fn serialize<__S: ::simple_queue::private::serde::Serializer>(
                &self,
                serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                (&::simple_queue::private::Write(__Stored {
                    language: ::core::option::Option::Some(&self.language),
                    copies: ::core::option::Option::Some(&self.copies),
                    sent_at: __With3(&self.sent_at),
                    read_at: ::core::option::Option::Some(__With4(&self.read_at)),
                }))
                    .write(serializer)
            }
        }
        #[automatically_derived]
        impl<'de> ::simple_queue::private::serde::Deserialize<'de> for Mail {
            fn deserialize<__D: ::simple_queue::private::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                let stored: __Stored<__Type1, __Type2, __Type3, __Type4> = (&::simple_queue::private::Read::<
                    __Stored<__Type1, __Type2, __Type3, __Type4>,
                >::NEW)
                    .read(deserializer)?;
                ::core::result::Result::Ok(Self {
                    language: ::core::option::Option::unwrap_or_else(
                        stored.language,
                        __default1,
                    ),
                    copies: ::core::option::Option::unwrap_or_else(
                        stored.copies,
                        __default2,
                    ),
                    sent_at: stored.sent_at.0,
                    read_at: ::core::option::Option::map_or_else(
                        stored.read_at,
                        __default4,
                        |given| given.0,
                    ),
                })
            }
        }
    };
};
