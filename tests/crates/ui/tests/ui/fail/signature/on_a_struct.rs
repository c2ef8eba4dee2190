use simple_queue::prelude::*;

#[job]
struct Send {
    user_id: i64,
}

fn main() {
    drop(Send { user_id: 7 }.user_id);
}
