use simple_queue::prelude::*;

#[job]
async fn send<const N: usize>(user_id: [u8; N]) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new([7]);
}
