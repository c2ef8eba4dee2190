use simple_queue::prelude::*;

mod epoch {
    pub fn serialize<S: serde::Serializer>(id: &i64, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_i64(*id)
    }
}

#[job]
async fn send(#[job(with = "epoch")] user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
