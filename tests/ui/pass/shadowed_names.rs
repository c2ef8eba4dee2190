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
    pub mod std {}
    pub mod core {}
    pub mod serde {}
    pub mod simple_queue {}
    macro_rules! format { () => {}; }
    macro_rules! concat { () => {}; }
    macro_rules! file { () => {}; }
    macro_rules! line { () => {}; }

    #[derive(::serde::Serialize, ::serde::Deserialize)]
    pub struct String(i64);

    #[::simple_queue::job(unique = "{state}-{context}", timeout = "1s", backoff = "linear")]
    pub async fn send_mail(state: i64, context: i64, serializer: String, stored: i64) {
        let _ = (state, context, serializer.0, stored);
    }

    #[::simple_queue::job(unique)]
    pub async fn nothing(context: &::simple_queue::JobContext) {
        let _ = context;
    }

    #[derive(::simple_queue::JobState)]
    pub struct App {
        own: String,
        shared: ::std::sync::Arc<::std::string::String>,
    }

    pub fn all(queue: &::simple_queue::SimpleQueue, app: App) {
        let _ = queue.register(::simple_queue::jobs![SendMail, Nothing], app);
    }
}

fn main() {}
