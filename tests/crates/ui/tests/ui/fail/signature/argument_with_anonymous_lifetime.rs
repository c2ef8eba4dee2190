use simple_queue::prelude::*;

use std::borrow::Cow;

#[job]
async fn send(name: Cow<'_, str>) {
    let _ = name;
}

fn main() {
    let _ = Send::new("a");
}
