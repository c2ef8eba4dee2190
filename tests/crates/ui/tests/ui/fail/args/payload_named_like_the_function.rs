use simple_queue::prelude::*;

#[allow(non_snake_case)]
#[job(payload = Welcome)]
async fn Welcome(user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = 7;
}
