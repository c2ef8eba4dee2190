use simple_queue::prelude::*;

#[job]
async fn send<T>(user_id: T)
where
    T: Clone,
{
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
