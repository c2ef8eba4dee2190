//! Nothing that the user names gets in the way of the generated code.
#![allow(dead_code, unused_macros)]

mod shadows {
    pub struct Result;
    pub struct Option;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Vec;
    pub struct Box;
    pub trait Send {}
    pub trait Sync {}
    pub trait Sized {}
    pub trait Into {}
    pub trait From {}
    pub trait Future {}
    pub trait IntoIterator {}
    pub trait Clone {}
    pub trait Serialize {}
    pub trait Deserialize {}
    pub trait Debug {}
    pub struct Stored;
    pub struct Job;
    pub struct JobHandler;
    pub struct S;
    pub struct T1;
    pub mod primitive {}
    pub mod handler {}
    #[allow(non_camel_case_types)]
    pub struct str;
    #[allow(non_camel_case_types)]
    pub struct bool;
    #[allow(non_camel_case_types)]
    #[derive(::serde::Serialize, ::serde::Deserialize)]
    pub struct u64(::core::primitive::i64);
    #[allow(non_camel_case_types)]
    pub struct usize;
    pub struct Formatter;
    pub mod std {}
    pub mod core {}
    pub mod serde {}
    pub mod simple_queue {}
    macro_rules! format {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }
    macro_rules! file {
        () => {};
    }
    macro_rules! line {
        () => {};
    }

    #[derive(::serde::Serialize, ::serde::Deserialize)]
    pub struct String(i64);

    #[::simple_queue::job(unique = "{state}-{context}", timeout = "1s", backoff = "linear")]
    pub async fn send_mail(state: i64, context: i64, serializer: String, stored: i64) {
        let _ = (state, context, serializer.0, stored);
    }

    #[::simple_queue::job(
        payload = Default, derive(::core::fmt::Debug), fingerprint = "{given}", unique(by = [key]),
        backoff = exponential(base = "1s", jitter = 0)
    )]
    pub async fn stored(
        #[job(default = 7)] given: i64,
        #[job(default, redact)] formatter: i64,
        #[job(with = "numbers", default = 7)] key: i64,
    ) {
        let _ = (given, formatter, key);
    }

    mod numbers {
        pub fn serialize<S: ::serde::Serializer>(
            _: &i64,
            serializer: S,
        ) -> ::core::result::Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }

        pub fn deserialize<'de, D: ::serde::Deserializer<'de>>(
            _: D,
        ) -> ::core::result::Result<i64, D::Error> {
            ::core::result::Result::Ok(7)
        }
    }

    #[::simple_queue::job(unique)]
    pub async fn nothing(context: &::simple_queue::JobContext) {
        let _ = context;
    }

    #[::simple_queue::job(unique, version = 2, upgrade = none)]
    pub async fn numbered(state: &S, #[job(default = u64(7))] number: u64, other: i64) {
        let _ = (state, number.0, other);
    }

    #[derive(::simple_queue::Job)]
    #[job(unique(by = [number]), fingerprint = "{other}")]
    pub struct Counted {
        pub number: u64,
        pub other: i64,
    }

    #[::simple_queue::handler(on_exhausted = error)]
    pub async fn counted(job: Counted) {
        let _ = (job.number.0, job.other);
    }

    async fn error(job: Counted, _: &::simple_queue::JobContext, error: &::core::primitive::str) {
        let _ = (job.number.0, error);
    }

    #[derive(::simple_queue::JobState)]
    pub struct App {
        own: String,
        shared: ::std::sync::Arc<::std::string::String>,
    }

    pub fn all(queue: &::simple_queue::SimpleQueue, app: App) {
        let _ = queue.register(::simple_queue::jobs![SendMail, Default, Nothing], app);
        let _ = queue
            .register(::simple_queue::jobs![Numbered, CountedHandler], ::std::sync::Arc::new(S));
        let _ = Counted::find(u64(7), queue);
    }
}

#[test]
fn is_accepted() {}
