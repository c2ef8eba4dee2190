use simple_queue::prelude::*;

const MAILS: JobTemplate = JobTemplate::new(JobOptions::new()).queue("My Mails");

#[job(template = MAILS)]
async fn send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
