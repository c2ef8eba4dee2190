use simple_queue::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
struct Address;

#[job(derive(Debug))]
async fn send(address: Address, #[job(redact)] _secret: Address) {
    let _ = address;
}

fn main() {
    let _ = Send::new(Address, Address);
}
