use simple_queue::prelude::*;

#[derive(Job)]
#[job(queue = "emails")]
union Send {
    user_id: i64,
}

fn main() {
    let _ = Send { user_id: 7 };
}
