use simple_queue::prelude::*;

#[job]
async fn send(user_id: i64) {
    let _ = user_id;
}

mod mail {
    #[simple_queue::job]
    pub async fn send() {}
}

fn main() {
    let _ = jobs![Send, mail::Send];
}
