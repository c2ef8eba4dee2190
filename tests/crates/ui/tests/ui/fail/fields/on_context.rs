use simple_queue::prelude::*;

#[job]
async fn send(#[job(rename = "cx")] cx: &JobContext) {
    let _ = cx;
}

fn main() {
    let _ = Send::new();
}
