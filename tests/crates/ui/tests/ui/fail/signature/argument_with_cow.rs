use std::borrow::Cow;

use simple_queue::prelude::*;

#[job]
async fn send(names: Vec<Cow<'_, str>>) {
    let _ = names;
}

fn main() {}
