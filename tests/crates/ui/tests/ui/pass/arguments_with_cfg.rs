//! Arguments that are there in some builds only.
#![deny(warnings)]
use simple_queue::prelude::*;
use simple_queue::typed::JobPayload;

/// Greets.
#[job(unique, tags("mail"))]
pub async fn send(
    #[cfg(any())] mailer: &Mailer,
    #[cfg(all())] clock: &String,
    /// Whom.
    user_id: i64,
    #[cfg(all())]
    #[job(default)]
    text: std::collections::HashMap<u8, String>,
    #[cfg(any())]
    #[job(default)]
    other: Unknown,
) -> Result<(), BoxDynError> {
    #[cfg(any())]
    let _ = (mailer, other);
    let _ = (clock, user_id, text);
    Ok(())
}

#[derive(Job)]
#[job(unique)]
struct Tidy {
    days: u8,
    #[cfg(any())]
    other: Unknown,
    #[cfg(all())]
    #[job(default)]
    hours: u8,
}

#[handler]
async fn tidy(#[cfg(any())] mailer: &Mailer, #[cfg(all())] clock: &String, job: Tidy) {
    let _ = (clock, job.days, job.hours);
}

#[test]
fn is_accepted() {
    let job = Send::new(7, [(1, String::new())].into());
    assert_eq!(serde_json::to_string(&job).unwrap(), r#"{"user_id":7,"text":{"1":""}}"#);
    let read: Send = serde_json::from_str(r#"{"user_id":7,"other":5}"#).unwrap();
    assert_eq!((read.user_id, read.text.len()), (7, 0));
    let names: Vec<&str> = Send::ARGUMENTS.iter().map(|argument| argument.name).collect();
    assert_eq!(names, ["user_id", "text"]);
    let names: Vec<&str> = Tidy::ARGUMENTS.iter().map(|argument| argument.name).collect();
    assert_eq!(names, ["days", "hours"]);
    let _ = |queue: SimpleQueue| {
        drop(Send::find(7, [].into(), &queue));
        drop(Tidy::find(7, 8, &queue));
        queue.register(jobs![Send, TidyHandler], std::sync::Arc::new(String::new())).is_ok()
    };
}
