use simple_queue::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Address;

#[job(derive(Debug, Clone))]
async fn send(address: Address) {
    let _ = address;
}

fn main() {
    let _ = Send::new(Address);
}
