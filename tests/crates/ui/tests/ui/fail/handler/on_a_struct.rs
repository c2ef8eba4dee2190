use simple_queue::prelude::*;

#[handler]
struct Send {
    user_id: i64,
}

fn main() {
    let _ = Send { user_id: 7 };
}
