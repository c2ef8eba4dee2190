use simple_queue::prelude::*;

#[job]
#[expect(non_snake_case)]
async fn Send(user_id: i64) {
    let _ = user_id;
}

fn main() {
    drop(Send(7));
}
