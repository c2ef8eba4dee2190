use simple_queue::prelude::*;

mod epoch {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(id: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(*id)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        String::deserialize(from)
    }
}

#[job]
async fn send(#[job(with = "epoch")] user_id: i64) {
    let _ = user_id;
}

fn main() {
    let _ = Send::new(7);
}
