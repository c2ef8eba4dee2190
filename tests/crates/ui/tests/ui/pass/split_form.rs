//! A job that is declared in one place and run in another.
#![deny(warnings)]

/// What other crates enqueue.
mod interface {
    use simple_queue::prelude::*;

    /// Greets a new user.
    #[derive(Job, Debug, Clone, PartialEq)]
    #[job(queue = "emails", retries = 5, unique = "user:{user_id}", fingerprint = "{locale}")]
    #[job(version = 2, upgrade = none, output = Vec<u8>)]
    pub struct SendEmail {
        /// Whom to greet.
        #[job(rename = "userId", alias = "user")]
        pub user_id: i64,
        #[job(default = "en".to_owned())]
        pub locale: String,
    }

    /// Stores nothing.
    #[derive(Job)]
    pub struct Tidy;

    #[derive(Job)]
    #[job(name = "nothing", unique)]
    pub struct StoresNothing {}

    #[derive(Job)]
    pub(crate) struct Measure {
        pub(crate) r#type: Option<String>,
    }
}

mod worker {
    use simple_queue::prelude::*;

    use super::interface::{SendEmail, StoresNothing, Tidy};

    pub type Answer = Result<Vec<u8>, BoxDynError>;

    /// Greets.
    #[handler(on_exhausted = apologize)]
    pub async fn send_email(
        context: &JobContext,
        mailer: &String,
        SendEmail { user_id, locale }: SendEmail,
    ) -> Answer {
        Ok(format!("{} {mailer} {user_id} {locale}", context.attempt()).into_bytes())
    }

    async fn apologize(job: SendEmail, _: &JobContext, error: &str) {
        let _ = (job.user_id, error);
    }

    #[handler]
    pub async fn tidy(_: Tidy) {}

    #[handler]
    pub async fn do_nothing(tx: &mut JobTx, _: StoresNothing) -> Result<(), BoxDynError> {
        let _ = tx;
        Ok(())
    }

    /// In one crate, the payload can stand for what runs it.
    #[job]
    pub async fn measure(job: super::interface::Measure) -> Result<(), BoxDynError> {
        let _ = job.r#type;
        Ok(())
    }

    /// Under another name.
    #[derive(Job)]
    #[job(output = u8)]
    pub struct Weight {}

    #[job(payload = Weight)]
    pub async fn weigh(job: Weight) -> Result<u8, BoxDynError> {
        let _ = job;
        Ok(7)
    }
}

use interface::{Measure, SendEmail, StoresNothing, Tidy};
use simple_queue::prelude::*;
use simple_queue::{
    JobOptions,
    typed::{JobHandler, JobPayload, TypedHandler},
};

async fn enqueue(queue: &SimpleQueue) -> Result<(), BoxDynError> {
    let job = SendEmail { user_id: 7, locale: "sk".to_owned() };
    job.clone().priority(7).enqueue(queue).await?;
    SendEmail::enqueue_all([job], queue).await?;
    SendEmail::find(7, queue).await?;
    SendEmail::cancel_all("sk", queue).await?;
    StoresNothing {}.enqueue(queue).await?;
    StoresNothing::cancel(queue).await?;
    Tidy.enqueue(queue).await?;
    Ok(())
}

#[test]
fn is_accepted() {
    let _ = enqueue;
    let job = SendEmail { user_id: 7, locale: "en".to_owned() };
    assert_eq!(SendEmail::KIND, "send_email");
    assert_eq!(SendEmail::QUEUE, "emails");
    assert_eq!(SendEmail::OPTIONS, JobOptions::new().retries(5));
    assert_eq!(SendEmail::VERSION, 2);
    assert!(SendEmail::DECLARED_AT.ends_with("split_form.rs:12"));
    assert_eq!(SendEmail::ARGUMENTS[0].name, "userId");
    assert_eq!(JobPayload::unique_key(&job).as_deref(), Some("user:7"));
    assert_eq!(serde_json::from_str::<SendEmail>(r#"{"user":7}"#).unwrap(), job);
    assert_eq!(serde_json::to_string(&job).unwrap(), r#"{"userId":7,"locale":"en"}"#);
    assert_eq!(serde_json::to_string(&Tidy).unwrap(), "{}");
    assert_eq!(StoresNothing::KIND, "nothing");
    assert_eq!(Measure { r#type: None }.r#type, None);

    fn payload<H: JobHandler<Payload = P>, P: JobPayload<Output = O>, O>(_: H, _: P) -> O
    where
        H: TypedHandler<String>,
        O: Default,
    {
        O::default()
    }
    let kept: Vec<u8> = payload(worker::SendEmailHandler, job);
    assert!(kept.is_empty());
    let state = std::sync::Arc::new(String::new());
    let _ = (worker::TidyHandler::handler(std::sync::Arc::clone(&state)), Measure::handler(state));
    let _ = |queue: SimpleQueue| {
        let jobs = jobs![
            worker::SendEmailHandler,
            worker::TidyHandler,
            worker::DoNothingHandler,
            Measure,
            worker::Weight
        ];
        queue.register(jobs, std::sync::Arc::new(String::new())).is_ok()
    };
}
